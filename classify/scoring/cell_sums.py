"""Sums over the rows of each cell, under many weightings of the rows at once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FEW = 4  # weightings up to which a count of each costs less than to lay out the matrix


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

    def __call__(self, weights: np.ndarray) -> np.ndarray:
        """float64 ``[B, number]``: the sum of weight times value over each cell, for weights ``[B, n]``."""
        if len(weights) > FEW:
            return (self._matrix @ weights.T).T
        values = weights if self.values is None else weights * self.values
        return np.stack([np.bincount(self.cells + 1, own, self.number + 1)[1:] for own in values])

    @cached_property
    def _matrix(self) -> csr_matrix:
        from scipy.sparse import csr_matrix

        rows = np.flatnonzero(self.cells >= 0)
        values = np.ones(len(rows)) if self.values is None else self.values[rows]
        return csr_matrix((values, (self.cells[rows], rows)), (self.number, len(self.cells)))
