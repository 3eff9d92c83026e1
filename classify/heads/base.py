"""What every head is: options, fit, probabilities, and a way to the disk and back."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from classify.heads._fit_progress import FitProgress
from classify.heads._fit_task import FitTask, HeadFitOptions, InnerChoice, InnerFit, X


def vectors(x: X) -> np.ndarray:
    """Features that are vectors, as the array that they are.

    Raises:
        TypeError: for tokens and ids.
    """
    if not isinstance(x, np.ndarray):
        raise TypeError(f"vectors are wanted, not {x.kind} features")
    return x


@dataclass
class Head(ABC):
    """A light classifier trained on features.

    A subclass is a dataclass with a ``name``; its fields are its options, described in an ``Options:`` section of its
    docstring, and it fills the four methods with an underscore. Classes are numbers 0 ... C - 1. Where a text may
    have several labels, the classes are the labels, ``y`` is 0/1 ``[n, C]``, and each has a probability of its own.

    Attributes:
        name: as on the command line; hyphens are allowed.
        kinds: which kinds of features it takes.
        grid: option -> values, of which the best on inner folds is taken unless one is given.
        trusted_types: scikit-learn types in its saved form that skops does not know to be harmless, by full name.
        given: names of the options that were asked for, so that nothing else is chosen for them.
        notes_: what the last ``fit`` has to say to the user, a sentence each.
        history_: values per epoch of the last ``fit``, for heads that have epochs.
        progress_: told how far the fit is.
        reported_: epoch -> probabilities ``[w, C]`` of the validation rows then, for the epochs asked for.
    """

    name: ClassVar[str] = ""
    kinds: ClassVar[frozenset[str]] = frozenset({"pooled"})
    grid: ClassVar[dict[str, tuple]] = {}
    trusted_types: ClassVar[tuple[str, ...]] = ()
    given: frozenset[str] = field(default=frozenset(), init=False, repr=False, compare=False)
    notes_: list[str] = field(default_factory=list, init=False, repr=False)
    history_: dict[str, list[float]] = field(default_factory=dict, init=False, repr=False)
    reported_: dict[int, np.ndarray] = field(default_factory=dict, init=False, repr=False)
    progress_: FitProgress = field(default=FitProgress(), init=False, repr=False, compare=False)

    def fit(
        self,
        x: X,
        y: np.ndarray,
        n_classes: int,
        seed: int,
        validation: tuple[X, np.ndarray] | None = None,
        sample_weight: np.ndarray | None = None,
        report: tuple[int, ...] = (),
        positive: int = 1,
    ) -> Head:
        """Learn from features of n texts and their classes; the same seed gives the same head.

        Args:
            x: the training rows.
            y: their classes, int ``[n]``; classes of which there is none get probability 0. With several labels a row
                0/1 ``[n, C]``; a label that all rows or none have gets probability 1 or 0.
            n_classes: C, at least 2 (1 with several labels).
            seed, sample_weight, report, positive: see ``HeadFitOptions``.
            validation: held-out rows and their classes; nothing is decided by them unless the head has ``patience``.
        """
        codes = self._begin(y, n_classes)
        if validation is not None:
            validation = self._validation(*validation)
        code = int(np.searchsorted(self.seen_classes_, positive))
        self._fit(x, codes, HeadFitOptions(seed, validation, sample_weight, report, code))
        return self

    def _begin(self, y: np.ndarray, n_classes: int) -> np.ndarray:
        """Note what there is to learn, and give it as ``_fit`` takes it: only the classes that were seen."""
        self.n_classes_, self.multilabel_ = n_classes, y.ndim == 2
        self.constant_proba_ = y.mean(0) if self.multilabel_ else np.zeros(n_classes)
        if self.multilabel_:
            self.seen_classes_ = np.flatnonzero((self.constant_proba_ > 0) & (self.constant_proba_ < 1))
            return y[:, self.seen_classes_]
        self.seen_classes_, codes = np.unique(y, return_inverse=True)
        return codes

    def _validation(self, x: X, y: np.ndarray) -> tuple[X, np.ndarray] | None:
        """Validation rows as ``_fit`` takes them; rows of classes that were not seen have no loss."""
        if self.multilabel_:
            return x, y[:, self.seen_classes_]
        known = np.flatnonzero(np.isin(y, self.seen_classes_))
        return (x[known], np.searchsorted(self.seen_classes_, y[known])) if len(known) else None

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[FitTask]) -> list[Head]:
        """A copy of this head for each fold, fitted on its rows; heads that can do all at once do that here.

        Args:
            x, y: all rows, as ``fit``.
            n_classes: C.
            folds: what each copy learns from.
        """
        return [
            self._fit_fold(x, y, n_classes, fold, self.progress_.at(fold.name, number, 1, len(folds)))
            for number, fold in enumerate(folds)
        ]

    def _fit_fold(self, x: X, y: np.ndarray, n_classes: int, fold: FitTask, progress: FitProgress) -> Head:
        """A copy of this head, fitted on one fold of ``fit_folds``."""
        validation = None if fold.validation is None else (x[fold.validation], y[fold.validation])
        sample_weight = None if fold.sample_weight is None else fold.sample_weight[fold.rows]
        head = self.copy(**fold.options)
        head.progress_ = progress
        progress.tell()
        rest = validation, sample_weight, fold.report, fold.positive
        return head.fit(x[fold.rows], y[fold.rows], n_classes, fold.seed, *rest)

    def copy(self, **options: object) -> Self:
        """An untrained head with the options of this one, or with these."""
        made = type(self)(**(self.options() | options))
        made.progress_ = self.progress_
        return made

    def telling(self, progress: FitProgress) -> Self:
        """This head, untrained, whose copies tell of their fits."""
        told = copy.copy(self)
        told.progress_ = progress
        return told

    def grid_of(self, kind: str) -> dict[str, tuple]:
        """The ``grid`` for features of a kind."""
        return self.grid

    def choice_rows(self, x: object) -> int | None:
        """On how many training rows it is enough to choose options; None: all of them."""
        return None

    def inner_folds_of(self, kind: str) -> int:
        """On how many inner folds its options for features of a kind are chosen unless it is said, 3 or more."""
        return 3

    def calibration_of(self, kind: str) -> str:
        """How its probabilities for features of a kind are calibrated unless something else is asked for."""
        return "none"

    def choose(
        self, x: X, y: np.ndarray, n_classes: int, inner: Sequence[Sequence[InnerFit]], candidates: Sequence[dict]
    ) -> list[InnerChoice] | None:
        """What the inner folds of each training set say of ``candidates``; None: try them all.

        Args:
            x, y, n_classes: as ``fit_folds``.
            inner: the inner folds of each training set; nothing is sampled or weighted.
            candidates: options to choose from.
        """
        return None

    def predict_proba(self, x: X, rows: np.ndarray | None = None) -> np.ndarray:
        """float64 ``[n, C]``: probability of each class; rows sum to 1 unless a text may have several labels.

        Args:
            x: features.
            rows: int ``[n]``, those that are wanted; all if None. Heads that read in blocks make no copy of them.
        """
        n = len(x) if rows is None else len(rows)
        if not n or not len(self.seen_classes_):
            return np.tile(self.constant_proba_, (n, 1)).astype(np.float64)
        return self._all_classes(self._predict_rows(x, rows))

    def _all_classes(self, proba: np.ndarray) -> np.ndarray:
        """float64 ``[n, C]`` of ``[n, classes seen]``: those of the other classes are constant."""
        whole = np.tile(self.constant_proba_, (len(proba), 1)).astype(np.float64)
        whole[:, self.seen_classes_] = proba
        return whole

    def _predict_rows(self, x: X, rows: np.ndarray | None) -> np.ndarray:
        """As ``_predict_proba``, of ``rows``, at least one."""
        return self._predict_proba(x if rows is None else x[rows])

    def options(self) -> dict:
        """The options and their values."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.init}

    def state(self) -> dict:
        """What ``restore`` needs beside the files of ``_save``, JSON-able."""
        return {
            "head": self.name,
            "options": self.options(),
            "n_classes": self.n_classes_,
            "several": self.multilabel_,
            "seen": self.seen_classes_.tolist(),
            "otherwise": self.constant_proba_.tolist(),
        }

    def restore(self, state: dict, folder: Path) -> Head:
        """Become the head that was saved with this state in this folder."""
        self.n_classes_, self.multilabel_ = state["n_classes"], state["several"]
        self.seen_classes_, self.constant_proba_ = np.array(state["seen"], int), np.array(state["otherwise"], float)
        self._load(folder)
        return self

    @abstractmethod
    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        """Learn; each of the classes 0 ... max(y) occurs in y.

        With several labels a row (``self.multilabel_``) y is 0/1 ``[n, labels seen]``, no label the same in all rows.
        """

    @abstractmethod
    def _predict_proba(self, x: X) -> np.ndarray:
        """``[n, number of classes seen]``, n > 0, at least one class seen."""

    @abstractmethod
    def _save(self, folder: Path) -> None:
        """Write what was learned into an existing folder, without pickle."""

    @abstractmethod
    def _load(self, folder: Path) -> None:
        """Inverse of ``_save``."""


def probabilities(z: np.ndarray, multilabel: bool) -> np.ndarray:
    """Of outputs before the last step: a sigmoid for one output (two classes) or for each of several labels.

    Args:
        z: ``[n, c]``; c = 1 for two classes.
        multilabel: whether a text may have several labels; else more than one output is a softmax.

    Returns:
        ``[n, 2]`` for one output and one label a text, else ``[n, c]``.
    """
    if multilabel or z.shape[1] == 1:
        tail = np.exp(-np.abs(z))
        proba = np.where(z > 0, 1, tail) / (1 + tail)
        return proba if multilabel else np.hstack([1 - proba, proba])
    proba = np.exp(z - z.max(1, keepdims=True))
    return proba / proba.sum(1, keepdims=True)
