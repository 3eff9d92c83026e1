"""Areas under the ROC and precision-recall curves, for many weightings of the rows at once."""

from __future__ import annotations

import numpy as np


def areas_by_fold(hit: np.ndarray, score: np.ndarray, fold: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """ROC-AUC and average precision, ranked within each fold and averaged over the folds, ``[2, B]``.

    Args:
        hit: bool ``[n]`` or ``[n, c]``, which rows are positive; the areas are averaged over the columns.
        score: float, as ``hit``.
        fold: int ``[n]``, which model scored each row.
        weights: ``[B, n]``, how often each row counts.
    """
    hit, score = hit.reshape(len(hit), -1), score.reshape(len(hit), -1)
    found = []
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        each = [_areas(hit[rows, c], score[rows, c], weights[:, rows]) for c in range(hit.shape[1])]
        found.append(np.mean(each, 0))
    there = ~np.isnan(found)  # a fold with one class only has no areas, and no say
    with np.errstate(invalid="ignore"):
        return np.where(there, found, 0).sum(0) / there.sum(0)


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
