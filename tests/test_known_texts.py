"""Encode once, ever, on this machine: stores are found wherever they lie, new vectors are kept, nothing is lost."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT
from helpers.commands import LETTERS, ROWS, tk
from helpers.reporter import Recorder
from helpers.toy import toy_recipe, write_csv

from embed import embed
from embed.kept_vectors import MOST_STORES
from embed.known_texts import KnownTexts
from embed.machine_stores import default_folder, machine_catalogue
from stores import FailureError, FeatureStore, InputError

TEXTS = [f"call {word}" for word in LETTERS]


def vectors(features):
    """The numbers of pooled features."""
    return features.outputs["pooled"].tolist()


def expected(texts):
    """Words, letters and capitals, as the toy encoder counts them."""
    return [[len(t.split()), sum(map(str.isalpha, t)), sum(map(str.isupper, t))] for t in texts]


@pytest.mark.slow
def test_stores_are_found_wherever_they_lie(machine, tmp_path):
    """A table in another folder takes over what one anywhere on the machine has."""
    embed(TEXTS[:40], toy_recipe(), tmp_path / "here" / "a.h5")
    recipe = toy_recipe()
    made = embed(TEXTS, recipe, tmp_path / "there" / "b.h5")

    assert (made.totals["reused"], made.totals["encoded"]) == (40, 20)
    assert recipe.encoder.seen == TEXTS[40:]
    with FeatureStore(made.path) as store:
        assert vectors(store.read()) == expected(TEXTS)


@pytest.mark.slow
def test_other_identities_are_not_asked(machine, tmp_path):
    """Other weights, other vectors."""
    embed(TEXTS, toy_recipe(), tmp_path / "here" / "a.h5")

    assert embed(TEXTS, toy_recipe(2.0), tmp_path / "there" / "b.h5").totals["reused"] == 0


def test_switched_off(machine, tmp_path, monkeypatch):
    """Nothing is written to the index, and nothing taken from it."""
    embed(TEXTS, toy_recipe(), tmp_path / "here" / "a.h5")
    monkeypatch.setenv("TK_STORE_INDEX", "off")

    assert embed(TEXTS, toy_recipe(), tmp_path / "there" / "b.h5").totals["reused"] == 0
    monkeypatch.setenv("TK_STORE_INDEX", "on")
    assert [entry.path for entry in machine_catalogue().entries()] == [str(tmp_path / "here" / "a.h5")]


@pytest.mark.slow
def test_a_store_that_moved_or_changed_is_noticed(machine, tmp_path):
    """What is gone is said once; what has another identity now gives no vectors."""
    embed(TEXTS, toy_recipe(), tmp_path / "a" / "a.h5")
    embed(TEXTS, toy_recipe(), tmp_path / "b" / "b.h5")
    shutil.move(tmp_path / "a" / "a.h5", tmp_path / "moved.h5")
    embed(TEXTS, toy_recipe(2.0), tmp_path / "b" / "b.h5", overwrite=True)
    told = Recorder()
    made = embed(TEXTS, toy_recipe(), tmp_path / "c" / "c.h5", reporter=told)

    assert made.totals["reused"] == 0
    assert [line for line in told.notes if "is gone" in line] == [
        f"{tmp_path / 'a' / 'a.h5'} is gone or cannot be read; it is not looked for any more"
    ]
    assert machine_catalogue().look_through(tmp_path) == 3  # moved.h5, b.h5 and c.h5
    assert embed(TEXTS, toy_recipe(), tmp_path / "d" / "d.h5").totals["reused"] == 60


def test_of_very_many_stores_the_largest_are_asked(machine, tmp_path, monkeypatch):
    """To open each would cost more than it saves."""
    monkeypatch.setattr("stores.catalogue.MOST_ASKED", 2)
    for rows in (3, 30, 10):
        embed(TEXTS[:rows], toy_recipe(), tmp_path / f"{rows}" / f"{rows}.h5")

    (entry, *_) = machine_catalogue().entries()
    assert [path.stem for path in machine_catalogue().find(entry.identity_digest)] == ["30", "10"]


@pytest.mark.slow
def test_damaged_stores_and_entries_do_no_harm(machine, tmp_path):
    """Their vectors are made again."""
    path = embed(TEXTS, toy_recipe(), tmp_path / "a" / "a.h5").path
    (entry,) = (machine / "stores").rglob("*.json")
    (entry.parent / "x.json").write_text("[]")
    (entry.parent / "y.json").write_text('{"path": 3}')
    data = bytearray(path.read_bytes())
    at = data.index(np.float32(expected(TEXTS)[0][1]).tobytes())
    data[at] ^= 1
    path.write_bytes(data)
    made = embed(TEXTS, toy_recipe(), tmp_path / "b" / "b.h5")

    assert made.totals["encoded"] > 0
    with FeatureStore(made.path) as store:
        assert vectors(store.read()) == expected(TEXTS)


@pytest.mark.slow
def test_new_vectors_are_kept(machine, tmp_path):
    """In the order of the texts, repeats and all; a second call, or a second process, encodes none of them."""
    texts = [*TEXTS, *TEXTS[::-2]]
    first, second = toy_recipe(), toy_recipe()

    assert vectors(KnownTexts(first, tmp_path / "k").encode(texts, keep=True)) == expected(texts)
    assert vectors(KnownTexts(second, tmp_path / "k").encode(texts[::-1], keep=True)) == expected(texts[::-1])
    assert (sorted(first.encoder.seen), second.encoder.seen) == (sorted(TEXTS), [])
    assert vectors(toy_recipe().encode(["x"])) == expected(["x"])
    third = toy_recipe()
    assert vectors(third.encode(TEXTS[:3])) == expected(TEXTS[:3])  # found through the index
    assert third.encoder.seen == []


@pytest.mark.slow
def test_many_small_stores_become_few(machine, tmp_path):
    """A text at a time for a long time; every vector is still there."""
    folder, recipe = tmp_path / "k", toy_recipe()
    for text in TEXTS:
        KnownTexts(recipe, folder).encode([text], keep=True)
        assert len(list(folder.glob("*.h5"))) < MOST_STORES
    again = toy_recipe()

    assert vectors(KnownTexts(again, folder).encode(TEXTS)) == expected(TEXTS)
    assert again.encoder.seen == []
    assert len(machine_catalogue().entries()) == len(list(folder.glob("*.h5")))


def test_a_single_text_is_refused_by_name():
    """It would be taken for its letters."""
    with pytest.raises(InputError, match=r"`texts` is a single text; give a list of texts: \['hello'\]"):
        toy_recipe().encode("hello")


def test_folder_that_cannot_be_written(tmp_path):
    """One line, that says what to do."""
    (tmp_path / "file").write_text("")
    with pytest.raises(FailureError, match="name another folder in `store`"):
        KnownTexts(toy_recipe(), tmp_path / "file").encode(["a"], keep=True)


def test_without_an_index_vectors_live_as_long_as_the_process():
    """The default folder is then one of this process alone."""
    assert "tk-features-" in default_folder().name


@pytest.mark.slow
def test_two_processes_at_once_lose_nothing(machine, tmp_path):
    """Both encode half the same texts; together each text once, and all is kept."""
    program = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from helpers.toy import toy_recipe
from embed.known_texts import KnownTexts
recipe = toy_recipe()
texts = [f"{word} text" for word in sys.argv[3:]]
for start in range(0, len(texts), 4):
    KnownTexts(recipe, Path(sys.argv[2])).encode(texts[start : start + 4], keep=True)
print(len(recipe.encoder.seen))
"""
    command = [sys.executable, "-c", program, str(ROOT / "tests"), str(tmp_path / "k")]
    running = [
        subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        for words in (LETTERS[:40], LETTERS[20:])
    ]
    encoded = sum(int(process.communicate()[0]) for process in running)

    assert encoded == 60
    again = toy_recipe()
    KnownTexts(again, tmp_path / "k").encode([f"{word} text" for word in LETTERS])
    assert again.encoder.seen == []


@pytest.mark.slow
def test_find_lists_the_stores(machine, in_tmp):
    """By path, with what they hold; a folder that is named is looked through first."""
    write_csv(in_tmp / "messages.csv", ROWS)
    tk("embed", "messages.csv")
    shutil.copytree("features", "copy")
    shown = tk("features", "find").stdout

    assert "static" in shown and str(in_tmp / "features" / "messages.static.h5") in shown.replace("\n", "")
    found = json.loads(tk("features", "find", "copy", "--json").stdout)
    assert [Path(entry["path"]).parent.name for entry in found] == ["copy", "features"]
    assert {(entry["encoder"], entry["kind"], entry["rows"]) for entry in found} == {("static", "pooled", 60)}


@pytest.mark.slow
def test_predict_remembers(machine, trained):
    """New texts are encoded once: the second time their vectors are there."""
    write_csv(trained / "new.csv", [("", f"call me {word}") for word in LETTERS])
    run = "runs/messages.static.logistic"
    first = tk("predict", run, "new.csv", "--text-column", "text", "--remember").stdout
    kept = [entry for entry in machine_catalogue().entries() if "features/known.static" in entry.path]

    assert [entry.rows for entry in kept] == [60]
    assert tk("predict", run, "new.csv", "--text-column", "text", "--remember").stdout == first
    assert sum(entry.rows for entry in machine_catalogue().entries() if "known" in entry.path) == 60
