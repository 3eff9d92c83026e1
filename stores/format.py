"""The store format, version 1.

A store is one HDF5 file that any HDF5 reader reads with no plug-in: no filters, no compound types, no
references, no links out of the file. ``N`` rows, in the order of the data file.

=======================  ===============================  ==================================================
data set                 shape and type                   meaning
=======================  ===============================  ==================================================
``features/<output>``    float32 or float16 ``[N, D]``    pooled features, one vector a row
``features/ids``         int32 ``[sum T]``                kind ``ids``: the tokens of all rows, end to end
``offsets``              int64 ``[N + 1]``                kind ``ids``: row i owns ``[offsets[i]:offsets[i+1]]``
``vocabulary``           strings ``[V]``                  kind ``ids``: what the ids point to
``counts``               int32 ``[N, 3]``                 tokens, tokens unknown to the encoder, tokens cut off
``line``                 int64 ``[N]``                    line of the data file on which the row starts, from 1
``text_hash``            uint8 ``[N, 16]``                BLAKE2b-128 of the cleaned text in UTF-8
``labels/codes``         int32 ``[N]``                    index into the classes, -1 where the label is missing
``labels/classes``       strings ``[C]``                  class names: by value if all are numbers, else as text
``texts``                strings ``[N]``                  the cleaned texts, unless left out
``checksums/<path>``     uint32 ``[chunks]``              CRC-32 of each chunk of each data set above
=======================  ===============================  ==================================================

*Strings* are a group of two data sets, ``bytes`` uint8 ``[sum L]`` (UTF-8, end to end) and ``offsets`` int64
``[n + 1]``: half the size of HDF5's own strings, which lie in a heap that no checksum covers.

Attributes of the root: ``format`` = ``tk-features``, ``format_version`` = 1, ``kind``; ``identity`` (JSON: all that a
vector depends on beside its text), ``identity_digest``; ``recipe`` (JSON: how to make the encoder again), ``source``
(JSON: data file, its digest, how it was read), ``totals`` (JSON: rows, distinct texts, encoded, reused, ...),
``versions`` (JSON), ``command``; ``digest`` (BLAKE2b-128 of all of these and of every checksum); ``created``
(UTC, 20 characters) and ``seconds`` (float64), the only two that differ between equal runs.

Chunks run along the rows only, so that one chunk holds whole rows; about 512 KiB each: large enough that reading
in order costs few calls, small enough that a random row does not drag in megabytes. They carry no filter, so they
lie in the file as plain bytes; integrity is the checksum's work. The checksum of a chunk covers its rows in C order,
little-endian, without the unused rest of the last chunk.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from stores.errors import FailureError
from stores.identity import canonical_json, digest_bytes

FORMAT = "tk-features"
VERSION = 1
CHUNK_BYTES = 1 << 19
JSON_ATTRIBUTES = ("identity", "recipe", "source", "totals", "versions")
TEXT_ATTRIBUTES = ("format", "kind", "identity_digest", "command", *JSON_ATTRIBUTES)  # with the digest's cover


class Column:
    """One data set that is written once, from the first row to the last, with a checksum a chunk.

    Attributes:
        last: the row that was appended last.

    Args:
        file: the store being written.
        path: name of the data set.
        shape: its final shape; at most this many rows can be appended.
        dtype: its type.
    """

    def __init__(self, file: h5py.File, path: str, shape: tuple[int, ...], dtype: np.dtype | type) -> None:
        row_bytes = max(1, np.dtype(dtype).itemsize * int(np.prod(shape[1:])))
        self._rows = max(1, min(shape[0], CHUNK_BYTES // row_bytes))
        chunks = (self._rows, *shape[1:]) if np.prod(shape) else None  # HDF5 has no chunks of nothing
        self._data = file.create_dataset(path, shape, np.dtype(dtype).newbyteorder("<"), chunks=chunks)
        self._file, self._path, self._at = file, path, 0
        self._waiting = np.empty((0, *shape[1:]), dtype)
        self._sums: list[int] = []

    def append(self, rows: np.ndarray) -> None:
        """Write ``rows`` after those before; the last incomplete chunk waits in memory."""
        if len(rows):
            self.last = rows[-1]
        rows = np.concatenate([self._waiting, rows]) if len(self._waiting) else rows
        whole = len(rows) - len(rows) % self._rows
        for start in range(0, whole, self._rows):
            self._write(rows[start : start + self._rows])
        self._waiting = np.array(rows[whole:], self._data.dtype)

    def close(self) -> None:
        """Write what waits, and the checksums."""
        if len(self._waiting):
            self._write(self._waiting)
        self._file[f"checksums/{self._path}"] = np.array(self._sums, np.uint32)

    def _write(self, rows: np.ndarray) -> None:
        rows = np.ascontiguousarray(rows, self._data.dtype)
        self._data[self._at : self._at + len(rows)] = rows
        self._at += len(rows)
        self._sums.append(zlib.crc32(rows))


def chunk_checksums(data: h5py.Dataset) -> Iterator[int]:
    """CRC-32 of each chunk of a data set as it lies in the file now."""
    step = data.chunks[0] if data.chunks else 1
    for start in range(0, len(data) if data.size else 0, step):
        yield zlib.crc32(np.ascontiguousarray(data[start : start + step]))


def content_digest(file: h5py.File) -> str:
    """BLAKE2b-128 over the attributes (times aside) and the name, shape, type and checksums of every data set."""
    attributes = {name: file.attrs[name] for name in TEXT_ATTRIBUTES}
    data = [
        [path, list(file[path].shape), file[path].dtype.str, file[f"checksums/{path}"][...].tolist()]
        for path in data_sets(file)
    ]
    return digest_bytes([canonical_json([VERSION, attributes, data]).encode()])


def data_sets(file: h5py.File) -> list[str]:
    """Paths of all data sets but the checksums, sorted."""
    paths: list[str] = []
    file.visititems(lambda path, item: paths.append(path) if isinstance(item, h5py.Dataset) else None)
    return sorted(path for path in paths if not path.startswith("checksums/"))


def check(file: h5py.File, path: Path) -> None:
    """Refuse a file that is no store of this version, or that reaches out of itself.

    Raises:
        FailureError: naming ``path`` and the first thing that is wrong.
    """
    if file.attrs.get("format") != FORMAT:
        raise FailureError(f"{path} is an HDF5 file but not a feature store; make one with: tk embed")
    if file.attrs.get("format_version") != VERSION:
        version = file.attrs.get("format_version")
        raise FailureError(f"{path} has store format version {version}; this tk reads version {VERSION}")
    missing = [a for a in (*TEXT_ATTRIBUTES, "digest", "created", "seconds") if a not in file.attrs]
    missing += [d for d in ("features", "counts", "line", "text_hash", "checksums") if d not in file]
    if missing:
        raise FailureError(f"{path} lacks {missing[0]!r}: it is no complete store; make it again with: tk embed")
    _check_links(file, path)
    rows = len(file["line"])
    for name in ("counts", "text_hash", "labels/codes"):
        if name in file and len(file[name]) != rows:
            raise FailureError(f"{path}: {name} has {len(file[name])} rows where line has {rows}")


def _check_links(group: h5py.Group, path: Path) -> None:
    for name in group:
        where = f"{group.name.rstrip('/')}/{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise FailureError(f"{path}: {where} is a link; a store holds its own data, so this file is refused")
        item = group[name]
        if isinstance(item, h5py.Group):
            _check_links(item, path)
        elif not isinstance(item, h5py.Dataset) or item.external or item.is_virtual or item.dtype.kind not in "iuf":
            raise FailureError(f"{path}: {where} is not a plain array of numbers inside the file; refused")
