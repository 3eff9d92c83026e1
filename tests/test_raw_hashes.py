"""Hashes of the texts before they are cleaned: what a split of the table is drawn from."""

import numpy as np
import pytest
from helpers.stores import make_store, pooled
from helpers.toy import TEN_ROWS, toy_recipe, write_csv

from embed import StoreOptions, embed, read_table
from stores import Block, FeatureStore, writer
from stores.merge import merge
from stores.shared.fingerprint import hash_texts
from stores.shared.likeness import hash_likeness

TEXTS = ["one", "two", "Three"]


@pytest.fixture
def version_1(tmp_path, monkeypatch):
    """A store as the first version of the format has it."""
    monkeypatch.setattr(writer, "VERSION", 1)
    return make_store(tmp_path / "old.h5", pooled([[1.0], [2.0], [3.0]]), ["a", "b", "a"], TEXTS, raw=False)


def test_cleaning_changes_the_hash_of_the_text_but_not_of_the_raw_text(ten_csv, tmp_path):
    """A store knows its texts before cleaning, so that two stores of a table can be split alike."""
    raw = [text for _, text in TEN_ROWS]
    for name, steps in [("raw", ()), ("lower", ("lower", "digits"))]:
        recipe = toy_recipe(cleaning=steps)
        embed(read_table(ten_csv), recipe, tmp_path / f"{name}.h5", store=StoreOptions(keep_texts=False))
        with FeatureStore(tmp_path / f"{name}.h5") as store:
            assert (store.raw_hash == hash_texts(raw)).all()
            assert (store.like_hash == hash_likeness(raw)).all()
            assert (store.text_hash == hash_texts(recipe.clean(raw))).all()


def test_store_of_version_1_is_read_and_lacks_the_hashes(version_1):
    """What was made before stays good."""
    with FeatureStore(version_1) as store:
        store.verify()
        assert store.raw_hash is None
        assert store.like_hash is None
        assert store.to_numpy().tolist() == [[1.0], [2.0], [3.0]]


def test_merge_with_a_store_of_version_1_lacks_the_hashes(version_1, tmp_path):
    """Half of the rows with a hash would be of no use."""
    new = make_store(tmp_path / "new.h5", pooled([[4.0]]), ["a"], ["x"])
    with FeatureStore(new) as store:
        assert store.raw_hash is not None
    for order in ([version_1, new], [new, version_1]):
        with merge(order, tmp_path / f"{order[0].stem}.both.h5") as both:
            both.verify()
            assert both.raw_hash is None
            assert len(both) == 4


def test_same_command_gives_a_store_of_version_1_its_hashes_and_encodes_nothing(tmp_path, monkeypatch):
    """All features are taken from the store itself."""
    table = read_table(write_csv(tmp_path / "t.csv", TEN_ROWS))
    with monkeypatch.context() as old:
        old.setattr(writer, "VERSION", 1)
        old.setattr(Block, "raw_hashes", {})
        embed(table, toy_recipe(), tmp_path / "t.h5")
    with FeatureStore(tmp_path / "t.h5") as store:
        assert store.raw_hash is None
        before = store.to_numpy()

    summary = embed(table, toy_recipe(), tmp_path / "t.h5")

    assert summary.totals["encoded"] == 0
    with FeatureStore(tmp_path / "t.h5") as store:
        assert (store.raw_hash == hash_texts([text for _, text in TEN_ROWS])).all()
        assert np.array_equal(store.to_numpy(), before)
