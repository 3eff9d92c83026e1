"""``logistic``: L2-regularised logistic regression, on standardised vectors or on TF-IDF."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify.heads._sklearn import SklearnHead
from classify.heads.base import FitTask, HeadFitOptions, X, probabilities
from classify.solvers.blockwise import by_blocks
from classify.solvers.logistic import Task, fit_logistic
from stores.features import Features


@dataclass
class LogisticHead(SklearnHead):
    """Logistic regression; the scaler or the TF-IDF weights are fitted on the training rows.

    On vectors all folds are solved at once, see ``classify.solvers.logistic``; on terms by scikit-learn.

    Options:
        C: inverse strength of the L2 penalty, > 0.
        max_iter: the most steps of the solver (L-BFGS); ``history_`` holds how many it took.
    """

    name = "logistic"
    C: float = 1.0
    max_iter: int = 1000

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[FitTask]) -> list[LogisticHead]:
        """As ``Head.fit_folds``; folds that have seen the same classes are solved together, as are all labels."""
        if isinstance(x, Features):
            return super().fit_folds(x, y, n_classes, folds)
        heads = [self.copy(**fold.options) for fold in folds]
        for head, fold in zip(heads, folds, strict=True):
            head._begin(y[fold.rows], n_classes)
            head.terms_ = None
        if y.ndim == 2:
            _solve(x, y, 2, heads, folds)
            return heads
        for classes in sorted({tuple(head.seen_classes_) for head in heads}):
            which = [i for i, head in enumerate(heads) if tuple(head.seen_classes_) == classes]
            codes = np.searchsorted(classes, y)  # of a class that was not seen it does not matter: it counts nothing
            codes = np.minimum(codes, len(classes) - 1)
            _solve(x, codes, len(classes), [heads[i] for i in which], [folds[i] for i in which])
        return heads

    def _say(self, steps: int) -> None:
        self.history_ = {"steps": [steps]}
        if steps >= self.max_iter:
            warnings.warn(
                f"head logistic stopped after {steps} steps, not at the optimum; raise max_iter", stacklevel=2
            )

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        if not isinstance(x, Features):
            self.terms_ = None
            task = FitTask(np.arange(len(y)), how.seed, sample_weight=how.sample_weight)
            return _solve(x, y, 2 if self.multilabel_ else len(self.seen_classes_), [self], [task])
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is said in one line, by _say
            super()._fit(x, y, how)
        fitted = self.model_.estimators_ if self.multilabel_ else [self.model_]
        return self._say(max(int(model[-1].n_iter_.max()) for model in fitted))

    def _pipeline(self, counts: bool, seed: int) -> object:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        return make_pipeline(TfidfTransformer(), LogisticRegression(C=self.C, max_iter=self.max_iter))

    def _predict_proba(self, x: X) -> np.ndarray:
        return super()._predict_proba(x) if self.terms_ is not None else self._predict_rows(x, None)

    def _predict_rows(self, x: X, rows: np.ndarray | None) -> np.ndarray:
        if self.terms_ is not None:
            return super()._predict_rows(x, rows)
        z = by_blocks(lambda block: block @ self.weights_ + self.intercepts_, x, rows)
        return probabilities(z, self.multilabel_)

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


def _solve(x: np.ndarray, y: np.ndarray, n_classes: int, heads: list[LogisticHead], folds: Sequence[FitTask]) -> None:
    """Fit ``heads``, each on its fold, to classes ``y [n]`` that all have seen, or to the labels ``y [n, labels]``."""
    rows = {
        (id(fold.rows), id(fold.sample_weight)): fold for fold in folds
    }  # those that differ in their options share them
    column = {key: number for number, key in enumerate(rows)}
    sample_weight = np.stack([fold.sample_weights(len(y)) for fold in rows.values()], axis=1)
    tasks, owner = [], []
    for i, (head, fold) in enumerate(zip(heads, folds, strict=True)):
        labels = (
            [0] if y.ndim == 1 else range(y.shape[1]) if y.shape[1] == len(head.seen_classes_) else head.seen_classes_
        )
        tasks += [Task(column[id(fold.rows), id(fold.sample_weight)], head.C, label) for label in labels]
        owner += [i] * len(labels)
    solution = fit_logistic(x, y, sample_weight, tasks, n_classes, max(head.max_iter for head in heads))
    for i, head in enumerate(heads):
        mine = np.flatnonzero(np.array(owner) == i)
        head.weights_ = np.hstack(solution.weights[mine])
        head.intercepts_ = np.hstack(solution.intercepts[mine])
        head._say(int(solution.steps[mine].max()))
