"""Labels that are probably wrong, found by confident learning; pure functions.

Northcutt, Jiang, Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelErrors:
    """Rows whose label is probably wrong.

    Attributes:
        rows: int ``[s]``, row numbers, the most suspect first.
        better: int ``[s]``, the class that they seem to be of.
        margin: float ``[s]``, probability of the label less that of the better class.
        joint: int ``[C, C]``, the confident joint: rows by label and by class they are confidently of.
        thresholds: float ``[C]``; NaN for a class that no row is labelled with.
    """

    rows: np.ndarray
    better: np.ndarray
    margin: np.ndarray
    joint: np.ndarray
    thresholds: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def find_label_errors(y: np.ndarray, proba: np.ndarray) -> LabelErrors:
    """Find rows that are confidently of another class than their label.

    A row is confidently of class j if its probability of j is at least the mean self-confidence of j: the mean
    probability of j over the rows labelled j; of several such classes the most probable one counts (eq. 1 and 2). Rows
    off the diagonal of the counts by label and confident class are the suspects (section 3.2, method 2), ranked by
    margin: the probability of the label less the largest other one.

    Args:
        y: int ``[n]``, labels.
        proba: ``[n, C]``, out-of-fold probabilities.
    """
    n, width = proba.shape
    labelled = np.bincount(y, minlength=width)
    own_proba = np.bincount(y, proba[np.arange(n), y], minlength=width)
    thresholds = np.divide(own_proba, labelled, out=np.full(width, np.nan), where=labelled > 0)
    # subtle: a mean is rounded, so rows that all have the same probability could miss their own mean by a hair
    confident = proba >= thresholds - 1e-9
    likely = np.where(confident, proba, -1)
    better = likely.argmax(1)
    sure = confident.any(1)
    joint = np.zeros((width, width), int)
    np.add.at(joint, (y[sure], better[sure]), 1)
    rows = np.flatnonzero(sure & (better != y))
    others = proba[rows].copy()
    others[np.arange(len(rows)), y[rows]] = -1
    margin = proba[rows, y[rows]] - others.max(1)
    order = np.argsort(margin, kind="stable")
    return LabelErrors(rows[order], better[rows][order], margin[order], joint, thresholds)
