"""A head fitted on sampled rows, with probabilities that are right for the rows as they are."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np

from classify.heads._base import Head, X
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


def fit(
    head: Head,
    x: X,
    y: np.ndarray,
    rows: np.ndarray,
    n_classes: int,
    sampler: str,
    seed: int,
    watch: np.ndarray | None = None,
) -> Fitted:
    """A copy of ``head`` fitted on ``rows``, after sampling among these; ``watch`` as for ``Head.fit``.

    Raises:
        InputError: if ``rows`` hold one class only.
    """
    real = np.bincount(y[rows], minlength=n_classes)
    if (real > 0).sum() < 2:
        raise InputError("the training rows of a split hold one class only; give a split with two or more")
    chosen = sample(rows, y, sampler, seed)
    fresh = copy.deepcopy(head)
    fresh.fit(x[chosen], y[chosen], n_classes, seed, None if watch is None else (x[watch], y[watch]))
    return Fitted(fresh, np.bincount(y[chosen], minlength=n_classes), real)
