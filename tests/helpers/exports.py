"""Stores of each kind with hostile texts and labels, and what is read of their exports."""

import csv
from itertools import pairwise

import numpy as np
import pytest

from helpers.stores import make_store, pooled
from stores import FeatureStore, IdFeatures, TokenFeatures, export_text
from stores import export as module

FORMATS = ["npz", "parquet", "csv", "projector"]
TEXTS = [
    "plain",
    'tab\t"quote", comma',
    "two\nlines\r\nand\rthree\u2028x",
    "lone \ud83d\ude00 \udc80",
    "\U0001f600 ümläut",
    "",
]
CLEAN = [*TEXTS[:3], "lone \ufffd\ufffd \ufffd", *TEXTS[4:]]  # as UTF-8 has it
LABELS = ["a,\tb", None, "x\ny", "\ud800", "", "a,\tb"]
CLEAN_LABELS = ["a,\tb", None, "x\ny", "\ufffd", "", "a,\tb"]
VALUES = np.array([1 / 3, 1e-45, -3.4e38, 0, np.pi, 16777217, 1.1, -1e-7, 3.4e38, -1e-38, 0.1, 2.5], np.float32)
TOKENS = [["the", "\u00a0"], [], ["a\tb", "the", "\ud800"], [], ["", 'q"'], []]
OFFSETS = [0, 2, 2, 5, 5, 7, 7]
EMPTY = {"pooled": (0, 2), "tokens": (0, 3), "ids": (0,)}


def features_of(kind):
    """Six rows of a kind; tokens and ids have texts without any."""
    if kind == "pooled":
        return pooled(VALUES.reshape(6, 2))
    ids = IdFeatures.from_tokens(TOKENS)
    if kind == "ids":
        table = np.arange(len(ids.vocabulary) * 2).reshape(-1, 2).astype(np.float16) / 8
        return IdFeatures(ids.outputs, ids.counts, ids.offsets, ids.vocabulary, table)
    return TokenFeatures({"top": np.arange(21).reshape(7, 3).astype(np.float16)}, ids.counts, ids.offsets)


@pytest.fixture
def hostile_store(tmp_path):
    """Opens a store of one kind with hostile texts and labels."""
    opened = []

    def make(kind, **replaced):
        features, texts = replaced.get("features", features_of(kind)), replaced.get("texts", TEXTS)
        labels = replaced.get("labels", LABELS)
        opened.append(FeatureStore(make_store(tmp_path / f"{kind}.h5", features, labels, texts)))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of one or a few rows, so that six rows are several blocks."""
    monkeypatch.setattr(export_text, "BLOCK_BYTES", 32)
    monkeypatch.setattr(module, "COPY_BYTES", 16)


def unpacked(archive, name):
    """The strings that two arrays of an archive hold."""
    data, at = archive[f"{name}_bytes"].tobytes(), archive[f"{name}_offsets"]
    return [data[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(at)]


def read_csv(path):
    """All rows of a CSV file as lists of strings."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file, strict=True))
