"""Rows of a file that another program may cut at any time, read by calls."""

from __future__ import annotations

import os
import weakref
from typing import BinaryIO

import numpy as np

from stores.shared.errors import FailureError


class FileRows:
    """An array in a file, to be sliced by rows, each slice read when it is asked for.

    A memory map is faster, but where another program has cut the file meanwhile, looking at it ends the process
    (SIGBUS); here it is an error.

    Args:
        raw: the file; it may be closed later.
        dtype, start, shape: of the array, with its place in bytes.
    """

    def __init__(self, raw: BinaryIO, dtype: np.dtype, start: int, shape: tuple[int, ...]) -> None:
        self.shape, self.dtype, self._start, self._name = shape, dtype, start, raw.name
        self._descriptor = os.dup(raw.fileno())
        weakref.finalize(self, os.close, self._descriptor)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        first, stop, _ = rows.indices(len(self))
        found = np.empty((max(0, stop - first), *self.shape[1:]), self.dtype)
        left = found.reshape(-1).view(np.uint8).data if found.size else memoryview(b"")
        place = self._start + first * (found.nbytes // max(1, len(found)))
        while left:  # a call reads at most 2 GiB
            size = os.preadv(self._descriptor, [left], place)
            if size == 0:
                raise FailureError(f"{self._name} was cut while it was read; make it again with: tk embed")
            left, place = left[size:], place + size
        return found
