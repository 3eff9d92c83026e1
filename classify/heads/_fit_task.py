"""What a head is given to learn from: rows, weights, options, inner folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from classify.scoring.scored import log_loss
from stores.features import Features

X = np.ndarray | Features  # float [n, D], or tokens or ids


@dataclass(frozen=True)
class FitTask:
    """What one copy of a head learns from.

    Attributes:
        rows: int64 ``[m]``, the training rows after sampling; a row may be there several times.
        seed: for everything random.
        validation: int64 ``[w]``, held-out rows, see ``HeadFitOptions``.
        sample_weight: float ``[n]``, how much each of all rows counts as a training row; 1 if None.
        options: options of the head that are not as in the others.
        report: epochs, see ``HeadFitOptions``.
        name: for people, such as ``fold 2 of 5``.
        positive: of two classes, the one that metrics of an epoch are about.
    """

    rows: np.ndarray
    seed: int
    validation: np.ndarray | None = None
    sample_weight: np.ndarray | None = None
    options: dict = field(default_factory=dict)
    report: tuple[int, ...] = ()
    name: str = ""
    positive: int = 1

    def sample_weights(self, n: int) -> np.ndarray:
        """float32 ``[n]``: how much each of all ``n`` rows counts: its weight, for each time it is a training row."""
        times = np.bincount(self.rows, minlength=n).astype(np.float32)
        return times if self.sample_weight is None else times * self.sample_weight.astype(np.float32)


@dataclass(frozen=True)
class HeadFitOptions:
    """What a head is told beside its training rows.

    Attributes:
        seed: for everything random.
        validation: features and classes of held-out rows whose loss is noted each epoch, by heads that have epochs.
        sample_weight: float32 ``[n]``, how much each training row counts; 1 if None.
        report: epochs after which the probabilities of the validation rows go into ``reported_``.
        positive: of two classes, the number (among those that were seen) of the one that metrics of an epoch are about.
    """

    seed: int
    validation: tuple[X, np.ndarray] | None = None
    sample_weight: np.ndarray | None = None
    report: tuple[int, ...] = ()
    positive: int = 1


class InnerFit(NamedTuple):
    """An inner fold: what to learn from, and the rows that the model is to predict."""

    task: FitTask
    held_out: np.ndarray


class InnerChoice(NamedTuple):
    """What the inner folds of a training set say.

    Attributes:
        losses: mean log loss of the held-out rows for each candidate; infinite where it was not tried, or given up.
        proba: float64 ``[m, C]``, probabilities of the held-out rows, fold after fold, of the best candidate.
    """

    losses: list[float]
    proba: np.ndarray

    @classmethod
    def of(cls, tried: Sequence[np.ndarray], truth: np.ndarray) -> InnerChoice:
        """The candidates compared.

        Args:
            tried: float64 ``[m, C]`` of each candidate, probabilities of the held-out rows.
            truth: int ``[m]``, their classes; or 0/1 ``[m, C]``, their labels.
        """
        losses = [log_loss(proba, truth) for proba in tried]
        return cls(losses, tried[int(np.argmin(losses))])
