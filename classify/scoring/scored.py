"""Truth, probabilities and decisions of the same rows, counted under many weightings: what metrics are computed from.

Weightings (``weights`` ``[B, n]``) let a bootstrap of a thousand resamples cost a few passes over the rows. What is
needed by more than one metric is computed once, when the first of them asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from classify.scoring.auc import Ranking
from classify.scoring.cell_sums import CellSums

Made = TypeVar("Made")

FEW_PAIRS = 16  # of true class and class decided for, up to which the rows are counted by pairs
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
        made: see ``once``.
    """

    y: np.ndarray
    proba: np.ndarray
    predicted: np.ndarray
    positive: int
    repeat: np.ndarray
    weights: np.ndarray
    made: dict[Callable, Any] = field(default_factory=dict, repr=False, compare=False)

    def under(self, weights: np.ndarray) -> Scored:
        """The same predictions under other weightings; what ``once`` has made is kept."""
        return replace(self, weights=weights)

    def once(self, make: Callable[[Scored], Made]) -> Made:
        """What ``make`` makes of the rows without a look at their weights: made for the first weightings only."""
        if make not in self.made:
            self.made[make] = make(self)
        return self.made[make]

    @property
    def problem(self) -> str:
        """``binary``, ``multi-class`` or ``multi-label``."""
        return problem_of(self.y, self.proba.shape[1])

    @cached_property
    def truth(self) -> np.ndarray:
        """Bool ``[n, C]``: which classes, or labels, each row has."""
        return self._members(self.y)

    @cached_property
    def decided(self) -> np.ndarray:
        """Bool ``[n, C]``: which classes, or labels, each row was decided to have."""
        return self._members(self.predicted)

    def _members(self, y: np.ndarray) -> np.ndarray:
        return y == 1 if y.ndim == 2 else y[:, None] == np.arange(self.proba.shape[1])

    @cached_property
    def decisions(self) -> Decisions:
        """The counts of decisions."""
        if self.y.ndim == 2:
            counts = self.confusion
            hit, true, taken = counts[:, :, 1, 1], counts[:, :, 1].sum(2), counts[:, :, :, 1].sum(2)
        else:
            hit, true, taken = _counts(self.once(_decisions), self.weights, self.proba.shape[1])
        return Decisions(hit, true, taken, self.total, self.positive)

    @cached_property
    def confusion(self) -> np.ndarray:
        """``[B, C, C]``, the true class first; with several labels ``[B, L, 2, 2]``, absent first."""
        if self.y.ndim == 1:
            n_classes = self.proba.shape[1]
            cells = CellSums(self.y * n_classes + self.predicted, n_classes**2)
            return cells(self.weights).reshape(-1, n_classes, n_classes)
        return np.stack([cells(self.weights).reshape(-1, 2, 2) for cells in self.once(_decisions)], axis=1)

    @cached_property
    def areas(self) -> np.ndarray:
        """ROC-AUC and average precision, ``[2, B, C]``: each class against the rest (of two, the positive).

        All rows of a repeat are ranked together, and the areas averaged over the repeats: areas of single folds,
        averaged, are biased upwards where positives are few (that of a fold with two is never small).
        """
        found = []
        for repeats in self.once(_rankings):
            each = np.stack(
                [ranking.areas(self.weights if rows is None else self.weights[:, rows]) for rows, ranking in repeats]
            )  # [repeats, 2, B]
            there = ~np.isnan(each)  # rows of one class only have no areas, and no say
            with np.errstate(invalid="ignore"):
                found.append(np.where(there, each, 0).sum(0) / there.sum(0))
        return np.stack(found, axis=2)

    @cached_property
    def total(self) -> np.ndarray:
        """The sum of the weights, ``[B]``."""
        return self._sum(np.ones(self.weights.shape[1]))

    def mean(self, values: np.ndarray) -> np.ndarray:
        """The mean of a value a row, ``[B]``."""
        return self._sum(values) / self.total

    def _sum(self, values: np.ndarray) -> np.ndarray:
        # not @: the threads of BLAS wait busily, and the cores have resamples of their own to count
        return np.einsum("bn,n->b", self.weights, values)


def _decisions(s: Scored) -> list[CellSums]:
    """The rows by true class and class decided for, or by each and by hits; of each label by truth and decision."""
    if s.y.ndim == 2:
        return [CellSums(2 * y + taken, 4) for y, taken in zip(s.y.T, s.predicted.T, strict=True)]
    c = s.proba.shape[1]
    if c**2 <= FEW_PAIRS:
        return [CellSums(s.y * c + s.predicted, c**2)]
    return [CellSums(cells, c) for cells in (np.where(s.y == s.predicted, s.y, -1), s.y, s.predicted)]


def _counts(cells: list[CellSums], weights: np.ndarray, n_classes: int) -> list[np.ndarray]:
    """Of ``_decisions``: the weights of hits, true class and class decided for, ``[B, C]`` each."""
    if len(cells) > 1:
        return [each(weights) for each in cells]
    pairs = cells[0](weights).reshape(-1, n_classes, n_classes)
    return [np.einsum("bcc->bc", pairs), pairs.sum(2), pairs.sum(1)]


def _rankings(s: Scored) -> list[list[tuple[np.ndarray | None, Ranking]]]:
    """Of each class (of two, the positive) the rows of each repeat, None for all, and how they are ranked."""
    chosen = [s.positive] if s.problem == "binary" else range(s.proba.shape[1])
    repeats = np.unique(s.repeat)
    parts = [np.flatnonzero(s.repeat == number) for number in repeats] if len(repeats) > 1 else [None]
    every = slice(None)
    return [
        [(rows, Ranking(s.truth[every if rows is None else rows, c], s.proba[every if rows is None else rows, c]))
         for rows in parts]
        for c in chosen
    ]  # fmt: skip


def log_loss(proba: np.ndarray, y: np.ndarray) -> float:
    """Mean log loss of the probabilities ``[m, C]`` of rows of classes ``y``."""
    return float(log_losses(proba, y).mean())


def log_losses(proba: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Log loss of each row, float64 ``[m]``; with several labels a row of each label, ``[m, L]``."""
    own = np.where(y == 1, proba, 1 - proba) if y.ndim == 2 else proba[np.arange(len(y)), y]
    return -np.log(np.maximum(own, EPS))
