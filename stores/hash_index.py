"""Where each of very many hashes is: an index in memory, to which one store after the other is added."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Entries(NamedTuple):
    """Hashes of texts, and where their features are; arrays of one length.

    Attributes:
        high, low: uint64, the two halves of the hash.
        source: int32, number of the store.
        row: int64, row of it.
    """

    high: np.ndarray
    low: np.ndarray
    source: np.ndarray
    row: np.ndarray

    def take(self, rows: np.ndarray) -> Entries:
        """The entries at ``rows``: row numbers, or a mask."""
        return Entries(*(array[rows] for array in self))

    def sorted(self) -> Entries:
        """In the order of ``high``, and those of equal ``high`` as they are: the earliest store first."""
        return self.take(np.argsort(self.high, kind="stable"))

    @property
    def text_hash(self) -> np.ndarray:
        """uint8 ``[n, 16]``."""
        return np.stack([self.high, self.low], 1).astype("<u8").view(np.uint8)


class HashIndex:
    """Finds 16-byte hashes.

    They lie in sorted runs, each more than twice as long as the next, so that a row is sorted again only as often as
    the logarithm of all rows. Costs 28 bytes a row, and as much again while the longest runs become one.
    """

    def __init__(self) -> None:
        self._runs: list[Entries] = []  # the earliest stores first

    def insert(self, text_hash: np.ndarray, source: int) -> None:
        """Add the rows of store ``source``, whose hashes are uint8 ``[n, 16]``."""
        if not len(text_hash):
            return
        # the new rows as a sorted run: store number int32 [n] and row int64 [n] beside each hash
        numbers = np.full(len(text_hash), source, np.int32), np.arange(len(text_hash))
        self._runs.append(Entries(*_halves(text_hash), *numbers).sorted())
        # merge the last two runs as long as the earlier one is not more than twice as long
        while len(self._runs) > 1 and len(self._runs[-2].high) <= 2 * len(self._runs[-1].high):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(Entries(*map(np.concatenate, zip(before, last, strict=True))).sorted())

    def drop(self, source: int) -> None:
        """Forget a store."""
        rest = [run.take(run.source != source) for run in self._runs]
        self._runs = [run for run in rest if len(run.high)]

    def find(self, text_hash: np.ndarray) -> tuple[np.ndarray, Entries | None]:
        """Which of the hashes uint8 ``[n, 16]`` are there, bool ``[n]``; and the entries of these, None without any.

        Of a hash that several stores have, the entry is that of the earliest.
        """
        high, low = _halves(text_hash)
        # int64 [n]: position of each hash in its run, -1 if in none, and the number of this run
        position = np.full(len(text_hash), -1)
        run_number = np.zeros(len(text_hash), np.int64)
        # run by run, the earliest stores first, so each next run is asked only for the hashes that are still missing
        for number, run in enumerate(self._runs):
            left = np.flatnonzero(position < 0)
            position[left], run_number[left] = _find(run, high[left], low[left]), number
        known = position >= 0
        if not known.any():
            return known, None
        # gather the entries [n] from the runs, then keep those of the m known hashes, in the order of these
        entries = Entries(*(np.empty(len(text_hash), array.dtype) for array in self._runs[0]))
        for number, run in enumerate(self._runs):
            here = known & (run_number == number)
            for array, values in zip(entries, run, strict=True):
                array[here] = values[position[here]]
        return known, entries.take(known)


def _find(run: Entries, high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """int64 ``[n]``: where each hash is in a sorted run, -1 if nowhere."""
    # first position whose high half is not less, int64 [n]
    at = np.searchsorted(run.high, high)
    while True:
        # bool [n]: the first half is the same there; and wrong if the second half is not
        inside = np.minimum(at, len(run.high) - 1)
        same = (at < len(run.high)) & (run.high[inside] == high)
        wrong = same & (run.low[inside] != low)
        if not wrong.any():
            return np.where(same, at, -1)
        at = at + wrong  # subtle: step over the (very rare) rows that share only the first half


def _halves(text_hash: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # uint8 [n, 16] seen as two little-endian halves, uint64 [n, 2]
    halves = np.ascontiguousarray(text_hash).view("<u8")
    return halves[:, 0], halves[:, 1]
