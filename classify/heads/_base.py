"""What every head is: options, fit, probabilities, and a way to the disk and back."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from stores.features import Features

X = np.ndarray | Features  # float [n, D], or features of kind ``ids``


@dataclass(frozen=True)
class Fold:
    """What one copy of a head learns from.

    Attributes:
        rows: int64 ``[m]``, the training rows after sampling; a row may be there several times.
        seed: for whatever is random.
        watch: int64 ``[w]``, held-out rows whose loss is noted each epoch; nothing is decided by it.
    """

    rows: np.ndarray
    seed: int
    watch: np.ndarray | None = None

    def counts(self, n: int) -> np.ndarray:
        """float32 ``[n]``: how often each of all ``n`` rows is among the training rows."""
        return np.bincount(self.rows, minlength=n).astype(np.float32)


@dataclass
class Head(ABC):
    """A light classifier trained on features.

    A subclass lives in a file named as on the command line (``nb.py`` holds ``NbHead``), is a dataclass whose fields
    are its options, and fills the four methods with an underscore. Classes are numbers 0 ... C - 1.

    Attributes:
        name: as on the command line.
        kinds: which kinds of features it takes.
        history_: values per epoch of the last ``fit``, for heads that have epochs.
    """

    name = ""
    kinds = frozenset({"pooled"})
    history_: dict[str, list[float]] = field(default_factory=dict, init=False, repr=False)

    def fit(self, x: X, y: np.ndarray, n_classes: int, seed: int, watch: tuple[X, np.ndarray] | None = None) -> Head:
        """Learn from features of n texts and their classes, int ``[n]``; the same seed gives the same head.

        Args:
            x, y: the training rows; classes of which there is none get probability 0.
            n_classes: C, at least 2.
            seed: for whatever is random.
            watch: held-out rows whose loss is noted each epoch, by heads that have epochs; nothing is decided by it.
        """
        self.n_classes_ = n_classes
        self.seen_, codes = np.unique(y, return_inverse=True)
        if watch is not None:
            known = np.flatnonzero(np.isin(watch[1], self.seen_))
            watch = (watch[0][known], np.searchsorted(self.seen_, watch[1][known])) if len(known) else None
        self._fit(x, codes, seed, watch)
        return self

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[Fold]) -> list[Head]:
        """A copy of this head for each fold, fitted on its rows; heads that can do all at once do that here.

        Args:
            x, y: all rows.
            n_classes: C, at least 2.
            folds: what each copy learns from.
        """
        heads = []
        for fold in folds:
            watch = None if fold.watch is None else (x[fold.watch], y[fold.watch])
            heads.append(copy.deepcopy(self).fit(x[fold.rows], y[fold.rows], n_classes, fold.seed, watch))
        return heads

    def predict_proba(self, x: X) -> np.ndarray:
        """float64 ``[n, C]``: probability of each class, rows sum to 1."""
        proba = np.zeros((len(x), self.n_classes_))
        if len(x):
            proba[:, self.seen_] = self._predict_proba(x)
        return proba

    def options(self) -> dict:
        """The options and their values."""
        return {name: value for name, value in asdict(self).items() if not name.endswith("_")}

    def state(self) -> dict:
        """What ``restore`` needs beside the files of ``_save``, JSON-able."""
        return {
            "head": self.name, "options": self.options(), "n_classes": self.n_classes_, "seen": self.seen_.tolist()
        }  # fmt: skip

    def restore(self, state: dict, folder: Path) -> Head:
        """Become the head that was saved with this state in this folder."""
        self.n_classes_, self.seen_ = state["n_classes"], np.array(state["seen"])
        self._load(folder)
        return self

    @abstractmethod
    def _fit(self, x: X, y: np.ndarray, seed: int, watch: tuple[X, np.ndarray] | None) -> None:
        """Learn; each of the classes 0 ... max(y) occurs in y."""

    @abstractmethod
    def _predict_proba(self, x: X) -> np.ndarray:
        """``[n, number of classes seen]``, n > 0."""

    @abstractmethod
    def _save(self, folder: Path) -> None:
        """Write what was learned into an existing folder, without pickle."""

    @abstractmethod
    def _load(self, folder: Path) -> None:
        """Inverse of ``_save``."""
