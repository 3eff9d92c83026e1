"""Features: what an encoder makes of some texts, of whatever kind.

Three kinds, and one set of operations on all of them, so that the code which stores, reuses and splits features never
asks which encoder they came from.

==========  ==============================================================================
``pooled``  one vector a text: each output is float ``[n, D]``
``tokens``  one vector a token: ``offsets`` int64 ``[n + 1]``, each output float ``[sum T, D]``;
            text ``i`` owns the rows ``offsets[i]:offsets[i + 1]``
``ids``     the tokens of a text as numbers: ``offsets``, one output ``ids`` int32 ``[sum T]`` that
            points into ``vocabulary`` and, for word vectors, into the rows of ``table``
==========  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

COUNTS = ("tokens", "unknown", "truncated")  # the columns of Features.counts


@dataclass(frozen=True)
class Features:
    """Features of ``n`` texts, in the order of the texts.

    Attributes:
        kind: ``pooled``, ``tokens`` or ``ids``.
        outputs: name -> array, shapes as above; an encoder with several layers gives several.
        counts: int32 ``[n, 3]``: tokens of each text, of these unknown to the encoder, of these cut off.
        offsets: int64 ``[n + 1]``, None for pooled features.
        vocabulary: the distinct tokens that the ids point to, None for the other kinds.
        table: float ``[V, D]``, the vector of each token of the vocabulary; None without vectors.
    """

    kind: str
    outputs: dict[str, np.ndarray]
    counts: np.ndarray
    offsets: np.ndarray | None = None
    vocabulary: list[str] | None = None
    table: np.ndarray | None = None

    @classmethod
    def from_tokens(cls, texts: Sequence[Sequence[str]]) -> Features:
        """Features of kind ``ids`` from the tokens of each text; the vocabulary is in order of first appearance."""
        index: dict[str, int] = {}
        ids = [index.setdefault(token, len(index)) for tokens in texts for token in tokens]
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        counts = np.zeros((len(texts), len(COUNTS)), np.int32)
        counts[:, 0] = lengths
        return cls("ids", {"ids": np.array(ids, np.int32)}, counts, _offsets(lengths), list(index))

    def __len__(self) -> int:
        return len(self.counts)

    def take(self, rows: np.ndarray) -> Features:
        """The features of ``rows`` (int ``[m]``, repeats allowed), in that order; the vocabulary stays whole."""
        if self.offsets is None:
            return replace(self, outputs={k: v[rows] for k, v in self.outputs.items()}, counts=self.counts[rows])
        lengths = np.diff(self.offsets)[rows]
        offsets = _offsets(lengths)
        # position j of the result comes from: start of its text in the source + its place within the text
        source = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        outputs = {k: v[source] for k, v in self.outputs.items()}
        return replace(self, outputs=outputs, counts=self.counts[rows], offsets=offsets)

    def __getitem__(self, rows: np.ndarray) -> Features:
        return self.take(rows)

    @classmethod
    def concat(cls, parts: Sequence[Features]) -> Features:
        """All rows of ``parts`` (of one kind, at least one part), vocabularies merged in order of appearance."""
        first = parts[0]
        counts = np.concatenate([part.counts for part in parts])
        offsets = None
        if first.offsets is not None:
            offsets = _offsets(np.concatenate([np.diff(part.offsets) for part in parts]))
        if first.vocabulary is None:
            outputs = {name: np.concatenate([part.outputs[name] for part in parts]) for name in first.outputs}
            return cls(first.kind, outputs, counts, offsets)
        index: dict[str, int] = {}
        merged = [remap(part, index) for part in parts]
        ids = np.concatenate([ids for ids, _ in merged])
        table = None
        if first.table is not None:
            table = np.concatenate([part.table[new] for part, (_, new) in zip(parts, merged, strict=True)])
        return cls(first.kind, {"ids": ids}, counts, offsets, list(index), table)

    def canonical(self) -> Features:
        """The same features with only the tokens that occur in the vocabulary, in order of first appearance.

        So the vocabulary depends on the texts alone, not on where their features were taken from.
        """
        if self.vocabulary is None:
            return self
        used, first, inverse = np.unique(self.outputs["ids"], return_index=True, return_inverse=True)
        rank = np.empty(len(used), np.int32)
        order = np.argsort(first)
        rank[order] = np.arange(len(used), dtype=np.int32)
        vocabulary = [self.vocabulary[i] for i in used[order]]
        table = None if self.table is None else self.table[used[order]]
        return replace(self, outputs={"ids": rank[inverse]}, vocabulary=vocabulary, table=table)


def remap(part: Features, index: dict[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """The ids of ``part`` in the numbering of ``index`` (token -> id), which grows by the tokens that are new.

    Returns:
        ids int32 ``[sum T]``, and which tokens of the part's vocabulary were new, int64 ``[new]``, in their order.
    """
    before = len(index)
    numbers = np.array([index.setdefault(token, len(index)) for token in part.vocabulary], np.int32)
    return numbers[part.outputs["ids"]], np.flatnonzero(numbers >= before)


def _offsets(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
