"""What the encoders have in common whose table is a published file that the user names."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from pathlib import Path

import numpy as np

from embed.coverage import WordCoverage
from embed.encoders._pooling import PARTS, is_pooling
from embed.encoders._table import TableEncoder
from embed.vectors import VectorFile, WordTable, open_vectors
from embed.vectors.containers import plain_file
from stores.features import IdFeatures
from stores.shared.errors import InputError
from stores.shared.suggest import listing

OUTPUTS = ("pooled", "ids")


class FileEncoder(TableEncoder):
    """An encoder of which a subclass says how a text becomes words, and how a word is looked up.

    Args:
        model, dim, skip_bad_lines: see ``embed.vectors.open_vectors``.
        pooling, output: see ``TableEncoder``.
        unknown: what becomes of a word that the table does not hold, one of ``unknown_choices``.
    """

    version: int
    unknown_choices: tuple[str, ...]
    usual_licence: str | None = None  # of all files of the kind

    def __init__(
        self, model: str, dim: int | None, pooling: str, output: str, unknown: str, skip_bad_lines: bool
    ) -> None:
        if pooling != "sif" and not is_pooling(pooling):
            raise InputError(
                f"{self.name}: `pooling={pooling!r}` does not exist, choose sif, or one or more of: {', '.join(PARTS)};"
                " several are joined by +"
            )
        self.check("output", output, OUTPUTS)
        self.check("unknown", unknown, self.unknown_choices)
        super().__init__(pooling, output)
        self.unknown_words = unknown
        self._counted: tuple[dict[str, int], IdFeatures] | None = None  # rows of texts, and their words
        self._open = (model, dim, skip_bad_lines)

    def check(self, option: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
        """``InputError`` if an option has a value that is not allowed."""
        if value not in allowed:
            choices = listing(value, filter(None, allowed))
            raise InputError(f"{self.name}: `{option}={value!r}` does not exist, choose one of: {choices}")

    @cached_property
    def table(self) -> WordTable | VectorFile:
        """The file, opened; its words are looked up one by one."""
        model, dim, skip_bad_lines = self._open
        return open_vectors(model, dim, skip_bad_lines=skip_bad_lines, reporter=self.reporter, trust=self.trust)

    @property
    def licence(self) -> str | None:  # type: ignore[override]  # what a file says of itself
        """Under which the vectors are, where that is known."""
        return self.table.about.get("licence", self.usual_licence)

    def identity(self) -> dict:
        """Name, version of the algorithm, digest of the plain file, and the options."""
        found = {"encoder": self.name, "version": self.version, "weights": self.table.digest}
        if self.kind == "pooled":
            found["pooling"] = self.pooling
        return found | {"output": self.kind, "unknown": self.unknown_words}

    def weights(self) -> dict[str, tuple[Path, list[str] | None]]:
        """The plain file."""
        model, dim, _ = self._open
        return {"model": (plain_file(model, dim, self.reporter, self.trust), None)}

    def frequent_words(self) -> list[str]:
        """All words that ``find`` finds, each once, the most frequent first: the order of the file."""
        return list(dict.fromkeys(word for word in self.table.words if word))

    def coverage(self) -> WordCoverage:
        """How many of the words of texts the table knows; it is told the texts."""
        return WordCoverage(self._count, lambda tokens: self.find(tokens) >= 0, self._bad_lines)

    def _count(self, texts: list[str]) -> tuple[list[str], np.ndarray]:
        """The different words of texts, and how often each is there; the texts are most likely encoded next."""
        self._counted = None
        found = self.numbered(texts)
        self._counted = dict(zip(texts, range(len(texts)), strict=True)), found
        return found.vocabulary, np.bincount(found.ids, minlength=len(found.vocabulary))

    def numbered(self, texts: list[str]) -> IdFeatures:
        """The words of texts, those that were counted last without another look at the texts."""
        rows, counted = self._counted or ({}, None)
        if counted is None or not all(text in rows for text in texts):
            return super().numbered(texts)
        return counted.take(np.array([rows[text] for text in texts], np.int64)).canonical()

    def _bad_lines(self, tokens: list[str]) -> int:
        """How many broken lines of the file these tokens need, as themselves and where others stand in for them."""
        if not self._open[-1] or not isinstance(self.table, VectorFile):
            return 0
        self._vectors(tokens)  # in this run, some may only have been taken from another store
        return len(self.table.bad_rows)

    @abstractmethod
    def find(self, tokens: list[str]) -> np.ndarray:
        """int64 ``[n]``: the row of each token, -1 for an unknown one."""

    def rows_of(self, tokens: list[str]) -> tuple[list[list[int]], np.ndarray]:
        """The row of each token, or what stands in for an unknown one."""
        found = self.find(tokens)
        rows = [[row] if row >= 0 else [] for row in found.tolist()]
        others = {i: self.instead_of(tokens[i]) for i in np.flatnonzero(found < 0).tolist()}
        distinct = list(dict.fromkeys(word for words in others.values() for word in words))
        row_of = dict(zip(distinct, self.find(distinct).tolist(), strict=True))
        for i, words in others.items():
            rows[i] = [row_of[word] for word in words if row_of[word] >= 0]
        return rows, found >= 0

    def instead_of(self, token: str) -> list[str]:
        """The words whose vectors' mean stands for an unknown token, as far as the table has them."""
        return list(token) if self.unknown_words == "characters" else []
