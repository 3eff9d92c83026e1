"""Intervals of scores over out-of-fold predictions.

A 95 % interval is to hold the score that the method would have on endless rows, with models trained on tables of this
size. So it must count two kinds of luck: that of the rows that were tested, and that of the rows that were trained on.
The first is the standard error SE of the delta method (``classify.scoring.influence``). The second is not in the
predictions; it grows with the number of directions in which a head can be fitted by chance. SE is multiplied by

    luck = sqrt(1 + a * directions / n + b / sqrt(m)),

with n the rows, m those of the rarest class, and ``directions`` the participation ratio of the correlations of the
features (``effective_directions``): D for independent columns and many rows, much less for vectors of texts. a and b
were fitted to simulations with real training, see ``tools/simulate_intervals.py`` and docs/guide/scores.md.

==============  ====================================================================================================
``share``       accuracy: Wilson 1927 with the number of rows that gives SE, ``p (1 - p) / (luck SE)^2``
``positive``    precision and recall of the positive class alike; F1 by F / (2 - F), which is a share (Lam 2023)
``macro``       the intervals of the classes joined, see ``classify.scoring.class_intervals``
``roc``         on the logit scale (LeDell et al. 2015)
``pr``          two classes: ``logit(AP) -+ z luck / sqrt(n_pos AP (1 - AP))`` (Boyd, Eng, Page 2013), and Wilson where
                ``n_pos AP (1 - AP)`` is below 1, as the delta method holds no longer; else as ``roc``
``log``         on the log scale
``logit``       shares that are means over classes: on the logit scale
``fisher``      correlations: on the scale of the inverse hyperbolic tangent
``bootstrap``   percentiles of 1,000 resamples of the groups, widened by luck; for all that has no psi
==============  ====================================================================================================

Areas and means that are 0 or 1, and correlations that are 1, have no spread to go by: Wilson's, with the rows of the
rarest class (of means over rows, with all).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from classify.scoring.bootstrap import percentiles, resampled
from classify.scoring.class_intervals import FEWEST, Interval, Z, of_class, of_macro, wilson
from classify.scoring.influence import influence, standard_error
from classify.scoring.metrics import METRICS, Metric, metrics_of
from classify.scoring.predictions import Predictions, looks_at_nothing
from classify.scoring.scored import Scored
from stores.shared.cores import one_thread_a_product

LUCK = {"roc": (5.0, 3.0), "pr": (5.0, 3.0)}  # a and b of the areas
LUCK_OF_OTHERS = (4.0, 1.0)
END = 1e-9  # a value so near to 0 or 1 is there but for rounding
FEW = 25  # rows of the rarest class: below ``FEWEST`` no interval of scores of classes, below this a remark
OF_CLASSES = ("positive", "macro", "roc", "pr", "logit", "fisher")  # intervals that need rows of each class
DECIDED = ("mcc", "precision_positive", "precision_macro")  # scores that need some decisions for each class


class Intervals(NamedTuple):
    """What is known of the scores.

    Attributes:
        found: metric -> low, high; metrics without an interval are missing.
        remarks: why some are missing, or how far to trust them, a sentence each.
    """

    found: dict[str, Interval]
    remarks: list[str]


def intervals(predictions: Predictions, seed: int, directions: float = 0.0, fixed: bool = False) -> Intervals:
    """95 % intervals of every metric that is one number.

    Groups count, not rows: rows with the same text are no independent evidence, nor are repeated predictions of a row.

    Args:
        predictions: out-of-fold, ``t``.
        seed: of the draws, for metrics without psi.
        directions: see ``effective_directions``; 0 where it is not known.
        fixed: whether it is one model as it is that is scored, so that there is no luck of training.
    """
    scored = predictions.scored()
    _, group = np.unique(predictions.group, return_inverse=True)
    rarest, count = _rarest(scored, predictions.classes, group)
    rows, blind = len(np.unique(predictions.row)), looks_at_nothing(predictions)
    found: dict[str, Interval] = {}
    for metric in metrics_of(predictions.problem, per_class=False):
        if metric.interval == "none" or (metric.interval in OF_CLASSES and count < FEWEST):
            continue
        if metric.name in DECIDED and scored.decisions.taken.min() < FEWEST:
            continue  # hardly any row was taken for some class: what happens to be right of these says nothing
        luck = 1.0 if fixed else luck_of(metric.interval, directions, rows, count)
        one = _interval(metric, scored, group, luck, count, blind)
        if one is not None and np.isfinite(one).all():
            found[metric.name] = one
    del scored  # and with it all that its metrics have made of the rows
    resampled_names = [m.name for m in metrics_of(predictions.problem, per_class=False) if m.interval == "bootstrap"]
    if resampled_names:
        luck = 1.0 if fixed else luck_of("bootstrap", directions, rows, count)
        found |= _by_bootstrap(predictions, resampled_names, seed, luck)
    remarks = []
    if count < FEWEST:
        remarks.append(
            f"too few rows of class {rarest} ({count}) for intervals of precision, recall, F1 and areas; "
            f"{FEW} are needed"
        )
    elif count < FEW:
        remarks.append(f"few rows of class {rarest} ({count}): intervals of precision, recall, F1 and areas are wide")
    return Intervals(found, remarks)


def luck_of(interval: str, directions: float, rows: int, rarest: int) -> float:
    """The factor of SE for a kind of interval: ``sqrt(1 + a * directions / rows + b / sqrt(rarest))``."""
    a, b = LUCK.get(interval, LUCK_OF_OTHERS)
    return float(np.sqrt(1 + a * directions / max(rows, 1) + b / np.sqrt(max(rarest, 1))))


def effective_directions(x: np.ndarray) -> float:
    """Participation ratio of the eigenvalues of the columns' correlations: ``D^2 / sum of r_ij^2``.

    Of D independent columns and n rows about ``n D / (n + D)``; of vectors of texts, whose columns hang together, less.

    Args:
        x: float ``[n, D]``; at most 4,000 of its rows are looked at, spread evenly.
    """
    some = np.asarray(x[:: max(1, -(-len(x) // 4000))], np.float64)
    spread = some.std(0)
    some = (some - some.mean(0))[:, spread > 0] / spread[spread > 0]
    if not some.size:
        return 0.0
    with one_thread_a_product():
        gram = some @ some.T if len(some) < some.shape[1] else some.T @ some
    return float(some.shape[1] ** 2 / (gram**2).sum() * len(some) ** 2)


def _interval(
    metric: Metric, scored: Scored, group: np.ndarray, luck: float, rarest: int, blind: bool
) -> Interval | None:
    """By the method that the metric names; ``rarest``: groups of the rarest class; ``blind``: see ``of_class``."""
    value = float(metric.values(scored)[0])
    if not np.isfinite(value):
        return None
    if metric.interval == "macro":
        return of_macro(metric, scored, group, luck, blind)
    if metric.interval == "positive":
        found = of_class(metric.name.removesuffix("_positive"), scored, scored.positive, group, luck, blind)
        return found.low, found.high
    if metric.interval == "pr" and scored.problem == "binary":
        return _of_average_precision(value, max(_groups(group[scored.y == scored.positive]), 1), luck)
    psi = influence(metric.name, scored) if metric.interval != "bootstrap" else None
    if psi is None:
        return None
    se = luck * standard_error(psi, group)
    if metric.interval == "share":
        rows = (group.max() + 1) / luck**2 if se == 0 else value * (1 - value) / se**2
        return wilson(value, rows)
    kind = metric.interval
    if kind != "log" and (value > 1 - END or (value < END and kind != "fisher")):  # no row tells how far off it may be
        return wilson(round(value), (group.max() + 1 if metric.interval == "logit" else rarest) / luck**2)
    if metric.interval == "log":
        return (value * np.exp(-Z * se / value), value * np.exp(Z * se / value)) if value > 0 else None
    if metric.interval == "fisher":
        middle, half = np.arctanh(np.clip(value, -0.999999, 0.999999)), Z * se / max(1 - value**2, 1e-6)
        return float(np.tanh(middle - half)), float(np.tanh(middle + half))
    return _on_logit(value, se)


def _of_average_precision(value: float, positives: int, luck: float) -> Interval:
    """Boyd's on the logit scale, and Wilson's near 0 and 1."""
    if value * (1 - value) * positives < 1:
        return wilson(value, positives / luck**2)
    return _on_logit(value, luck * np.sqrt(value * (1 - value) / positives))


def _on_logit(value: float, se: float) -> Interval:
    """The delta method on the logit scale."""
    p = min(max(value, END), 1 - END)
    middle, half = np.log(p / (1 - p)), Z * se / (p * (1 - p))
    return float(1 / (1 + np.exp(half - middle))), float(1 / (1 + np.exp(-half - middle)))


def _rarest(scored: Scored, classes: Sequence[str], group: np.ndarray) -> tuple[str, int]:
    """The class with the fewest different groups among the tested rows, and how many; classes without are left out."""
    counts = [(_groups(group[scored.truth[:, c]]), name) for c, name in enumerate(classes)]
    there = [(count, name) for count, name in counts if count]
    count, name = min(there) if there else (0, classes[0])
    return repr(name), count


def _groups(group: np.ndarray) -> int:
    """How many different ones there are."""
    return int(np.count_nonzero(np.bincount(group)))


def _by_bootstrap(predictions: Predictions, names: Sequence[str], seed: int, luck: float) -> dict[str, Interval]:
    """Percentiles around the value, both sides ``luck`` times as long."""
    (drawn,) = resampled([predictions], predictions.group, seed, names=names)
    scored, found = predictions.scored(), {}
    for name, values in drawn.items():
        value = float(METRICS[name].values(scored)[0])
        low, high = percentiles(values)
        if np.isfinite([value, low, high]).all():
            found[name] = value - luck * max(value - low, 0), value + luck * max(high - value, 0)
    return found
