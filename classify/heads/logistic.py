"""``logistic``: L2-regularised logistic regression, on standardised vectors or on TF-IDF."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify.heads._base import Fitting, Fold, X
from classify.heads._sklearn import SklearnHead
from classify.sweep import Solution, fit_logistic
from stores.features import Features


@dataclass
class LogisticHead(SklearnHead):
    """Logistic regression; the scaler or the TF-IDF weights are fitted on the training rows.

    On vectors all folds are solved at once, see ``classify.sweep``; on terms by scikit-learn.

    Options:
        C: inverse strength of the L2 penalty, > 0.
        max_iter: the most steps of the solver (L-BFGS); ``history_`` holds how many it took.
    """

    name = "logistic"
    C: float = 1.0
    max_iter: int = 1000

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[Fold]) -> list[LogisticHead]:
        """As ``Head.fit_folds``; folds that have seen the same classes are solved together."""
        if isinstance(x, Features):
            return super().fit_folds(x, y, n_classes, folds)
        heads = [self.copy(**fold.options) for fold in folds]
        for head, fold in zip(heads, folds, strict=True):
            head._begin(y[fold.rows], n_classes)
            head.terms_ = None
        for classes in {tuple(head.seen_) for head in heads}:
            which = [i for i, head in enumerate(heads) if tuple(head.seen_) == classes]
            counts = np.stack([folds[i].counts(len(y)) for i in which], axis=1)
            codes = np.searchsorted(classes, y)  # of a class that was not seen it does not matter: it counts nothing
            codes = np.minimum(codes, len(classes) - 1)
            penalties = np.array([heads[i].C for i in which])
            solution = fit_logistic(x, codes, counts, penalties, len(classes), self.max_iter)
            for column, i in enumerate(which):
                heads[i]._take(solution, column)
        return heads

    def _take(self, solution: Solution, column: int) -> None:
        self.terms_ = None
        self.weights_, self.intercepts_ = solution.weights[column], solution.intercepts[column]
        self._say(int(solution.steps[column]))

    def _say(self, steps: int) -> None:
        self.history_ = {"steps": [steps]}
        if steps >= self.max_iter:
            warnings.warn(
                f"head logistic stopped after {steps} steps, not at the optimum; raise max_iter", stacklevel=2
            )

    def _fit(self, x: X, y: np.ndarray, how: Fitting) -> None:
        if not isinstance(x, Features):
            weight = np.ones(len(y), np.float32) if how.weight is None else how.weight
            solution = fit_logistic(x, y, weight[:, None], np.array([self.C]), len(self.seen_), self.max_iter)
            return self._take(solution, 0)
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is said in one line, by _say
            super()._fit(x, y, how)
        fitted = self.model_.estimators_ if self.several_ else [self.model_]
        return self._say(max(int(model[-1].n_iter_.max()) for model in fitted))

    def _pipeline(self, counts: bool, seed: int) -> object:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        return make_pipeline(TfidfTransformer(), LogisticRegression(C=self.C, max_iter=self.max_iter))

    def _predict_proba(self, x: X) -> np.ndarray:
        if self.terms_ is not None:
            return super()._predict_proba(x)
        z = x @ self.weights_ + self.intercepts_
        if z.shape[1] == 1:
            z = np.hstack([np.zeros_like(z), z])
        proba = np.exp(z - z.max(1, keepdims=True))
        return proba / proba.sum(1, keepdims=True)

    def _save(self, folder: Path) -> None:
        if self.terms_ is not None:
            return super()._save(folder)
        return np.savez(folder / "weights.npz", weights=self.weights_, intercepts=self.intercepts_)

    def _load(self, folder: Path) -> None:
        if not (folder / "weights.npz").exists():
            return super()._load(folder)
        with np.load(folder / "weights.npz", allow_pickle=False) as file:
            self.terms_, self.weights_, self.intercepts_ = None, file["weights"], file["intercepts"]
        return None
