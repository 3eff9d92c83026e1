"""Texts -> features, each text encoded once on this machine: what stores hold is taken from them, wherever they lie."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embed.kept_vectors import KeptVectors
from embed.machine_stores import machine_catalogue
from embed.progress import Meter
from stores.features import Features
from stores.reuse_index import FeatureLocation, ReuseIndex
from stores.shared.errors import FailureError, InputError
from stores.shared.fingerprint import hash_texts, identity_digest
from stores.shared.reporter import BarsOnly, Reporter

if TYPE_CHECKING:
    from embed.recipe import Recipe

CHEAP_ROWS, FEW = 8192, 256  # an encoder of parts this large has encoded so few texts before a store is open


def several_texts(texts: Sequence[str], name: str = "texts") -> list[str]:
    """Some texts as a list; ``InputError`` for one alone, which would be taken for its letters."""
    if isinstance(texts, str | bytes):
        raise InputError(f"`{name}` is a single text; give a list of texts: [{str(texts)[:20]!r}]")
    return texts if isinstance(texts, list) else list(texts)


@dataclass(frozen=True)
class Asked:
    """What is known of some texts.

    Attributes:
        distinct: the texts, each once.
        order: int64 ``[n]``, which of these each text is.
        hashes: of these, uint8 ``[m, 16]``.
        found: features that are known, each time with the numbers of their texts.
        left: int64, numbers of the texts that are not known.
    """

    distinct: list[str]
    order: np.ndarray
    hashes: np.ndarray
    found: list[tuple[np.ndarray, Features]]
    left: np.ndarray

    @property
    def new_texts(self) -> list[str]:
        """The texts that are not known."""
        return [self.distinct[number] for number in self.left]

    def with_these(self, made: Sequence[Features]) -> Features:
        """Features of all texts; ``made``: those of ``new_texts``, some after the other."""
        numbers = np.concatenate([*(numbers for numbers, _ in self.found), self.left])
        whole = Features.concat([*(features for _, features in self.found), *made])
        return whole.take(np.argsort(numbers)[self.order]).canonical()


class KnownTexts:
    """What is known of texts under one recipe; may be asked by several threads.

    Args:
        recipe: what encodes the others.
        folder: whose stores are asked beside those of the catalogue, and where new vectors go if they are kept; None:
            there is none.
        reporter: told how far the encoding is; None: a notebook is.
    """

    def __init__(self, recipe: Recipe, folder: Path | None = None, reporter: Reporter | None = None) -> None:
        self.recipe, self._reporter = recipe, reporter or BarsOnly()
        identity = recipe.identity()
        self._kept = None if folder is None else KeptVectors(folder, recipe, identity, self._reporter)
        self._digest = identity_digest(identity)
        self._index = ReuseIndex(self._digest)
        self._seen: set[tuple[Path, int]] = set()
        self._lock = threading.RLock()

    def encode(self, texts: list[str], keep: bool = False) -> Features:
        """Features of cleaned texts, in their order; of each different text once.

        Args:
            texts: at least one.
            keep: whether new vectors are kept in the folder, where other calls and processes find them.

        Raises:
            FailureError: if the folder cannot be written.
        """
        recipe = self.recipe
        if recipe.encoder.stateful:
            return recipe.encode(texts, reuse=False)
        distinct, order = _distinct(texts)
        if not keep and self.is_cheap(len(distinct)):
            return recipe.encode(distinct, reuse=False).take(order)
        with self._lock:
            asked = self._asked(distinct, order)
            kept = self._kept if keep else None
            if kept is None or not len(asked.left):
                return self._completed(asked, None)
            with kept.alone():  # who waited here finds what the other one has encoded
                return self._completed(self._asked(distinct, order, again=True), kept)

    def look_up(self, texts: list[str]) -> Asked:
        """Which of some cleaned texts are known; the features of the others are to be made by the caller."""
        with self._lock:
            return self._asked(*_distinct(texts))

    def _asked(self, distinct: list[str], order: np.ndarray, again: bool = False) -> Asked:
        hashes = hash_texts(distinct)
        known, found = self._known(hashes, again)
        return Asked(distinct, order, hashes, found, np.flatnonzero(~known))

    def _completed(self, asked: Asked, kept: KeptVectors | None) -> Features:
        return asked.with_these(self._encode(asked.new_texts, asked.hashes[asked.left], kept))

    def is_cheap(self, texts: int) -> bool:
        """Whether so many texts are encoded before a store is open."""
        return texts < FEW and self.recipe.encoder.part_rows >= CHEAP_ROWS

    def _known(self, hashes: np.ndarray, again: bool = False) -> tuple[np.ndarray, list[tuple[np.ndarray, Features]]]:
        """Which texts are known, bool ``[n]``, and their features with the numbers of the texts."""
        if not again:
            self._refresh(only_if_empty=True)
        known, places = self._index.look_up(hashes)
        if not known.all() and self._refresh():
            known, places = self._index.look_up(hashes)
        found = []
        for numbers, location in places:
            features = _read(location)
            if features is None:  # replaced or removed this moment
                known[numbers] = False
            else:
                found.append((numbers, features))
        return known, found

    def _refresh(self, only_if_empty: bool = False) -> bool:
        """Take in stores that have come since; whether there are any."""
        if only_if_empty and self._seen:
            return False
        paths = machine_catalogue().find(self._digest)
        if self._kept is not None:
            paths = [*sorted(self._kept.folder.glob("*.h5")), *paths]
        new = {}
        for path in paths:
            with suppress(OSError):
                new[path.resolve(), path.stat().st_mtime_ns] = path
        fresh = {key: path for key, path in new.items() if key not in self._seen}
        self._index.add(fresh.values())
        self._seen |= fresh.keys()
        return bool(fresh)

    def _encode(self, texts: list[str], hashes: np.ndarray, kept: KeptVectors | None) -> list[Features]:
        """Features of new texts, a part after the other; what is kept is written part by part."""
        made, rows, meter = [], self.recipe.encoder.part_rows, Meter(self._reporter, len(texts))
        with self.recipe.encoder.reporting_to(meter):
            for start in range(0, len(texts), rows):
                some, began = texts[start : start + rows], time.time()
                with meter.part((start + len(some)) / len(texts), some):
                    meter.begin(some)
                    features = self.recipe.encode(some, reuse=False)
                made.append(features)
                if kept is not None:
                    kept.write(hashes[start : start + rows], features.canonical(), began)
        if kept is not None and texts:
            kept.merge()
        return made


def _distinct(texts: list[str]) -> tuple[list[str], np.ndarray]:
    """The different texts, and int64 ``[n]``, which of them each text is."""
    distinct = list(dict.fromkeys(texts))
    place = {text: number for number, text in enumerate(distinct)}
    return distinct, np.fromiter(map(place.__getitem__, texts), np.int64, len(texts))


def _read(location: FeatureLocation) -> Features | None:
    try:
        return location.read()
    except (FailureError, InputError):
        return None
