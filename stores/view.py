"""One data set of a store, read by slices: through a memory map where its bytes lie plain, else inflated here."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import h5py
import numpy as np

from stores.errors import FailureError


def view(path: Path, data: h5py.Dataset) -> np.ndarray | Inflated | h5py.Dataset:
    """A read-only memory map of a data set whose chunks lie one after the other, else something to slice like it."""
    if not data.chunks:
        return data
    chunk_bytes = math.prod(data.chunks) * data.dtype.itemsize
    chunks: list[tuple[int, int, int]] = []
    data.id.chunk_iter(lambda chunk: chunks.append((chunk.chunk_offset[0], chunk.byte_offset, chunk.size)))
    chunks.sort()
    if data.id.get_create_plist().get_nfilters():
        return Inflated(path, data, chunks)
    first = chunks[0][1]
    regular = all(
        (row, place) == (i * data.chunks[0], first + i * chunk_bytes) for i, (row, place, _) in enumerate(chunks)
    )
    if not regular or first + len(chunks) * chunk_bytes > path.stat().st_size or data.chunks[1:] != data.shape[1:]:
        return data
    return np.memmap(path, data.dtype, "r", first, data.shape)


class Inflated:
    """A data set compressed with gzip, to be sliced by rows; one chunk is kept at a time.

    HDF5 (1.14) believes that a chunk inflates to the size it should have, and reads whatever lies behind one that does
    not; and it inflates all that is there, be it more than the memory. So this is done here.

    Args:
        path: the file.
        data: its data set, in chunks of whole rows, with the filters ``shuffle`` and ``gzip``.
        chunks: first row, place in the file and size of each chunk.

    Raises:
        FailureError: when a chunk is read that is not what it should be.
    """

    def __init__(self, path: Path, data: h5py.Dataset, chunks: list[tuple[int, int, int]]) -> None:
        self.shape, self.dtype, self._name = data.shape, data.dtype, f"{path} is damaged: {data.name[1:]}"
        self._chunk = data.chunks
        self._raw = np.memmap(path, np.uint8, "r")
        self._places = {row: slice(place, place + size) for row, place, size in chunks}
        self._kept: tuple[int, np.ndarray] = (-1, np.empty(0))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(len(self))
        found = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        for first in range(start - start % self._chunk[0], stop, self._chunk[0]):
            here = slice(max(start, first), min(stop, first + self._chunk[0]))
            found[here.start - start : here.stop - start] = self._inflate(first)[here.start - first : here.stop - first]
        return found

    def _inflate(self, row: int) -> np.ndarray:
        """The chunk that begins with ``row``."""
        if self._kept[0] != row:
            size, inflate = math.prod(self._chunk) * self.dtype.itemsize, zlib.decompressobj()
            try:
                raw = inflate.decompress(self._raw[self._places.get(row, slice(0))], size)
                more = inflate.decompress(inflate.unconsumed_tail, 1)  # reads the checksum at the end, too
            except zlib.error:
                raw = more = b""
            if len(raw) != size or more or not inflate.eof:
                raise FailureError(f"{self._name}, in the rows from {row}; make it again with: tk embed")
            shuffled = np.frombuffer(raw, np.uint8).reshape(self.dtype.itemsize, -1)  # all first bytes, all second ...
            self._kept = row, np.ascontiguousarray(shuffled.T).view(self.dtype).reshape(self._chunk)
        return self._kept[1]
