"""Texts packed for a recurrent network: sorted by length, longest first, one step after the other.

So the texts that still go on are the first rows of every step, and no row is padding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LEAST = 2  # texts that are computed together: for one, another kernel is used, whose sums round otherwise
CHUNK = 2048  # distinct words that enter a layer at once: 64 KiB of gates each, in both directions, at ELMo's size


@dataclass(frozen=True)
class Packing:
    """Where the words of some texts lie.

    Attributes:
        order: int64 ``[texts]``: the texts, longest first.
        sizes: int32 ``[steps]``, the texts that have a word at each step.
        places: for each direction int64 ``[sum T]``: the packed row of each word of the texts.
    """

    order: np.ndarray
    sizes: np.ndarray
    places: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, lengths: np.ndarray) -> Packing:
        """The packing of texts of ``lengths`` words, int ``[texts]``, none of them 0."""
        order = np.argsort(-lengths, kind="stable")
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(order))
        sizes = len(lengths) - np.searchsorted(np.sort(lengths), np.arange(lengths.max()), side="right")
        starts = np.cumsum(sizes) - sizes
        step = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)  # of each word in its text
        places = tuple(starts[s] + np.repeat(rank, lengths) for s in (step, np.repeat(lengths, lengths) - 1 - step))
        return cls(order, sizes.astype(np.int32), places)

    def pack(self, values: np.ndarray, places: np.ndarray) -> np.ndarray:
        """``values`` of the words of the texts in packed order."""
        packed = np.empty_like(values)
        packed[places] = values
        return packed

    def chunks(self, packed: np.ndarray) -> Iterator[tuple[slice, slice]]:
        """Steps, and the rows of these steps: as many as have ``CHUNK`` distinct words, one at least.

        Args:
            packed: int ``[sum T]``: the words of one direction, packed.
        """
        ends = np.cumsum(self.sizes).tolist()
        starts, first = [0, *ends[:-1]], 0
        seen: set[int] = set()
        for step, (start, end) in enumerate(zip(starts, ends, strict=True)):
            here = set(packed[start:end].tolist())
            if step > first and len(seen | here) > CHUNK:
                yield slice(first, step), slice(starts[first], start)
                first, seen = step, set()
            seen |= here
        yield slice(first, len(ends)), slice(starts[first], ends[-1])
