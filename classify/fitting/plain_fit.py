"""Heads fitted on the rows of each fold with sampling and weights, and with nothing left to be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classify.fitting.columns import ColumnParts, FittedColumns, fit_columns
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.sampling import members, sample, synthetic
from classify.heads.base import FitTask, Head, X, vectors
from classify.splits.nested import Choice, stopping_rows
from stores.shared.errors import InputError


@dataclass(frozen=True)
class Problem:
    """What all folds of one call of ``classify.fitting.training.fit`` share; see there."""

    head: Head
    x: X | ColumnParts
    y: np.ndarray
    n_classes: int
    training: FitOptions
    groups: np.ndarray
    positive: int
    key: np.ndarray

    def telling(self, stage: str) -> Problem:
        """The same problem, whose head tells what it does under this name."""
        progress = replace(self.head.progress_, stage=stage)
        progress.tell(None)
        return replace(self, head=self.head.telling(progress))


def fit_plain(problem: Problem, folds: Sequence[FitTask]) -> list[FittedModel]:
    """A model for each fold; of its rows some are drawn, or made, and weighted, as ``problem.training`` says.

    Raises:
        InputError: if the training rows of a fold hold one class only, or each label on all rows or on none.
    """
    head, x, y, n_classes, training = problem.head, problem.x, problem.y, problem.n_classes, problem.training
    truth = y if y.ndim == 2 else np.eye(n_classes, dtype=np.float32)[y]
    real = [truth[fold.rows].sum(0, dtype=np.float64) for fold in folds]
    if y.ndim == 1 and any((counts > 0).sum() < 2 for counts in real):
        raise InputError("the training rows of a split hold one class only; give a split with two or more")
    if y.ndim == 2 and not all(((0 < c) & (c < len(f.rows))).any() for c, f in zip(real, folds, strict=True)):
        raise InputError("in the training rows of a split each label is on all rows or on none; nothing to learn from")
    count = members(training.sampler)
    tasks, columns = [], _OncePerRows(x, training.components)
    for fold, counts in zip(folds, real, strict=True):
        whole = fold.rows
        fold = stopping_rows(fold, y, problem.groups, problem.key) if getattr(head, "patience", 0) else fold
        columns.add(whole, fold.rows)
        if training.class_weight == "balanced":
            each = counts.sum() / np.maximum(counts, 1) / (counts > 0).sum()
            fold = replace(fold, sample_weight=each[y])
        for member in range(count):
            seed = fold.seed + 100_000 * member
            rows = sample(fold.rows, y, training.sampler, seed)
            tasks.append(replace(fold, rows=rows, seed=seed, positive=problem.positive))
    made: list[Head] = [head] * len(tasks)
    fitted: list[np.ndarray] = [task.sample_weights(len(y)).astype(np.float64) @ truth for task in tasks[::count]]
    done = 0
    for some in columns.alike:
        own, numbers = columns.of(some[0]), [i * count + member for i in some for member in range(count)]
        told = head.telling(replace(head.progress_, start=done / len(tasks), span=len(numbers) / len(tasks)))
        done += len(numbers)
        if training.sampler == "smote":
            for place, number in enumerate(numbers):
                named = told.telling(told.progress_.at(tasks[number].name, place, 1, len(numbers)))
                made[number], fitted[number // count] = _fit_smote(named, vectors(own), y, tasks[number], n_classes)
        else:
            heads = told.fit_folds(own, y, n_classes, [tasks[number] for number in numbers])
            for number, one in zip(numbers, heads, strict=True):
                made[number] = one
    return [
        FittedModel(made[i * count : (i + 1) * count], fitted[i], real[i], problem.positive, Choice({}), columns[i])
        for i in range(len(folds))
    ]


class _OncePerRows:
    """The columns that are fitted on training rows: once for all fits on the same rows, such as those of options."""

    def __init__(self, x: X | ColumnParts, components: int) -> None:
        self._x, self._components = x, components
        self._fitted: dict[int, FittedColumns | None] = {}
        self._key: list[int] = []

    def add(self, key: np.ndarray, rows: np.ndarray) -> None:
        """The rows of the next fit; ``key`` is the same array where they are the same."""
        self._key.append(id(key))
        if id(key) not in self._fitted:
            self._fitted[id(key)] = fit_columns(self._x, rows, self._components)

    def __getitem__(self, fit: int) -> FittedColumns | None:
        return self._fitted[self._key[fit]]

    @property
    def alike(self) -> list[list[int]]:
        """The fits that see the same columns; all of them where nothing is fitted."""
        groups: dict[int, list[int]] = {}
        for fit, key in enumerate(self._key):
            groups.setdefault(0 if self[fit] is None else key, []).append(fit)
        return list(groups.values())

    def of(self, fit: int) -> X:
        """All rows as this fit sees them."""
        columns = self[fit]
        if columns is not None:
            return columns.apply(self._x)
        assert not isinstance(self._x, ColumnParts)  # noqa: S101 (for these there are columns)
        return self._x


def _fit_smote(head: Head, x: np.ndarray, y: np.ndarray, fold: FitTask, n_classes: int) -> tuple[Head, np.ndarray]:
    """Fit on rows of this fold and made ones between them; and how many rows of each class that was."""
    head.progress_.tell()
    train_x, train_y = synthetic(x[fold.rows], y[fold.rows], fold.seed)
    validation = None if fold.validation is None else (x[fold.validation], y[fold.validation])
    fitted = head.copy(**fold.options).fit(
        train_x, train_y, n_classes, fold.seed, validation, None, fold.report, fold.positive
    )
    return fitted, np.bincount(train_y, minlength=n_classes).astype(np.float64)
