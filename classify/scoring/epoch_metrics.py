"""Metrics after each epoch of a training: those of the registry that curves are drawn of."""

from __future__ import annotations

import numpy as np

from classify.scoring.metrics import METRICS, columns_of, metrics_of
from classify.scoring.scored import Scored

VALIDATION = "validation_"  # what the names of values of held-out rows begin with


def epoch_metrics(y: np.ndarray, proba: np.ndarray, positive: int, prefix: str = "") -> dict[str, float]:
    """Accuracy, precision, recall, F1 and ROC-AUC, by the names of the registry; NaN where there is no value.

    Args:
        y: int ``[n]``, the true classes; 0/1 ``[n, L]`` where a row may have several labels.
        proba: ``[n, C]``, what a head says at the end of an epoch, before calibration and threshold: the most probable
            class counts as its decision, and a label from 0.5 on.
        positive: of two classes, the one that precision, recall and F1 are about; of several these are macro means.
        prefix: of the names.
    """
    predicted = (proba >= 0.5).astype(int) if y.ndim == 2 else proba.argmax(1)
    problem = "multi-label" if y.ndim == 2 else "binary" if proba.shape[1] == 2 else "multi-class"
    scored = Scored(y, proba, predicted, positive, np.zeros(len(y), int), np.ones((1, len(y))))
    return {f"{prefix}{name}": float(METRICS[name].values(scored)[0]) for name in names_of(problem)}


def names_of(problem: str) -> list[str]:
    """The metrics that curves are drawn of, in the order of the tables."""
    shown = [name for name in columns_of(problem) if name not in ("log_loss", "pr_auc")]
    means = [m.name for m in metrics_of(problem, False) if m.name in ("precision_macro", "recall_macro")]
    return shown if problem == "binary" else shown + means
