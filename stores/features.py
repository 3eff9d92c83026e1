"""Features: what an encoder makes of some texts. Three types, one set of operations.

The code that stores, reuses and splits features calls ``take`` and ``concat`` and need not ask which type it has.

===================  ==========  ==============================================================================
type                 ``kind``    arrays
===================  ==========  ==============================================================================
``PooledFeatures``   ``pooled``  one vector a text: each output is float ``[n, D]``
``TokenFeatures``    ``tokens``  one vector a token: ``offsets`` int64 ``[n + 1]``, each output float
                                 ``[sum T, D]``; text ``i`` owns the rows ``offsets[i]:offsets[i + 1]``
``IdFeatures``       ``ids``     the tokens of a text as numbers: ``offsets``, one output ``ids`` int32
                                 ``[sum T]`` that points into ``vocabulary`` and, for word vectors, into the
                                 rows of ``table``
===================  ==========  ==============================================================================
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import ClassVar, Self, TypeVar

import numpy as np

COUNTS = ("tokens", "unknown", "truncated")  # the columns of Features.counts
F = TypeVar("F", bound="Features")


@dataclass(frozen=True)
class Features(ABC):
    """Features of ``n`` texts, in the order of the texts: what the three types have in common.

    Attributes:
        kind: name of the type in a store.
        outputs: name -> array, shapes as above; an encoder with several layers gives several.
        counts: int32 ``[n, 3]``: tokens of each text, of these unknown to the encoder, of these cut off.
    """

    kind: ClassVar[str]
    outputs: dict[str, np.ndarray]
    counts: np.ndarray

    def __len__(self) -> int:
        return len(self.counts)

    def matrix(self) -> np.ndarray:
        """All outputs side by side, by name: float32 ``[n, D]``, the form in which heads take pooled features."""
        outputs = [np.asarray(self.outputs[name], np.float32) for name in sorted(self.outputs)]
        return outputs[0] if len(outputs) == 1 else np.hstack(outputs)

    @abstractmethod
    def take(self, rows: np.ndarray) -> Self:
        """The features of ``rows`` (int ``[m]``, repeats allowed), in that order; a vocabulary stays complete."""

    def __getitem__(self, rows: np.ndarray) -> Self:
        return self.take(rows)

    @staticmethod
    def concat(parts: Sequence[F]) -> F:
        """All rows of ``parts`` (of one type, at least one part), vocabularies merged in order of appearance."""
        return type(parts[0])._concat(parts)

    @classmethod
    @abstractmethod
    def _concat(cls, parts: Sequence[Self]) -> Self: ...

    def canonical(self) -> Self:
        """The same features as far as they depend on the texts alone; see ``IdFeatures.canonical``."""
        return self


@dataclass(frozen=True)
class PooledFeatures(Features):
    """One vector a text: each output is float ``[n, D]``."""

    kind: ClassVar[str] = "pooled"

    def take(self, rows: np.ndarray) -> Self:
        """The features of ``rows`` (int ``[m]``, repeats allowed), in that order."""
        return replace(self, outputs={k: v[rows] for k, v in self.outputs.items()}, counts=self.counts[rows])

    @classmethod
    def _concat(cls, parts: Sequence[Self]) -> Self:
        return cls(_joined_outputs(parts), _joined_counts(parts))


@dataclass(frozen=True)
class RaggedFeatures(Features):
    """Something for each token of a text.

    Attributes:
        offsets: int64 ``[n + 1]``; text ``i`` owns the rows ``offsets[i]:offsets[i + 1]`` of each output.
    """

    offsets: np.ndarray

    def take(self, rows: np.ndarray) -> Self:
        """The features of ``rows`` (int ``[m]``, repeats allowed), in that order; a vocabulary stays complete."""
        lengths = np.diff(self.offsets)[rows]
        offsets = _offsets(lengths)
        # position j of the result comes from: start of its text in the source + its place within the text
        source = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        outputs = {k: v[source] for k, v in self.outputs.items()}
        return replace(self, outputs=outputs, counts=self.counts[rows], offsets=offsets)


@dataclass(frozen=True)
class TokenFeatures(RaggedFeatures):
    """One vector a token: each output is float ``[sum T, D]``."""

    kind: ClassVar[str] = "tokens"

    @classmethod
    def _concat(cls, parts: Sequence[Self]) -> Self:
        return cls(_joined_outputs(parts), _joined_counts(parts), _joined_offsets(parts))


class _Numbers(dict[str, int]):
    """A number for each different word, in order of first appearance."""

    def __missing__(self, word: str) -> int:
        self[word] = number = len(self)
        return number


def _measured(texts: Iterable[Sequence[str]], length: array[int]) -> Iterator[Sequence[str]]:
    """The same texts; the length of each is noted as it passes."""
    for text in texts:
        length.append(len(text))
        yield text


@dataclass(frozen=True)
class IdFeatures(RaggedFeatures):
    """The tokens of a text as numbers: the one output ``ids`` is int32 ``[sum T]``.

    Attributes:
        vocabulary: the ``V`` distinct tokens that the ids point to.
        table: float ``[V, D]``, the vector of each token of the vocabulary; None without vectors.
    """

    kind: ClassVar[str] = "ids"
    vocabulary: list[str]
    table: np.ndarray | None = None

    @classmethod
    def from_tokens(cls, texts: Iterable[Sequence[str]]) -> IdFeatures:
        """Ids of the tokens of each text, without vectors; the vocabulary is in order of first appearance.

        Of an iterator the tokens of one text at a time are held.
        """
        index, length = _Numbers(), array("q")
        ids = np.fromiter(map(index.__getitem__, chain.from_iterable(_measured(texts, length))), np.int32)
        lengths = np.array(length, np.int64)
        counts = np.zeros((len(lengths), len(COUNTS)), np.int32)
        counts[:, 0] = lengths
        return cls({"ids": ids}, counts, _offsets(lengths), list(index))

    @property
    def ids(self) -> np.ndarray:
        """int32 ``[sum T]``: for each token its place in the vocabulary."""
        return self.outputs["ids"]

    @classmethod
    def _concat(cls, parts: Sequence[Self]) -> Self:
        index: dict[str, int] = {}
        merged = [remap(part, index) for part in parts]
        ids = np.concatenate([ids for ids, _ in merged])
        tables = [part.table[new] for part, (_, new) in zip(parts, merged, strict=True) if part.table is not None]
        if tables and len(tables) < len(parts):
            raise ValueError("ids with vectors and ids without cannot become one")
        table = np.concatenate(tables) if tables else None
        return cls({"ids": ids}, _joined_counts(parts), _joined_offsets(parts), list(index), table)

    def canonical(self) -> Self:
        """The same features with only the tokens that occur in the vocabulary, in order of first appearance.

        So the vocabulary depends on the texts alone, not on where their features were taken from.
        """
        used, ids = in_order_of_appearance(self.ids, len(self.vocabulary))
        vocabulary = [self.vocabulary[number] for number in used.tolist()]
        table = None if self.table is None else self.table[used]
        return replace(self, outputs={"ids": ids}, vocabulary=vocabulary, table=table)


def in_order_of_appearance(ids: np.ndarray, numbers: int) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values of ``ids``, and their ranks among these in the place of ``ids``.

    Args:
        ids: int ``[t]``, each from 0 to ``numbers - 1``.
        numbers: how many different values there may be.

    Returns:
        the values in order of first appearance, int64 ``[used]``; the ranks, int32 ``[t]``.
    """
    first = np.full(numbers, len(ids))
    np.minimum.at(first, ids, np.arange(len(ids)))
    used = np.flatnonzero(first < len(ids))
    used = used[np.argsort(first[used])]
    rank = np.zeros(numbers, np.int32)
    rank[used] = np.arange(len(used), dtype=np.int32)
    return used, rank[ids]


def remap(part: IdFeatures, index: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """The ids of ``part`` in the numbering of ``index`` (token -> id), which grows by the tokens that are new.

    Returns:
        ids int32 ``[sum T]``, and which tokens of the part's vocabulary were new, int64 ``[new]``, in their order.
    """
    before = len(index)
    numbers = np.array([index.setdefault(token, len(index)) for token in part.vocabulary], np.int32)
    return numbers[part.ids], np.flatnonzero(numbers >= before)


def _joined_outputs(parts: Sequence[Features]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([part.outputs[name] for part in parts]) for name in parts[0].outputs}


def _joined_counts(parts: Sequence[Features]) -> np.ndarray:
    return np.concatenate([part.counts for part in parts])


def _joined_offsets(parts: Sequence[RaggedFeatures]) -> np.ndarray:
    return _offsets(np.concatenate([np.diff(part.offsets) for part in parts]))


def _offsets(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
