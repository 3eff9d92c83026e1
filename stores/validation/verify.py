"""Whether a store still holds the data that was written: every checksum, offset, number and hash."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np

from stores.columns import chunk_checksum, content_digest
from stores.file_rows import FileRows
from stores.format import GROUPS, ROW_STRINGS, data_sets, members, rows_a_checksum
from stores.shared.cores import threads
from stores.shared.errors import FailureError
from stores.shared.fingerprint import hash_texts
from stores.strings import Strings
from stores.virtual_dataset import RowSource

ROWS = 4096
STRINGS = ("vocabulary", "labels/classes", *ROW_STRINGS)


def verify(file: h5py.File, path: Path, digest: str, view_of: Callable[[str], RowSource]) -> None:
    """Look at every byte of a store that ``stores.format.check`` has passed.

    Args:
        file: the open store.
        path: where it lies.
        digest: the value of the attribute of this name.
        view_of: function from the name of a data set to its rows, a ``RowSource``.

    Raises:
        FailureError: naming the file and the first data set and row that is wrong.
    """
    where = "the names of its data sets"
    try:
        # the rows of every data set against their checksums; `where` names the place if an error comes from h5py
        for where in data_sets(file):
            verify_data(file, where, path, view_of(where))
        where = "what HDF5 keeps of its groups"
        for group in (*GROUPS, "checksums", *(f"checksums/{name}" for name in GROUPS)):
            if group in file:
                h5py.h5o.get_info(file[group].id)  # reads what no other call here does, and compares its checksums
        h5py.h5o.get_info(file.id)
        where = "its attributes or checksums"
        # the digest covers names, shapes, types, attributes and the checksums themselves
        if content_digest(file) != digest:
            raise FailureError(f"{path} is damaged: {where}; make it again with: tk embed")
        # bytes are as written; now whether the numbers make sense, as a faulty writer signs wrong ones, too
        _verify_meaning(file, path, view_of)
    except (FailureError, MemoryError):
        raise
    except Exception as error:  # of any type: the errors of h5py on damaged files cannot be foreseen
        why = " ".join(str(error).split())
        raise FailureError(f"{path} is damaged: {where} ({why}); make it again with: tk embed") from error


def verify_data(file: h5py.File, name: str, path: Path, rows: RowSource) -> None:
    """Compare the checksums of the data set ``name``, whose rows are ``rows``; its numbers must be finite.

    Raises:
        FailureError: naming ``path``, ``name`` and the first row of the first chunk that is damaged, or the first row
            with a number that is not finite.
    """
    # checksum i, of uint32 [chunks], covers the rows from i * step
    step, sums = rows_a_checksum(file[name]), file[f"checksums/{name}"][...].tolist()
    for row, wanted in zip(range(0, len(rows), step or 1), sums, strict=True):
        chunk = rows[row : row + step]
        if chunk_checksum(chunk) != wanted:
            raise FailureError(f"{path} is damaged: {name}, in the rows from {row}; make it again with: tk embed")
        if chunk.dtype.kind == "f" and not np.isfinite(chunk).all():
            raise FailureError(not_finite(file, name, path, row + int(first_not_finite(chunk))))


def first_not_finite(values: np.ndarray) -> int:
    """The first row of ``values``, float ``[n, D]``, that holds a NaN or an infinity."""
    return int((~np.isfinite(values)).any(1).argmax())


def not_finite(file: h5py.File, name: str, path: Path, row: int) -> str:
    """The message about a NaN or an infinity in row ``row`` of the data set ``name``."""
    if name == "table":
        return f"{path}: the vector of word {row} of the vocabulary is not finite; make it again with: tk embed"
    if "offsets" in file:
        # one vector a token: the text is the last one that begins at or before this token
        row = int(np.searchsorted(file["offsets"][...], row, side="right")) - 1
    where = f"row {row} (line {file['line'][row]} of the table)"
    return f"{path}: {name} of {where} holds a number that is not finite; make it again with: tk embed"


class Compared:
    """Which chunks of a store were compared with their checksums, so that none is compared twice."""

    def __init__(self) -> None:
        self._done: dict[str, np.ndarray] = {}  # bool, one a chunk

    def verify_rows(self, file: h5py.File, name: str, path: Path, rows: RowSource, wanted: np.ndarray) -> None:
        """Compare those chunks of the data set ``name`` that hold some of its rows.

        Args:
            file, name, path, rows: as ``verify_data``.
            wanted: int ``[m]``, numbers of the rows.

        Raises:
            FailureError: as ``verify_data``.
        """
        # checksums uint32 [chunks]; bool [chunks]: compared before, and touched by the rows now wanted
        step, sums = rows_a_checksum(file[name]), file[f"checksums/{name}"][...]
        done = self._done.setdefault(name, np.zeros(len(sums), bool))
        touched = np.zeros(len(sums), bool)
        touched[wanted // max(1, step)] = True
        # int [k]: numbers of the chunks that are to be compared now
        left = np.flatnonzero(touched & ~done)

        def is_damaged(chunk: int) -> bool:
            return chunk_checksum(rows[chunk * step : (chunk + 1) * step]) != sums[chunk]

        # all cores compare what any thread can read, as zlib releases the GIL; other sources hold an open chunk or part
        if isinstance(rows, np.memmap | FileRows):
            with ThreadPoolExecutor(threads()) as pool:
                damaged = left[np.array(list(pool.map(is_damaged, left.tolist())), bool)]
        else:
            damaged = left[np.array(list(map(is_damaged, left.tolist())), bool)]
        if len(damaged):
            raise FailureError(f"{path} is damaged: {name}, in the rows from {damaged[0] * step}; make it again")
        # only now, as none of them is damaged
        done[left] = True


def _verify_meaning(file: h5py.File, path: Path, view_of: Callable[[str], RowSource]) -> None:
    """Check that offsets, codes and ids point to existing entries, and that texts are those that were encoded."""
    # offsets int64 [n + 1] must rise from 0 to the number of bytes, or of tokens
    ends = {f"{name}/offsets": len(file[f"{name}/bytes"]) for name in STRINGS if name in file}
    if "offsets" in file:
        ends["offsets"] = min(len(file[f"features/{name}"]) for name in members(file["features"]))
    for name, end in ends.items():
        offsets = file[name][...]
        if offsets[0] != 0 or offsets[-1] != end or (offsets[1:] < offsets[:-1]).any():
            raise FailureError(f"{path}: {name} do not rise from 0 to {end:,}; make it again with: tk embed")
    # codes int32 are -1 (missing) or a class; with several labels, int32 [N, L], they are -1, 0 or 1
    classes = 2 if file["labels/codes"].ndim > 1 else len(file["labels/classes/offsets"]) - 1
    _verify_range(view_of, path, "labels/codes", -1, classes)
    # token ids [T] point into the vocabulary [V]
    if "vocabulary" in file:
        _verify_range(view_of, path, "features/ids", 0, len(file["vocabulary/offsets"]) - 1)
    for name in STRINGS:
        if name in file:
            _verify_strings(file, path, name)


def _verify_range(view_of: Callable[[str], RowSource], path: Path, name: str, low: int, high: int) -> None:
    # 2**20 rows at a time, so that memory stays flat
    values = view_of(name)
    for start in range(0, len(values), 1 << 20):
        part = values[start : start + (1 << 20)]
        if part.min() < low or part.max() >= high:
            raise FailureError(f"{path}: {name} points outside of what there is, in the rows from {start}")


def _verify_strings(file: h5py.File, path: Path, name: str) -> None:
    """Check that the strings are UTF-8, and, if they are the texts, those that were encoded."""
    strings = Strings(file[f"{name}/bytes"], file[f"{name}/offsets"])
    for start in range(0, len(strings), ROWS):
        # decoding raises where the bytes are not UTF-8; the hashes uint8 [n, 16] of texts must be those of the rows
        part = strings[start : start + ROWS]
        if name == "texts" and (differs := (hash_texts(part) != file["text_hash"][start : start + ROWS]).any(1)).any():
            row = start + differs.argmax()
            raise FailureError(f"{path} is damaged: the text of row {row} is not the one that was encoded")
