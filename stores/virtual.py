"""Features that stay in the parts: the store is an index whose features are HDF5 virtual data sets over these.

The parts lie in a folder beside the store. Other HDF5 readers follow the virtual data sets; here the parts are opened
one by one, as stores, so that nothing is read from where a stranger's index might point to.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import numpy as np

from stores.errors import FailureError
from stores.hdf5 import require_group

PART = re.compile(r"[^/\\]+\.parts/[0-9a-f]{32}/part-[0-9]{6,}\.h5")  # path of a part, relative to the store's folder

Part = tuple[str, int]  # its path, and how many rows (of token features: tokens) it holds


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


def check(file: h5py.File, path: Path, parts: Sequence[Part]) -> None:
    """Refuse an index that points elsewhere than to ``parts``, or to parts that do not lie in a folder beside it.

    Raises:
        FailureError: naming ``path`` and what is wrong.
    """
    for part, _ in parts:
        if not PART.fullmatch(part) or (path.parent / part).resolve().parents[2] != path.parent.resolve():
            raise FailureError(f"{path}: the part {part!r} does not lie in the store's own folder; refused")
        if not (path.parent / part).is_file():
            raise FailureError(f"{path} keeps its features in {part}, which is not there; copy both together")
    for data in file["features"].values():
        if data.is_virtual != bool(parts) or (parts and _sources(data) != _wanted(data, parts)):
            raise FailureError(f"{path}: {data.name[1:]} does not lie in the store's own parts; refused")


def _sources(data: h5py.Dataset) -> list:
    """File, data set, first and last place, and number of values of each stretch of rows of a virtual data set."""
    return [
        (source.file_name, source.dset_name, *source.vspace.get_select_bounds(), source.vspace.get_select_npoints())
        for source in data.virtual_sources()
        if source.src_space.get_select_type() == h5py.h5s.SEL_ALL
    ]


def _wanted(data: h5py.Dataset, parts: Sequence[Part]) -> list:
    wanted, start = [], 0
    zeros, ends = (0,) * (data.ndim - 1), tuple(size - 1 for size in data.shape[1:])
    for part, rows in parts:
        if rows:
            size = rows * math.prod(data.shape[1:])
            wanted.append((part, data.name[1:], (start, *zeros), (start + rows - 1, *ends), size))
        start += rows
    return wanted


class Pieces:
    """A data set that lies in parts, to be sliced by rows; one part is open at a time.

    Args:
        view_of: from the path of a part to its data set of the same name, as an array or something to slice like it.
        parts: in their order.
        shape, dtype: of the whole.

    Raises:
        FailureError: when a part is read that is not what the index says.
    """

    def __init__(
        self, view_of: Callable[[str], np.ndarray], parts: Sequence[Part], shape: tuple[int, ...], dtype: np.dtype
    ) -> None:
        self.shape, self.dtype = shape, dtype
        self._view_of, self._parts = view_of, parts
        self._starts = np.cumsum([0, *(rows for _, rows in parts)])
        self._open: tuple[int, np.ndarray] = (-1, np.empty(0))

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

    def _part(self, number: int) -> np.ndarray:
        if self._open[0] != number:
            part, rows = self._parts[number]
            view = self._view_of(part)
            if (view.shape, view.dtype) != ((rows, *self.shape[1:]), self.dtype):
                raise FailureError(f"{part} is not the part that its store was made of; make the store again")
            self._open = number, view
        return self._open[1]
