"""``logistic``: L2-regularised logistic regression, on standardised vectors or on TF-IDF."""

from __future__ import annotations

from dataclasses import dataclass

from classify.heads._sklearn import SklearnHead


@dataclass
class LogisticHead(SklearnHead):
    """Logistic regression; the scaler or the TF-IDF weights are fitted on the training rows.

    Options:
        C: inverse strength of the L2 penalty, > 0.
        max_iter: the most steps of the solver (L-BFGS).
    """

    name = "logistic"
    C: float = 1.0
    max_iter: int = 1000

    def _pipeline(self, counts: bool, seed: int) -> object:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        first = TfidfTransformer() if counts else StandardScaler()
        return make_pipeline(first, LogisticRegression(C=self.C, max_iter=self.max_iter))
