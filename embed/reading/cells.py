"""The cells of a column: a list of them, or, where they are few different ones, which of these each is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

FIRST = 100  # cells that say whether a column has few different ones


class Coded(NamedTuple):
    """Cells of few different values: ``values[code]`` for each of the ``codes``, int ``[n]``."""

    values: list[str]
    codes: np.ndarray

    def as_list(self) -> list[str]:
        """The cells; equal ones are one object."""
        return np.array(self.values, object)[self.codes].tolist()


Cells = list[str] | Coded  # a missing cell is an empty one


def as_list(cells: Cells) -> list[str]:
    """The cells one by one."""
    return cells.as_list() if isinstance(cells, Coded) else cells


def as_coded(cells: Cells) -> Coded:
    """The different cells, in the order of their appearance, and which of them each is."""
    if isinstance(cells, Coded):
        return cells
    places = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    return Coded(list(places), np.fromiter(map(places.__getitem__, cells), np.int64, len(cells)))


def from_arrow(column: pa.Array) -> Cells:
    """The cells of a column of strings without nulls; coded if the first ones are few different, as labels are."""
    if len(set(column.slice(0, FIRST).to_pylist())) > FIRST // 10:
        return column.to_pylist()
    coded = column.dictionary_encode()
    return Coded(coded.dictionary.to_pylist(), coded.indices.to_numpy())
