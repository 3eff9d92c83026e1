"""An encoder whose answers can be worked out by eye, and what the tests build with it."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import numpy as np

from embed.encoders.base import Encoder
from embed.recipe import Recipe
from embed.tables.table import Table
from stores.features import Features, PooledFeatures


class ToyEncoder(Encoder):
    """A text becomes (number of words, number of letters, number of capitals); it counts what it is given."""

    name = "toy"
    kind = "pooled"
    part_rows = 4

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale
        self.seen: list[str] = []

    def identity(self) -> dict:
        """The scale stands for weights."""
        return {"encoder": "toy", "scale": self.scale}

    def encode(self, texts: list[str]) -> Features:
        """Float32 ``[n, 3]``."""
        self.seen += texts
        rows = [[len(t.split()), sum(map(str.isalpha, t)), sum(map(str.isupper, t))] for t in texts]
        counts = np.array([[row[0], 0, 0] for row in rows], np.int32)
        return PooledFeatures({"pooled": np.array(rows, np.float32) * np.float32(self.scale)}, counts)


def toy_recipe(scale: float = 1.0, cleaning: tuple[str, ...] = ()) -> Recipe:
    """A recipe of a fresh toy encoder."""
    return Recipe(ToyEncoder(scale), {"scale": scale}, cleaning=cleaning)


def read(table: Table, rows: int = 1000) -> tuple[list, list, list]:
    """All lines, texts and labels of a table."""
    blocks = list(table.blocks(rows))
    lines = [line for block in blocks for line in block.line.tolist()]
    return lines, [text for block in blocks for text in block.texts], [label for b in blocks for label in b.labels]


def write_csv(path: Path, rows: list[tuple[str, str]], header: tuple[str, str] = ("label", "text")) -> Path:
    """A CSV of (label, text) rows."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A few bytes replaced, put in, doubled or taken out, most of them bytes that mean something."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data))
        stretch = data[at : at + rng.choice([1, 1, 1, 50])]
        new = rng.choice(
            [b'"', b",", b"\n", b"\r", b"\0", b"\xff", b'"""', bytes([rng.randrange(256)]), b"", stretch * 2]
        )
        data[at : at + len(stretch)] = new
    return bytes(data)


TEN_ROWS = [
    ("ham", "see you at home"),
    ("spam", "WIN cash now"),
    ("ham", "ok"),
    ("spam", "WIN a prize, call NOW"),
    ("ham", "see you at home"),  # a duplicate in another part
    ("ham", ""),
    ("", "no label here"),
    ("spam", 'say "yes", twice\nor more'),
    ("ham", "grüße und küsse"),
    ("spam", "WIN cash now"),
]
