"""Texts of several lengths, put side by side in batches of like length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

BLOCK = 65536  # tokens at a time where moments are taken
SPREAD = 1.25  # a text may share a batch with texts this much longer, so that each epoch has other batches


@dataclass(frozen=True)
class Ragged:
    """The tokens of ``n`` texts, as numbers or as vectors.

    Attributes:
        sources: what a token is: one int ``[sum T]``, or one or more float ``[sum T, D]`` that stand side by side.
        starts: int64 ``[n]``, the first token of each text.
        lengths: int64 ``[n]``, how many tokens of each text count, from its first.
        table: float ``[V, D]``: the tokens are its rows, given as numbers; None if they are what they are.
    """

    sources: Sequence[np.ndarray]
    starts: np.ndarray
    lengths: np.ndarray
    table: np.ndarray | None = None

    @property
    def width(self) -> int | None:
        """Columns of a token's vector; None if it is a number."""
        if self.table is not None:
            return self.table.shape[1]
        return sum(source.shape[1] for source in self.sources) if self.sources[0].ndim == 2 else None

    def padded(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Some texts as one array, zeros after their ends, and their lengths, int32 ``[m]``.

        The array is int32 ``[m, T]`` or float32 ``[m, T, D]``, T that of the longest. A text without tokens is one
        token of zero.
        """
        lengths = self.lengths[rows]
        step = np.arange(max(lengths.max(), 1))
        inside = step < lengths[:, None]
        places = (self.starts[rows][:, None] + step)[inside]
        shape = inside.shape if self.width is None else (*inside.shape, self.width)
        array = np.zeros(shape, np.int32 if self.width is None else np.float32)
        array[inside] = self._tokens(places)
        return array, np.maximum(lengths, 1).astype(np.int32)

    def shuffled(self, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Row numbers of batches of ``size`` texts of like length, in random order: each text once."""
        batches = self._cut(size, rng.uniform(1, SPREAD, len(self.lengths)))
        return (batches[i] for i in rng.permutation(len(batches)))

    def sorted(self, size: int) -> Iterator[np.ndarray]:
        """Row numbers of batches of ``size`` texts, shortest first."""
        return iter(self._cut(size, 1))

    def moments(self) -> tuple[np.ndarray, np.ndarray]:
        """Means and variances of the columns over all tokens that count, float64 ``[D]`` each."""
        total, squares = np.zeros((2, self.width or 0))
        ends = np.cumsum(self.lengths)
        tokens = int(ends[-1]) if len(ends) else 0
        for start in range(0, tokens, BLOCK):
            number = np.arange(start, min(start + BLOCK, tokens))  # of the tokens that count, end to end
            text = np.searchsorted(ends, number, side="right")
            places = self.starts[text] + number - (ends[text] - self.lengths[text])
            block = self._tokens(places).astype(np.float64)
            total += block.sum(0)
            squares += (block**2).sum(0)
        mean = total / max(tokens, 1)
        return mean, np.maximum(squares / max(tokens, 1) - mean**2, 0)

    def _tokens(self, places: np.ndarray) -> np.ndarray:
        if self.table is not None:
            return self.table[self.sources[0][places]]
        return self.sources[0][places] if len(self.sources) == 1 else np.hstack([s[places] for s in self.sources])

    def _cut(self, size: int, stretch: np.ndarray | float) -> list[np.ndarray]:
        order = np.argsort(self.lengths * stretch, kind="stable")
        return [order[i : i + size] for i in range(0, len(order), size)]
