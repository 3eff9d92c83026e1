"""Which texts have features already, and where."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stores.features import Features
from stores.hash_index import Entries, HashIndex
from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError
from stores.validation.verify import Compared


@dataclass(frozen=True)
class FeatureLocation:
    """Where the features of some texts lie; can be sent to another process.

    Attributes:
        path: a store.
        digest: of its content, so that no other file is read instead; None of a part that may still be in the making.
        row: int64 ``[n]``, rows of the store, where ``digest`` is known.
        text_hash: uint8 ``[n, 16]`` of the texts.
        seconds: what one of them took to encode; NaN where it is not known.
    """

    path: Path
    digest: str | None
    row: np.ndarray
    text_hash: np.ndarray
    seconds: float = math.nan

    def take(self, mask: np.ndarray) -> FeatureLocation:
        """The place of these of the texts, bool ``[n]``."""
        return FeatureLocation(self.path, self.digest, self.row[mask], self.text_hash[mask], self.seconds)

    def read(self) -> Features:
        """The features, in the order of the texts.

        Raises:
            FailureError: if the store has been replaced or removed, or has not all of the texts.
        """
        with FeatureStore(self.path, mapped=False) as store:
            if self.digest is not None:
                self.check(store)
                return store.take(self.row)
            index = HashIndex()
            index.insert(store.text_hash, 0)
            known, entries = index.find(self.text_hash)
            if entries is None or not known.all():
                raise FailureError(f"{self.path} lacks texts that it should hold; give the same command again")
            store.verify_rows(entries.row, Compared())
            return store.take(entries.row)

    def check(self, store: FeatureStore) -> None:
        """Refuse another store than the one that is meant; ``FailureError``."""
        if store.digest != self.digest:
            raise FailureError(f"{self.path} was replaced while it was read; give the same command again")


class ReuseIndex:
    """The texts that some stores of one identity hold, found by hash; the features stay in the files.

    Args:
        identity_digest: stores of any other identity are passed over.
        note: called with each message to the user.
    """

    def __init__(self, identity_digest: str, note: Callable[[str], None] = lambda message: None) -> None:
        self._identity, self._note = identity_digest, note
        self._index = HashIndex()
        self._stores: list[tuple[Path, str | None, float]] = []  # path, content digest, seconds a text
        self._compared: list[Compared] = []  # undamaged chunks of each store

    def add(self, paths: Iterable[Path]) -> None:
        """Add the stores at ``paths``; files that are no store, damaged, or of another identity are passed over."""
        for path in paths:
            try:
                with FeatureStore(path, mapped=False) as store:
                    if store.identity_digest == self._identity:
                        self._insert(path, store.digest, store.text_hash, store.seconds_per_text or math.nan)
            except (InputError, FailureError) as error:  # a folder, a pipe, a damaged file: no concern of this run
                self._note(f"{str(error).partition('; ')[0]}; it is passed over")

    def expect(self, path: Path, text_hash: np.ndarray) -> None:
        """Take in a store of these texts, uint8 ``[n, 16]``, that need not be there before its features are read."""
        self._insert(path, None, text_hash)

    def _insert(self, path: Path, digest: str | None, text_hash: np.ndarray, seconds: float = math.nan) -> None:
        self._index.insert(text_hash, len(self._stores))
        self._stores.append((path, digest, seconds))
        self._compared.append(Compared())

    def cost(self, text_hash: np.ndarray) -> tuple[int, float]:
        """How many of the texts, uint8 ``[n, 16]``, are known, and the seconds that they took (NaN: not known).

        Nothing is compared: a store that turns out to be damaged will be passed over.
        """
        known, entries = self._index.find(text_hash)
        if entries is None:
            return 0, 0.0
        each = np.array([seconds for _, _, seconds in self._stores])
        return int(known.sum()), float(each[entries.source].sum())

    def look_up(self, text_hash: np.ndarray) -> tuple[np.ndarray, list[tuple[np.ndarray, FeatureLocation]]]:
        """Which of the texts are known, and where.

        A store that is damaged where features would be taken, or was replaced or removed meanwhile, is named in a note
        and not asked again; one that stands in its place is asked, if it has the same identity.

        Args:
            text_hash: uint8 ``[n, 16]``.

        Returns:
            bool ``[n]``; and for each store which of the texts, int64, lie at which place of it.
        """
        while True:
            known, entries = self._index.find(text_hash)
            if entries is None:
                return known, []
            numbers = np.unique(entries.source).tolist()
            mine = [np.flatnonzero(entries.source == number) for number in numbers]
            places = [self._place(number, entries.take(rows)) for number, rows in zip(numbers, mine, strict=True)]
            if all([self._is_whole(number, place) for number, place in zip(numbers, places, strict=True)]):
                texts = np.flatnonzero(known)
                return known, [(texts[rows], place) for rows, place in zip(mine, places, strict=True)]

    def _place(self, number: int, entries: Entries) -> FeatureLocation:
        path, digest, seconds = self._stores[number]
        return FeatureLocation(path, digest, entries.row, entries.text_hash, seconds)

    def _is_whole(self, number: int, place: FeatureLocation) -> bool:
        """Whether the features are there and not damaged; a store where they are not is dropped, with a note."""
        if place.digest is None:  # of this run, and perhaps not there yet: looked at when it is read
            return True
        try:
            with FeatureStore(place.path, mapped=False) as store:
                if store.digest == place.digest:
                    store.verify_rows(place.row, self._compared[number])
                    return True
            why = f"{place.path} was replaced meanwhile"
        except (FailureError, InputError) as error:
            gone = not place.path.exists()
            why = f"{place.path} was removed meanwhile" if gone else str(error).partition("; ")[0]
        self._note(f"{why}; no features are taken from it")
        self._index.drop(number)
        if "replaced" in why:
            self.add([place.path])
        return False


def read_places(
    places: Sequence[tuple[np.ndarray, FeatureLocation]], others: Sequence[tuple[np.ndarray, Features]] = ()
) -> Features:
    """The features at ``places`` and these ``others`` (at least one of all), put in the order of their numbers.

    Raises:
        FailureError: as ``FeatureLocation.read``.
    """
    numbered = [*((numbers, place.read()) for numbers, place in places), *others]
    order = np.argsort(np.concatenate([numbers for numbers, _ in numbered]))
    return Features.concat([features for _, features in numbered]).take(order)
