"""Sums over the rows of each cell, under many weightings of the rows at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FEW = 8  # weightings up to which a count of each costs less than to lay out the matrix
RUNS = 64  # of rows of one cell each, up to which every run is summed by itself


class CellSums:
    """Rows, each of which is of one cell or of none.

    Under ``B`` weightings the sums are a product of a sparse matrix, which has an entry a row, and ``[n, B]``: nothing
    is dense in rows times cells.

    Args:
        cells: int ``[n]``, the cell of each row; -1 for none.
        number: of cells.
        values: float ``[n]``, what is summed; 1 if None.
    """

    def __init__(self, cells: np.ndarray, number: int, values: np.ndarray | None = None) -> None:
        self.cells, self.number, self.values = cells, number, values
        missing = len(cells) > 0 and cells.min() < 0  # bincount knows no cell -1
        self._from_0 = cells + 1 if missing else cells
        self._shown = slice(1, None) if missing else slice(number)

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """float64 ``[B, number]``: the sum of weight times value over each cell, for weights ``[B, n]``."""
        if len(weights) > FEW:
            return (self._matrix @ weights.T).T
        if self._runs is not None:
            return self._of_runs(weights, *self._runs)
        found = [
            np.bincount(self._from_0, own if self.values is None else own * self.values, self.number + 1)
            for own in weights
        ]
        return np.stack(found)[:, self._shown]

    @cached_property
    def _runs(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Where each run of rows of one cell begins and ends, and its cell; None if there are many."""
        edges = np.flatnonzero(np.diff(self.cells, prepend=-2, append=-2))
        return (edges, self.cells[edges[:-1]]) if len(edges) <= RUNS else None

    def _of_runs(self, weights: np.ndarray, edges: np.ndarray, cells: np.ndarray) -> np.ndarray:
        found = np.zeros((len(weights), self.number))
        for start, end, cell in zip(edges, edges[1:], cells, strict=False):
            if cell >= 0:
                values = None if self.values is None else self.values[start:end]
                own = weights[:, start:end]
                found[:, cell] += own.sum(1) if values is None else np.einsum("bn,n->b", own, values)
        return found

    @cached_property
    def _matrix(self) -> csr_matrix:
        from scipy.sparse import csr_matrix

        rows = np.flatnonzero(self.cells >= 0)
        values = np.ones(len(rows)) if self.values is None else self.values[rows]
        return csr_matrix((values, (self.cells[rows], rows)), (self.number, len(self.cells)))
