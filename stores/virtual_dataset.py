"""Features that stay in the parts: the store is an index whose features are HDF5 virtual data sets over these.

The parts lie in a folder beside the store. Other HDF5 readers follow the virtual data sets; here the parts are opened
one by one, as stores, so that nothing is read from where a stranger's index might point to.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
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
    """An array, or what is read from a file when it is sliced by rows like one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole."""

    @property
    def dtype(self) -> np.dtype:
        """Of the whole."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> np.ndarray: ...


def make(file: h5py.File, path: str, shape: tuple[int, ...], dtype: np.dtype, parts: Sequence[Part]) -> h5py.Dataset:
    """The virtual data set ``path`` of this shape: the data sets of the same name in ``parts``, end to end."""
    layout, start = h5py.VirtualLayout(shape, dtype), 0
    for part, rows in parts:
        if rows:
            layout[start : start + rows] = h5py.VirtualSource(part, path, (rows, *shape[1:]))
        start += rows
    layout.dcpl.set_obj_track_times(False)
    folder, _, name = path.rpartition("/")
    group = require_group(file, folder)
    layout.make_dataset(group, name.encode())
    return group[name]


@dataclass(frozen=True)
class DeclaredDataset:
    """What the store says of a virtual data set, which is not opened: HDF5 would believe the list of places in it."""

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
    """A store's HDF5 file, in place of whose virtual data sets there is what the store says of them.

    Args:
        path: the file.
        raw: the same file, open for reading: memory maps and bytes are of this one, whatever is put at ``path`` later.

    Attributes:
        declared: these, by path.
        raw: as above.
        bytes: size of the file.
    """

    declared: dict[str, DeclaredDataset] = {}  # noqa: RUF012 (each file is given its own)

    def __init__(self, path: Path, raw: BinaryIO) -> None:
        self.raw, self.bytes = raw, os.fstat(raw.fileno()).st_size
        super().__init__(path, "r")
        self._found: dict[str, h5py.Dataset | h5py.Group] = {}  # looking a name up is slow, and opening does it often

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
        if name not in self._found:
            self._found[name] = super().__getitem__(name)
        return self._found[name]


def declare(outputs: h5py.Group, parts: dict) -> dict:
    """What ``about`` has of features that lie elsewhere, see ``stores.format``; nothing if they do not."""
    return parts and {**parts, "outputs": {name: [data.dtype.name, list(data.shape)] for name, data in outputs.items()}}


def declared(parts: dict, path: Path, found: set[str]) -> dict[str, DeclaredDataset]:
    """The virtual data sets of the store ``path``: the inverse of ``declare``.

    Args:
        parts: what ``about`` has of an index.
        path: the store.
        found: paths of all virtual data sets that there are.

    Raises:
        FailureError: if these are not those, or the parts are not there, or not in a folder beside the store.
    """
    files, outputs = parts.get("files", ()), parts.get("outputs", {})
    if {f"features/{name}" for name in outputs} != found:
        raise FailureError(f"{path}: a virtual data set does not lie in the store's own parts; refused")
    for part, _ in files:
        if not PART.fullmatch(part) or (path.parent / part).resolve().parents[2] != path.parent.resolve():
            raise FailureError(f"{path}: the part {part!r} does not lie in the store's own folder; refused")
        if not (path.parent / part).is_file():
            raise FailureError(f"{path} keeps its features in {part}, which is not there; copy both together")
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
        view_of: from the path of a part to its data set of the same name, as an array or something to slice like it.
        parts: in their order.
        shape, dtype: of the whole.

    Raises:
        FailureError: when a part is read that is not what the index says.
    """

    def __init__(
        self, view_of: Callable[[str], RowSource], parts: Sequence[Part], shape: tuple[int, ...], dtype: np.dtype
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self._view_of, self._parts = view_of, parts
        self._starts = np.cumsum([0, *(rows for _, rows in parts)])
        self._open: tuple[int, RowSource] = (-1, np.empty(0))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> np.ndarray:
        start, stop, _ = rows.indices(len(self))
        found = np.empty((max(0, stop - start), *self.shape[1:]), self.dtype)
        at, number = 0, int(np.searchsorted(self._starts, start, side="right")) - 1
        while at < len(found):
            first = start + at - self._starts[number]
            rest = self._part(number)[first : first + len(found) - at]
            found[at : at + len(rest)] = rest
            at, number = at + len(rest), number + 1
        return found

    def _part(self, number: int) -> RowSource:
        if self._open[0] != number:
            part, rows = self._parts[number]
            view = self._view_of(part)
            if (view.shape, view.dtype) != ((rows, *self.shape[1:]), self.dtype):
                raise FailureError(f"{part} is not the part that its store was made of; make the store again")
            self._open = number, view
        return self._open[1]
