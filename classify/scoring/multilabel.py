"""Metrics where a row may have several labels: each label by itself, and their averages.

The definitions are scikit-learn's for 0/1 matrices (precision of a label that is never predicted counting 0). As in
``classify.scoring.metrics`` everything is computed for many weightings of the rows at once.
"""

from __future__ import annotations

import numpy as np

from classify.scoring.auc import areas_by_fold, ratio

EPS = np.finfo(float).eps


def measure_labels(
    y: np.ndarray, proba: np.ndarray, predicted: np.ndarray, fold: np.ndarray, weights: np.ndarray
) -> dict[str, np.ndarray]:
    """All metrics of several labels a row.

    Args:
        y: 0/1 ``[n, L]``, the true labels.
        proba: ``[n, L]``, probability of each label.
        predicted: 0/1 ``[n, L]``.
        fold: int ``[n]``, which model scored each row.
        weights: ``[B, n]``, how often each row counts.

    Returns:
        ``[B]`` each: accuracy (all labels of a row right), hamming_loss, {precision, recall, f1}_{macro, weighted,
        micro}, log_loss and brier (means over labels), roc_auc and pr_auc (means over the labels that have both values,
        within folds, then over folds). ``[B, L]`` each: precision, recall, f1, support, roc_auc_label, pr_auc_label.
        ``[B, L, 2, 2]``: confusion of each label, truth first, absent first.
    """
    total = weights.sum(1)
    hit, true, taken = weights @ (y & predicted), weights @ y, weights @ predicted  # [B, L]
    precision, recall, f1 = ratio(hit, taken), ratio(hit, true), ratio(2 * hit, true + taken)
    wrong = y != predicted
    out = {
        "accuracy": weights @ ~wrong.any(1) / total,
        "hamming_loss": weights @ wrong.mean(1) / total,
        "f1_micro": ratio(2 * hit.sum(1), (true + taken).sum(1)),
        "precision_micro": ratio(hit.sum(1), taken.sum(1)),
        "recall_micro": ratio(hit.sum(1), true.sum(1)),
    }
    for name, values in (("precision", precision), ("recall", recall), ("f1", f1)):
        out[f"{name}_macro"] = values.mean(1)
        out[f"{name}_weighted"] = ratio((values * true).sum(1), true.sum(1))
        out[name] = values
    own = np.clip(np.where(y == 1, proba, 1 - proba), EPS, None)
    out["log_loss"] = weights @ -np.log(own).mean(1) / total
    out["brier"] = weights @ ((proba - y) ** 2).mean(1) / total
    labels = np.stack([areas_by_fold(y[:, i] == 1, proba[:, i], fold, weights) for i in range(y.shape[1])], axis=2)
    there = ~np.isnan(labels)
    with np.errstate(invalid="ignore"):
        out["roc_auc"], out["pr_auc"] = np.where(there, labels, 0).sum(2) / there.sum(2)
    out["roc_auc_label"], out["pr_auc_label"] = labels
    absent = total[:, None] - true - taken + hit
    out["confusion"] = np.stack([np.stack([absent, taken - hit], -1), np.stack([true - hit, hit], -1)], -2)
    out["support"] = true
    return out
