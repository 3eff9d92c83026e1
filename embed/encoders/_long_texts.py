"""What an encoder with a length limit reads of longer texts: the beginning, both ends, or windows over all of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embed.batches import ranges

LONG_TEXT = ("truncate", "window", "head-tail")
HEAD = 4  # head-tail keeps 1 in 4 tokens from the head: 128 of 510 in Sun et al. 2019, section 5.3.1
OVERLAP = 4  # windows share 1 in 4 tokens with their neighbours


@dataclass(frozen=True)
class Sequences:
    """What is read of ``n`` texts: one sequence a text, or several windows.

    Attributes:
        text: int64 ``[S]``, the text of each sequence, ascending.
        start: int64 ``[S]``, of each sequence in its text.
        length: int64 ``[S]``, tokens.
        gap: int64 ``[S]``, tokens that are left out after the first ``head`` of a sequence.
        head: see ``gap``.
    """

    text: np.ndarray
    start: np.ndarray
    length: np.ndarray
    gap: np.ndarray
    head: int

    def places(self) -> np.ndarray:
        """The place in its text of every token that is read, sequence by sequence: int64 ``[sum length]``."""
        place = np.arange(self.length.sum()) - np.repeat(np.cumsum(self.length) - self.length, self.length)
        skipped = np.where(place >= self.head, np.repeat(self.gap, self.length), 0)
        return place + np.repeat(self.start, self.length) + skipped

    def own(self) -> np.ndarray:
        """Which tokens each sequence answers for, bool ``[sum length]``: neighbouring windows share in the middle."""
        same = np.concatenate([self.text[1:] == self.text[:-1], [False]])  # is there a next window?
        end = self.start + self.length
        middle = np.where(same, (end + np.roll(self.start, -1)) // 2, end)
        begin = np.where(np.roll(same, 1), np.roll(middle, 1), self.start)
        places = ranges(self.start, self.length)
        return (places >= np.repeat(begin, self.length)) & (places < np.repeat(middle, self.length))


def join(vectors: np.ndarray, parts: Sequences, texts: int, pooling: str, tokens: np.ndarray) -> np.ndarray:
    """One vector a text from those of its sequences.

    Args:
        vectors: float32 ``[S, D]``, one of each sequence.
        parts: the sequences.
        texts: number of all texts; each has a sequence.
        pooling: ``max`` for the largest number in each column, else the mean, weighted by tokens.
        tokens: int ``[S]``, of each sequence with special tokens.

    Returns:
        Float32 ``[texts, D]``.
    """
    if texts == len(parts.text):  # a sequence each
        return vectors
    first = np.searchsorted(parts.text, np.arange(texts))
    if pooling == "max":
        return np.maximum.reduceat(vectors, first)
    weights = tokens.astype(np.float32)
    return np.add.reduceat(vectors * weights[:, None], first) / np.add.reduceat(weights, first)[:, None]


def sequences(lengths: np.ndarray, most: int, way: str) -> Sequences:
    """What is read of texts of ``lengths`` tokens (int64 ``[n]``) if a sequence holds at most ``most``.

    Args:
        lengths: tokens of each text; those without any have an empty sequence, of special tokens alone.
        most: 1 or more.
        way: one of ``LONG_TEXT``, or ``tail`` (the end alone); all are the same for texts that are not too long.
    """
    text = np.arange(len(lengths))
    whole = lengths
    head = max(1, most // HEAD)
    if way != "window":
        gap = np.maximum(whole - most, 0) if way == "head-tail" else np.zeros_like(whole)
        start = np.maximum(whole - most, 0) if way == "tail" else np.zeros_like(whole)
        return Sequences(text, start, np.minimum(whole, most), gap, head)
    step = max(1, most - most // OVERLAP)
    windows = 1 + np.maximum(-((most - whole) // step), 0)  # as many as it takes to reach the end
    number = np.arange(windows.sum()) - np.repeat(np.cumsum(windows) - windows, windows)
    whole = np.repeat(whole, windows)
    start = np.minimum(number * step, np.maximum(whole - most, 0))  # the last one ends with the text
    return Sequences(np.repeat(text, windows), start, np.minimum(whole, most), np.zeros_like(start), head)


def between(
    ids: np.ndarray, lengths: np.ndarray, before: list[int], after: list[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sequences with their special tokens.

    Args:
        ids: int32 ``[sum T]``, of the tokens of ``S`` sequences.
        lengths: int64 ``[S]``, how many each has.
        before, after: ids of the special tokens that each stands between.

    Returns:
        Int32 ``[N]``, all ids; int64 ``[sum T]``, where those of ``ids`` lie in them; int64 ``[S]``, the new lengths.
    """
    length = lengths + len(before) + len(after)
    starts = np.cumsum(length) - length
    packed, inner = np.empty(length.sum(), np.int32), ranges(starts + len(before), lengths)
    packed[inner] = ids
    for special, start in ((before, starts), (after, starts + length - len(after))):
        for place, number in enumerate(special):
            packed[start + place] = number
    return packed, inner, length
