"""Resamples of groups of rows, drawn with replacement, and the scores of each."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from math import exp, factorial, sqrt

import numpy as np

from classify.scoring.cell_sums import FEW
from classify.scoring.metrics import METRICS, metrics_of
from classify.scoring.predictions import Predictions
from stores.shared.cores import threads

RESAMPLES = 1000
CELLS, FEWEST = 1 << 19, 8  # weights of a part (4 MiB), but so many resamples at least; each part has draws of its own
PAIR = 2  # resamples of such a large part that are held at a time: of one alone sums would differ in the last bits
MOST = 1 << 26  # weights held at a time by all cores (512 MiB): if these are large, not all cores draw
BLOCK = 1 << 13  # groups, or predictions, at a time
BELOW = 7  # standard deviations by which the sum of the counts that are looked up is below the number of groups


def resampled(
    found: Sequence[Predictions],
    group: np.ndarray,
    seed: int,
    resamples: int = RESAMPLES,
    names: Sequence[str] | None = None,
) -> list[dict[str, np.ndarray]]:
    """Every metric that is one number, of all of ``found`` in the same resamples: name -> ``[resamples]`` each.

    Args:
        found: predictions of the same rows, ``t`` each.
        group: int ``[t]``, what is drawn.
        seed, resamples: see ``draws``.
        names: of the metrics; all that have an interval if None.
    """
    ranks = np.argsort(-found[0].proba[:, found[0].positive], kind="stable")  # ranked rows need not be put in order
    scores, group = [predictions.unweighted(ranks) for predictions in found], group[ranks]
    known = [metric.name for metric in metrics_of(found[0].problem, per_class=False) if metric.interval != "none"]
    wanted = known if names is None else [name for name in known if name in names]

    drawn, own = _DrawnGroups(group, seed, resamples), threading.local()

    def of_part(number: int) -> list[list[list[np.ndarray]]]:
        if not hasattr(own, "room"):  # new memory for each part would cost more than the draws
            own.room = drawn.room()
        values = []
        for weights in drawn.weights(number, own.room):
            each = [scored.under(weights) for scored in scores]
            values.append([[METRICS[name].values(scored) for name in wanted] for scored in each])
        return values

    first = of_part(0)  # what is made once is made by one
    del own.room  # this thread draws no more
    with ThreadPoolExecutor(max(1, min(threads(), MOST // (len(group) * drawn.held)))) as pool:
        parts = list(chain(first, *pool.map(of_part, range(1, len(drawn)))))
    return [
        {name: np.concatenate([part[i][j] for part in parts]) for j, name in enumerate(wanted)}
        for i in range(len(found))
    ]


def draws(group: np.ndarray, seed: int, resamples: int = RESAMPLES) -> Iterator[np.ndarray]:
    """How often each prediction counts in each resample: float64 ``[b, t]``, some resamples at a time.

    Args:
        group: int ``[t]``; all predictions of a group are drawn together.
        seed: of the draws.
        resamples: how many in all.
    """
    drawn = _DrawnGroups(group, seed, resamples)
    return chain.from_iterable(drawn.weights(number) for number in range(len(drawn)))


class _DrawnGroups:
    """As ``draws``, in parts that are each drawn by themselves, so that cores can share them."""

    def __init__(self, group: np.ndarray, seed: int, resamples: int) -> None:
        first, self._group = np.unique(group, return_inverse=True)
        self._n_groups = len(first)
        self._each_by_itself = len(first) == len(group) and (np.diff(self._group) == 1).all()
        self._table = _poisson_table(max(0.0, 1 - BELOW / sqrt(len(first))))
        step = max(FEWEST, CELLS // len(group))
        self.held = min(step if step > FEWEST else PAIR, resamples)
        self._sizes = [min(step, resamples - start) for start in range(0, resamples, step)]
        self._seeds = np.random.SeedSequence(seed).spawn(len(self._sizes))

    def __len__(self) -> int:
        return len(self._sizes)

    def room(self) -> np.ndarray:
        """``[held, t]``: of few resamples each lies in one piece, of more the weights of a prediction side by side."""
        t = len(self._group)
        return np.empty((self.held, t)) if self.held <= FEW else np.empty((t, self.held)).T

    def weights(self, number: int, room: np.ndarray | None = None) -> Iterator[np.ndarray]:
        """``[b, t]`` of a part, as many resamples at a time as are held; in ``room``, or each in memory of its own."""
        rng, size = np.random.Generator(np.random.SFC64(self._seeds[number])), self._sizes[number]
        for first in range(0, size, self.held):
            counts = np.empty((min(self.held, size - first), self._n_groups), np.uint8)
            for own in counts:
                self._draw(rng, own)
            weights = (self.room() if room is None else room)[: len(counts)]
            for start in range(0, weights.shape[1], BLOCK):  # turned in the cache
                part = slice(start, start + BLOCK)
                weights[:, part] = (
                    counts[:, part] if self._each_by_itself else counts.take(self._group[part], 1, mode="clip")
                )
            yield weights

    def _draw(self, rng: np.random.Generator, out: np.ndarray) -> None:
        """How often each of G groups is drawn in G draws with replacement: into uint8 ``[G]``.

        Independent Poisson counts, given their sum, are multinomial. So counts with a sum a little below G are looked
        up in a table of their distribution, and the few that lack are drawn one by one: exact but for the table, whose
        chances are multiples of 1 / 65,536, and in a quarter of the time of G single draws.
        """
        short = -1
        while short < 0:
            for start in range(0, len(out), BLOCK):
                part = out[start : start + BLOCK]
                self._table.take(rng.integers(len(self._table), size=len(part), dtype=np.uint16), out=part, mode="clip")
            short = len(out) - int(out.sum(dtype=np.int64))
        np.add.at(out, rng.integers(len(out), size=short), 1)


def _poisson_table(rate: float) -> np.ndarray:
    """Counts, uint8 ``[65,536]``, one of which at random is a Poisson count of the mean ``rate``, below 1."""
    chance = np.cumsum([exp(-rate) * rate**k / factorial(k) for k in range(12)])
    return np.searchsorted(chance, (np.arange(1 << 16) + 0.5) / (1 << 16)).astype(np.uint8)


def percentiles(values: np.ndarray) -> list[float]:
    """The middle 95 % of ``values``, those without a value left out."""
    values = values[~np.isnan(values)]
    return np.percentile(values, [2.5, 97.5]).tolist() if len(values) else [float("nan")] * 2
