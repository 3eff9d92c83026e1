"""Texts as numbers of words: each distinct piece between white space is cut once.

By Zipf's law a file of texts holds few distinct pieces (5,728 e-mails: 1.9 million pieces, 37 thousand distinct ones).
So a piece is looked up in a dictionary, and its words follow from an array; no code of Python runs once a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from threading import Lock

import numpy as np

from stores.features import COUNTS, IdFeatures, in_order_of_appearance

KEPT = 1 << 18  # pieces that are known at most before a call: bounds the memory of a run that never ends
LONGEST = 1 << 25  # characters of all of them, likewise
BLOCK = 1 << 20  # characters that are cut into pieces at once: bounds the memory, changes no word


class _Numbers(dict[str, int]):
    """A number for each different string, in order of first appearance."""

    def __missing__(self, string: str) -> int:
        self[string] = number = len(self)
        return number


class WordNumbers:
    """The words of texts as numbers.

    Args:
        cut: the words of a piece without white space.
        prepare: what a text goes through before it is split at white space.
    """

    def __init__(self, cut: Callable[[str], Sequence[str]], prepare: Callable[[str], str] | None = None) -> None:
        self._cut, self._prepare, self._lock = cut, prepare, Lock()
        self._forget()

    def _forget(self) -> None:
        self._pieces, self._words, self._characters = _Numbers(), _Numbers(), 0
        # piece p has the words flat[starts[p]:starts[p + 1]], int32 numbers
        self._flat, self._starts = np.zeros(0, np.int32), np.zeros(1, np.int64)

    def __call__(self, texts: Sequence[str]) -> IdFeatures:
        """Ids of the words, without vectors; the vocabulary in order of first appearance."""
        with self._lock:
            return self._numbered(texts)

    def _numbered(self, texts: Sequence[str]) -> IdFeatures:
        if len(self._pieces) > KEPT or self._characters > LONGEST:
            self._forget()
        blocks = [self._number(texts[block]) for block in _blocks(texts)]
        ids = np.concatenate([np.zeros(0, np.int32), *(ids for ids, _ in blocks)])
        lengths = np.concatenate([np.zeros(0, np.int64), *(lengths for _, lengths in blocks)])
        used, ids = in_order_of_appearance(ids, len(self._words))
        words = list(self._words)
        counts = np.zeros((len(texts), len(COUNTS)), np.int32)
        counts[:, 0] = lengths
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return IdFeatures({"ids": ids}, counts, offsets, [words[number] for number in used.tolist()])

    def _number(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the words, int32 ``[sum T]``, and how many words each text has, int64 ``[n]``."""
        pieces = [text.split() for text in (map(self._prepare, texts) if self._prepare else texts)]
        sizes = np.fromiter(map(len, pieces), np.int64, len(pieces))
        before = len(self._pieces)
        numbers = np.fromiter(map(self._pieces.__getitem__, chain.from_iterable(pieces)), np.int32, int(sizes.sum()))
        self._cut_pieces(before)
        # word j of all: the start of its piece in `flat` + its place within the piece
        counts = np.diff(self._starts)[numbers]
        ends = np.concatenate([[0], np.cumsum(counts)])
        places = np.arange(ends[-1]) + np.repeat(self._starts[numbers] - ends[:-1], counts)
        return self._flat[places], np.diff(ends[np.concatenate([[0], np.cumsum(sizes)])])

    def _cut_pieces(self, before: int) -> None:
        """Cut the pieces that have been seen for the first time."""
        flat: list[int] = []
        ends: list[int] = []
        for piece in islice(self._pieces, before, None):
            self._characters += len(piece)
            flat += map(self._words.__getitem__, self._cut(piece))
            ends.append(len(flat))
        self._flat = np.concatenate([self._flat, np.array(flat, np.int32)])
        self._starts = np.concatenate([self._starts, self._starts[-1] + np.array(ends, np.int64)])


def _blocks(texts: Sequence[str]) -> Iterator[slice]:
    """Neighbouring texts of at most ``BLOCK`` characters together; a longer text is a block by itself."""
    start = size = 0
    for stop, text in enumerate(texts):
        if size and size + len(text) > BLOCK:
            yield slice(start, stop)
            start, size = stop, 0
        size += len(text)
    if texts:
        yield slice(start, len(texts))
