"""Metrics of decisions: functions of counts, ``[B]`` or a class ``[B, C]``, and the means over classes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from classify.scoring.auc import ratio
from classify.scoring.scored import Decisions


def balanced_accuracy(d: Decisions) -> np.ndarray:
    """Mean recall of the classes that occur."""
    there = d.true > 0
    return (recall(d) * there).sum(1) / there.sum(1)


def mcc(d: Decisions) -> np.ndarray:
    """Matthews correlation of several classes (Gorodkin 2004, "Comparing two K-category assignments")."""
    agreement = d.hit.sum(1) * d.total - (d.taken * d.true).sum(1)
    spread = (d.total**2 - (d.taken**2).sum(1)) * (d.total**2 - (d.true**2).sum(1))
    return ratio(agreement, np.sqrt(np.maximum(spread, 0)))


def precision(d: Decisions) -> np.ndarray:
    """hit / taken of each class."""
    return ratio(d.hit, d.taken)


def recall(d: Decisions) -> np.ndarray:
    """hit / true of each class."""
    return ratio(d.hit, d.true)


def f1(d: Decisions) -> np.ndarray:
    """2 hit / (true + taken) of each class."""
    return ratio(2 * d.hit, d.true + d.taken)


def macro(each: Callable[[Decisions], np.ndarray]) -> Callable[[Decisions], np.ndarray]:
    """Mean over the classes that occur, as truth or as decision."""
    return lambda d: ratio((each(d) * d.seen).sum(1), d.seen.sum(1).astype(float))


def weighted(each: Callable[[Decisions], np.ndarray]) -> Callable[[Decisions], np.ndarray]:
    """Mean over the classes by their rows."""
    return lambda d: ratio((each(d) * d.true).sum(1), d.true.sum(1))


def micro(each: Callable[[Decisions], np.ndarray]) -> Callable[[Decisions], np.ndarray]:
    """Of the counts of all classes together."""

    def function(d: Decisions) -> np.ndarray:
        hit, true, taken = (counts.sum(1, keepdims=True) for counts in (d.hit, d.true, d.taken))
        return each(Decisions(hit, true, taken, d.total))[:, 0]

    return function


def of_positive(each: Callable[[Decisions], np.ndarray]) -> Callable[[Decisions], np.ndarray]:
    """That of the positive class of two."""
    return lambda d: each(d)[:, d.positive]
