"""The cells of a column: Python's texts, or Arrow's as they were read, of which texts are made when they are wanted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

Cells: TypeAlias = "list[str] | pa.StringArray | pa.ChunkedArray"  # no nulls: a missing cell is an empty one

NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")  # with a decimal point or comma


def is_number(cell: str) -> bool:
    """Whether a cell holds a number: ``-1``, ``2.5``, ``2,5``, ``1e-3``."""
    return NUMBER.fullmatch(cell.strip()) is not None


class Coded(NamedTuple):
    """Cells of few different values: ``values[code]`` for each of the ``codes``, int ``[n]``."""

    values: list[str]
    codes: np.ndarray

    def as_list(self) -> list[str]:
        """The cells; equal ones are one object."""
        return np.array(self.values, object)[self.codes].tolist()


def as_list(cells: Cells) -> list[str]:
    """The cells one by one."""
    return cells if isinstance(cells, list) else cells.to_pylist()


def as_coded(cells: list[str] | pa.StringArray) -> Coded:
    """The different cells, in the order of their appearance, and which of them each is."""
    if not isinstance(cells, list):
        coded = cells.dictionary_encode()
        codes = np.frombuffer(coded.indices.buffers()[1], np.int32, len(coded))  # to_numpy would import pandas
        return Coded(coded.dictionary.to_pylist(), codes)
    places = {cell: i for i, cell in enumerate(dict.fromkeys(cells))}
    return Coded(list(places), np.fromiter(map(places.__getitem__, cells), np.int64, len(cells)))


def concat(parts: Sequence[Cells]) -> Cells:
    """The cells of all parts (at least one); those of Arrow are not copied."""
    if any(isinstance(part, list) for part in parts):
        whole: list[str] = []
        for part in parts:
            whole += as_list(part)
        return whole
    import pyarrow as pa

    return pa.chunked_array([chunk for part in parts for chunk in getattr(part, "chunks", [part])])
