"""``nb``: naive Bayes, multinomial over terms or Gaussian over vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify.heads._base import Fitting, Fold, X
from classify.heads._sklearn import SklearnHead
from classify.passes import moments
from stores.errors import InputError
from stores.features import Features


@dataclass
class NbHead(SklearnHead):
    """Multinomial naive Bayes over the terms of ``words``, Gaussian naive Bayes over vectors.

    The Gaussian model is scikit-learn's ``GaussianNB``; means and variances of all folds come from one pass.

    Options:
        weights: ``tfidf`` or ``counts``, what the multinomial model is fed with.
        alpha: additive (Lidstone) smoothing of the multinomial model, > 0.
        smoothing: share of the largest variance that is added to all variances of the Gaussian model.
    """

    name = "nb"
    weights: str = "tfidf"
    alpha: float = 1.0
    smoothing: float = 1e-9

    def __post_init__(self) -> None:
        if self.weights not in ("tfidf", "counts"):
            raise InputError(f"head nb: weights={self.weights} is unknown; choose tfidf or counts")

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[Fold]) -> list[NbHead]:
        """As ``Head.fit_folds``."""
        if isinstance(x, Features):
            return super().fit_folds(x, y, n_classes, folds)
        rows = np.stack([fold.counts(len(y)) for fold in folds], axis=1)
        own = rows[:, :, None] * (y[:, None] == np.arange(n_classes))[:, None]  # [n, folds, C]
        mean, variance = (m.reshape(len(folds), n_classes, -1) for m in moments(x, own.reshape(len(y), -1)))
        _, whole = moments(x, rows)
        heads = []
        for j, fold in enumerate(folds):
            head = self.copy(**fold.options)
            head._begin(y[fold.rows], n_classes)
            head.terms_ = None
            share = own[:, j].sum(0, dtype=np.float64)[head.seen_]
            share /= share.sum()
            spread = variance[j, head.seen_] + head.smoothing * whole[j].max()
            head.gauss_ = {"mean": mean[j, head.seen_], "variance": spread, "share": share}
            heads.append(head)
        return heads

    def _fit(self, x: X, y: np.ndarray, how: Fitting) -> None:
        if isinstance(x, Features):
            return super()._fit(x, y, how)
        task = Fold(np.arange(len(y)), how.seed, weight=how.weight)
        (head,) = self.fit_folds(x, y, len(self.seen_), [task])
        self.terms_, self.gauss_ = None, head.gauss_
        return None

    def _pipeline(self, counts: bool, seed: int) -> object:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.naive_bayes import MultinomialNB
        from sklearn.pipeline import make_pipeline

        first = [TfidfTransformer()] if self.weights == "tfidf" else []
        return make_pipeline(*first, MultinomialNB(alpha=self.alpha))

    def _predict_proba(self, x: X) -> np.ndarray:
        if self.terms_ is not None:
            return super()._predict_proba(x)
        mean, variance, share = (self.gauss_[name] for name in ("mean", "variance", "share"))
        log = np.log(share) - np.log(2 * np.pi * variance).sum(1) / 2
        far = [((x - m) ** 2 / v).sum(1, dtype=np.float64) for m, v in zip(mean, variance, strict=True)]
        log = log - np.stack(far, axis=1) / 2
        proba = np.exp(log - log.max(1, keepdims=True))
        return proba / proba.sum(1, keepdims=True)

    def _save(self, folder: Path) -> None:
        if self.terms_ is not None:
            return super()._save(folder)
        return np.savez(folder / "gauss.npz", **self.gauss_)

    def _load(self, folder: Path) -> None:
        if not (folder / "gauss.npz").exists():
            return super()._load(folder)
        with np.load(folder / "gauss.npz", allow_pickle=False) as file:
            self.terms_, self.gauss_ = None, dict(file)
        return None
