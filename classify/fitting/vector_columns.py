"""Columns made of vectors, fitted on training rows: principal components, and vectors without what all share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from classify.heads.base import vectors
from classify.heads.common_component import fit_components, remove_components

BLOCK = 8192  # rows at a time


@dataclass(frozen=True)
class Pca:
    """Principal components: the directions in which centred training rows vary most, in falling order.

    Attributes:
        mean: float64 ``[D]``, of the training rows.
        axes: float64 ``[k, D]``, of unit length and at right angles; fewer than asked for where rows span fewer.
    """

    name: ClassVar[str] = "pca"
    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, rows: np.ndarray, count: int) -> Pca:
        """Those of the training rows, with repeats."""
        mean = sum(block.sum(0, dtype=np.float64) for block in _blocks(x, rows)) / len(rows)
        return cls(mean, fit_components((block - mean for block in _blocks(x, rows)), count))

    def apply(self, x: object, rows: np.ndarray | None) -> np.ndarray:
        """``(x - mean) axes'``, a block of rows at a time."""
        assert isinstance(x, np.ndarray)  # noqa: S101 (the expression was checked)
        rows = np.arange(len(x)) if rows is None else rows
        found = np.empty((len(rows), len(self.axes)), np.float32)
        for start in range(0, len(rows), BLOCK):
            found[start : start + BLOCK] = (x[rows[start : start + BLOCK]] - self.mean) @ self.axes.T
        return found

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """As ``FittedStep.state``."""
        return {"mean": self.mean, "axes": self.axes}, {}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> Pca:
        """Inverse of ``state``."""
        return cls(arrays["mean"], arrays["axes"])


@dataclass(frozen=True)
class Common:
    """Without the directions that the training rows share, see ``classify.heads.common_component``."""

    name: ClassVar[str] = "common"
    components: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, rows: np.ndarray, count: int) -> Common:
        """Those of the training rows."""
        return cls(fit_components(_blocks(x, rows), count))

    def apply(self, x: object, rows: np.ndarray | None) -> np.ndarray:
        """As ``remove_components``."""
        assert isinstance(x, np.ndarray)  # noqa: S101 (it is the last step)
        return remove_components(vectors(x if rows is None else x[rows]), self.components)

    def state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """As ``FittedStep.state``."""
        return {"components": self.components}, {}

    @classmethod
    def restore(cls, arrays: dict[str, np.ndarray], state: dict[str, Any]) -> Common:
        """Inverse of ``state``."""
        return cls(arrays["components"])


def _blocks(x: np.ndarray, rows: np.ndarray) -> Iterator[np.ndarray]:
    return (np.asarray(x[rows[start : start + BLOCK]]) for start in range(0, len(rows), BLOCK))
