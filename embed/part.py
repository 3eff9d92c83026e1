"""One part of a store: which of its texts are known, which are to be encoded, and the block that comes of both."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from embed.reading.format import BadRow
from embed.recipe import Recipe
from embed.tables.rows import MOJIBAKE, Rows
from stores.block import Block
from stores.features import Features
from stores.parts import Parts
from stores.reuse_index import FeatureLocation, ReuseIndex, read_places
from stores.shared.errors import FailureError, InputError
from stores.shared.fingerprint import hash_texts
from stores.shared.likeness import hash_likeness


@dataclass(frozen=True)
class PartPlan:
    """A part that is to be made; of its ``n`` rows, ``m`` have distinct texts.

    Attributes:
        number: of the part.
        rows: the rows of the table.
        texts: their cleaned texts.
        text_hash: uint8 ``[n, 16]``.
        first: int64 ``[m]``, the first row with each of the distinct texts, ascending.
        inverse: int64 ``[n]``, which of the distinct texts each row has.
        own: which of the distinct texts, int64, an earlier part of this run has or will have, and where.
        reused: the same of other stores.
        new: int64, which of the distinct texts are to be encoded.
        stretch: of the table, from one share of it to another, 0 to 1.
    """

    number: int
    rows: Rows
    texts: list[str]
    text_hash: np.ndarray
    first: np.ndarray
    inverse: np.ndarray
    own: list[tuple[np.ndarray, FeatureLocation]]
    reused: list[tuple[np.ndarray, FeatureLocation]]
    new: np.ndarray
    stretch: tuple[float, float]

    @classmethod
    def plan(
        cls,
        number: int,
        rows: Rows,
        texts: list[str],
        written: ReuseIndex,
        known: ReuseIndex,
        stretch: tuple[float, float],
        stateful: bool = False,
    ) -> PartPlan:
        """The plan of these rows: each distinct cleaned text from this run's parts, another store, or the encoder."""
        text_hash = hash_texts(texts)
        first, inverse = [np.arange(len(texts))] * 2 if stateful else _distinct(text_hash)
        rest, places = np.arange(len(first)), []
        for source in (written, known):
            found, where = source.look_up(text_hash[first[rest]])
            places.append([(rest[mine], place) for mine, place in where])
            rest = rest[~found]
        own, reused = places
        return cls(number, rows, texts, text_hash, first, inverse, own, reused, rest, stretch)

    @property
    def new_texts(self) -> list[str]:
        """The texts that are to be encoded."""
        return [self.texts[row] for row in self.first[self.new]]

    def without(self, bad: set[bytes], bad_row: Callable[[int, str], BadRow]) -> PartPlan:
        """The same plan, in which the rows whose texts have these hashes are broken ones.

        Args:
            bad: hashes of texts.
            bad_row: of a row's line and text.

        Raises:
            FailureError: if no row is left.
        """
        gone = np.array([self.text_hash[row].tobytes() in bad for row in self.first], bool)
        if not gone.any():
            return self
        kept = np.flatnonzero(~gone[self.inverse])
        if not len(kept):
            raise FailureError(f"none of the texts from line {self.rows.line[0]} on could be encoded")
        lost = [bad_row(int(self.rows.line[row]), self.texts[row]) for row in np.flatnonzero(gone[self.inverse])]
        texts = [self.texts[row] for row in kept]
        first, inverse = _distinct(self.text_hash[kept])
        number = np.cumsum(~gone) - 1  # of each distinct text among those that are left
        own, reused = (_renumbered(places, gone, number) for places in (self.own, self.reused))
        rows = self.rows.take(kept.tolist(), [*self.rows.bad, *lost])
        new = number[self.new[~gone[self.new]]]
        return replace(
            self, rows=rows, texts=texts, text_hash=self.text_hash[kept], first=first, inverse=inverse, own=own,
            reused=reused, new=new,
        )  # fmt: skip


@dataclass(frozen=True)
class PartWriter:
    """What makes parts of plans, in this process or another.

    Attributes:
        recipe: the encoder.
        parts: where parts are written.
        keep_texts: whether the store holds the texts.
        created: when the run began, Unix time.
    """

    recipe: Recipe
    parts: Parts
    keep_texts: bool
    created: float
    _alone: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def encode(self, prepared: Any) -> Features:  # noqa: ANN401
        """Features of what the recipe has prepared; one call at a time, as an encoder is not for several threads."""
        with self._alone:
            return self.recipe.encode_prepared(prepared)

    def write(self, plan: PartPlan, made: Features | None, seconds: float) -> None:
        """Write the part of a plan.

        Args:
            plan: the earlier parts that it takes features from are complete.
            made: the features of ``plan.new_texts``; None if there are none.
            seconds: that the work took.

        Raises:
            FailureError: if a number is not finite, or the machine refuses the write.
        """
        others = [] if made is None else [(plan.new, made)]
        self.parts.have(place.path for _, place in plan.own)
        known, again, before = self._reused(plan)
        whole = read_places(plan.own, [*known, *others]).take(plan.inverse).canonical()
        rows = plan.rows
        _check_finite(whole, rows)
        kept = plan.texts if self.keep_texts else None
        block = Block(
            rows.line, plan.text_hash, rows.labels, kept, whole, rows.label_names, rows.ids, rows.splits,
            raw_hash=hash_texts(rows.texts), like_hash=hash_likeness(rows.texts),
        )  # fmt: skip
        reused, encoded = sum(len(texts) for texts, _ in plan.reused) - again, len(plan.new) + again
        counts = {"distinct": reused + encoded, "reused": reused, "encoded": encoded}
        self.parts.write(plan.number, block, _totals(rows, plan.texts, whole) | counts, (self.created, seconds, before))

    def _reused(self, plan: PartPlan) -> tuple[list[tuple[np.ndarray, Features]], int, float]:
        """Features of the texts that other stores know; how many were encoded after all, since their store has gone.

        The third is what the others took where they were encoded, in seconds.
        """
        found, again, before = [], 0, 0.0
        for numbers, place in plan.reused:
            try:
                features = place.read()
                before += len(numbers) * place.seconds
            except (FailureError, InputError):  # replaced, removed or damaged since
                features = self.encode(self.recipe.prepare([plan.texts[row] for row in plan.first[numbers]]))
                again += len(numbers)
            found.append((numbers, features))
        return found, again, before


def _distinct(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Row of each distinct hash, in the order of first appearance, and for each row which of these it is."""
    _, first, inverse = np.unique(hashes.view("V16").ravel(), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return first[order], rank[inverse]


def _renumbered(places: list[tuple[np.ndarray, FeatureLocation]], gone: np.ndarray, number: np.ndarray) -> list:
    return [(number[texts[kept]], place.take(kept)) for texts, place in places if (kept := ~gone[texts]).any()]


def _totals(rows: Rows, texts: list[str], features: Features) -> dict[str, int]:
    tokens, unknown, truncated = features.counts.sum(0, dtype=np.int64).tolist()
    return {
        "rows": len(rows.line),
        "empty": sum(not text.strip() for text in texts),
        "emptied": sum(bool(raw.strip()) and not text.strip() for raw, text in zip(rows.texts, texts, strict=True)),
        "mojibake": sum(not text.isascii() and MOJIBAKE.search(text) is not None for text in rows.texts),
        "unlabelled": int(rows.unlabelled.sum()),
        "bad_rows": len(rows.bad),
        "tokens": tokens,
        "unknown_tokens": unknown,
        "truncated_tokens": truncated,
    }


def _check_finite(features: Features, rows: Rows) -> None:
    for name, values in features.outputs.items():
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(1) if values.dtype.kind == "f" else np.zeros(1, bool)
        if bad.any():
            advice = "take `dtype='float32'`" if values.dtype == np.float16 else "the weights are damaged"
            raise FailureError(
                f"the {name} vector of the text of line {rows.line[bad.argmax()]} is not finite; {advice}"
            )
