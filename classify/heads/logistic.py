"""``logistic``: L2-regularised logistic regression, on standardised vectors or on TF-IDF."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from classify.heads._base import X
from classify.heads._sklearn import SklearnHead


@dataclass
class LogisticHead(SklearnHead):
    """Logistic regression; the scaler or the TF-IDF weights are fitted on the training rows.

    Options:
        C: inverse strength of the L2 penalty, > 0.
        max_iter: the most steps of the solver (L-BFGS); ``history_`` holds how many it took.
    """

    name = "logistic"
    C: float = 1.0
    max_iter: int = 1000

    def _fit(self, x: X, y: np.ndarray, seed: int, watch: tuple[X, np.ndarray] | None) -> None:
        from sklearn.exceptions import ConvergenceWarning

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is said in one line, below
            super()._fit(x, y, seed, watch)
        steps = int(self.model_[-1].n_iter_.max())
        self.history_ = {"steps": [steps]}
        if steps >= self.max_iter:
            warnings.warn(
                f"head logistic stopped after {steps} steps, not at the optimum; raise max_iter", stacklevel=2
            )

    def _pipeline(self, counts: bool, seed: int) -> object:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        first = TfidfTransformer() if counts else StandardScaler()
        return make_pipeline(first, LogisticRegression(C=self.C, max_iter=self.max_iter))
