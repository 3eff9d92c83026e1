"""Which texts have features already, and where."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from stores.errors import FailureError
from stores.features import Features
from stores.store import FeatureStore
from stores.verify import Compared


class DamagedError(Exception):
    """The features of store ``number`` are damaged."""

    def __init__(self, number: int, error: FailureError) -> None:
        super().__init__(str(error).partition("; ")[0])
        self.number = number


class KnownTexts:
    """The texts that some stores of one identity hold, found by hash.

    Costs 28 bytes a row of memory; the features stay in the files.

    Args:
        identity_digest: stores of any other identity are passed over.
        note: called with what the user should know.
    """

    def __init__(self, identity_digest: str, note: Callable[[str], None] = lambda message: None) -> None:
        self._identity, self._note = identity_digest, note
        self._stores: list[tuple[Path, str]] = []  # path and content digest
        self._compared: list[Compared] = []  # what of each store was found undamaged
        # one row a known text, sorted by ``_high``, the first half of the hash
        self._high, self._low = np.empty(0, np.uint64), np.empty(0, np.uint64)
        self._source, self._row = np.empty(0, np.int32), np.empty(0, np.int64)

    def add(self, paths: Iterable[Path]) -> None:
        """Take in the stores at ``paths``; what is no store, damaged, or of another identity is passed over."""
        for path in paths:
            try:
                with FeatureStore(path) as store:
                    if store.identity_digest == self._identity:
                        self._insert(store.text_hash, len(self._stores))
                        self._stores.append((path, store.digest))
                        self._compared.append(Compared())
            except FailureError:
                continue  # it is not for this run to judge the other files of the folder

    def _insert(self, text_hash: np.ndarray, source: int) -> None:
        high, low = _halves(text_hash)
        self._high = np.concatenate([self._high, high])
        order = np.argsort(self._high, kind="stable")  # stable: the earliest store comes first
        self._high = self._high[order]
        self._low = np.concatenate([self._low, low])[order]
        self._source = np.concatenate([self._source, np.full(len(high), source, np.int32)])[order]
        self._row = np.concatenate([self._row, np.arange(len(high))])[order]

    def find(self, text_hash: np.ndarray) -> np.ndarray:
        """int64 ``[n]``: where each text of ``text_hash`` uint8 ``[n, 16]`` is known (for ``take``), -1 if nowhere."""
        if not len(self._high):
            return np.full(len(text_hash), -1)
        high, low = _halves(text_hash)
        at = np.searchsorted(self._high, high)
        while True:
            inside = np.minimum(at, len(self._high) - 1)
            same = (at < len(self._high)) & (self._high[inside] == high)
            wrong = same & (self._low[inside] != low)
            if not wrong.any():
                return np.where(same, at, -1)
            at = at + wrong  # subtle: step over the (very rare) rows that share only the first half

    def look_up(self, text_hash: np.ndarray) -> tuple[np.ndarray, list[Features]]:
        """Which of the texts are known, and their features.

        A store whose features are damaged where they would be taken is named in a note, and not asked again.

        Args:
            text_hash: uint8 ``[n, 16]``.

        Returns:
            bool ``[n]``, and one ``Features`` of those that are known, in order; none if there are none.

        Raises:
            FailureError: if a store has been replaced or removed since it was added.
        """
        while True:
            at = self.find(text_hash)
            if not (at >= 0).any():
                return at >= 0, []
            try:
                return at >= 0, [self.take(at[at >= 0])]
            except DamagedError as error:
                self._note(f"{error}; no features are taken from it")
                self._drop(error.number)

    def _drop(self, number: int) -> None:
        rest = self._source != number
        self._high, self._low = self._high[rest], self._low[rest]
        self._source, self._row = self._source[rest], self._row[rest]

    def take(self, at: np.ndarray) -> Features:
        """Features at ``at``, results of ``find`` that are not -1, at least one, in that order.

        Raises:
            DamagedError: if the features of a store are damaged there.
            FailureError: if a store has been replaced or removed since it was added.
        """
        source, row = self._source[at], self._row[at]
        found, places = [], []
        for number in np.unique(source):
            mine = np.flatnonzero(source == number)
            path, digest = self._stores[number]
            with FeatureStore(path) as store:
                if store.digest != digest:
                    raise FailureError(f"{path} was replaced while it was read; give the same command again")
                try:
                    store.verify_rows(row[mine], self._compared[number])
                except FailureError as error:
                    raise DamagedError(number, error) from error
                found.append(store.take(row[mine]))
            places.append(mine)
        return Features.concat(found).take(np.argsort(np.concatenate(places)))


def _halves(text_hash: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    halves = np.ascontiguousarray(text_hash).view("<u8")
    return halves[:, 0], halves[:, 1]
