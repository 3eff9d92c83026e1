"""``nb``: naive Bayes, multinomial over terms or Gaussian over vectors."""

from __future__ import annotations

from dataclasses import dataclass

from classify.heads._sklearn import SklearnHead
from stores.errors import InputError


@dataclass
class NbHead(SklearnHead):
    """Multinomial naive Bayes over the terms of ``words``, Gaussian naive Bayes over vectors.

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

    def _pipeline(self, counts: bool, seed: int) -> object:
        from sklearn.feature_extraction.text import TfidfTransformer
        from sklearn.naive_bayes import GaussianNB, MultinomialNB
        from sklearn.pipeline import make_pipeline

        if not counts:
            return make_pipeline(GaussianNB(var_smoothing=self.smoothing))
        first = [TfidfTransformer()] if self.weights == "tfidf" else []
        return make_pipeline(*first, MultinomialNB(alpha=self.alpha))
