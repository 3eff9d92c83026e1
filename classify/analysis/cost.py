"""What a run costs: seconds to encode and to train, bytes of its stores, numbers in its model."""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from classify.runs import Run
from classify.sources import encoding_cost, training_seconds
from classify.typed_json import Jsonable

COSTS = ("encode s", "texts/s", "train s", "store MB", "parameters")  # what ``Cost.cells`` gives


@dataclass(frozen=True)
class Cost(Jsonable):
    """What a run costs; None where it is not known, see ``classify.sources.EncodingCost``.

    Attributes:
        encode_seconds, encode_texts_per_second: of the encoders.
        train_seconds: of all folds.
        seconds: to encode and to train.
        store_bytes: of the feature stores.
        parameters: numbers in the saved model.
    """

    encode_seconds: float | None
    encode_texts_per_second: float | None
    train_seconds: float
    seconds: float | None
    store_bytes: int | None
    parameters: int

    def cells(self) -> list[str]:
        """In words, in the order of ``COSTS``; a dash for what is not known."""
        size = None if self.store_bytes is None else self.store_bytes / 1e6
        values = [(self.encode_seconds, ".2f"), (self.encode_texts_per_second, ",.0f"), (self.train_seconds, ".2f"),
                  (size, ",.1f"), (self.parameters, ",")]  # fmt: skip
        return ["-" if value is None else format(value, form) for value, form in values]

    @property
    def price(self) -> tuple[bool, float, int, int]:
        """What orders costs: known ones first; then by seconds, size of the model and of the store."""
        seconds = self.train_seconds if self.seconds is None else self.seconds
        return self.seconds is None, seconds, self.parameters, self.store_bytes or 0


def run_cost(run: Run) -> Cost:
    """What a run cost, as its stores and folds say."""
    encoding, training = encoding_cost(run), training_seconds(run)
    return Cost(
        encode_seconds=encoding.seconds,
        encode_texts_per_second=encoding.texts_per_second,
        train_seconds=training,
        seconds=None if encoding.seconds is None else encoding.seconds + training,
        store_bytes=encoding.store_bytes,
        parameters=parameters(run.folder / "model"),
    )


def parameters(folder: Path) -> int:
    """The numbers in all arrays of a saved model: weights, and means and variances of a scaler; no optimizer's state.

    Args:
        folder: ``model`` of a run; of any head, its arrays are in archives of NumPy, skops or Keras.
    """
    archives = [path for path in sorted(folder.rglob("*")) if path.suffix in (".npz", ".skops", ".keras")]
    return sum(_in_archive(path) for path in archives)


def _in_archive(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        total = 0
        for name in archive.namelist():
            if name.endswith(".npy"):
                with archive.open(name) as file:
                    total += _npy_size(file)
            elif name.endswith(".weights.h5"):
                total += _keras_size(archive.read(name))
        return total


def _npy_size(file: IO[bytes]) -> int:
    """Numbers in an array, by its header; texts are no numbers."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return math.prod(shape) if dtype.kind in "fiu" else 0


def _keras_size(content: bytes) -> int:
    import h5py

    total = 0

    def add(name: str, item: object) -> None:
        nonlocal total
        if isinstance(item, h5py.Dataset) and not name.startswith("optimizer"):
            total += math.prod(item.shape)

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(add)
    return total
