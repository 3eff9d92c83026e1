"""Features: what an encoder makes of some texts, of whatever kind.

Two kinds, and one set of operations on both, so that the code which stores, reuses and splits
features never asks which encoder they came from.

=========  ==============================================================================
``pooled`` one vector a text: each output is float ``[n, D]``
``ids``    the tokens of a text: ``offsets`` int64 ``[n + 1]``, one output ``ids`` int32 ``[sum T]``
           that points into ``vocabulary``; text ``i`` owns ``ids[offsets[i]:offsets[i + 1]]``
=========  ==============================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

COUNTS = ("tokens", "unknown", "truncated")  # the columns of Features.counts


@dataclass(frozen=True)
class Features:
    """Features of ``n`` texts, in the order of the texts.

    Attributes:
        kind: ``pooled`` or ``ids``.
        outputs: name -> array; pooled: float ``[n, D]``; ids: ``{"ids": int32 [sum T]}``.
        counts: int32 ``[n, 3]``: tokens of each text, of these unknown to the encoder, of these cut off.
        offsets: int64 ``[n + 1]`` for ids, else None.
        vocabulary: the distinct tokens that the ids point to, else None.
    """

    kind: str
    outputs: dict[str, np.ndarray]
    counts: np.ndarray
    offsets: np.ndarray | None = None
    vocabulary: list[str] | None = None

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
            return Features(self.kind, {k: v[rows] for k, v in self.outputs.items()}, self.counts[rows])
        lengths = np.diff(self.offsets)[rows]
        offsets = _offsets(lengths)
        # position j of the result comes from: start of its text in the source + its place within the text
        source = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        outputs = {k: v[source] for k, v in self.outputs.items()}
        return Features(self.kind, outputs, self.counts[rows], offsets, self.vocabulary)

    def __getitem__(self, rows: np.ndarray) -> Features:
        return self.take(rows)

    @classmethod
    def concat(cls, parts: Sequence[Features]) -> Features:
        """All rows of ``parts`` (of one kind, at least one part), vocabularies merged in order of appearance."""
        counts = np.concatenate([p.counts for p in parts])
        if parts[0].offsets is None:
            names = parts[0].outputs
            return cls(parts[0].kind, {k: np.concatenate([p.outputs[k] for p in parts]) for k in names}, counts)
        index: dict[str, int] = {}
        ids = [remap(p, index) for p in parts]
        lengths = np.concatenate([np.diff(p.offsets) for p in parts])
        return cls("ids", {"ids": np.concatenate(ids)}, counts, _offsets(lengths), list(index))

    def canonical(self) -> Features:
        """The same features with only the tokens that occur in the vocabulary, in order of first appearance.

        So the vocabulary depends on the texts alone, not on where their features were taken from.
        """
        if self.vocabulary is None:
            return self
        ids = self.outputs["ids"]
        used, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
        rank = np.empty(len(used), np.int32)
        order = np.argsort(first)
        rank[order] = np.arange(len(used), dtype=np.int32)
        vocabulary = [self.vocabulary[i] for i in used[order]]
        return Features(self.kind, {"ids": rank[inverse]}, self.counts, self.offsets, vocabulary)


def remap(part: Features, index: dict[str, int]) -> np.ndarray:
    """The ids of ``part`` in the numbering of ``index`` (token -> id), which grows by the tokens that are new."""
    table = np.array([index.setdefault(token, len(index)) for token in part.vocabulary], np.int32)
    return table[part.outputs["ids"]]


def _offsets(lengths: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
