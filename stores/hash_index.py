"""Where each of very many hashes is: an index in memory that grows a store at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Entries(NamedTuple):
    """What is known of some texts; arrays of one length.

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
        """These of them: row numbers, or a mask."""
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

    They lie in sorted runs, each more than twice as long as the next, so that a row is sorted in again only as often as
    the logarithm of all rows. Costs 28 bytes a row, and as much again while the longest runs become one.
    """

    def __init__(self) -> None:
        self._runs: list[Entries] = []  # the earliest stores first

    def insert(self, text_hash: np.ndarray, source: int) -> None:
        """Take in the rows of store ``source``, whose hashes are uint8 ``[n, 16]``."""
        if not len(text_hash):
            return
        numbers = np.full(len(text_hash), source, np.int32), np.arange(len(text_hash))
        self._runs.append(Entries(*_halves(text_hash), *numbers).sorted())
        while len(self._runs) > 1 and len(self._runs[-2].high) <= 2 * len(self._runs[-1].high):
            last, before = self._runs.pop(), self._runs.pop()
            self._runs.append(Entries(*map(np.concatenate, zip(before, last, strict=True))).sorted())

    def drop(self, source: int) -> None:
        """Forget a store."""
        rest = [run.take(run.source != source) for run in self._runs]
        self._runs = [run for run in rest if len(run.high)]

    def find(self, text_hash: np.ndarray) -> tuple[np.ndarray, Entries | None]:
        """Which of the hashes uint8 ``[n, 16]`` are there, bool ``[n]``; and the entries of these, None if no one is.

        Of a hash that is there several times, the earliest store has it.
        """
        high, low = _halves(text_hash)
        found = np.full(len(text_hash), -1)  # position in its run
        which = np.zeros(len(text_hash), np.int64)  # its run
        for number, run in enumerate(self._runs):
            left = np.flatnonzero(found < 0)
            found[left], which[left] = _find(run, high[left], low[left]), number
        known = found >= 0
        if not known.any():
            return known, None
        entries = Entries(*(np.empty(len(text_hash), array.dtype) for array in self._runs[0]))
        for number, run in enumerate(self._runs):
            here = known & (which == number)
            for array, values in zip(entries, run, strict=True):
                array[here] = values[found[here]]
        return known, entries.take(known)


def _find(run: Entries, high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """int64 ``[n]``: where each hash is in a sorted run, -1 if nowhere."""
    at = np.searchsorted(run.high, high)
    while True:
        inside = np.minimum(at, len(run.high) - 1)
        same = (at < len(run.high)) & (run.high[inside] == high)
        wrong = same & (run.low[inside] != low)
        if not wrong.any():
            return np.where(same, at, -1)
        at = at + wrong  # subtle: step over the (very rare) rows that share only the first half


def _halves(text_hash: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    halves = np.ascontiguousarray(text_hash).view("<u8")
    return halves[:, 0], halves[:, 1]
