"""Where each word of a plain file of vectors is: made in one pass over the file, kept in the cache.

The folder ``indexes/<digest of the file>/`` of the cache holds, for a file of ``V`` rows (lines, of a text file):

===============  ======================================================================
``hashes.npy``   uint32: CRC-32 of each word, sorted; of equal words, the first comes first
``rows.npy``     int32: the row of each of these
``starts.npy``   int64 ``[V]``: where each row begins in the file
``words``        the words of all rows, joined by newlines
``about.json``   format, columns, and which words are not UTF-8
===============  ======================================================================

That is 16 bytes and a word a row; they are mapped into memory, not read.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embed.models.cache import alone, cache_folder
from embed.vectors.binary import Binary
from embed.vectors.text import BadVectorLine, Text
from stores.shared.errors import FailureError, InputError
from stores.shared.files import whole_folder
from stores.shared.reporter import SILENT, Progress, Reporter

VERSION = 3  # raise it whenever an index of the same file holds something else
BLOCK = 1 << 20  # bytes that are looked through at once: few enough for the cache, enough for the other threads
START = 1 << 18  # bytes that tell the format: more than two rows
FORMATS = (Text, Binary)


@dataclass(frozen=True)
class Index:
    """The index of a file, see the module.

    Attributes:
        about: ``format``, ``dimension``, ``header`` (lines before the first row), ``promised`` (rows, 0 if it
            does not say); ``not_ascii``, how many words are
            not; ``not_utf8``, how many of these are not UTF-8; ``first_not_utf8``, the row of the first, in a list.
    """

    hashes: np.ndarray
    rows: np.ndarray
    starts: np.ndarray
    words: bytes
    about: dict

    def candidates(self, words: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of words in ``words``, and beside each a row that may be its own, the first row first: int64."""
        hashes = np.fromiter(map(zlib.crc32, words), np.uint32, len(words))
        first, last = (np.searchsorted(self.hashes, hashes, side) for side in ("left", "right"))
        numbers = np.repeat(np.arange(len(words)), last - first)
        before = np.cumsum(last - first) - (last - first)  # candidates of earlier words
        places = np.arange(len(numbers)) + np.repeat(first - before, last - first)
        return numbers, self.rows[places].astype(np.int64)

    def spans(self, rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Where each of these rows begins in a file of ``size`` bytes, and where the next one does: int64."""
        after = np.minimum(rows + 1, len(self.starts) - 1)
        return self.starts[rows], np.where(after > rows, self.starts[after], size)


def make(path: Path, reporter: Reporter = SILENT) -> Index:
    """The index of a file, in one pass over it; ``reporter`` is told how far it is.

    Raises:
        InputError: if it is no file of word vectors.
        FailureError: if it is cut short.
    """
    layout = layout_of(path)
    parts: list[_Part] = []
    with open(path, "rb", buffering=0) as file:
        try:
            size = max(os.fstat(file.fileno()).st_size, 1)
            for words, starts in layout.words(file, BLOCK):
                parts.append(_Part(words, starts))
                share = min(int(starts[-1]) / size, 0.999) if len(starts) else 0.0
                reporter.progress(Progress("indexing", share, path.name, str(path)))
            reporter.progress(Progress("indexing", 1.0))
        except BadVectorLine as error:
            raise FailureError(f"{path} is cut short or damaged ({error}); get it again") from error
    hashes, starts, is_word, is_utf8 = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("hashes", "starts", "is_word", "is_utf8")
    )
    rows = np.flatnonzero(is_word)
    pairs = np.sort(hashes[rows].astype(np.uint64) << 32 | rows.astype(np.uint64))  # five times as fast as argsort
    wrong = np.flatnonzero(~is_utf8)
    about = {"format": layout.name, "dimension": layout.dimension, "header": layout.header, "promised": layout.promised}
    about |= {
        "not_ascii": sum(part.not_ascii for part in parts),
        "not_utf8": len(wrong),
        "first_not_utf8": wrong[:1].tolist(),
    }
    hashes, rows = (pairs >> 32).astype(np.uint32), pairs.astype(np.uint32).view(np.int32)
    return Index(hashes, rows, starts, b"\n".join(part.words for part in parts), about)


class _Part:
    """Some rows of a file: what becomes of their words, which are not kept one by one."""

    def __init__(self, words: list[bytes], starts: np.ndarray) -> None:
        self.starts, self.words = starts, b"\n".join(words)
        self.hashes = np.fromiter(map(zlib.crc32, words), np.uint32, len(words))
        self.is_word = np.fromiter(map(bool, words), bool, len(words))
        self.not_ascii = 0 if self.words.isascii() else sum(not word.isascii() for word in words)
        self.is_utf8 = np.ones(len(words), bool)
        if self.not_ascii and not _is_utf8(self.words):
            self.is_utf8[:] = [_is_utf8(word) for word in words]


def layout_of(path: Path) -> Binary | Text:
    """The format of a file, from its beginning; ``InputError`` if it is none of these."""
    with open(path, "rb") as file:
        start = file.read(START)
    reasons = []
    for kind in FORMATS:
        try:
            return kind(start)
        except BadVectorLine as error:
            reasons.append(f"{kind.name}: {error}")
    raise InputError(f"{path} is no file of word vectors ({'; '.join(reasons)}); give another `model`")


def save(index: Index, digest: str, reporter: Reporter) -> None:
    """Keep an index in the cache."""
    folder = folder_of(digest)
    with alone(folder, reporter):
        if folder.is_dir():
            return
        with whole_folder(folder) as partial:
            for name in ("hashes", "rows", "starts"):
                np.save(partial / f"{name}.npy", getattr(index, name))
            (partial / "words").write_bytes(index.words)
            (partial / "about.json").write_text(json.dumps(index.about), encoding="utf-8")


def load(digest: str) -> Index | None:
    """The index of the file with this digest; None if there is none in the cache."""
    folder = folder_of(digest)
    if not folder.is_dir():
        return None
    try:
        hashes, rows, starts = (
            np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r")) for name in ("hashes", "rows", "starts")
        )
        words, about = (folder / "words").read_bytes(), json.loads((folder / "about.json").read_bytes())
    except (OSError, ValueError) as error:
        raise FailureError(f"{folder} is damaged ({error}); remove it, it will be made again") from error
    return Index(hashes, rows, starts, words, about)


def folder_of(digest: str) -> Path:
    """Where the index of the file with this digest lies."""
    return cache_folder() / "indexes" / f"{digest}-{VERSION}"


def _is_utf8(word: bytes) -> bool:
    try:
        word.decode()
    except UnicodeDecodeError:
        return False
    return True
