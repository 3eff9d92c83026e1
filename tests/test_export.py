"""What exports hold, read back with a reader of somebody else's: NumPy, pyarrow, the csv module."""

import json
import zipfile

import h5py
import numpy as np
import pytest
from helpers.exports import (
    CLEAN,
    CLEAN_LABELS,
    FORMATS,
    LABELS,
    OFFSETS,
    TEXTS,
    TOKENS,
    VALUES,
    features_of,
    read_csv,
    unpacked,
)
from helpers.stores import make_store, pooled

from stores import FeatureStore
from stores.columns import content_digest
from stores.export import export
from stores.shared.fingerprint import hash_texts

parquet = pytest.importorskip("pyarrow.parquet")


@pytest.mark.parametrize("kind", ["pooled", "tokens", "ids"])
def test_npz_holds_what_the_store_holds(hostile_store, tmp_path, small_blocks, kind):
    """Every array by value and type, read by NumPy without pickle; surrogates are kept."""
    store, expected = hostile_store(kind), features_of(kind)

    assert export(store, "npz", tmp_path / "out.npz") == [tmp_path / "out.npz"]

    with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
        (values,) = expected.outputs.values()
        assert found["features"].dtype == values.dtype
        np.testing.assert_array_equal(found["features"], values)
        assert found["classes"].tolist() == ["", "a,\tb", "x\ny", "\ud800"]
        assert found["codes"].tolist() == [1, -1, 2, 3, 0, 1]
        assert found["line"].tolist() == [2, 3, 4, 5, 6, 7]
        assert (found["text_hash"] == hash_texts(TEXTS)).all()
        assert unpacked(found, "texts") == TEXTS
        assert ("offsets" in found) == (kind != "pooled")
        if kind != "pooled":
            assert found["offsets"].tolist() == OFFSETS
        if kind == "ids":
            assert unpacked(found, "vocabulary") == expected.vocabulary
            assert found["table"].dtype == np.float16
            assert (found["table"] == expected.table).all()


def test_npz_is_what_numpy_itself_writes(hostile_store, tmp_path):
    """The same members, byte for byte, as ``np.savez`` makes of these arrays."""
    export(hostile_store("tokens"), "npz", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        np.savez(tmp_path / "numpy.npz", **found)

    with zipfile.ZipFile(tmp_path / "out.npz") as ours, zipfile.ZipFile(tmp_path / "numpy.npz") as theirs:
        assert {name: ours.read(name) for name in ours.namelist()} == {n: theirs.read(n) for n in theirs.namelist()}


def test_parquet_of_pooled_features(hostile_store, tmp_path, small_blocks):
    """Types, values to the bit, null for a missing label, a row group a block, the identity."""
    export(hostile_store("pooled"), "parquet", tmp_path / "out.parquet")

    table = parquet.read_table(tmp_path / "out.parquet")
    types = {field.name: str(field.type) for field in table.schema}
    expected = {"line": "int64", "label": "string", "text": "string", "features": "fixed_size_list<element: float>[2]"}
    assert types == expected
    assert table["line"].to_pylist() == [2, 3, 4, 5, 6, 7]
    assert table["label"].to_pylist() == CLEAN_LABELS
    assert table["text"].to_pylist() == CLEAN
    found = np.array(table["features"].to_pylist(), np.float32)
    assert found.tobytes() == VALUES.tobytes()
    assert json.loads(table.schema.metadata[b"identity"]) == {"encoder": "made", "version": 1}
    assert parquet.ParquetFile(tmp_path / "out.parquet").num_row_groups == 2


def test_parquet_of_ragged_features(hostile_store, tmp_path, small_blocks):
    """A list of vectors a text, and a list of tokens; a text without tokens has an empty list."""
    export(hostile_store("tokens"), "parquet", tmp_path / "tokens.parquet")
    export(hostile_store("ids"), "parquet", tmp_path / "ids.parquet")

    vectors = parquet.read_table(tmp_path / "tokens.parquet")["features"]
    assert str(vectors.type) == "list<element: fixed_size_list<element: float>[3]>"
    expected = np.split(np.arange(21.0).reshape(7, 3), OFFSETS[1:-1])
    assert vectors.to_pylist() == [rows.tolist() for rows in expected]
    words = parquet.read_table(tmp_path / "ids.parquet")["features"]
    assert words.to_pylist() == [[t.replace("\ud800", "\ufffd") for t in tokens] for tokens in TOKENS]


def test_csv_gives_back_every_float(hostile_store, tmp_path, small_blocks):
    """Header, hostile texts and labels by the csv module; the numbers are the same to the bit."""
    export(hostile_store("pooled"), "csv", tmp_path / "out.csv")

    header, *rows = read_csv(tmp_path / "out.csv")
    assert header == ["line", "label", "text", "f0", "f1"]
    assert [row[0] for row in rows] == ["2", "3", "4", "5", "6", "7"]
    assert [row[1] for row in rows] == [label or "" for label in CLEAN_LABELS]
    assert [row[2] for row in rows] == CLEAN
    assert np.array([row[3:] for row in rows]).astype(np.float32).tobytes() == VALUES.tobytes()


def test_csv_keeps_a_missing_label_apart_from_an_empty_one(hostile_store, tmp_path):
    """The missing one has no quotes."""
    export(hostile_store("pooled", texts=list("abcdef")), "csv", tmp_path / "out.csv")

    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").split("\n")
    assert lines[2].startswith('3,,"b",')
    assert lines[-3].startswith('6,"","e",')


def test_csv_survives_any_float32(hostile_store, tmp_path):
    """Ten thousand random bit patterns, subnormal ones among them; those that are no number become one."""
    values = np.random.default_rng(0).integers(0, 2**32, 10_000, np.uint32).view(np.float32)
    values = np.where(np.isfinite(values), values, np.float32(1 / 3)).reshape(-1, 10)
    store = hostile_store("pooled", features=pooled(values), labels=["a"] * 1000, texts=["t"] * 1000)
    export(store, "csv", tmp_path / "out.csv")

    _, *rows = read_csv(tmp_path / "out.csv")
    assert np.array([row[3:] for row in rows]).astype(np.float32).tobytes() == values.tobytes()


def test_csv_of_ids_has_the_tokens(hostile_store, tmp_path, small_blocks):
    """One column, joined by blanks."""
    export(hostile_store("ids"), "csv", tmp_path / "out.csv")

    header, *rows = read_csv(tmp_path / "out.csv")
    assert header == ["line", "label", "text", "tokens"]
    assert [row[3] for row in rows] == ["the \u00a0", "", "a\tb the \ufffd", "", ' q"', ""]


def test_projector_has_a_header_for_several_columns(hostile_store, tmp_path, small_blocks):
    """A row of names, then one line a text, without tabs or line breaks of the texts; the vectors have no header."""
    files = export(hostile_store("pooled"), "projector", tmp_path / "out")

    names = ["metadata.tsv", "projector_config.pbtxt", "vectors.tsv"]
    assert files == [tmp_path / "out" / name for name in names]
    metadata = files[0].read_text(encoding="utf-8").splitlines()
    blank = "\u2423"
    assert [line.split("\t") for line in metadata] == [
        ["label", "text", "line"],
        ["a, b", "plain", "2"],
        ["", 'tab "quote", comma', "3"],
        ["x y", "two lines and three x", "4"],
        ["\ufffd", "lone \ufffd\ufffd \ufffd", "5"],
        [blank, "\U0001f600 ümläut", "6"],
        ["a, b", blank, "7"],
    ]
    assert np.loadtxt(files[2], np.float32, delimiter="\t").tobytes() == VALUES.tobytes()


def test_projector_shows_the_words_of_a_table(hostile_store, tmp_path):
    """The rows of the table; one column needs no header, and no line may be blank, which the projector would drop."""
    metadata, config, vectors = export(hostile_store("ids"), "projector", tmp_path / "out")

    assert metadata.read_text(encoding="utf-8").split("\n") == ["the", "\u2423", "a b", "\ufffd", "\u2423", 'q"', ""]
    assert (np.loadtxt(vectors, delimiter="\t") == np.arange(12).reshape(6, 2) / 8).all()
    assert 'tensor_path: "vectors.tsv"\n  metadata_path: "metadata.tsv"' in config.read_text()


def test_texts_that_were_not_kept_are_left_out(tmp_path):
    """No empty column, in none of the formats."""
    path = make_store(tmp_path / "bare.h5", features_of("pooled"), LABELS, TEXTS)
    with h5py.File(path, "r+") as file:
        del file["texts"], file["checksums/texts"]
        file.attrs["digest"] = np.bytes_(content_digest(file))
    with FeatureStore(path) as bare:
        for to in FORMATS:
            export(bare, to, tmp_path / to)

    assert read_csv(tmp_path / "csv")[0] == ["line", "label", "f0", "f1"]
    assert parquet.read_table(tmp_path / "parquet").column_names == ["line", "label", "features"]
    assert (tmp_path / "projector" / "metadata.tsv").read_text(encoding="utf-8").startswith("label\tline\n")
    with np.load(tmp_path / "npz") as found:
        assert "texts_bytes" not in found


def test_ids_and_splits_are_columns(tmp_path, small_blocks):
    """As text, so that 007 stays so; a row of no part has an empty split."""
    ids, splits = ["007", "1e5", 'a"b', "d", "e,f", ""], ["train", "test", "", "train", "train", "test"]
    path = make_store(tmp_path / "a.h5", features_of("pooled"), LABELS, TEXTS, ids=ids, splits=splits)
    with FeatureStore(path) as store:
        export(store, "csv", tmp_path / "csv")
        export(store, "parquet", tmp_path / "parquet")

    names, *rows = read_csv(tmp_path / "csv")
    assert names == ["line", "label", "id", "split", "text", "f0", "f1"]
    assert ([row[2] for row in rows], [row[3] for row in rows]) == (ids, splits)
    table = parquet.read_table(tmp_path / "parquet")
    assert table.column_names == ["line", "label", "id", "split", "text", "features"]
    assert (table["id"].to_pylist(), table["split"].to_pylist()) == (ids, splits)
