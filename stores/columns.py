"""One data set of a store: written chunk by chunk with a checksum each, read through a memory map where it can be."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from typing import BinaryIO

import h5py
import numpy as np
from h5py._objects import phil  # the lock that h5py's other calls take by themselves
from numpy.typing import DTypeLike

from stores import virtual_dataset
from stores.file_rows import FileRows
from stores.format import TEXT_ATTRIBUTES, chunk_rows, data_sets
from stores.hdf5 import ALIGNMENT, require_group
from stores.shared.errors import FailureError, InputError
from stores.shared.fingerprint import canonical_json, digest_bytes
from stores.virtual_dataset import RowSource


def view(file: virtual_dataset.StoreFile, path: str, mapped: bool = True) -> RowSource:
    """A data set to be sliced by rows.

    Where its chunks lie one after the other that is a read-only memory map, or without ``mapped`` a ``FileRows``.
    """
    data = file[path]
    if not data.chunks:
        return data
    chunk_bytes = math.prod(data.chunks) * data.dtype.itemsize
    # first row, place in the file and stored size of each chunk, in the order of the rows
    chunks: list[tuple[int, int, int]] = []
    data.id.chunk_iter(lambda chunk: chunks.append((chunk.chunk_offset[0], chunk.byte_offset, chunk.size)))
    chunks.sort()
    if data.id.get_create_plist().get_nfilters():
        return GzipDataset(file.raw, data, chunks)
    # a memory map is right only if chunk i begins i chunks of bytes after the first and lies within the file
    first = chunks[0][1]
    regular = all(
        (row, place) == (i * data.chunks[0], first + i * chunk_bytes) for i, (row, place, _) in enumerate(chunks)
    )
    if not regular or first + len(chunks) * chunk_bytes > file.bytes or data.chunks[1:] != data.shape[1:]:
        return data
    if not mapped:
        return FileRows(file.raw, data.dtype, first, data.shape)
    return np.memmap(file.raw, data.dtype, "r", first, data.shape)


class GzipDataset:
    """A data set compressed with gzip, to be sliced by rows; one inflated chunk stays in memory.

    HDF5 (1.14) assumes that a chunk inflates to the expected size: it reads past the end of a shorter one, and inflates
    a longer one without a limit, even beyond the memory. So chunks are inflated here.

    Args:
        raw: the file.
        data: its data set, in chunks of whole rows, with the filters ``shuffle`` and ``gzip``.
        chunks: first row, place in the file and size of each chunk.

    Raises:
        FailureError: when a chunk is read that is not what it should be.
    """

    def __init__(self, raw: BinaryIO, data: h5py.Dataset, chunks: list[tuple[int, int, int]]) -> None:
        self.shape, self.dtype, self._name = data.shape, data.dtype, f"{raw.name} is damaged: {data.name[1:]}"
        self._chunk = data.chunks
        self._raw = np.memmap(raw, np.uint8, "r")
        self._places = {row: slice(place, place + size) for row, place, size in chunks}
        self._inflated: tuple[int, np.ndarray] = (-1, np.empty(0))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(len(self))
        rows_read = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        # from the chunk that holds row `start`: chunk k holds the rows from k * chunk[0]
        for first in range(start - start % self._chunk[0], stop, self._chunk[0]):
            # rows of the data set that are both in this chunk and in the slice
            here = slice(max(start, first), min(stop, first + self._chunk[0]))
            chunk = self._inflate(first)
            rows_read[here.start - start : here.stop - start] = chunk[here.start - first : here.stop - first]
        return rows_read

    def _inflate(self, row: int) -> np.ndarray:
        """The chunk that begins with ``row``."""
        if self._inflated[0] != row:
            # inflate no more bytes than a chunk has; the second call reads the checksum at the end of the stream, and
            # must not give even one byte more
            size, inflate = math.prod(self._chunk) * self.dtype.itemsize, zlib.decompressobj()
            try:
                raw = inflate.decompress(self._raw[self._places.get(row, slice(0))].data, size)
                more = inflate.decompress(inflate.unconsumed_tail, 1)
            except zlib.error:
                raw = more = b""
            if len(raw) != size or more or not inflate.eof:
                raise FailureError(f"{self._name}, in the rows from {row}; make it again with: tk embed")
            # undo the filter `shuffle`: uint8 [itemsize, numbers] has all first bytes, then all second ones, and so on;
            # transposed, the bytes of each number are together again, and are viewed as the chunk [rows, D]
            shuffled = np.frombuffer(raw, np.uint8).reshape(self.dtype.itemsize, -1)
            self._inflated = row, np.ascontiguousarray(shuffled.T).view(self.dtype).reshape(self._chunk)
        return self._inflated[1]


def chunk_checksum(rows: np.ndarray) -> int:
    """CRC-32 of an array's bytes in C order."""
    return zlib.crc32(np.ascontiguousarray(rows).data)


COMPRESSIONS = ("none", "gzip")


class Column:
    """One data set that is written once, from the first row to the last.

    Args:
        file: the store being written.
        path: name of the data set.
        shape: its final shape; this many rows are to be appended.
        dtype: its type.
        compression: ``none`` or ``gzip`` (other filters are not in every HDF5 reader).
        elsewhere: the parts in which the rows lie, see ``virtual_dataset``, or none of them if they lie in the growing
            file, see ``stores.append``; then only their checksums are written. None if they do not lie elsewhere.
        there: whether the rows are in the file already, at its first aligned place; as above.

    Attributes:
        last: the row that was appended last.
    """

    def __init__(
        self,
        file: h5py.File,
        path: str,
        shape: tuple[int, ...],
        dtype: DTypeLike,
        compression: str = "none",
        elsewhere: Sequence[virtual_dataset.Part] | None = None,
        there: bool = False,
    ) -> None:
        dtype = np.dtype(dtype).newbyteorder("<")
        self._rows = chunk_rows(shape, dtype)
        options: dict = {}
        if np.prod(shape) and elsewhere is None:  # HDF5 has no chunks of nothing
            options["chunks"] = (self._rows, *shape[1:])
            if compression == "none":
                properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
                properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)  # one chunk after the other in the file
                options |= {"dcpl": properties, "fill_time": "never"}
            else:
                options |= {"compression": compression, "shuffle": True}
        # elsewhere: an HDF5 virtual data set over the parts; else chunks [rows, D] in this file
        if elsewhere is None:
            self._data = _data_set(file, path, shape, dtype, **options)
        else:
            self._data = virtual_dataset.make(file, path, shape, dtype, elsewhere)
        # a growing file has the rows at this place: chunk 0 must be laid over exactly these bytes
        if there and self._data.id.get_chunk_info(0).byte_offset != ALIGNMENT:
            raise RuntimeError(f"HDF5 {h5py.version.hdf5_version} does not lay out files as expected")
        self._is_there = there or elsewhere is not None
        self._file, self._path, self._at, self._raw = file, path, 0, compression == "none"
        self._waiting = np.empty((0, *shape[1:]), dtype)
        self._sums: list[int] = []

    def append(self, rows: np.ndarray, sums: Sequence[int] | np.ndarray = ()) -> None:
        """Write ``rows`` after those before; the last incomplete chunk waits in memory.

        Args:
            rows: array ``[n, ...]``.
            sums: checksums of the chunks that a store of just these rows would have. Where these are chunks here
                too, the checksums are written as they are, so that damage since then shows; else the rows are compared.

        Raises:
            FailureError: if the rows differ from their checksums.
        """
        if len(rows):
            self.last = rows[-1]
        # rows that one of `sums` covers, and how many rows make complete chunks of this column
        step, complete = chunk_rows(rows.shape, self._data.dtype), len(rows) - len(rows) % self._rows
        if len(self._waiting) or step != self._rows:
            # chunks here begin at other rows than those of `sums`: compare now, compute new sums when writing
            _compare(rows, step, sums)
            sums = ()
        else:
            # the complete chunks are the same as there and take their sums over; compare only the incomplete rest
            _compare(rows[complete:], step, sums[complete // step :])
        # waiting rows come first; write all complete chunks [self._rows, ...], and let the rest wait
        rows = np.concatenate([self._waiting, rows]) if len(self._waiting) else rows
        complete = len(rows) - len(rows) % self._rows
        for i, start in enumerate(range(0, complete, self._rows)):
            self._write(rows[start : start + self._rows], sums[i] if len(sums) else None)
        self._waiting = np.array(rows[complete:], self._data.dtype)

    def close(self) -> None:
        """Write what waits, and the checksums."""
        if len(self._waiting):
            self._write(self._waiting, None)
        sums = np.array(self._sums, "<u4")
        _data_set(self._file, f"checksums/{self._path}", sums.shape, sums.dtype, data=sums)

    def _write(self, rows: np.ndarray, checksum: int | None) -> None:
        rows = np.ascontiguousarray(rows, self._data.dtype)
        # CRC-32 of the rows of this chunk alone, without the zeros that fill up the last one
        self._sums.append(chunk_checksum(rows) if checksum is None else checksum)
        if self._is_there:
            pass
        elif self._raw:
            # one chunk [self._rows, ...], written as it is, past HDF5's cache; the last one is filled up with zeros
            chunk = rows
            if len(rows) < self._rows:
                chunk = np.zeros((self._rows, *rows.shape[1:]), rows.dtype)
                chunk[: len(rows)] = rows
            with phil:  # subtle: this call of h5py lets go of Python's lock without taking its own
                self._data.id.write_direct_chunk((self._at, *[0] * (rows.ndim - 1)), chunk)
        else:
            # HDF5 applies the filters: shuffle, then gzip
            self._data[self._at : self._at + len(rows)] = rows
        self._at += len(rows)


def _data_set(file: h5py.File, path: str, shape: tuple, dtype: np.dtype, **options: object) -> h5py.Dataset:
    folder, _, name = path.rpartition("/")
    return require_group(file, folder).create_dataset(name, shape, dtype, track_times=False, **options)


def _compare(rows: np.ndarray, step: int, sums: Sequence[int] | np.ndarray) -> None:
    for start, wanted in zip(range(0, len(rows), step), sums, strict=False):  # there may be no sums at all
        if chunk_checksum(rows[start : start + step]) != wanted:
            raise FailureError("a part was damaged while it was read; give the same command again")


def check_storable(name: str, values: np.ndarray) -> None:
    """Refuse a type of features that a store cannot hold (bfloat16, float64, objects).

    Raises:
        InputError: naming the output and the types that can be stored.
    """
    if values.dtype.name not in ("float16", "float32", "int32"):
        raise InputError(f"{name} is {values.dtype}, which a store does not hold; give float32 or float16")


def content_digest(file: h5py.File) -> str:
    """BLAKE2b-128 over the version, the attributes, and name, shape, type and checksums of every data set."""
    attributes = {name: file.attrs[name].decode() for name in TEXT_ATTRIBUTES}
    data = [
        [path, list(file[path].shape), file[path].dtype.str, file[f"checksums/{path}"][...].tolist()]
        for path in data_sets(file)
    ]
    version = int(file.attrs["format_version"])
    return digest_bytes([canonical_json([version, attributes, data]).encode()])
