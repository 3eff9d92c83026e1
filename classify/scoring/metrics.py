"""Truth and probability -> numbers; no printing.

Every metric is computed for many weightings of the rows at once (``weights`` ``[B, n]``), so that a bootstrap of a
thousand resamples costs a few passes over the rows. The definitions are scikit-learn's, precision of a class that is
never predicted counting 0; the tests compare with it.
"""

from __future__ import annotations

import numpy as np

from classify.scoring.auc import areas_by_fold, ratio
from classify.scoring.multilabel import measure_labels

Measures = dict[str, np.ndarray]  # name -> [B], per class [B, C]; NaN where a metric has no value


def measure(
    y: np.ndarray,
    proba: np.ndarray,
    predicted: np.ndarray,
    positive: int,
    fold: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Measures:
    """All metrics.

    ROC-AUC and PR-AUC rank rows by their probability. Rows of different folds were scored by different models, so
    they are ranked within each fold and the areas averaged over the folds; everything else counts all rows together
    (Forman, Scholz 2010, "Apples-to-Apples in Cross-Scheme Studies").

    Args:
        y: int ``[n]``, the true classes; 0/1 ``[n, L]`` gives the metrics of ``classify.scoring.multilabel`` instead.
        proba: ``[n, C]``, out-of-fold probabilities.
        predicted: int ``[n]``, out-of-fold predicted classes.
        positive: for two classes, the one whose ROC-AUC, PR-AUC and Brier score are meant.
        fold: int ``[n]``, which model scored each row; the same one if None.
        weights: ``[B, n]``, how often each row counts; once if None (B = 1).

    Returns:
        ``[B]`` each: accuracy, balanced_accuracy, {precision, recall, f1}_{macro, weighted, micro}, mcc, log_loss,
        brier, roc_auc, pr_auc (for more than two classes the mean over classes, one against the rest).
        ``[B, C]`` each: precision, recall, f1, support. ``[B, C, C]``: confusion, true class first.
    """
    weights = np.ones((1, len(y))) if weights is None else weights
    fold = np.zeros(len(y), int) if fold is None else fold
    if y.ndim == 2:
        return measure_labels(y, proba, predicted, fold, weights)
    n_classes = proba.shape[1]
    cell = y * n_classes + predicted
    one_hot = np.zeros((len(y), n_classes * n_classes))
    one_hot[np.arange(len(y)), cell] = 1
    confusion = (weights @ one_hot).reshape(-1, n_classes, n_classes)
    return {
        **_from_confusion(confusion),
        **_from_probabilities(y, proba, positive, weights),
        **_from_ranks(y, proba, positive, fold, weights),
        "confusion": confusion,
    }


def _from_confusion(confusion: np.ndarray) -> Measures:
    hit = np.diagonal(confusion, axis1=1, axis2=2)  # [B, C]
    true, predicted, total = confusion.sum(2), confusion.sum(1), confusion.sum((1, 2))
    precision, recall = ratio(hit, predicted), ratio(hit, true)
    f1 = ratio(2 * hit, true + predicted)
    accuracy = hit.sum(1) / total
    there = true > 0
    out = {"accuracy": accuracy, "balanced_accuracy": (recall * there).sum(1) / there.sum(1)}
    for name, per_class in (("precision", precision), ("recall", recall), ("f1", f1)):
        seen = there | (predicted > 0)  # a class neither true nor predicted has no score
        out[f"{name}_macro"] = (per_class * seen).sum(1) / seen.sum(1)
        out[f"{name}_weighted"] = (per_class * true).sum(1) / total
        out[f"{name}_micro"] = accuracy  # for one label a row all three are the accuracy
        out[name] = per_class
    spread = (total**2 - (predicted**2).sum(1)) * (total**2 - (true**2).sum(1))
    out["mcc"] = ratio(hit.sum(1) * total - (predicted * true).sum(1), np.sqrt(spread))
    out["support"] = true
    return out


def _from_probabilities(y: np.ndarray, proba: np.ndarray, positive: int, weights: np.ndarray) -> Measures:
    """Log loss (natural logarithm, probabilities at least 2.2e-16) and Brier score (two classes: of the positive)."""
    total = weights.sum(1)
    own = np.maximum(proba[np.arange(len(y)), y], np.finfo(float).eps)
    truth = np.eye(proba.shape[1])[y]
    squares = (proba - truth) ** 2
    squares = squares[:, positive] if proba.shape[1] == 2 else squares.sum(1)
    return {"log_loss": weights @ -np.log(own) / total, "brier": weights @ squares / total}


def _from_ranks(y: np.ndarray, proba: np.ndarray, positive: int, fold: np.ndarray, weights: np.ndarray) -> Measures:
    chosen = [positive] if proba.shape[1] == 2 else range(proba.shape[1])
    roc, pr = areas_by_fold(np.stack([y == c for c in chosen], 1), proba[:, chosen], fold, weights)
    return {"roc_auc": roc, "pr_auc": pr}
