"""What an encoder will cost on a table: it is loaded, and encodes a few of its texts."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stores.shared.fingerprint import hash_texts

if TYPE_CHECKING:
    from embed import Recipe, Table

SAMPLE = 512  # texts that a probe encodes at most
FIRST = 4  # texts that it begins with
LONG = 1.0  # seconds of encoding after which a probe has seen enough
Clock = Callable[[], float]


@dataclass(frozen=True)
class TableSample:
    """Texts of a table, drawn with the same luck for each, and how many different ones it has."""

    texts: list[str]
    distinct: int


@dataclass(frozen=True)
class Estimate:
    """What an encoder will take for a table, in seconds.

    Attributes:
        load: to load it and encode the first texts; it is loaded now.
        encode: all distinct texts, those too that a store may know already.
        encoded: texts that were encoded to find that out.
    """

    load: float
    encode: float
    encoded: int


def sample_table(table: Table, seed: int = 0) -> TableSample:
    """A sample of the distinct texts (Vitter 1985, algorithm R); of the others, memory holds the hashes."""
    seen: set[bytes] = set()
    kept: list[str] = []
    draw = random.Random(seed)  # noqa: S311 (no secret)
    for rows in table.blocks(8192):
        for text, hashed in zip(rows.texts, map(bytes, hash_texts(rows.texts)), strict=True):
            if hashed in seen:
                continue
            seen.add(hashed)
            place = len(kept) if len(kept) < SAMPLE else draw.randrange(len(seen))
            kept[place : place + 1] = [text] if place < SAMPLE else kept[place : place + 1]
    draw.shuffle(kept)
    return TableSample(kept, len(seen))


def probe(recipe: Recipe, sample: TableSample, loading: float, clock: Clock = time.perf_counter) -> Estimate:
    """Encode more and more texts of the sample until that takes a second.

    Each time twice, and the second time counts: what is loaded or compiled for a batch of a new size is loaded or
    compiled once, however many texts the table has.

    Args:
        recipe: whose encoder was made in ``loading`` seconds.
        sample: of the table.
        loading: seconds.
        clock: seconds.
    """
    texts = recipe.clean(sample.texts)

    def seconds(count: int) -> float:
        start = clock()
        recipe.encode(texts[:count], reuse=False)
        return clock() - start

    load, size = loading + seconds(FIRST), FIRST
    while True:
        first, again = seconds(size), seconds(size)
        load += max(first - again, 0.0)
        if again >= LONG or size >= len(texts):
            return Estimate(load, again / min(size, len(texts)) * sample.distinct, min(size, len(texts)))
        size *= 4
