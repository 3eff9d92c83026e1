"""What the first training of a head will take: it is fitted on a few rows, and on twice as many."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from classify import Head
    from classify.data import Data

FEW = 256  # rows of the first try
Clock = Callable[[], float]


def first_training(
    data: Data, head: Head, sampler: str, settings: dict[str, Any], enough: float, clock: Clock = time.perf_counter
) -> float | None:
    """Seconds that all folds will take, by a straight line through two tries; None for a table of few rows.

    As many models are fitted as there will be, with the same choices on inner folds; what is compiled once is in both
    tries.

    Args:
        data: the features.
        head: untrained.
        sampler: of training rows.
        settings: options of ``classify``.
        enough: seconds; if the first try says that it will take longer than this there is no second one.
        clock: seconds.
    """
    from classify.fitting.options import FitOptions
    from classify.fitting.training import fit
    from classify.fitting.tune import Tuning
    from classify.heads.base import FitTask

    rows = _in_turn(data.y)
    if len(rows) < 8 * FEW:
        return None
    options = FitOptions(sampler=sampler, **Tuning.of("default", [head]).of_head(head, data.kind))
    models = _models(settings)

    def seconds(count: int) -> float:
        some = rows[:count]
        tasks = [FitTask(np.sort(np.delete(some, np.s_[i::models])), i) for i in range(models)]
        start = clock()
        fit(head, data.x, data.y, [*tasks, FitTask(np.sort(some), 0)], len(data.classes), options)
        return clock() - start

    first = seconds(FEW)
    if first * len(rows) / FEW / 10 > enough or first > enough:
        return first * len(rows) / FEW
    again = seconds(2 * FEW)
    return again + max(again - first, 0.0) * (len(rows) / FEW - 2)


def _models(settings: dict[str, Any]) -> int:
    """How many models are tested."""
    if settings.get("test_size") is not None or settings.get("by_split"):
        return 2
    return (settings.get("cv") or 5) * (settings.get("repeats") or 1)


def _in_turn(y: np.ndarray) -> np.ndarray:
    """int64 ``[n]``: rows in an order in which any beginning has all classes, about as often as the table."""
    order = np.random.default_rng(0).permutation(len(y))
    if y.ndim > 1:
        return order
    counts = np.bincount(y)
    place = np.empty(len(y))
    for number in np.flatnonzero(counts):
        mine = order[y[order] == number]
        place[mine] = np.arange(len(mine)) / len(mine)  # the first of every class come first
    return order[np.argsort(place[order], kind="stable")]
