"""Multinomial naive Bayes on inner folds: the sums of the terms once, for all smoothings; scikit-learn's formula."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


def held_out(
    counts: csr_matrix, rows: np.ndarray, y: np.ndarray, wanted: np.ndarray, alphas: Sequence[float], tfidf: bool
) -> list[np.ndarray]:
    """Probabilities of the rows ``wanted`` for each smoothing, float64 ``[m, C]``.

    Args:
        counts: float64 ``[n, T]``, of each term in each text.
        rows: int ``[t]``, what is learned from; terms that none of these texts has count nothing.
        y: int ``[t]``, their classes 0 ... C - 1, each there; or 0/1 ``[t, C]``, where each label is a problem of its
            own.
        wanted: int ``[m]``.
        alphas: additive smoothing, > 0.
        tfidf: whether the counts are weighted and scaled to length 1.
    """
    train, test = counts[rows], counts[wanted]
    seen = np.flatnonzero(np.bincount(train.indices, minlength=counts.shape[1]))
    train, test = train[:, seen], test[:, seen]
    if tfidf and len(seen):
        from sklearn.feature_extraction.text import TfidfTransformer

        weights = TfidfTransformer().fit(train)
        train, test = weights.transform(train), weights.transform(test)
    if y.ndim == 1:
        return [_posterior(train, y, test, alpha) for alpha in alphas]
    each = [[_posterior(train, label, test, alpha)[:, 1] for label in y.T] for alpha in alphas]
    return [np.array(labels).reshape(y.shape[1], len(wanted)).T for labels in each]  # also of no label


def _posterior(train: csr_matrix, y: np.ndarray, test: csr_matrix, alpha: float) -> np.ndarray:
    """P(c | x) ~ P(c) prod_t P(t | c)^x_t, with P(t | c) = (N_tc + alpha) / (N_c + alpha T): float64 ``[m, C]``."""
    own = np.eye(y.max() + 1)[y]  # [t, C]
    sums = train.T @ own + alpha  # [T, C]: N_tc + alpha
    log = test @ (np.log(sums) - np.log(sums.sum(0))) + np.log(own.mean(0))  # [m, C]
    proba = np.exp(log - log.max(1, keepdims=True))
    return proba / proba.sum(1, keepdims=True)
