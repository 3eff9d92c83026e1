"""The growing file: the features of part after part, at the place where they will lie in the finished store.

Chunks without a filter lie in a store as one plain array. So while one process alone makes a store of one output, it
appends the features of each part to a file beside the parts, syncs it, and only then writes the part, which holds all
other data and says where its features are. Bytes behind the last complete part do not count, and are written over. To
put the parts together HDF5 writes around the features, and the file is renamed: they are never copied.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from stores.hdf5 import ALIGNMENT
from stores.shared.errors import FailureError
from stores.virtual_dataset import PART, DeclaredDataset

NAME = "growing"  # in the folder of the parts


def append(folder: Path, start: int, values: np.ndarray) -> None:
    """Write ``values`` from byte ``start`` of the growing file in ``folder``, and sync them to the disk.

    Raises:
        FailureError: if the machine refuses the write.
    """
    path = folder / NAME
    # bytes of the features [n, D] in C order, little-endian, as a chunk in the store has them
    left = np.ascontiguousarray(values, values.dtype.newbyteorder("<")).data.cast("B")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "rb+", buffering=0) as file:
            # from `start`, over what an interrupted part left there; a write may take only some of the bytes
            file.seek(start)
            while left:
                left = left[file.write(left) :]
            # on the disk before the part is written that says these features are there
            os.fsync(file.fileno())
    except OSError as error:
        raise FailureError(f"{path} could not be written: {error.strerror}; complete parts are unchanged") from error


def place_in_growing(parts: dict) -> range | None:
    """Which bytes of the growing file a part with this entry ``parts`` has its features in; None if in none."""
    if "start" not in parts:
        return None
    # one output [n, D]: n * D numbers from byte `start`
    ((dtype, shape),) = parts["outputs"].values()
    return range(parts["start"], parts["start"] + math.prod(shape) * np.dtype(dtype).itemsize)


def check_place(parts: dict, path: Path) -> None:
    """Refuse a store that is no part, or whose features are not in the growing file beside it; ``FailureError``."""
    # the path ends in NAME.parts/<32 digits>/part-<number>.h5; the growing file is no link to elsewhere, and the
    # features leave room for the HDF5 header before them
    place, file = place_in_growing(parts), path.parent / NAME
    is_part = PART.fullmatch("/".join(path.absolute().parts[-3:])) is not None
    if place is None or not is_part or file.is_symlink() or place.start < ALIGNMENT:
        raise FailureError(f"{path}: its features do not lie in the store's own folder; refused")
    # the file must reach to the last byte of the features, or mapping it would fail on reading
    if not file.is_file() or file.stat().st_size < place.stop:
        raise FailureError(f"{path} has its features in {file}, which is not there; give the same command again")


def view(folder: Path, place: range, data: DeclaredDataset) -> np.ndarray:
    """The features that lie at ``place``, read-only."""
    if not place:
        return np.empty(data.shape, data.dtype)
    # rows [n, D] as they lie in the file; bytes are read when they are used
    return np.memmap(folder / NAME, data.dtype, "r", place.start, data.shape)
