"""A file of word vectors on this machine: the rows of some words, and no others, are parsed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from math import isfinite
from pathlib import Path

import numpy as np

from embed.models.cache import remembered_digest, weights_digest
from embed.vectors import index as indexes
from embed.vectors.index import Index
from embed.vectors.table import check_dimension, sif_weights
from embed.vectors.text import BadVectorLine, strictly
from stores.shared.errors import FailureError
from stores.shared.reporter import Reporter

AT_ONCE = 64  # rows that are parsed together: what fits a core's cache
KEPT = 1 << 16  # vectors in memory: more than the words of most files of texts, fewer than those that may stand in
SHOWN = 5  # broken lines that are named


class VectorFile:
    """Words and their vectors, in a plain file of text or word2vec's binary form.

    Memory holds the vectors of the words that were asked for, and maps the index. Rows are read, not mapped, as the
    pages of a mapped file would count as memory of the process.

    Args:
        path: the file; nothing is read before it is needed.
        name: what the user calls it.
        dim: the columns that it must have; None: any.
        skip_bad_lines: whether a broken row makes its word unknown, and is counted, instead of an error.
        reporter: told what the user should know meanwhile.

    Attributes:
        bad_rows: rows that were asked for and broken, and why.
        about: nothing is known of its licence and source.
    """

    def __init__(self, path: Path, name: str, dim: int | None, skip_bad_lines: bool, reporter: Reporter) -> None:
        self.path, self.name = path, name
        self.about: dict[str, str] = {}
        self.bad_rows: dict[int, str] = {}
        self._dim, self._skip, self._reporter = dim, skip_bad_lines, reporter
        self._rows: dict[str, int] = {}  # of all words that were asked for, -1 where there is none
        self._vectors: dict[int, np.ndarray] = {}
        self._making: tuple[Future, Future] | None = None  # the digest, and the index put into the cache

    @cached_property
    def digest(self) -> str:
        """That of the plain file as a model, remembered."""
        if known := remembered_digest(self.path):
            return known
        _ = self.index  # made in the same time
        return self._making[0].result() if self._making else weights_digest(self.path)

    @cached_property
    def index(self) -> Index:
        """The index of the file, made if it is not in the cache.

        Raises:
            InputError: if the file has not ``dim`` columns.
            FailureError: if there are fewer rows than the first line says, or most words beyond ASCII are no UTF-8,
                unless bad lines are skipped.
        """
        known = remembered_digest(self.path)
        found = (known and indexes.load(known)) or self._made()
        check_dimension(self._dim, found.about["dimension"], self.name)
        self._check_rows(found)
        self._check_encoding(found.about)
        return found

    def _made(self) -> Index:
        """A new index; another core makes the digest meanwhile, then puts the index into the cache."""
        indexes.layout_of(self.path)  # no need to begin with what is no file of vectors
        before = self.path.stat()
        pool = ThreadPoolExecutor(1)
        digest = pool.submit(weights_digest, self.path)
        index = indexes.make(self.path, self._reporter)

        def keep() -> None:
            after = self.path.stat()
            if (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
                raise FailureError(f"{self.path} changed while it was read; give the command again")
            indexes.save(index, digest.result(), self._reporter)

        self._making = digest, pool.submit(keep)
        pool.shutdown(wait=False)
        return index

    def _check_rows(self, index: Index) -> None:
        """A download that was cut at the end of a line; more rows than the first line says do no harm."""
        rows, promised = len(index.starts) - index.about["header"], index.about["promised"]
        if rows < promised:
            why = f"{self.name}: its first line says {promised:,} rows, and there are {rows:,}; it was cut short"
            if not self._skip:
                raise FailureError(f"{why}: get the file again, or take what there is with `skip_bad_lines=True`")
            self._reporter.warn(why)

    def _check_encoding(self, about: dict) -> None:
        """A file that was saved again as Windows-1252; a few damaged words are in published files too."""
        if 2 * about["not_utf8"] > about["not_ascii"]:
            why = f"the word is not UTF-8, nor are {about['not_utf8'] - 1:,} others"
            if not self._skip:
                advice = "convert it (iconv -f WINDOWS-1252 -t UTF-8)"
                raise self._refused(about["first_not_utf8"][0], why, about, advice)
            where = self._place(about["first_not_utf8"][0], about)
            self._reporter.warn(f"{self.name}, {where}: {why}; these words are left out")

    def _place(self, row: int, about: dict) -> str:
        return f"{'line' if about['format'] == 'text' else 'row'} {row + 1:,}"

    @cached_property
    def _layout(self) -> indexes.Binary | indexes.Text:
        return indexes.layout_of(self.path)

    @property
    def dimension(self) -> int:
        """Columns of the vectors."""
        return self.index.about["dimension"]

    def __len__(self) -> int:
        return len(self.index.starts) - self.index.about["header"]

    def find(self, words: Sequence[str]) -> np.ndarray:
        """int64 ``[n]``: the row of each word, the first if there are several; -1 where there is none.

        Raises:
            FailureError: if a row is broken, unless bad lines are skipped.
        """
        new = [word for word in dict.fromkeys(words) if word not in self._rows]
        if new:
            self._rows |= dict.fromkeys(new, -1) | self._read(new)
        return np.fromiter(map(self._rows.__getitem__, words), np.int64, len(words))

    def _read(self, words: list[str]) -> dict[str, int]:
        """The row of each word that the file holds; its vector is in memory then."""
        found, warned = {}, bool(self.bad_rows)
        keys = [word.encode("utf-8", "surrogatepass") for word in words]
        numbers, rows = self.index.candidates(keys)
        with strictly():
            for at in range(0, len(rows), AT_ONCE):
                block = slice(at, at + AT_ONCE)
                lines = zip(numbers[block].tolist(), rows[block].tolist(), self._lines(rows[block]), strict=True)
                same = [(words[i], row, content) for i, row, (word, content) in lines if word == keys[i]]
                self._parse_together({row: content for _, row, content in same if row not in self._vectors})
                for word, row, content in same:
                    if word not in found and self._parse(row, content):
                        found[word] = row
        if self.bad_rows and not warned:
            self._warn(sorted(self.bad_rows))
        return found

    def _lines(self, rows: np.ndarray) -> Iterator[tuple[bytes, bytes]]:
        """The word of each row, and what follows it and a space."""
        starts, ends = self.index.spans(rows, self.path.stat().st_size)
        with open(self.path, "rb", buffering=0) as file:  # rows lie far apart, so no buffer
            number = file.fileno()
            for start, size in zip(starts.tolist(), (ends - starts).tolist(), strict=True):
                word, _, content = os.pread(number, size, start).partition(b" ")
                yield word.rstrip(b"\r\n"), content

    def _parse_together(self, rows: dict[int, bytes]) -> None:
        """Have the vectors of some rows in memory, where these can be parsed together."""
        vectors = self._layout.vectors(list(rows.values()))
        numbers = list(rows)
        self._vectors |= {numbers[i]: vector for i, vector in vectors.items()}

    def _parse(self, row: int, numbers: bytes) -> bool:
        """Have the vector of a row in memory; False if it is broken."""
        if row not in self._vectors and row not in self.bad_rows:
            try:
                vector = self._layout.vector(numbers)
                # the sum of squares is quicker to look at, and finite unless a number is huge or not finite
                if not (isfinite(vector @ vector) or np.isfinite(vector).all()):
                    raise BadVectorLine("a number that is not finite")
                self._vectors[row] = vector
            except BadVectorLine as error:
                if not self._skip:
                    raise self._refused(row, str(error), self.index.about) from None
                self.bad_rows[row] = str(error)
        return row in self._vectors

    def _refused(self, row: int, why: str, about: dict, advice: str = "get the file again") -> FailureError:
        where = f"{self.name}, {self._place(row, about)}: {why}"
        return FailureError(f"{where}; {advice}, or leave such lines out with `skip_bad_lines=True`")

    def _warn(self, bad: list[int]) -> None:
        """Once, of the words that are asked for first; what is broken after that is only counted."""
        first = [f"{self._place(row, self.index.about)} ({self.bad_rows[row]})" for row in bad[:SHOWN]]
        more = ", ..." if len(bad) > SHOWN else ""
        lines = f"{len(bad):,} broken line{'s' * (len(bad) > 1)} left out"
        self._reporter.warn(f"{self.name}: {lines}: {', '.join(first)}{more}")

    def take(self, rows: np.ndarray) -> np.ndarray:
        """float32 ``[n, D]``: the vectors of rows that ``find`` gave."""
        if self._making:
            self._making[1].result()
        vectors = np.empty((len(rows), self.dimension), np.float32)
        forgotten = np.array([row for row in rows.tolist() if row not in self._vectors], np.int64)
        for row, (_, content) in zip(forgotten.tolist(), self._lines(forgotten), strict=True):
            self._parse(row, content)
        for i, row in enumerate(rows.tolist()):
            vectors[i] = self._vectors[row]
        self._forget()
        return vectors

    def _forget(self) -> None:
        """Keep the vectors that were read last."""
        for row in list(self._vectors)[: max(len(self._vectors) - KEPT, 0)]:
            del self._vectors[row]

    def weights_of(self, rows: np.ndarray) -> np.ndarray:
        """float32 ``[n]``: how much the words of these rows say; the file is in the order of frequency."""
        ranks = rows + 1 - self.index.about["header"]
        return sif_weights(ranks, len(self)).astype(np.float32)

    @property
    def words(self) -> list[str]:
        """The words of all rows, in their order; an empty one for a header or an empty line."""
        return self.index.words.decode("utf-8", "replace").split("\n")
