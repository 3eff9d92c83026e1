"""What an encoder will cost on a table: it is loaded, and encodes a few of its texts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stores.shared.fingerprint import hash_texts

if TYPE_CHECKING:
    from embed import Recipe, Table
    from stores.reuse_index import ReuseIndex

SAMPLE = 512  # texts that a probe encodes at most
FIRST = 4  # texts that it begins with
LONG = 1.0  # seconds of encoding after which a probe has seen enough
Clock = Callable[[], float]


@dataclass(frozen=True)
class TableSample:
    """The distinct texts of a table, after the cleaning.

    Attributes:
        texts: some of them, drawn with the same luck for each.
        text_hash: uint8 ``[n, 16]`` of all.
    """

    texts: list[str]
    text_hash: np.ndarray

    @property
    def distinct(self) -> int:
        """How many there are."""
        return len(self.text_hash)


@dataclass(frozen=True)
class Estimate:
    """What an encoder will take for a table, in seconds.

    Attributes:
        load: to load it and encode the first texts; it is loaded now.
        encode: all distinct texts that no store of this machine knows.
        encoded: texts that were encoded to find that out.
        known: distinct texts that are taken from stores.
        before: what these took where they were encoded; NaN if that is not known.
    """

    load: float
    encode: float
    encoded: int
    known: int = 0
    before: float = 0.0


def sample_table(table: Table, cleaning: Sequence[str] = (), seed: int = 0) -> TableSample:
    """A sample of the distinct texts (Vitter 1985, algorithm R); of the others, memory holds the hashes.

    Args:
        table: the rows.
        cleaning: steps that each text goes through first.
        seed: of the sample.
    """
    from embed.cleaning import clean

    seen: dict[bytes, None] = {}
    kept: list[str] = []
    draw = random.Random(seed)  # noqa: S311 (no secret)
    for rows in table.blocks(8192):
        texts = clean(rows.texts, tuple(cleaning))
        for text, hashed in zip(texts, map(bytes, hash_texts(texts)), strict=True):
            if hashed in seen:
                continue
            seen[hashed] = None
            place = len(kept) if len(kept) < SAMPLE else draw.randrange(len(seen))
            kept[place : place + 1] = [text] if place < SAMPLE else kept[place : place + 1]
    draw.shuffle(kept)
    return TableSample(kept, np.frombuffer(b"".join(seen), np.uint8).reshape(-1, 16))


def probe(
    recipe: Recipe, sample: TableSample, loading: float, known: ReuseIndex | None = None,
    clock: Clock = time.perf_counter,
) -> Estimate:  # fmt: skip
    """Encode more and more texts of the sample until that takes a second.

    Each time twice, and the second time counts: what is loaded or compiled for a batch of a new size is loaded or
    compiled once, however many texts the table has.

    Args:
        recipe: whose encoder was made in ``loading`` seconds.
        sample: of the table.
        loading: seconds.
        known: what stores have; if they have all, nothing is encoded.
        clock: seconds.
    """
    texts = sample.texts
    there, before = (0, 0.0) if known is None else known.cost(sample.text_hash)
    if there == sample.distinct:
        return Estimate(loading, 0.0, 0, there, before)

    def seconds(count: int) -> float:
        start = clock()
        recipe.encode(texts[:count], reuse=False)
        return clock() - start

    load, size = loading + seconds(FIRST), FIRST
    while True:
        first, again = seconds(size), seconds(size)
        load += max(first - again, 0.0)
        if again >= LONG or size >= len(texts):
            size = min(size, len(texts))
            return Estimate(load, again / size * (sample.distinct - there), size, there, before)
        size *= 4
