"""Exports, each read back with a reader of somebody else's: NumPy, pyarrow, the csv module."""

import csv
import json
import sys
import zipfile
from itertools import pairwise

import h5py
import numpy as np
import pytest
from helpers.commands import tk
from helpers.stores import make_store, pooled

from stores import FailureError, FeatureStore, IdFeatures, InputError, PooledFeatures, TokenFeatures, export_text
from stores import export as module
from stores.columns import content_digest
from stores.export import export
from stores.shared.fingerprint import hash_texts

parquet = pytest.importorskip("pyarrow.parquet")
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
def make(tmp_path):
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


@pytest.mark.parametrize("kind", ["pooled", "tokens", "ids"])
def test_npz_holds_what_the_store_holds(make, tmp_path, small_blocks, kind):
    """Every array by value and type, read by NumPy without pickle; surrogates are kept."""
    store, expected = make(kind), features_of(kind)

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


def test_npz_is_what_numpy_itself_writes(make, tmp_path):
    """The same members, byte for byte, as ``np.savez`` makes of these arrays."""
    export(make("tokens"), "npz", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        np.savez(tmp_path / "numpy.npz", **found)

    with zipfile.ZipFile(tmp_path / "out.npz") as ours, zipfile.ZipFile(tmp_path / "numpy.npz") as theirs:
        assert {name: ours.read(name) for name in ours.namelist()} == {n: theirs.read(n) for n in theirs.namelist()}


def test_parquet_of_pooled_features(make, tmp_path, small_blocks):
    """Types, values to the bit, null for a missing label, a row group a block, the identity."""
    export(make("pooled"), "parquet", tmp_path / "out.parquet")

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


def test_parquet_of_ragged_features(make, tmp_path, small_blocks):
    """A list of vectors a text, and a list of tokens; a text without tokens has an empty list."""
    export(make("tokens"), "parquet", tmp_path / "tokens.parquet")
    export(make("ids"), "parquet", tmp_path / "ids.parquet")

    vectors = parquet.read_table(tmp_path / "tokens.parquet")["features"]
    assert str(vectors.type) == "list<element: fixed_size_list<element: float>[3]>"
    expected = np.split(np.arange(21.0).reshape(7, 3), OFFSETS[1:-1])
    assert vectors.to_pylist() == [rows.tolist() for rows in expected]
    words = parquet.read_table(tmp_path / "ids.parquet")["features"]
    assert words.to_pylist() == [[t.replace("\ud800", "\ufffd") for t in tokens] for tokens in TOKENS]


def test_csv_gives_back_every_float(make, tmp_path, small_blocks):
    """Header, hostile texts and labels by the csv module; the numbers are the same to the bit."""
    export(make("pooled"), "csv", tmp_path / "out.csv")

    header, *rows = read_csv(tmp_path / "out.csv")
    assert header == ["line", "label", "text", "f0", "f1"]
    assert [row[0] for row in rows] == ["2", "3", "4", "5", "6", "7"]
    assert [row[1] for row in rows] == [label or "" for label in CLEAN_LABELS]
    assert [row[2] for row in rows] == CLEAN
    assert np.array([row[3:] for row in rows]).astype(np.float32).tobytes() == VALUES.tobytes()


def test_csv_keeps_a_missing_label_apart_from_an_empty_one(make, tmp_path):
    """The missing one has no quotes."""
    export(make("pooled", texts=list("abcdef")), "csv", tmp_path / "out.csv")

    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").split("\n")
    assert lines[2].startswith('3,,"b",')
    assert lines[-3].startswith('6,"","e",')


def test_csv_survives_any_float32(make, tmp_path):
    """Ten thousand random bit patterns, subnormal ones among them; those that are no number become one."""
    values = np.random.default_rng(0).integers(0, 2**32, 10_000, np.uint32).view(np.float32)
    values = np.where(np.isfinite(values), values, np.float32(1 / 3)).reshape(-1, 10)
    store = make("pooled", features=pooled(values), labels=["a"] * 1000, texts=["t"] * 1000)
    export(store, "csv", tmp_path / "out.csv")

    _, *rows = read_csv(tmp_path / "out.csv")
    assert np.array([row[3:] for row in rows]).astype(np.float32).tobytes() == values.tobytes()


def test_csv_of_ids_has_the_tokens(make, tmp_path, small_blocks):
    """One column, joined by blanks."""
    export(make("ids"), "csv", tmp_path / "out.csv")

    header, *rows = read_csv(tmp_path / "out.csv")
    assert header == ["line", "label", "text", "tokens"]
    assert [row[3] for row in rows] == ["the \u00a0", "", "a\tb the \ufffd", "", ' q"', ""]


def test_projector_has_a_header_for_several_columns(make, tmp_path, small_blocks):
    """A row of names, then one line a text, without tabs or line breaks of the texts; the vectors have no header."""
    files = export(make("pooled"), "projector", tmp_path / "out")

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


def test_projector_shows_the_words_of_a_table(make, tmp_path):
    """The rows of the table; one column needs no header, and no line may be blank, which the projector would drop."""
    metadata, config, vectors = export(make("ids"), "projector", tmp_path / "out")

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


def test_several_outputs(make, tmp_path):
    """An archive holds all or the one that is asked for; the others hold one, and never pick it themselves."""
    outputs = {"low": np.ones((6, 2), np.float32), "top": np.full((6, 3), 2, np.float32)}
    store = make("pooled", features=PooledFeatures(outputs, np.ones((6, 3), np.int32)))
    export(store, "npz", tmp_path / "all.npz")
    export(store, "npz", tmp_path / "one.npz", output="top")
    export(store, "csv", tmp_path / "top.csv", output="top")

    with np.load(tmp_path / "all.npz") as found:
        assert (found["features_low"].shape, found["features_top"].shape) == ((6, 2), (6, 3))
    with np.load(tmp_path / "one.npz") as found:
        assert (found["features"] == 2).all()
    assert read_csv(tmp_path / "top.csv")[1][3:] == ["2", "2", "2"]
    with pytest.raises(InputError, match="has the outputs low, top, and csv holds one; choose it with `output`"):
        export(store, "csv", tmp_path / "x.csv")
    with pytest.raises(InputError, match="has no output 'mid'; choose one of: low, top"):
        export(store, "npz", tmp_path / "x.npz", output="mid")


@pytest.mark.parametrize(
    ("kind", "to", "message"),
    [
        ("tokens", "csv", "one vector a token, which csv cannot hold; export to parquet or npz"),
        ("tokens", "projector", "one vector a token, which projector cannot hold"),
        ("words", "projector", "token ids without vectors, which projector cannot hold; export to csv"),
        ("pooled", "xlsx", "no export to 'xlsx'; choose one of: npz, parquet, csv, projector"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(make, tmp_path, kind, to, message):
    """The message names another format, and nothing is written."""
    store = make(kind, features=IdFeatures.from_tokens(TOKENS)) if kind == "words" else make(kind)
    with pytest.raises(InputError, match=message):
        export(store, to, tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("to", FORMATS)
def test_nothing_is_overwritten(make, tmp_path, monkeypatch, to):
    """Neither a file nor a folder that has the name already; said before any work is done."""
    store = make("pooled")
    monkeypatch.setitem(module.WRITERS, to, lambda *_: pytest.fail("work was done"))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        with pytest.raises(InputError, match=rf"{name} (exists already; give another|is a folder; give .*) `out`"):
            export(store, to, tmp_path / name)

    assert (tmp_path / "file").read_text() == "mine"
    assert not list((tmp_path / "folder").iterdir())


def test_file_is_replaced_when_asked(make, tmp_path):
    """And standard output takes what fits into one file."""
    store = make("ids")
    (tmp_path / "out").write_text("mine")
    assert export(store, "csv", tmp_path / "out", overwrite=True) == [tmp_path / "out"]
    said = tk("features", "export", store.path, "--to", "csv", "--out", "-")

    assert said.stdout_bytes == (tmp_path / "out").read_bytes()


def test_formulas_are_texts_for_spreadsheets_when_asked(tmp_path):
    """In labels, ids and texts; numbers stay numbers."""
    path = make_store(tmp_path / "a.h5", pooled([[-1.0]]), ["=1+1"], ["@SUM(A1)"], ids=["-2"])
    with FeatureStore(path) as store:
        export(store, "csv", tmp_path / "out.csv", csv_safe=True)
        export(store, "csv", tmp_path / "plain.csv")

    assert (tmp_path / "out.csv").read_text().splitlines()[1] == '2,"\'=1+1","\'-2","\'@SUM(A1)",-1'
    assert (tmp_path / "plain.csv").read_text().splitlines()[1] == '2,"=1+1","-2","@SUM(A1)",-1'


@pytest.mark.parametrize("to", FORMATS)
def test_failed_export_leaves_nothing(make, tmp_path, monkeypatch, to):
    """The disk is full after the last row: one line, and no file, whole or partial."""
    writer = module.WRITERS[to]

    def fail(store, outputs, path, *rest):
        writer(store, outputs, path, *rest)
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(module.WRITERS, to, fail)
    with pytest.raises(FailureError, match="No space left"):
        export(make("pooled"), to, tmp_path / "new" / "out")
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("to", FORMATS)
def test_file_that_came_meanwhile_is_kept(make, tmp_path, monkeypatch, to):
    """Another program took the name during the export: its file stays."""
    writer = module.WRITERS[to]

    def late(store, outputs, path, *rest):
        writer(store, outputs, path, *rest)
        (tmp_path / "out").write_text("theirs")

    monkeypatch.setitem(module.WRITERS, to, late)
    with pytest.raises(InputError, match="exists already"):
        export(make("pooled"), to, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "pooled.h5"]


def test_missing_pyarrow_is_said_so(make, tmp_path, monkeypatch):
    """One line says what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="needs pyarrow; install it with: pip install pyarrow"):
        export(make("pooled"), "parquet", tmp_path / "out")


@pytest.mark.parametrize("to", FORMATS)
def test_rows_are_read_in_blocks(make, tmp_path, monkeypatch, to):
    """No more rows at a time than a block has, from a store of several."""
    values = np.random.default_rng(0).normal(size=(5000, 3))
    store = make("pooled", features=pooled(values), labels=["a"] * 5000, texts=[str(i) for i in range(5000)])
    monkeypatch.setattr(export_text, "BLOCK_BYTES", 1200)  # a hundred rows
    asked, read = [], FeatureStore.read
    monkeypatch.setattr(FeatureStore, "read", lambda self, a=0, b=None: asked.append(b - a) or read(self, a, b))
    export(store, to, tmp_path / "out")

    assert to == "npz" or sum(asked) == 5000
    assert max(asked, default=0) <= 100


@pytest.mark.parametrize("kind", ["pooled", "tokens", "ids"])
def test_empty_store(make, tmp_path, kind):
    """No rows: the columns and types are there all the same."""
    store = make(kind, features=features_of(kind).take(np.arange(0)), labels=[], texts=[])
    export(store, "npz", tmp_path / "npz")
    export(store, "parquet", tmp_path / "parquet")

    with np.load(tmp_path / "npz") as found:
        assert found["features"].shape == EMPTY[kind]
    table = parquet.read_table(tmp_path / "parquet")
    assert table.num_rows == 0
    assert table.column_names == ["line", "label", "text", "features"]


def test_several_labels_are_a_list_in_parquet(tmp_path):
    """The names of those that a row has; none where one of them is not known."""
    import pyarrow.parquet

    (tmp_path / "a.csv").write_text("text,rude,loud\none,1,1\ntwo,0,0\nthree,1,\n")
    tk("embed", "--encoder", "static", "--data", tmp_path / "a.csv", "--out", tmp_path / "a.h5")
    with FeatureStore(tmp_path / "a.h5") as store:
        export(store, "parquet", tmp_path / "a.parquet")

    assert pyarrow.parquet.read_table(tmp_path / "a.parquet")["label"].to_pylist() == [["rude", "loud"], [], None]


@pytest.mark.parametrize("to", FORMATS)
def test_numbers_that_are_none_are_not_handed_on(to, make, tmp_path):
    """The row is named, and nothing is written."""
    values = VALUES.reshape(6, 2).copy()
    values[4, 1] = np.nan
    with pytest.raises(
        FailureError, match=r"features/pooled of row 4 \(line 6 of the table\) holds a number that is not"
    ):
        export(make("pooled", features=pooled(values)), to, tmp_path / "out")
    assert not (tmp_path / "out").exists()
