"""Stores of ``glove`` and ``numberbatch``: coverage, broken lines, packed files, a second run."""

import csv
import gzip
import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from helpers import ROOT
from helpers.reporter import warned
from helpers.toy import write_csv
from helpers.word_vectors import LETTERS, LINES, TERMS, pooled, write

from embed import Recipe, StoreOptions, embed, load_encoder, read_table
from embed.compress_vectors import shrink
from embed.encoders._word_numbers import WordNumbers
from stores import FeatureStore, InputError


@pytest.mark.slow
def test_coverage_of_the_real_emails(real):
    """Of the words of letters in 5,728 e-mails, those in the first 2,446 of GloVe: as a plain count gives them."""
    path = real / "glove/glove.6B.50d.first2446.utf8.txt"
    known = {line.split(" ")[0] for line in path.read_text(encoding="utf-8").split("\n")}
    with gzip.open(real / "spam_emails/emails.csv.gz", "rt", encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    cut_apart = {"cannot", "gonna", "wanna", "gotta", "gimme", "lemme"}
    plain = [[w for w in text.split() if w.isascii() and w.isalpha() and w.lower() not in cut_apart] for text in texts]
    counts = Counter(word.lower() for words in plain for word in words)
    unknown = {word: count for word, count in counts.items() if word not in known}
    coverage = load_encoder("glove", model=str(path)).coverage()
    coverage.add(" ".join(words) for words in plain)
    totals = coverage.totals()

    assert len(counts) > 20_000
    assert (totals["types"], totals["unknown_types"]) == (len(counts), len(unknown))
    assert totals["unknown_words"] == dict(sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[:20])


def test_store_says_coverage_and_licence(tmp_path):
    """Counts over all rows, whether encoded now or taken from another store; the licence of Numberbatch."""
    model = write(tmp_path / "nb.txt", TERMS)
    one = write_csv(tmp_path / "a.csv", [("x", "credit card zz"), ("y", "zz creditor qq")])
    two = write_csv(tmp_path / "b.csv", [("x", "credit card zz"), ("y", "new zz")])
    embed(read_table(one), Recipe.of("numberbatch", model=model), tmp_path / "a.h5")
    summary = embed(read_table(two), Recipe.of("numberbatch", model=model), tmp_path / "b.h5")
    with FeatureStore(tmp_path / "b.h5") as store:
        totals, licence = store.totals, store.recipe["licence"]

    assert licence.startswith("CC BY-SA 4.0") and "Luminoso" in licence
    assert summary.totals["reused"] == 1
    assert totals == summary.totals
    assert {"types": 3, "unknown_types": 2, "unknown_words": {"zz": 2, "new": 1}}.items() <= totals.items()
    assert (totals["tokens"], totals["unknown_tokens"]) == (4, 3)


def test_small_parts_make_the_same_store(tmp_path, small_encoder, monkeypatch):
    """Words are counted and cut in one thread while vectors are looked up in another; each text is cut once."""
    texts = [f"fun {LETTERS[i % 26]}{LETTERS[i // 26]}, the cash" for i in range(90)] + ["fun, fun"] * 5
    table, encoder = write_csv(tmp_path / "a.csv", [("x", text) for text in texts]), small_encoder("glove", LINES)
    cut, real = [], WordNumbers.__call__
    monkeypatch.setattr(WordNumbers, "__call__", lambda self, some: cut.extend(some) or real(self, some))
    recipe = Recipe.of("glove", model=str(tmp_path / "glove.txt"))
    embed(read_table(table), recipe, tmp_path / "a.h5", store=StoreOptions(part_rows=7))
    with FeatureStore(tmp_path / "a.h5") as store:
        assert sorted(cut) == sorted(texts)
        assert store.read().outputs["pooled"].tolist() == pooled(encoder, *texts)
        assert (store.totals["types"], store.totals["unknown_types"]) == (94, 91)


def test_bad_lines_are_counted(tmp_path, capsys):
    """One warning that names the first lines, and the count in the store, also where all texts were known before."""
    lines = [*TERMS, "dog 1", "dogs x y", "dogma 1 nan", *(f"bad{i} 1" for i in range(9)), "cat 1 1"]
    model = write(tmp_path / "nb.txt", lines)
    text = "dog dogma doge cat " + " ".join(f"bad{i}" for i in range(5))
    table = write_csv(tmp_path / "a.csv", [("x", text), ("y", "dog")])
    for name in ("a", "b"):
        recipe = Recipe.of("numberbatch", model=model, skip_bad_lines=True)
        with warned(capsys, r"nb.txt: 7 broken lines left out: line 8 \(1 numb.*, ...$"):
            summary = embed(read_table(table), recipe, tmp_path / f"{name}.h5")
        with FeatureStore(tmp_path / f"{name}.h5") as store:
            assert store.totals["bad_lines"] == summary.totals["bad_lines"] == 8
    assert summary.totals["reused"] == 2


def test_same_bytes_packed_otherwise_are_one_identity(tmp_path):
    """A text that was encoded with the plain file is not encoded again with its gzip."""
    model, table = write(tmp_path / "a.txt", LINES), write_csv(tmp_path / "a.csv", [("x", "fun cash"), ("y", "the")])
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress((tmp_path / "a.txt").read_bytes()))
    embed(read_table(table), Recipe.of("glove", model=model), tmp_path / "a.h5")

    assert embed(read_table(table), Recipe.of("glove", model=model + ".gz"), tmp_path / "b.h5").totals["encoded"] == 0


@pytest.mark.slow
def test_second_run_does_not_read_the_file(tmp_path):
    """Of a file of 1 MB, the same command again reads its first bytes and its last ones, to see what it is."""
    model = write(tmp_path / "a.txt", [f"w{i} {i} {i}" for i in range(60_000)])
    table = write_csv(tmp_path / "a.csv", [("x", "w5 w7"), ("y", "w9")])
    program = f"""
import builtins, io, sys
sys.path.insert(0, {str(ROOT)!r})
from embed import Recipe, embed, read_table
real, read = open, [0]
class Counting(io.FileIO):
    def readinto(self, buffer):
        read[0] += (n := super().readinto(buffer))
        return n
    def read(self, size=-1):
        read[0] += len(data := super().read(size))
        return data
def counting(path, mode="r", buffering=-1, *rest, **options):
    if str(path) == {model!r}:
        return io.BufferedReader(Counting(path))
    return real(path, mode, buffering, *rest, **options)
builtins.open = io.open = counting
embed(read_table({str(table)!r}), Recipe.of("glove", model={model!r}), {str(tmp_path / "a.h5")!r})
print(read[0])
"""
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True) for _ in "12"]
    first, second = (int(done.stdout) for done in runs)

    assert first > 800_000
    assert second < 200_000


def test_shrunk_table_is_close(tmp_path):
    """The most frequent words, in principal directions: distances stay; the licence goes along."""
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 6))  # all variance lies in two directions
    lines = [f"w{i} {' '.join(f'{x:.5f}' for x in row)}" for i, row in enumerate(plane)]
    model, small = write(tmp_path / "a.txt", lines), tmp_path / "small.npz"
    small.write_bytes(shrink("glove", {"model": model}, 40, 2))
    table = load_encoder("glove", model=str(small)).table
    expected = np.linalg.norm(plane[:40, None] - plane[:40], axis=-1)

    assert table.words == [f"w{i}" for i in range(40)]
    assert (
        np.abs(np.linalg.norm(table.vectors[:, None] - table.vectors, axis=-1) - expected).max() < 0.03 * expected.max()
    )
    assert table.weights[0] < table.weights[39]
    small.write_bytes(shrink("numberbatch", {"model": write(tmp_path / "nb.txt", TERMS)}, 3, None))
    encoder = load_encoder("numberbatch", model=str(small))
    assert set(encoder.table.words) == {"card", "credit", "creditors"}
    assert "Luminoso" in encoder.licence
    assert json.loads(json.dumps(encoder.identity()))["weights"] == encoder.table.digest
    for top, width, message in ((0, None, "`top=0` leaves no word"), (9, 3, "`width=3`")):
        with pytest.raises(InputError, match=message):
            shrink("glove", {"model": write(tmp_path / "two.txt", LINES)}, top, width)
    with pytest.raises(InputError, match="no file of word vectors that could be shrunk"):
        shrink("words", {}, 9, None)
