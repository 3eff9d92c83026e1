"""Truth, probabilities and decisions of the same rows, counted under many weightings: what metrics are computed from.

Weightings (``weights`` ``[B, n]``) let a bootstrap of a thousand resamples cost a few passes over the rows. What is
needed by more than one metric is computed once, when the first of them asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from classify.scoring.auc import areas

EPS = float(np.finfo(float).eps)  # the smallest probability that a logarithm is taken of


def problem_of(y: np.ndarray, n_classes: int) -> str:
    """``multi-label`` if ``y`` is 0/1 ``[n, L]``, else ``binary`` or ``multi-class``, by the number of classes."""
    return "multi-label" if y.ndim == 2 else "binary" if n_classes == 2 else "multi-class"


@dataclass(frozen=True)
class Decisions:
    """Counts of decisions under ``B`` weightings; with several labels a row each label is a class by itself.

    Attributes:
        hit: float ``[B, C]``, rows of each class that were decided to be of it.
        true: float ``[B, C]``, rows of each class.
        taken: float ``[B, C]``, rows decided to be of each class.
        total: float ``[B]``, all rows.
        positive: of two classes, the one that the metrics of the positive class are about.
    """

    hit: np.ndarray
    true: np.ndarray
    taken: np.ndarray
    total: np.ndarray
    positive: int = 1

    @property
    def seen(self) -> np.ndarray:
        """Bool ``[B, C]``: which classes occur, as truth or as decision; the others have no score."""
        return (self.true > 0) | (self.taken > 0)


@dataclass(frozen=True)
class Scored:
    """Predictions and their weightings.

    Attributes:
        y: int ``[n]``, the true classes; with several labels a row 0/1 ``[n, L]``.
        proba: float ``[n, C]``, probabilities from models that had not seen the rows.
        predicted: as ``y``, what the models decided.
        positive: of two classes, the one that scores of the positive class are about.
        repeat: int ``[n]``; rows are ranked within each repeat, and the areas averaged over the repeats.
        weights: float ``[B, n]``, how much each row counts.
    """

    y: np.ndarray
    proba: np.ndarray
    predicted: np.ndarray
    positive: int
    repeat: np.ndarray
    weights: np.ndarray

    @property
    def problem(self) -> str:
        """``binary``, ``multi-class`` or ``multi-label``."""
        return problem_of(self.y, self.proba.shape[1])

    @cached_property
    def truth(self) -> np.ndarray:
        """0/1 ``[n, C]``: which classes, or labels, each row has."""
        return self.y if self.y.ndim == 2 else np.eye(self.proba.shape[1], dtype=int)[self.y]

    @cached_property
    def decided(self) -> np.ndarray:
        """0/1 ``[n, C]``: which classes, or labels, each row was decided to have."""
        return self.predicted if self.y.ndim == 2 else np.eye(self.proba.shape[1], dtype=int)[self.predicted]

    @cached_property
    def decisions(self) -> Decisions:
        """The counts of decisions."""
        hit, total = self.truth & self.decided, self.weights.sum(1)
        hits, true, taken = (self.weights @ each for each in (hit, self.truth, self.decided))
        return Decisions(hits, true, taken, total, self.positive)

    @cached_property
    def confusion(self) -> np.ndarray:
        """``[B, C, C]``, the true class first; with several labels ``[B, L, 2, 2]``, absent first."""
        if self.y.ndim == 1:
            n_classes = self.proba.shape[1]
            cell = np.zeros((len(self.y), n_classes * n_classes))
            cell[np.arange(len(self.y)), self.y * n_classes + self.predicted] = 1
            return (self.weights @ cell).reshape(-1, n_classes, n_classes)
        d = self.decisions
        absent = d.total[:, None] - d.true - d.taken + d.hit
        rows = np.stack([absent, d.taken - d.hit], -1), np.stack([d.true - d.hit, d.hit], -1)
        return np.stack(rows, -2)

    @cached_property
    def areas(self) -> np.ndarray:
        """ROC-AUC and average precision, ``[2, B, C]``: each class against the rest (of two, the positive)."""
        chosen = [self.positive] if self.problem == "binary" else range(self.proba.shape[1])
        each = [areas(self.truth[:, c] == 1, self.proba[:, c], self.repeat, self.weights) for c in chosen]
        return np.stack(each, axis=2)

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean of a value a row, ``[B]``."""
        return self.weights @ values / self.weights.sum(1)


def log_loss(proba: np.ndarray, y: np.ndarray) -> float:
    """Mean log loss of the probabilities ``[m, C]`` of rows of classes ``y``."""
    own = np.where(y == 1, proba, 1 - proba) if y.ndim == 2 else proba[np.arange(len(y)), y]
    return float(-np.log(np.maximum(own, EPS)).mean())
