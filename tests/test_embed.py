"""embed(): every text once, none twice, nothing lost that was there."""

import numpy as np
import pytest
from helpers.toy import TEN_ROWS, toy_recipe, write_csv

from embed import Recipe, StoreOptions, embed, read_table
from stores import FailureError, FeatureStore, InputError
from stores.shared.locks import only_writer


def run(path, out, recipe=None, **options):
    """Embed a table with a fresh toy encoder; the summary, and the texts that the encoder was given."""
    recipe = recipe or toy_recipe()
    summary = embed(read_table(path), recipe, out, **options)
    return summary, recipe.encoder.seen


def test_every_distinct_text_is_encoded_once(ten_csv, tmp_path):
    """Duplicates in the same part and in another one cost nothing."""
    _, seen = run(ten_csv, tmp_path / "a.h5", store=StoreOptions(part_rows=3))

    assert sorted(seen) == sorted({text for _, text in TEN_ROWS})


def test_second_run_encodes_nothing(ten_csv, ten_store):
    """The same command again leaves the store as it is, without calling the encoder."""
    before = ten_store.read_bytes()
    summary, seen = run(ten_csv, ten_store)

    assert summary.up_to_date
    assert seen == []
    assert ten_store.read_bytes() == before


def test_grown_table_encodes_its_new_texts_only(ten_csv, ten_store):
    """Old texts are taken from the store that is about to be replaced, also when the rows are in another order."""
    rows = [("ham", "brand new"), *reversed(TEN_ROWS), ("spam", "brand new"), ("spam", "also new")]
    summary, seen = run(write_csv(ten_csv, rows), ten_store)

    assert seen == ["brand new", "also new"]
    assert summary.totals["reused"] == 8
    with FeatureStore(ten_store) as store:
        store.verify()
        assert store.texts[:] == [text for _, text in rows]
        assert (store.read().outputs["pooled"] == toy_recipe().encode(store.texts[:]).outputs["pooled"]).all()


def test_other_table_takes_over_shared_texts(ten_store, tmp_path):
    """A store in the same folder is asked for the texts it knows, whatever file they came from."""
    other = write_csv(tmp_path / "other.csv", [("x", "ok"), ("y", "unheard of")])
    summary, seen = run(other, ten_store.with_name("other.toy.h5"))

    assert seen == ["unheard of"]
    assert (summary.totals["reused"], summary.totals["encoded"]) == (1, 1)


def test_other_weights_are_a_miss(ten_csv, ten_store):
    """An encoder with other weights never gets the vectors of this one."""
    _, seen = run(ten_csv, ten_store.with_name("double.h5"), toy_recipe(scale=2.0))

    assert len(seen) == 8
    with FeatureStore(ten_store.with_name("double.h5")) as store:
        assert store.read().outputs["pooled"][1].tolist() == [6, 20, 6]


def test_other_number_type_is_a_miss(ten_csv, ten_store):
    """float16 features are not made from float32 ones of another identity, and they are float16."""
    recipe = Recipe(toy_recipe().encoder, {}, "float16")
    _, seen = run(ten_csv, ten_store.with_name("half.h5"), recipe)

    assert len(seen) == 8
    with FeatureStore(ten_store.with_name("half.h5")) as store:
        assert store.read().outputs["pooled"].dtype == np.float16


def test_store_of_another_identity_is_not_overwritten(ten_csv, ten_store):
    """The message names --out and --overwrite; with overwrite it is replaced."""
    before = ten_store.read_bytes()
    with pytest.raises(InputError, match="another identity.*`out`.*`overwrite=True`"):
        run(ten_csv, ten_store, toy_recipe(scale=2.0))
    assert ten_store.read_bytes() == before

    run(ten_csv, ten_store, toy_recipe(scale=2.0), overwrite=True)
    with FeatureStore(ten_store) as store:
        assert store.identity["scale"] == 2.0


def test_store_is_not_replaced_by_one_that_lacks_its_texts(ten_csv, ten_store):
    """A table of the same name with other texts would lose features; the message counts them."""
    before = ten_store.read_bytes()
    write_csv(ten_csv, [("ham", "ok"), ("spam", "other")])

    with pytest.raises(InputError, match="holds 7 texts that .* has not.*`overwrite=True`"):
        run(ten_csv, ten_store)
    assert ten_store.read_bytes() == before


def test_file_that_is_no_store_is_not_overwritten(ten_csv, tmp_path):
    """Whatever lies under the name of the output stays."""
    (tmp_path / "a.h5").write_text("my thesis")

    with pytest.raises(InputError, match="no HDF5 file.*`overwrite=True`"):
        run(ten_csv, tmp_path / "a.h5")
    assert (tmp_path / "a.h5").read_text() == "my thesis"


def test_broken_row_loses_nothing(ten_csv, ten_store):
    """A table that breaks in the middle leaves the finished store as it was."""
    before = ten_store.read_bytes()
    with open(ten_csv, "a") as file:
        file.write("ham,one,two\n")

    with pytest.raises(InputError, match="line 13: 3 cells"):
        run(ten_csv, ten_store)
    assert ten_store.read_bytes() == before


def test_damaged_neighbour_is_passed_over(ten_csv, tmp_path):
    """Other files in the folder, broken ones too, do not stop the work."""
    (tmp_path / "broken.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"x" * 100)

    summary, seen = run(ten_csv, tmp_path / "a.h5")

    assert len(seen) == summary.totals["encoded"] == 8


def test_second_writer_is_told_who_writes(ten_csv, tmp_path):
    """Two processes never write one output at once."""
    out = tmp_path / "a.h5"
    with only_writer(tmp_path / "a.h5.parts", out), pytest.raises(FailureError, match=r"being written by process \d+"):
        run(ten_csv, out)


def test_nothing_is_left_beside_the_store(ten_store):
    """No part, lock or temporary file remains."""
    assert [path.name for path in ten_store.parent.iterdir()] == [ten_store.name]


def test_no_texts_leaves_hashes(ten_csv, tmp_path):
    """Without texts the store still knows them, by hash."""
    run(ten_csv, tmp_path / "a.h5", store=StoreOptions(keep_texts=False))
    _, seen = run(ten_csv, tmp_path / "b.h5")

    assert seen == []
    with FeatureStore(tmp_path / "a.h5") as store:
        assert store.texts is None
        store.verify()


def test_vector_that_is_not_finite_stops_the_run(tmp_path):
    """65,504 is the largest float16: a larger value names the line and what to do, and is not stored."""
    path = write_csv(tmp_path / "a.csv", [("x", "fine"), ("y", "word " * 70_000)])
    recipe = Recipe(toy_recipe().encoder, {}, "float16")

    with np.errstate(over="ignore"), pytest.raises(FailureError, match="line 3 is not finite; take `dtype='float32'`"):
        embed(read_table(path), recipe, tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def test_words_do_not_depend_on_where_they_were_taken_from(ten_csv, tmp_path):
    """Ids and vocabulary are the same encoded at once, in parts, or put together from other stores."""
    recipe = Recipe.of("words")
    embed(read_table(ten_csv), recipe, tmp_path / "one" / "a.h5")
    embed(read_table(ten_csv), recipe, tmp_path / "two" / "a.h5", store=StoreOptions(part_rows=3))
    other = write_csv(tmp_path / "other.csv", list(reversed(TEN_ROWS))[:5])
    embed(read_table(other), recipe, tmp_path / "three" / "other.h5")
    embed(read_table(ten_csv), recipe, tmp_path / "three" / "a.h5")

    found = []
    for folder in ("one", "two", "three"):
        with FeatureStore(tmp_path / folder / "a.h5") as store:
            store.verify()
            features = store.read()
            found.append((features.outputs["ids"].tolist(), features.offsets.tolist(), features.vocabulary))
    assert found[0] == found[1] == found[2]
