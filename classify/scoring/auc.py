"""Areas under the ROC and precision-recall curves, for many weightings of the rows at once."""

from __future__ import annotations

import numpy as np

from classify.scoring.cell_sums import CellSums

BLOCK = 1 << 14  # numbers at a time: they stay in the cache
LEAST = 1e-300  # a weight in place of none, for a step without positives, which counts nothing


class Ranking:
    """Rows by falling score: sorted once, however often they are weighted.

    Rows with equal scores are one step. Of both curves only the steps with a positive row matter, so the weights are
    summed over these steps and over what lies between them.

    Args:
        hit: bool ``[n]``, which rows are positive.
        score: float ``[n]``.
    """

    def __init__(self, hit: np.ndarray, score: np.ndarray) -> None:
        order = np.argsort(-score, kind="stable")
        step = np.cumsum(np.append(False, np.diff(score[order]) != 0)[: len(order)])  # of each row, by rank
        positive = np.zeros(step[-1] + 1 if len(step) else 0, bool)  # whether a step has a positive row
        positive[step[hit[order]]] = True
        number = np.cumsum(positive)  # positive steps down to each step, itself among them
        stretch, own = np.empty(len(order), np.intp), np.empty(len(order), np.intp)
        stretch[order] = (2 * number - positive)[step]  # odd: a positive step; even: between two
        own[order] = number[step] - 1
        steps = int(number[-1]) if len(number) else 0
        self._all, self._positive = CellSums(stretch, 2 * steps + 1), CellSums(np.where(hit, own, -1), steps)

    def areas(self, weights: np.ndarray) -> np.ndarray:
        """ROC-AUC and average precision ``[2, B]`` under weights ``[B, n]``; NaN where all weight is of one kind."""
        of_step, stretches = self._positive(weights), self._all(weights)  # [B, steps], [B, 2 steps + 1]
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


def areas(hit: np.ndarray, score: np.ndarray) -> np.ndarray:
    """ROC-AUC and average precision of rows that count once each, ``[2]``; arguments as ``Ranking``."""
    return Ranking(hit, score).areas(np.ones((1, len(hit))))[:, 0]


def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0)
