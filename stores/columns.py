"""One data set of a store: written chunk by chunk with a checksum each, read through a memory map where it can be."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import h5py
import numpy as np

from stores import virtual
from stores.errors import FailureError, InputError
from stores.format import TEXT_ATTRIBUTES, VERSION, chunk_rows, data_sets
from stores.hdf5 import ALIGNMENT, require_group
from stores.identity import canonical_json, digest_bytes

COMPRESSIONS = ("none", "gzip")


class Column:
    """One data set that is written once, from the first row to the last.

    Args:
        file: the store being written.
        path: name of the data set.
        shape: its final shape; this many rows are to be appended.
        dtype: its type.
        compression: ``none`` or ``gzip`` (other filters are not in every HDF5 reader).
        elsewhere: the parts in which the rows lie, see ``stores.virtual``, or none of them if they lie in the growing
            file, see ``stores.growing``; then only their checksums are written. None if they do not lie elsewhere.
        there: whether the rows are in the file already, at its first aligned place; as above.

    Attributes:
        last: the row that was appended last.
    """

    def __init__(
        self,
        file: h5py.File,
        path: str,
        shape: tuple[int, ...],
        dtype: np.dtype | type,
        compression: str = "none",
        elsewhere: Sequence[virtual.Part] | None = None,
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
        if elsewhere is None:
            self._data = _data_set(file, path, shape, dtype, **options)
        else:
            self._data = virtual.make(file, path, shape, dtype, elsewhere)
        if there and self._data.id.get_chunk_info(0).byte_offset != ALIGNMENT:
            raise RuntimeError(f"HDF5 {h5py.version.hdf5_version} does not lay out files as expected")
        self._is_there = there or elsewhere is not None
        self._file, self._path, self._at, self._raw = file, path, 0, compression == "none"
        self._waiting = np.empty((0, *shape[1:]), dtype)
        self._sums: list[int] = []

    def append(self, rows: np.ndarray, sums: Sequence[int] = ()) -> None:
        """Write ``rows`` after those before; the last incomplete chunk waits in memory.

        Args:
            rows: array ``[n, ...]``.
            sums: checksums of the chunks that a store of just these rows would have. They are taken over where these
                are chunks here too, so that damage done since then is not signed; else the rows are compared with them.

        Raises:
            FailureError: if the rows are not what they were.
        """
        if len(rows):
            self.last = rows[-1]
        step, whole = chunk_rows(rows.shape, self._data.dtype), len(rows) - len(rows) % self._rows
        if len(self._waiting) or step != self._rows:
            _compare(rows, step, sums)
            sums = ()
        else:
            _compare(rows[whole:], step, sums[whole // step :])
        rows = np.concatenate([self._waiting, rows]) if len(self._waiting) else rows
        whole = len(rows) - len(rows) % self._rows
        for i, start in enumerate(range(0, whole, self._rows)):
            self._write(rows[start : start + self._rows], sums[i] if len(sums) else None)
        self._waiting = np.array(rows[whole:], self._data.dtype)

    def close(self) -> None:
        """Write what waits, and the checksums."""
        if len(self._waiting):
            self._write(self._waiting, None)
        sums = np.array(self._sums, "<u4")
        _data_set(self._file, f"checksums/{self._path}", sums.shape, sums.dtype, data=sums)

    def _write(self, rows: np.ndarray, checksum: int | None) -> None:
        rows = np.ascontiguousarray(rows, self._data.dtype)
        self._sums.append(zlib.crc32(rows) if checksum is None else checksum)
        if self._is_there:
            pass
        elif self._raw:
            chunk = rows
            if len(rows) < self._rows:
                chunk = np.zeros((self._rows, *rows.shape[1:]), rows.dtype)
                chunk[: len(rows)] = rows
            self._data.id.write_direct_chunk((self._at, *[0] * (rows.ndim - 1)), chunk)
        else:
            self._data[self._at : self._at + len(rows)] = rows
        self._at += len(rows)


def _data_set(file: h5py.File, path: str, shape: tuple, dtype: np.dtype, **options: object) -> h5py.Dataset:
    folder, _, name = path.rpartition("/")
    return require_group(file, folder).create_dataset(name, shape, dtype, track_times=False, **options)


def _compare(rows: np.ndarray, step: int, sums: Sequence[int]) -> None:
    for start, wanted in zip(range(0, len(rows), step), sums, strict=False):  # there may be no sums at all
        if zlib.crc32(np.ascontiguousarray(rows[start : start + step])) != wanted:
            raise FailureError("a part was damaged while it was read; give the same command again")


def check_storable(name: str, values: np.ndarray) -> None:
    """Refuse a type of features that a store cannot hold (bfloat16, float64, objects).

    Raises:
        InputError: naming the output and the types that can be stored.
    """
    if values.dtype.name not in ("float16", "float32", "int32"):
        raise InputError(f"{name} is {values.dtype}, which a store does not hold; give float32 or float16")


def content_digest(file: h5py.File) -> str:
    """BLAKE2b-128 over the attributes (times aside) and the name, shape, type and checksums of every data set."""
    attributes = {name: file.attrs[name].decode() for name in TEXT_ATTRIBUTES}
    data = [
        [path, list(file[path].shape), file[path].dtype.str, file[f"checksums/{path}"][...].tolist()]
        for path in data_sets(file)
    ]
    return digest_bytes([canonical_json([VERSION, attributes, data]).encode()])
