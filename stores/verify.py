"""Whether a store holds what was written: every checksum, offset, number and hash."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from stores.columns import chunk_checksums, content_digest, view
from stores.errors import FailureError
from stores.format import data_sets
from stores.identity import hash_texts
from stores.strings import Strings

ROWS = 4096
STRINGS = ("vocabulary", "labels/classes", "texts")


def verify(file: h5py.File, path: Path, digest: str) -> None:
    """Look at every byte of a store that ``stores.format.check`` has passed.

    Args:
        file: the open store.
        path: where it lies.
        digest: what the attribute of this name says.

    Raises:
        FailureError: naming the file and the first data set and row that is wrong.
    """
    try:
        for name in data_sets(file):
            _verify_checksums(file, name, path)
        if content_digest(file) != digest:
            raise FailureError(f"{path} is damaged: its attributes or checksums; make it again with: tk embed")
        _verify_meaning(file, path)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        if isinstance(error, FailureError):
            raise
        raise FailureError(f"{path} is damaged ({error}); make it again with: tk embed") from error


def _verify_checksums(file: h5py.File, name: str, path: Path) -> None:
    data = file[name]
    if not data.chunks:
        return
    kept = file[f"checksums/{name}"][...].tolist()
    for chunk, found in enumerate(chunk_checksums(view(path, data), data.chunks[0])):
        if found != kept[chunk]:
            row = chunk * data.chunks[0]
            raise FailureError(f"{path} is damaged: {name}, in the rows from {row}; make it again with: tk embed")


def _verify_meaning(file: h5py.File, path: Path) -> None:
    """That numbers which point somewhere point to something, and texts are those that were encoded."""
    ends = {f"{name}/offsets": len(file[f"{name}/bytes"]) for name in STRINGS if name in file}
    if "offsets" in file:
        ends["offsets"] = min(len(data) for data in file["features"].values())
    for name, end in ends.items():
        offsets = file[name][...]
        if offsets[0] != 0 or offsets[-1] != end or (np.diff(offsets) < 0).any():
            raise FailureError(f"{path}: {name} do not rise from 0 to {end:,}; make it again with: tk embed")
    _verify_range(file, path, "labels/codes", -1, len(file["labels/classes/offsets"]) - 1)
    if "vocabulary" in file:
        _verify_range(file, path, "features/ids", 0, len(file["vocabulary/offsets"]) - 1)
    if "texts" in file:
        _verify_texts(file, path)


def _verify_range(file: h5py.File, path: Path, name: str, low: int, high: int) -> None:
    for start in range(0, len(file[name]), 1 << 20):
        values = file[name][start : start + (1 << 20)]
        if values.min() < low or values.max() >= high:
            raise FailureError(f"{path}: {name} points outside of what there is, in the rows from {start}")


def _verify_texts(file: h5py.File, path: Path) -> None:
    texts = Strings(file["texts/bytes"], file["texts/offsets"])
    for start in range(0, len(texts), ROWS):
        differs = (hash_texts(texts[start : start + ROWS]) != file["text_hash"][start : start + ROWS]).any(1)
        if differs.any():
            row = start + differs.argmax()
            raise FailureError(f"{path} is damaged: the text of row {row} is not the one that was encoded")
