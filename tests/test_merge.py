"""Stores put together, compared and cleaned up after."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest
from helpers.stores import make_store, pooled
from helpers.toy import TEN_ROWS, toy_recipe, write_csv

from classify import classify
from embed import Recipe, StoreOptions, embed, read_table
from stores import FeatureStore, InputError
from stores.diff import diff
from stores.merge import join, merge
from stores.prune import find_stale, remove
from stores.shared.locks import only_writer


@pytest.fixture
def other_store(tmp_path):
    """Another table through the same encoder."""
    table = write_csv(tmp_path / "other.csv", [("spam", "WIN cash now"), ("eggs", "unheard of")])
    embed(read_table(table), toy_recipe(), tmp_path / "other.h5")
    return tmp_path / "other.h5"


def test_merge_puts_rows_after_rows(ten_store, other_store, tmp_path):
    """Features, texts and labels of both, classes numbered again."""
    with merge([ten_store, other_store], tmp_path / "all.h5") as store:
        store.verify()
        assert store.texts[:] == [text for _, text in TEN_ROWS] + ["WIN cash now", "unheard of"]
        assert store.classes == ["eggs", "ham", "spam"]
        assert store.labels.tolist() == [label or None for label, _ in TEN_ROWS] + ["spam", "eggs"]
        assert (store.features[:] == toy_recipe().encode(store.texts[:]).outputs["pooled"]).all()
        assert store.totals["rows"] == 12


def test_merge_numbers_lines_as_several_files_in_one_table_do(ten_csv, ten_store, other_store, tmp_path):
    """The same rows embedded together have the same lines; where each store's begin is kept."""
    tables = [ten_csv, tmp_path / "other.csv"]
    embed(read_table(tables), toy_recipe(), tmp_path / "together.h5")
    with merge([ten_store, other_store], tmp_path / "all.h5") as store, FeatureStore(tmp_path / "together.h5") as both:
        assert store.line.tolist() == both.line.tolist()
        assert len(set(store.line.tolist())) == 12
        origins = [(part["file"], part["lines_before"]) for part in store.source["stores"]]
        assert origins == [("ten.csv", 0), ("other.csv", both.source["files"][0]["lines"])]
        assert store.totals["distinct"] == both.totals["distinct"] == 9  # 8 and 2, of which one in both
        assert store.created >= both.created


def test_merge_of_merged_stores_goes_on_numbering(ten_store, other_store, tmp_path):
    """No line is there twice, whatever is merged with what."""
    merge([ten_store, other_store], tmp_path / "one.h5").close()
    with merge([tmp_path / "one.h5", other_store, ten_store], tmp_path / "two.h5") as store:
        assert len(set(store.line.tolist())) == len(store) == 24
        assert (np.diff(store.line) > 0).all()


def test_a_store_that_lies_about_its_lines_is_merged_by_those_of_its_rows(ten_store, tmp_path):
    """What a stranger's store says of its table is believed only where it can be."""
    for number, files in enumerate([7, [3], [{"lines": "many"}], [{"lines": 1 << 80}], [{"lines": -5}]]):
        path = make_store(tmp_path / f"{number}.h5", pooled([[1.0]]), ["a"], ["x"], source={"files": files})
        plain = make_store(tmp_path / f"{number}.b.h5", pooled([[1.0]]), ["a"], ["y"])
        with merge([path, plain], tmp_path / f"{number}.all.h5") as store:
            assert store.line.tolist() == [2, 4]


def test_merged_stores_of_two_encoders_can_be_joined(ten_csv, ten_store, other_store, tmp_path):
    """Tables merged in the same order have the same lines, so their rows are found."""
    both = []
    for scale in (1.0, 2.0):
        stores = [tmp_path / f"{table.stem}.{scale}.h5" for table in (ten_csv, tmp_path / "other.csv")]
        for table, path in zip([ten_csv, tmp_path / "other.csv"], stores, strict=True):
            embed(read_table(table), toy_recipe(scale), path)
        both.append(tmp_path / f"{scale}.h5")
        merge(stores, both[-1]).close()
    with join(both, tmp_path / "joined.h5") as store:
        one, two = store.read().outputs.values()
        assert np.array_equal(2 * one, two)


def test_stores_that_were_cleaned_in_two_ways_can_be_joined(ten_csv, tmp_path):
    """A row is known by its text before cleaning."""
    paths = [tmp_path / "plain.h5", tmp_path / "clean.h5"]
    for path, steps in zip(paths, [(), ("lower", "punctuation")], strict=True):
        embed(read_table(ten_csv), toy_recipe(cleaning=steps), path)
    with join(paths, tmp_path / "joined.h5") as store:
        assert len(store) == 10
        assert store.created > "2020"


def test_merge_refuses_other_identities_and_existing_files(ten_store, ten_csv, tmp_path):
    """Vectors of two encoders are never mixed, and nothing is overwritten."""
    embed(read_table(ten_csv), toy_recipe(scale=2.0), tmp_path / "double.h5")

    with pytest.raises(InputError, match="another identity"):
        merge([ten_store, tmp_path / "double.h5"], tmp_path / "all.h5")
    with pytest.raises(InputError, match="exists already"):
        merge([ten_store, ten_store], ten_store)
    with pytest.raises(InputError, match="at least two"):
        merge([ten_store], tmp_path / "all.h5")


def test_join_matches_rows_by_line_and_text(tmp_path, in_tmp):
    """The second store has the rows in another order; side by side they are those of the same text."""
    rng = np.random.default_rng(0)
    y, x = np.arange(60) % 2, rng.normal(size=(60, 3))
    texts, labels = [f"text {i}" for i in range(60)], [str(i % 2) for i in range(60)]
    first = make_store(tmp_path / "a.h5", pooled(x), labels, texts)
    order = rng.permutation(60)
    told = np.stack([y * 4 + rng.normal(size=60) * 0.1], 1)
    second = make_store(
        tmp_path / "b.h5", pooled(told[order]), [labels[i] for i in order], [texts[i] for i in order], line=order + 2
    )
    with join([first, second], tmp_path / "ab.h5") as store:
        store.verify()
        assert store.outputs == ["1-made", "2-made"]
        assert np.allclose(store.read().outputs["2-made"], told.astype(np.float32))

    (alone,) = classify(first, ["logistic"])
    (both,) = classify(tmp_path / "ab.h5", ["logistic"])
    assert alone.metrics.overall["accuracy"].value < 0.8 < both.metrics.overall["accuracy"].value


def test_join_refuses_rows_that_do_not_match(ten_store, other_store, tmp_path):
    """The first line that differs is named."""
    with pytest.raises(InputError, match="has not the same row as .* for line 2; embed the same table"):
        join([ten_store, other_store], tmp_path / "ab.h5")


def test_joined_features_are_of_no_single_encoder():
    """Their recipe is refused as that of one; a run on them loads each encoder by itself."""
    with pytest.raises(InputError, match="one of several encoders"):
        Recipe.from_dict({"joined": []}, "x")


def test_diff_by_hand(tmp_path):
    """(3, 4) against (4, 3): the difference is 1, the cosine 24/25; a text on one side alone counts there."""
    a = make_store(tmp_path / "a.h5", pooled([[3, 4], [1, 0], [0, 0]]), ["x"] * 3, ["one", "two", "zero"])
    b = make_store(tmp_path / "b.h5", pooled([[0, 0], [4, 3], [9, 9]]), ["x"] * 3, ["zero", "one", "three"])
    with FeatureStore(a) as first, FeatureStore(b) as second:
        found = diff(first, second)

    assert (found.shared, found.only_a, found.only_b) == (2, 1, 1)
    assert found.largest == 1
    assert found.cosine == pytest.approx(((1 + 24 / 25) / 2, 24 / 25))
    assert found.farthest_line == 2
    assert found.same_identity


def test_prune_finds_what_dead_runs_left_and_nothing_else(ten_store, tmp_path):
    """Parts and temporary files go; finished stores, and what a living process or another machine holds, stay."""
    folder, here = ten_store.parent, socket.gethostname().replace(".", "-")
    for name in ("dead", "alive"):
        (folder / f"{name}.h5.parts" / "key").mkdir(parents=True)
        (folder / f"{name}.h5.parts" / "key" / "part-000000.h5").write_bytes(b"x" * 100)
        (folder / f"{name}.h5.parts" / "lock").touch()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (f"{here}-{dead.pid}", f"{here}-{os.getpid()}", f"elsewhere-{dead.pid}"):
        (folder / f".a.h5.{name}.partial").write_bytes(b"x" * 50)
    with only_writer(folder / "alive.h5.parts", folder / "alive.h5"):
        found = find_stale(folder)
        for stale in found:
            remove(stale)

    assert [(stale.path.name, stale.bytes) for stale in found] == [
        ("dead.h5.parts", 100),
        (f".a.h5.{here}-{dead.pid}.partial", 50),
    ]
    assert {path.name for path in folder.iterdir()} == {
        ten_store.name,
        "alive.h5.parts",
        f".a.h5.{here}-{os.getpid()}.partial",
        f".a.h5.elsewhere-{dead.pid}.partial",
    }


def test_no_reuse_encodes_again(ten_csv, ten_store):
    """Other stores are not asked; duplicates within the run still cost nothing."""
    recipe = toy_recipe()
    summary = embed(read_table(ten_csv), recipe, ten_store.with_name("again.h5"), reuse=False)

    assert len(recipe.encoder.seen) == summary.totals["encoded"] == 8


def test_compressed_store_holds_the_same(ten_csv, ten_store):
    """And other runs reuse its features."""
    path = ten_store.with_name("small.h5")
    embed(read_table(ten_csv), toy_recipe(), path, store=StoreOptions(compression="gzip"))
    with FeatureStore(path) as small, FeatureStore(ten_store) as plain:
        small.verify()
        assert (small.features[:] == plain.features[:]).all()
    with pytest.raises(InputError, match="`compression='zip'`: choose one of none, gzip"):
        embed(read_table(ten_csv), toy_recipe(), path, store=StoreOptions(compression="zip"))
