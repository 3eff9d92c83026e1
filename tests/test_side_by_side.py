"""Two commands in one folder: stores that are replaced or removed while another run takes features from them."""

import pytest
from helpers.reporter import RowsTold
from helpers.toy import toy_recipe, write_csv

from embed import StoreOptions, embed, read_table
from stores import FeatureStore

OLD = [("a", f"old text number {i}") for i in range(12)]
NEW = [("b", f"new text number {i}") for i in range(12)]


def replaced(folder):
    """The store of old texts holds others now, under the same identity."""
    rows = [*OLD[:2], *OLD[6:], *NEW[:3]]
    embed(read_table(write_csv(folder / "other.csv", rows)), toy_recipe(), folder / "x/old.h5")
    (folder / "x/old.h5").replace(folder / "old.h5")


def removed(folder):
    """The store of old texts is gone."""
    (folder / "old.h5").unlink()


def cut(folder):
    """The store of old texts lost its end."""
    content = (folder / "old.h5").read_bytes()
    (folder / "old.h5").write_bytes(content[: len(content) // 2])


@pytest.mark.slow
@pytest.mark.parametrize("change", [replaced, removed, cut])
def test_a_store_that_goes_meanwhile_costs_its_texts_only(tmp_path, change):
    """The run goes on, encodes what it can no longer take, and its store is that of a run by itself."""
    embed(read_table(write_csv(tmp_path / "old.csv", OLD)), toy_recipe(), tmp_path / "old.h5")
    table = write_csv(tmp_path / "both.csv", [*NEW[6:], *OLD])  # the old ones begin in the second part
    told = RowsTold(lambda rows: change(tmp_path) if rows == 4 else None)
    notes, told.note = [], lambda message: notes.append(message)
    summary = embed(
        read_table(table), toy_recipe(), tmp_path / "both.h5", store=StoreOptions(part_rows=4), reporter=told
    )
    embed(read_table(table), toy_recipe(), tmp_path / "alone/both.h5")

    # of the replaced store the second part takes two texts, or encodes them if it was planned before
    assert summary.totals["encoded"] in {"replaced": (10, 12), "removed": (18,), "cut": (18,)}[change.__name__]
    assert summary.totals["encoded"] + summary.totals["reused"] == 18
    assert len([note for note in notes if "old.h5" in note and "no features are taken from it" in note]) == 1
    with FeatureStore(tmp_path / "both.h5") as found, FeatureStore(tmp_path / "alone/both.h5") as expected:
        assert (found.to_numpy() == expected.to_numpy()).all()


@pytest.mark.slow
@pytest.mark.parametrize("change", [replaced, removed])
def test_a_store_that_goes_while_a_part_is_encoded(tmp_path, change):
    """Between the plan of a part and its writing: what was to be taken is encoded."""
    embed(read_table(write_csv(tmp_path / "old.csv", OLD)), toy_recipe(), tmp_path / "old.h5")
    recipe, real = toy_recipe(), toy_recipe().encoder.encode

    def encode(texts):
        if (tmp_path / "old.h5").exists() and not (tmp_path / "x").exists():
            change(tmp_path)
        return real(texts)

    recipe.encoder.encode = encode
    table = write_csv(tmp_path / "both.csv", [*NEW[6:], *OLD])
    summary = embed(read_table(table), recipe, tmp_path / "both.h5", store=StoreOptions(part_rows=18))
    embed(read_table(table), toy_recipe(), tmp_path / "alone/both.h5")

    assert (summary.totals["encoded"], summary.totals["reused"]) == (18, 0)
    with FeatureStore(tmp_path / "both.h5") as found, FeatureStore(tmp_path / "alone/both.h5") as expected:
        assert (found.to_numpy() == expected.to_numpy()).all()
