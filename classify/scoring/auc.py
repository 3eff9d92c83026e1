"""Areas under the ROC and precision-recall curves, for many weightings of the rows at once."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from classify.scoring.cell_sums import FEW, CellSums

BLOCK = 1 << 14  # numbers at a time: they stay in the cache
LEAST = 1e-300  # a weight in place of none, for a step without positives, which counts nothing


class Ranking:
    """Rows by falling score: sorted once, however often they are weighted.

    Rows with equal scores are one step. Of both curves only the steps with a positive row matter. Under a few
    weightings of many rows the sums down to these steps are running sums in the order of the ranks; under many of few
    rows the weights are summed over the steps, and over what lies between them, by one product for all weightings.

    Args:
        hit: bool ``[n]``, which rows are positive.
        score: float ``[n]``.
    """

    def __init__(self, hit: np.ndarray, score: np.ndarray) -> None:
        order = np.argsort(-score, kind="stable")
        step = np.cumsum(np.append(False, np.diff(score[order]) != 0)[: len(order)])  # of each row, by rank
        self._order, self._step, self._hits = order, step, np.flatnonzero(hit[order])
        self._ordered = bool((np.diff(order) == 1).all())  # the rows lie in the order of the ranks

    def areas(self, weights: np.ndarray) -> np.ndarray:
        """ROC-AUC and average precision ``[2, B]`` under weights ``[B, n]``; NaN where all weight is of one kind."""
        if len(weights) <= FEW:
            return np.stack([self._by_running_sums(own) for own in weights], axis=1)
        return self._by_cells(weights)

    @cached_property
    def _parts(self) -> list[_Part]:
        """The ranks in parts that stay in the cache; a step is never parted."""
        starts = np.append(np.flatnonzero(np.diff(self._step, prepend=-1)), len(self._step))  # first rank of each step
        edges = np.unique(
            starts[np.searchsorted(starts, range(0, len(self._step) + BLOCK, BLOCK)).clip(0, len(starts) - 1)]
        )
        return [self._part(slice(a, b)) for a, b in pairwise(edges.tolist())]

    def _part(self, ranks: slice) -> _Part:
        step = self._step[ranks]
        hits = self._hits[slice(*np.searchsorted(self._hits, (ranks.start, ranks.stop)))] - ranks.start
        first = np.flatnonzero(np.diff(step[hits], prepend=-1))
        steps = step[hits[first]]
        begin, end = np.searchsorted(step, steps), np.searchsorted(step, steps, "right") - 1
        return _Part(ranks, hits, first, begin, end, bool((begin == end).all()))

    def _by_running_sums(self, weights: np.ndarray) -> np.ndarray:
        """Of one weighting ``[n]``, ``[2]``."""
        weights = weights if self._ordered else weights[self._order]
        positives = total = wrong = precise = 0.0  # of all parts so far
        for part in self._parts:
            own = weights[part.ranks]
            above = _running_sums(own)  # rows of the part down to each
            if len(part.hits):
                at = own[part.hits]
                at = at if part.alone else np.add.reduceat(at, part.first)  # positives in each step
                taken = above[part.end].astype(float)  # rows down to the end of each positive step
                before = taken - at if part.alone else above[part.begin] - own[part.begin]  # rows above it
                found = np.cumsum(at)  # positives down to it
                # pairs ranked wrong: negatives above each positive, and half of those in its step
                before += taken
                before += at
                before /= 2
                before -= found
                before += total - positives
                wrong += float(np.einsum("s,s->", before, at))  # not @: the threads of BLAS wait busily
                taken += total
                found += positives
                found /= np.maximum(taken, LEAST, out=taken)
                precise += float(np.einsum("s,s->", found, at))
                positives += float(at.sum())
            total += float(above[-1])
        pairs = positives * (total - positives)
        return np.array([(pairs - wrong) / pairs, precise / positives] if pairs > 0 else [np.nan, np.nan])

    @cached_property
    def _cells(self) -> tuple[CellSums, CellSums]:
        """All rows by the positive steps and what lies between them, and the positive rows by the positive steps."""
        order, step = self._order, self._step
        positive = np.zeros(step[-1] + 1 if len(step) else 0, bool)  # whether a step has a positive row
        positive[step[self._hits]] = True
        number = np.cumsum(positive)  # positive steps down to each step, itself among them
        stretch, own = np.empty(len(order), np.intp), np.full(len(order), -1)
        stretch[order] = (2 * number - positive)[step]  # odd: a positive step; even: between two
        own[order[self._hits]] = number[step[self._hits]] - 1
        steps = int(number[-1]) if len(number) else 0
        return CellSums(stretch, 2 * steps + 1), CellSums(own, steps)

    def _by_cells(self, weights: np.ndarray) -> np.ndarray:
        """Of weightings ``[B, n]``, ``[2, B]``."""
        all_rows, positive_rows = self._cells
        of_step, stretches = positive_rows(weights), all_rows(weights)  # [B, steps], [B, 2 steps + 1]
        positives, total = np.einsum("bs->b", of_step), np.einsum("bs->b", stretches)
        found, taken, wrong, precise = np.zeros((4, len(weights), 1))
        size = max(1, BLOCK // len(weights))
        for start in range(0, of_step.shape[1], size):
            at = of_step[:, start : start + size].copy("C")  # positives in each step
            both = stretches[:, 2 * start : 2 * (start + at.shape[1])].copy("C")
            own = both[:, 1::2]  # all rows in each step
            # positives, and all rows, down to the end of each step
            hits, rows = np.cumsum(at, axis=1), np.cumsum(both[:, ::2] + own, axis=1)
            hits += found
            rows += taken
            # pairs ranked wrong: negatives above each positive, and half of those in its step
            wrong += (at * (rows - hits - (own - at) / 2)).sum(1, keepdims=True)
            precise += (at * hits / np.maximum(rows, LEAST)).sum(1, keepdims=True)
            found, taken = hits[:, -1:], rows[:, -1:]
        wrong, precise = wrong[:, 0], precise[:, 0]
        negatives = total - positives
        pairs = positives * negatives
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack([(pairs - wrong) / pairs, np.where(negatives > 0, precise / positives, np.nan)])


def _running_sums(weights: np.ndarray) -> np.ndarray:
    """``np.cumsum``; of whole weights, which those of resamples are, in integers: as exact, in a third of the time."""
    with np.errstate(invalid="ignore"):  # what is too large for an integer is not equal to it
        whole = weights.astype(np.int32)
    return np.cumsum(whole, dtype=np.int64) if (whole == weights).all() else np.cumsum(weights)


class _Part(NamedTuple):
    """Some ranks; the numbers are within them.

    Attributes:
        ranks: which.
        hits: int ``[h]``, the positive rows.
        first: int ``[s]``, number among these of the first of each positive step.
        begin, end: int ``[s]``, the first and the last row of each positive step.
        alone: whether each of these is of one row.
    """

    ranks: slice
    hits: np.ndarray
    first: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    alone: bool


def areas(hit: np.ndarray, score: np.ndarray) -> np.ndarray:
    """ROC-AUC and average precision of rows that count once each, ``[2]``; arguments as ``Ranking``."""
    return Ranking(hit, score).areas(np.ones((1, len(hit))))[:, 0]


def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0)
