"""Strings as two arrays: the UTF-8 bytes end to end, and where each begins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import overload

import h5py
import numpy as np

from stores.shared.errors import FailureError


def pack(strings: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Bytes uint8 ``[sum L]`` and lengths int64 ``[n]`` of ``strings``; a lone surrogate is kept as three bytes."""
    encoded = [s.encode("utf-8", "surrogatepass") for s in strings]
    return np.frombuffer(b"".join(encoded), np.uint8), np.fromiter(map(len, encoded), np.int64, len(encoded))


class Strings:
    """Inverse of ``pack``, read as it is asked for: ``strings[3]`` is a text, ``strings[10:20]`` a list of texts.

    Args:
        data: uint8 ``[sum L]``, an array or a data set.
        offsets: int64 ``[n + 1]``.

    Raises:
        FailureError: when strings are read that are none.
    """

    def __init__(self, data: np.ndarray | h5py.Dataset, offsets: np.ndarray | h5py.Dataset) -> None:
        self._data, self._offsets = data, offsets
        self._name = f"{data.file.filename}: {data.name[1:]}" if isinstance(data, h5py.Dataset) else "these"

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, rows: int) -> str: ...

    @overload
    def __getitem__(self, rows: slice) -> list[str]: ...

    def __getitem__(self, rows: int | slice) -> str | list[str]:
        if isinstance(rows, int | np.integer):
            row = range(len(self))[rows]
            return self[row : row + 1][0]
        start, stop, step = rows.indices(len(self))
        if step != 1 or stop <= start:
            return [self[row] for row in range(start, stop, step)]
        offsets = self._offsets[start : stop + 1]
        try:
            if offsets[0] < 0 or (offsets[1:] < offsets[:-1]).any() or offsets[-1] > len(self._data):
                raise ValueError("offsets that do not rise")
            buffer = self._data[offsets[0] : offsets[-1]].tobytes()
            return [buffer[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise((offsets - offsets[0]).tolist())]
        except ValueError as error:
            raise FailureError(f"{self._name} are no strings from row {start} on ({error}); make them again") from error
