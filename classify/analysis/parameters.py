"""How many numbers a saved model holds."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path

import numpy as np


def parameters(folder: Path) -> int:
    """The numbers in all arrays of a saved model: weights, and means and variances of a scaler; no optimizer's state.

    Args:
        folder: ``model`` of a run; of any head, its arrays are in archives of NumPy, skops or Keras.
    """
    archives = [path for path in sorted(folder.rglob("*")) if path.suffix in (".npz", ".skops", ".keras")]
    return sum(_in_archive(path) for path in archives)


def _in_archive(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        found = 0
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as file:
                    found += _npy_size(file)
            elif name.endswith(".weights.h5"):
                found += _keras_size(archive.read(name))
        return found


def _npy_size(file: io.BufferedIOBase) -> int:
    """Numbers in an array, by its header; texts are no numbers."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return math.prod(shape) if dtype.kind in "fiu" else 0


def _keras_size(content: bytes) -> int:
    import h5py

    found = 0

    def add(name: str, item: object) -> None:
        nonlocal found
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            found += math.prod(item.shape)

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(add)
    return found
