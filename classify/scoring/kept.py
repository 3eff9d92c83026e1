"""How much better the model that is kept may be than those that were scored.

Cross-validated scores are of models of (k - 1) / k of the rows; the kept one has learned from all of them, and with
several classes that shows. The inner folds of each training part, on which options were chosen, have scored models of
fewer rows still; so there are two points of the learning curve, and on from the second it is taken to rise per doubling
of the rows as it did between them:

    gain = (score of the folds - score of the inner folds) * ln(kept / fold) / ln(fold / inner)

with the numbers of rows that each kind of model has learned from. For 5 folds the factor is 1 with 5 inner folds and
0.55 with 3, with which in simulations (``tools/simulate_intervals.py``) the kept model gained 0.45 to 0.69 of that
difference.

Where nothing was chosen on inner folds there is no second point. Of two classes the interval holds the kept model all
the same; of more its better end is moved by half of its distance from the score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from classify.scoring.class_intervals import Interval
from classify.scoring.metrics import BINARY, METRICS, measure
from classify.scoring.predictions import Predictions, looks_at_nothing

UNKNOWN = 0.5  # of the distance of the better end from the score: the gain of several classes without inner folds
CLEAR = 0.5  # share of the half width of the interval of the log loss from which a gain is worth a sentence


class InnerPredictions(NamedTuple):
    """What the inner folds of one training part predicted.

    Attributes:
        rows: int64 ``[m]``, which rows, fold after fold.
        proba: float64 ``[m, C]``.
        predicted: int ``[m]``, or 0/1 ``[m, C]``.
        learned: mean number of rows that a model of these folds has learned from.
    """

    rows: np.ndarray
    proba: np.ndarray
    predicted: np.ndarray
    learned: float


def expected_gains(
    predictions: Predictions, y: np.ndarray, inner: Sequence[InnerPredictions], learned: float, kept: int
) -> dict[str, float]:
    """Metric -> what the kept model may be better by, above 0 whatever the direction; metrics without are missing.

    Args:
        predictions: of the folds.
        y: the classes of all rows.
        inner: of each fold.
        learned: mean number of rows that a model of the folds has learned from.
        kept: rows that the kept model has learned from.
    """
    size = float(np.mean([part.learned for part in inner])) if inner else 0.0
    if not 0 < size < learned < kept:
        return {}
    factor = np.log(kept / learned) / np.log(learned / size)
    ours = predictions.measure()
    theirs = [measure(y[part.rows], part.proba, part.predicted, predictions.positive) for part in inner]
    gains = {}
    for name, metric in METRICS.items():
        if name in ours and ours[name].ndim == 1 and metric.higher_is_better is not None:
            sign = 1 if metric.higher_is_better else -1
            gain = sign * factor * (float(ours[name][0]) - float(np.mean([found[name][0] for found in theirs])))
            if gain > 0:
                gains[name] = gain
    return gains


def assumed_gains(predictions: Predictions, intervals: Mapping[str, Interval]) -> dict[str, float]:
    """As ``expected_gains``, without inner folds: a share of what the interval reaches to the better side."""
    if predictions.problem == BINARY or looks_at_nothing(predictions):
        return {}
    values, gains = predictions.measure(), {}
    for name, (low, high) in intervals.items():
        if METRICS[name].higher_is_better is not None:
            value = float(values[name][0])
            gains[name] = UNKNOWN * (high - value if METRICS[name].higher_is_better else value - low)
    return gains


def extended(intervals: Mapping[str, Interval], gains: Mapping[str, float]) -> dict[str, Interval]:
    """The intervals with their better end further by the gain."""
    found = dict(intervals)
    for name in intervals.keys() & gains.keys():
        low, high = intervals[name]
        if METRICS[name].higher_is_better:
            found[name] = low, max(high, min(1.0, high + gains[name]))
        else:
            found[name] = min(low, max(0.0, low - gains[name])), high
    return found


def remark(intervals: Mapping[str, Interval], gains: Mapping[str, float]) -> list[str]:
    """A sentence on how much better the kept model may be, where that is much beside the interval of the log loss."""
    name = "log_loss"
    if name not in intervals or name not in gains:
        return []
    low, high = intervals[name]
    if gains[name] < CLEAR * (high - low) / 2:
        return []
    better = [f"log loss {gains[name]:.3f} lower"]
    better += [f"F1 macro {gains['f1_macro']:.3f} higher"] if "f1_macro" in gains else []
    return [
        "the model that is kept has learned from more rows than those that were scored, and by the inner folds is "
        f"about so much better: {' and '.join(better)}; the intervals reach as far"
    ]
