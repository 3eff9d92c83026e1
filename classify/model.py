"""A head fitted on sampled rows, with probabilities that are right for the rows as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classify.heads._base import Fold, Head, X
from classify.sample import correct_prior, sample
from stores.errors import InputError


@dataclass(frozen=True)
class Fitted:
    """A fitted head, and the class counts that its probabilities are corrected with.

    Attributes:
        head: the fitted head.
        fitted: int ``[C]``, rows of each class it was fitted on, after sampling.
        real: int ``[C]``, rows of each class before sampling.
    """

    head: Head
    fitted: np.ndarray
    real: np.ndarray

    def predict(self, x: X) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities float64 ``[n, C]`` and classes int ``[n]``.

        The probabilities hold under the class frequencies before sampling. The class is the head's own choice, the
        most probable one under the frequencies it was fitted on: to sample is to ask for classes of equal weight, and
        the corrected probabilities would take that back. Without sampling the two agree.
        """
        own = self.head.predict_proba(x)
        return correct_prior(own, self.fitted, self.real), own.argmax(1)


def fit(head: Head, x: X, y: np.ndarray, folds: Sequence[Fold], n_classes: int, sampler: str) -> list[Fitted]:
    """A copy of ``head`` for each fold, fitted on its rows after sampling among these.

    Raises:
        InputError: if the rows of a fold hold one class only.
    """
    real = [np.bincount(y[fold.rows], minlength=n_classes) for fold in folds]
    if any((counts > 0).sum() < 2 for counts in real):
        raise InputError("the training rows of a split hold one class only; give a split with two or more")
    sampled = [replace(fold, rows=sample(fold.rows, y, sampler, fold.seed)) for fold in folds]
    fitted = [np.bincount(y[fold.rows], minlength=n_classes) for fold in sampled]
    return [Fitted(*found) for found in zip(head.fit_folds(x, y, n_classes, sampled), fitted, real, strict=True)]
