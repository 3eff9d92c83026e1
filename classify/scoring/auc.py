"""Areas under the ROC and precision-recall curves, for many weightings of the rows at once."""

from __future__ import annotations

import numpy as np


def areas(hit: np.ndarray, score: np.ndarray, repeat: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ROC-AUC and average precision of all rows of a repeat together, averaged over the repeats, ``[2, B]``.

    Within a repeat each row is tested once. The rows of its folds are ranked together: areas of single folds, averaged,
    are biased upwards where positives are few (average precision of a fold with two positives is never small).

    Args:
        hit: bool ``[n]``, which rows are positive.
        score: float ``[n]``.
        repeat: int ``[n]``, of which repeat of the folds each score is.
        weights: ``[B, n]``, how much each row counts.
    """
    each = []
    for number in np.unique(repeat):
        rows = np.flatnonzero(repeat == number)
        each.append(_areas(hit[rows], score[rows], weights[:, rows]))
    there = ~np.isnan(each)  # rows of one class only have no areas, and no say
    with np.errstate(invalid="ignore"):
        return np.where(there, each, 0).sum(0) / there.sum(0)


def _areas(hit: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Area under the ROC curve, and average precision, ``[2, B]``; rows with equal scores count as one step."""
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # last row of each step
    weights = weights[:, order]
    found = np.cumsum(weights * hit[order], 1)[:, last]  # true positives down to each step
    taken = np.cumsum(weights, 1)[:, last]
    false = taken - found
    positives, negatives = found[:, -1], false[:, -1]
    found_step = np.diff(found, axis=1, prepend=0)
    false_step = np.diff(false, axis=1, prepend=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        roc = (false_step * (found - found_step / 2)).sum(1) / (positives * negatives)
        pr = (found_step * ratio(found, taken)).sum(1) / positives
    return np.stack([roc, np.where(negatives > 0, pr, np.nan)])


def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, and 0 where b is 0."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0)
