"""What the encoders have in common whose vectors are those of the words in a table."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from embed.encoders._pooling import pool
from embed.encoders.base import Encoder
from embed.vectors import VectorFile, WordTable
from stores.features import Features, IdFeatures, PooledFeatures

BLOCK = 1 << 21  # words whose vectors are in memory at once: bounds it, changes no vector


class TableEncoder(Encoder):
    """An encoder of which a subclass says how a text becomes words, and which rows of its table stand for a word.

    Args:
        pooling: of the vectors of a text, see ``embed.encoders._pooling``, or ``sif``: their mean, each weighed by
            how much its word says.
        output: ``pooled``, or ``ids``: the words in order, with one vector a distinct word; zeros for one without.
    """

    def __init__(self, pooling: str, output: str = "pooled") -> None:
        self.pooling = pooling
        self.kind = output

    @property
    @abstractmethod
    def table(self) -> WordTable | VectorFile:
        """The table; read when it is asked for."""

    @abstractmethod
    def word_numbers(self) -> Callable[[list[str]], IdFeatures]:
        """What cuts texts into words."""

    @cached_property
    def _word_numbers(self) -> Callable[[list[str]], IdFeatures]:
        return self.word_numbers()

    def numbered(self, texts: list[str]) -> IdFeatures:
        """The words of texts as ids, without vectors; the vocabulary in order of first appearance."""
        return self._word_numbers(texts)

    @abstractmethod
    def rows_of(self, tokens: list[str]) -> tuple[list[list[int]], np.ndarray]:
        """The rows that stand for each of some different tokens, none for an unknown one.

        Returns:
            the rows of each token, whose mean is its vector, and bool ``[n]``: whether the table knows the token.
        """

    def encode(self, texts: list[str]) -> Features:
        """``pooled`` float32 ``[n, D * parts]``, or ids with their table; counts: tokens, unknown tokens, 0."""
        return self.encode_prepared(self.prepare(texts))

    def prepare(self, texts: list[str]) -> Any:  # noqa: ANN401 (a subclass may have more than the words)
        """The words of texts."""
        return self.numbered(texts)

    def encode_prepared(self, prepared: Any) -> Features:  # noqa: ANN401
        """The vectors of the words, pooled or as a table."""
        tokens: IdFeatures = prepared
        if self.kind == "ids":
            vectors, _, known = self._vectors(tokens.vocabulary)
            return replace(tokens, counts=_counts(tokens, known), table=vectors)
        return Features.concat([self._pooled(block) for block in _blocks(tokens)])

    def _pooled(self, tokens: IdFeatures) -> PooledFeatures:
        vectors, has_vector, known = self._vectors(tokens.vocabulary)
        ids = tokens.ids
        taken = has_vector[ids]
        offsets = _before(taken)[tokens.offsets]
        pooling = "mean" if self.pooling == "sif" else self.pooling
        return PooledFeatures({"pooled": pool(vectors, ids[taken], offsets, pooling)}, _counts(tokens, known))

    def _vectors(self, tokens: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each token: its vector, float32 ``[n, D]``, whether it has one, and whether the table knows it."""
        rows, known = self.rows_of(tokens)
        ids, offsets = _flat(rows)
        used, ids = np.unique(ids, return_inverse=True)
        return pool(self._weighed(used), ids, offsets, "mean"), np.diff(offsets) > 0, known

    def _weighed(self, rows: np.ndarray) -> np.ndarray:
        """float32 ``[n, D]``: the vectors of these rows, for ``sif`` times how much their words say."""
        vectors = self.table.take(rows)
        return vectors * self.weights_of(rows)[:, None] if self.pooling == "sif" else vectors

    def weights_of(self, rows: np.ndarray) -> np.ndarray:
        """float32 ``[n]``: how much the words of these rows say, 0 to 1."""
        return self.table.weights_of(rows)


def _blocks(tokens: IdFeatures) -> list[IdFeatures]:
    """The texts in groups of about ``BLOCK`` words, at least one group."""
    number = tokens.offsets[:-1] // BLOCK
    if not number.any():
        return [tokens]
    starts = np.flatnonzero(np.diff(number))
    return [tokens.take(rows).canonical() for rows in np.split(np.arange(len(number)), starts + 1)]


def _counts(tokens: IdFeatures, known: np.ndarray) -> np.ndarray:
    """The counts of features: tokens, unknown tokens, and nothing cut off."""
    counts = tokens.counts.copy()
    counts[:, 1] = np.diff(_before(~known[tokens.ids])[tokens.offsets])
    return counts


def _before(marks: np.ndarray) -> np.ndarray:
    """How many of ``marks`` (bool ``[n]``) are true before each place: int64 ``[n + 1]``."""
    return np.concatenate([[0], np.cumsum(marks, dtype=np.int64)])


def _flat(lists: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of all lists in one int64 array, and the offsets of the lists in it."""
    offsets = np.concatenate([[0], np.cumsum([len(part) for part in lists])]).astype(np.int64)
    return np.array([number for part in lists for number in part], np.int64), offsets
