"""Intervals of precision, recall and F1 of a class, and of their means over classes.

Those of the classes are joined with the correlation of their psi (MOVER; Zou, Donner 2008). Classes without any spread,
such as those that were never predicted, say nothing of how they hang together. That all of them reach their upper ends
at once is no guess for 70 classes; so they are taken together as one class with as many rows as all of them would have
if each had those of the smallest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from classify.scoring.influence import of_decisions, standard_error
from classify.scoring.metrics import METRICS, Metric
from classify.scoring.scored import Scored

Z = 1.959964  # of the normal distribution, 95 %
FEWEST = 10  # groups that are taken for a class, or are of it, below which they say nothing
Interval = tuple[float, float]


class ClassInterval(NamedTuple):
    """Of one class: value, ends, psi ``[n]``, standard error, and of how many rows the score is a share."""

    value: float
    low: float
    high: float
    psi: np.ndarray
    se: float
    rows: float


def wilson(share: float, rows: float) -> Interval:
    """A share p of m rows: ``(p + z^2 / 2m -+ z sqrt(p (1 - p) / m + z^2 / 4m^2)) / (1 + z^2 / m)`` (Wilson 1927)."""
    middle, half = share + Z**2 / 2 / rows, Z * np.sqrt(share * (1 - share) / rows + Z**2 / 4 / rows**2)
    low, high = (middle - half) / (1 + Z**2 / rows), (middle + half) / (1 + Z**2 / rows)
    return 0.0 if share <= 0 else max(0.0, float(low)), 1.0 if share >= 1 else min(1.0, float(high))


def of_class(name: str, scored: Scored, c: int, group: np.ndarray, luck: float, blind: bool) -> ClassInterval:
    """Of the precision, recall or f1 of class ``c``.

    Args:
        name: of the score.
        scored: the predictions.
        c: number of the class.
        group: int ``[n]``, of each row, from 0.
        luck: what the standard error is multiplied by; 1 for one model as it is.
        blind: whether the decisions do not depend on the rows: a class that is not taken then never is.
    """
    value, d = float(METRICS[name].values(scored)[0, c]), scored.decisions
    psi = of_decisions(METRICS[name], scored, c)
    hit, true, taken = d.hit[0, c], d.true[0, c], d.taken[0, c]
    of = {"precision": taken, "recall": true, "f1": true + taken - hit}[name]  # rows that it is a share of
    rows = of * (group.max() + 1) / len(group) / luck**2
    se = 0.0 if value in (0, 1) else luck * standard_error(psi, group)  # no hit, or nothing else: no row moves it
    if blind and not se:
        return ClassInterval(value, value, value, psi, 0.0, rows)
    share = value / (2 - value) if name == "f1" else value
    of_share = se * 2 / (2 - value) ** 2 if name == "f1" else se
    if se > 0 and 0 < share < 1:
        rows = share * (1 - share) / of_share**2
    low, high = wilson(share, max(rows, 1e-9))
    if luck > 1 and name != "precision" and len(np.unique(group[scored.decided[:, c]])) < FEWEST:
        low = 0.0  # one that takes a few rows may take none with a few more to learn from
    if name == "f1":
        low, high = _f1(low), _f1(high)
    return ClassInterval(value, low, high, psi, se, rows)


def of_macro(metric: Metric, scored: Scored, group: np.ndarray, luck: float, blind: bool) -> Interval:
    """The intervals of the classes, joined: ``M - sqrt(sum of r_ij d_i d_j) / C``, d how far each reaches down."""
    name = "recall" if metric.name == "balanced_accuracy" else metric.name.removesuffix("_macro")
    seen = np.flatnonzero(scored.decisions.true[0] > 0 if name == "recall" else scored.decisions.seen[0])
    each = [of_class(name, scored, int(c), group, luck, blind) for c in seen]
    sums = np.array([np.bincount(group, one.psi) for one in each])
    spread = np.sqrt((sums**2).sum(1))
    known = np.flatnonzero([one.se for one in each])
    together = sums[known] @ sums[known].T / np.outer(spread[known], spread[known])
    down = np.array([one.value - one.low for one in each])
    up = np.array([one.high - one.value for one in each])
    lower, upper = (float(d[known] @ together @ d[known]) for d in (down, up))
    for value in (0.0, 1.0):
        alike = [one for one in each if not one.se and one.value == value and one.low < one.high]
        if alike:
            low, high = wilson(value, max(len(alike) * min(one.rows for one in alike), 1e-9))
            low, high = (_f1(low), _f1(high)) if name == "f1" else (low, high)
            lower, upper = lower + (len(alike) * (value - low)) ** 2, upper + (len(alike) * (high - value)) ** 2
    value = float(metric.values(scored)[0])
    down_to, up_to = (np.sqrt(max(square, 0.0)) / len(seen) for square in (lower, upper))
    return max(0.0, value - float(down_to)), min(1.0, value + float(up_to))


def _f1(share: float) -> float:
    """F of F / (2 - F)."""
    return 2 * share / (1 + share)
