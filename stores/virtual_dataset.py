"""Features that stay in the parts: the store is an index whose features are HDF5 virtual data sets over these.

The parts lie in a folder beside the store. Other HDF5 readers follow the virtual data sets; here the parts are opened
one by one, as stores, so that an index from elsewhere cannot have other files read.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import h5py
import numpy as np

from stores.hdf5 import require_group
from stores.shared.errors import FailureError

PART = re.compile(r"[^/\\]+\.parts/[0-9a-f]{32}/part-[0-9]{6,}\.h5")  # path of a part, relative to the store's folder

Part = tuple[str, int]  # its path, and how many rows (of token features: tokens) it holds


class RowSource(Protocol):
    """An array, or an object that is sliced by rows like one and reads them from a file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of all rows together."""

    @property
    def dtype(self) -> np.dtype:
        """Of all rows together."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> np.ndarray: ...


def make(file: h5py.File, path: str, shape: tuple[int, ...], dtype: np.dtype, parts: Sequence[Part]) -> h5py.Dataset:
    """The virtual data set ``path`` of this shape: the data sets of the same name in ``parts``, end to end."""
    layout, start = h5py.VirtualLayout(shape, dtype), 0
    # rows start:start + rows [rows, D] are those of the part; one without rows has none to map
    for part, rows in parts:
        if rows:
            layout[start : start + rows] = h5py.VirtualSource(part, path, (rows, *shape[1:]))
        start += rows
    # no time of creation, as in all objects of a store
    layout.dcpl.set_obj_track_times(False)
    folder, _, name = path.rpartition("/")
    group = require_group(file, folder)
    layout.make_dataset(group, name.encode())
    return group[name]


@dataclass(frozen=True)
class DeclaredDataset:
    """Type and shape that the store declares for a virtual data set, which is not opened.

    HDF5 would trust the list of files in it.
    """

    dtype: np.dtype
    shape: tuple[int, ...]
    chunks = None

    @property
    def size(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)

    @property
    def maxshape(self) -> tuple[int, ...]:
        """It does not grow."""
        return self.shape

    def __len__(self) -> int:
        return self.shape[0]


class StoreFile(h5py.File):
    """A store's HDF5 file, whose virtual data sets are replaced by what the store declares of them.

    Args:
        path: the file.
        raw: the same file, open for reading: memory maps and bytes are of this one, even if ``path`` is replaced later.

    Attributes:
        declared: the virtual data sets, by path.
        raw: as above.
        bytes: size of the file.
        marks: of the parts in which its features lie, by their paths in the store, see ``mark``; not of those that have
            not come yet.
    """

    declared: dict[str, DeclaredDataset] = {}  # noqa: RUF012 (each file is given its own)
    marks: dict[str, tuple[int, ...]] = {}  # noqa: RUF012

    def __init__(self, path: Path, raw: BinaryIO) -> None:
        self.raw, self.bytes = raw, os.fstat(raw.fileno()).st_size
        super().__init__(path, "r")
        self._opened: dict[str, h5py.Dataset | h5py.Group] = {}  # looking a name up is slow, and opening does it often

    def is_one(self) -> bool:
        """Whether HDF5 has opened the same file as ``raw``."""
        return os.path.samestat(os.fstat(self.id.get_vfd_handle()), os.fstat(self.raw.fileno()))

    def close(self) -> None:
        """Let go of the file; arrays that were handed out stay valid."""
        super().close()
        self.raw.close()

    def __del__(self) -> None:
        self.raw.close()  # HDF5 closes its own

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 (a data set, a group, or what is declared of a data set)
        if name in self.declared:
            return self.declared[name]
        if name not in self._opened:
            self._opened[name] = super().__getitem__(name)
        return self._opened[name]


def mark(file: os.stat_result) -> tuple[int, ...]:
    """What changes when another file is put in the place of this one, or it is written to."""
    return file.st_dev, file.st_ino, file.st_size, file.st_mtime_ns


def declare(outputs: h5py.Group, parts: dict) -> dict:
    """The entry ``parts`` of ``about``, see ``stores.format``; empty if the features lie in the store itself."""
    return parts and {**parts, "outputs": {name: [data.dtype.name, list(data.shape)] for name, data in outputs.items()}}


def declared(parts: dict, path: Path, virtual: set[str], absent: Container[str] = ()) -> dict[str, DeclaredDataset]:
    """The virtual data sets of the store ``path``: the inverse of ``declare``.

    Args:
        parts: the entry ``parts`` of ``about``.
        path: the store.
        virtual: paths of all virtual data sets in the file.
        absent: parts that come when they are read.

    Raises:
        FailureError: if the declared data sets are not the virtual ones, or the parts are missing or not in a folder
            beside the store.
    """
    # each virtual data set of the file is declared, and nothing else is
    files, outputs = parts.get("files", ()), parts.get("outputs", {})
    if {f"features/{name}" for name in outputs} != virtual:
        raise FailureError(f"{path}: a virtual data set does not lie in the store's own parts; refused")
    # each part is a file NAME.parts/<32 digits>/part-<number>.h5 beside the store, links resolved
    for part, _ in files:
        if not PART.fullmatch(part) or (path.parent / part).resolve().parents[2] != path.parent.resolve():
            raise FailureError(f"{path}: the part {part!r} does not lie in the store's own folder; refused")
        if part not in absent and not (path.parent / part).is_file():
            raise FailureError(f"{path} keeps its features in {part}, which is not there; copy both together")
    # [rows, columns]: the rows of the parts add up to them; features in the growing file (`start`) are in no part, and
    # `stores.append.check_place` compares their size
    data = {}
    for name, (dtype, (rows, columns)) in outputs.items():
        lengths = {sum(rows for _, rows in files)} if "start" not in parts else {rows}
        if dtype not in ("float32", "float16") or rows not in lengths or min(rows, columns) < 0:
            raise FailureError(f"{path}: {name} cannot be {dtype} [{rows}, {columns}] in these parts; refused")
        data[f"features/{name}"] = DeclaredDataset(np.dtype(dtype), (rows, columns))
    return data


class VirtualDataset:
    """A data set that lies in parts, to be sliced by rows; one part is open at a time.

    Args:
        view_of: function from the path of a part to its data set of the same name, a ``RowSource``.
        parts: in their order.
        shape, dtype: of all parts together.

    Raises:
        FailureError: when a part is read that is not what the index says.
    """

    def __init__(
        self, view_of: Callable[[str], RowSource], parts: Sequence[Part], shape: tuple[int, ...], dtype: np.dtype
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self._view_of, self._parts = view_of, parts
        # int64 [parts + 1]: first row of each part, and the number of all rows
        self._starts = np.cumsum([0, *(rows for _, rows in parts)])
        self._open: tuple[int, RowSource] = (-1, np.empty(0))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(len(self))
        rows_read = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        # the last part that begins at or before row `start`; one without rows is never it, as the next begins there too
        at, number = 0, int(np.searchsorted(self._starts, start, side="right")) - 1
        while at < len(rows_read):
            # continue at this row of the part, as far as the part or the slice goes; then on to the next part
            first = start + at - self._starts[number]
            rest = self._part(number)[first : first + len(rows_read) - at]
            rows_read[at : at + len(rest)] = rest
            at, number = at + len(rest), number + 1
        return rows_read

    def _part(self, number: int) -> RowSource:
        if self._open[0] != number:
            part, rows = self._parts[number]
            # the part is opened and checked as a store; its shape [rows, D] must be the one that the index declares
            view = self._view_of(part)
            if (view.shape, view.dtype) != ((rows, *self.shape[1:]), self.dtype):
                raise FailureError(f"{part} is not the part that its store was made of; make the store again")
            self._open = number, view
        return self._open[1]
