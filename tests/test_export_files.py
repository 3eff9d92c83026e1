"""What exports refuse and leave: outputs, files that are there, full disks, empty stores."""

import sys

import numpy as np
import pytest
from helpers.commands import tk
from helpers.exports import EMPTY, FORMATS, TOKENS, VALUES, features_of, read_csv
from helpers.stores import make_store, pooled

from stores import FailureError, FeatureStore, IdFeatures, InputError, PooledFeatures, export_text
from stores import export as module
from stores.export import export

parquet = pytest.importorskip("pyarrow.parquet")


def test_several_outputs(hostile_store, tmp_path):
    """An archive holds all or the one that is asked for; the others hold one, and never pick it themselves."""
    outputs = {"low": np.ones((6, 2), np.float32), "top": np.full((6, 3), 2, np.float32)}
    store = hostile_store("pooled", features=PooledFeatures(outputs, np.ones((6, 3), np.int32)))
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
def test_what_a_format_cannot_hold_is_refused(hostile_store, tmp_path, kind, to, message):
    """The message names another format, and nothing is written."""
    store = hostile_store(kind, features=IdFeatures.from_tokens(TOKENS)) if kind == "words" else hostile_store(kind)
    with pytest.raises(InputError, match=message):
        export(store, to, tmp_path / "new" / "out")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("to", FORMATS)
def test_nothing_is_overwritten(hostile_store, tmp_path, monkeypatch, to):
    """Neither a file nor a folder that has the name already; said before any work is done."""
    store = hostile_store("pooled")
    monkeypatch.setitem(module.WRITERS, to, lambda *_: pytest.fail("work was done"))
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    for name in ("file", "folder"):
        with pytest.raises(InputError, match=rf"{name} (exists already; give another|is a folder; give .*) `out`"):
            export(store, to, tmp_path / name)

    assert (tmp_path / "file").read_text() == "mine"
    assert not list((tmp_path / "folder").iterdir())


def test_file_is_replaced_when_asked(hostile_store, tmp_path):
    """And standard output takes what fits into one file."""
    store = hostile_store("ids")
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
def test_failed_export_leaves_nothing(hostile_store, tmp_path, monkeypatch, to):
    """The disk is full after the last row: one line, and no file, whole or partial."""
    writer = module.WRITERS[to]

    def fail(store, outputs, path, *rest):
        writer(store, outputs, path, *rest)
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(module.WRITERS, to, fail)
    with pytest.raises(FailureError, match="No space left"):
        export(hostile_store("pooled"), to, tmp_path / "new" / "out")
    assert not list((tmp_path / "new").iterdir())


@pytest.mark.parametrize("to", FORMATS)
def test_file_that_came_meanwhile_is_kept(hostile_store, tmp_path, monkeypatch, to):
    """Another program took the name during the export: its file stays."""
    writer = module.WRITERS[to]

    def late(store, outputs, path, *rest):
        writer(store, outputs, path, *rest)
        (tmp_path / "out").write_text("theirs")

    monkeypatch.setitem(module.WRITERS, to, late)
    with pytest.raises(InputError, match="exists already"):
        export(hostile_store("pooled"), to, tmp_path / "out")
    assert (tmp_path / "out").read_text() == "theirs"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "pooled.h5"]


def test_missing_pyarrow_is_said_so(hostile_store, tmp_path, monkeypatch):
    """One line says what to install."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match="needs pyarrow; install it with: pip install pyarrow"):
        export(hostile_store("pooled"), "parquet", tmp_path / "out")


@pytest.mark.parametrize("to", FORMATS)
def test_rows_are_read_in_blocks(hostile_store, tmp_path, monkeypatch, to):
    """No more rows at a time than a block has, from a store of several."""
    values = np.random.default_rng(0).normal(size=(5000, 3))
    store = hostile_store("pooled", features=pooled(values), labels=["a"] * 5000, texts=[str(i) for i in range(5000)])
    monkeypatch.setattr(export_text, "BLOCK_BYTES", 1200)  # a hundred rows
    asked, read = [], FeatureStore.read
    monkeypatch.setattr(FeatureStore, "read", lambda self, a=0, b=None: asked.append(b - a) or read(self, a, b))
    export(store, to, tmp_path / "out")

    assert to == "npz" or sum(asked) == 5000
    assert max(asked, default=0) <= 100


@pytest.mark.parametrize("kind", ["pooled", "tokens", "ids"])
def test_empty_store(hostile_store, tmp_path, kind):
    """No rows: the columns and types are there all the same."""
    store = hostile_store(kind, features=features_of(kind).take(np.arange(0)), labels=[], texts=[])
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
def test_numbers_that_are_none_are_not_handed_on(to, hostile_store, tmp_path):
    """The row is named, and nothing is written."""
    values = VALUES.reshape(6, 2).copy()
    values[4, 1] = np.nan
    with pytest.raises(
        FailureError, match=r"features/pooled of row 4 \(line 6 of the table\) holds a number that is not"
    ):
        export(hostile_store("pooled", features=pooled(values)), to, tmp_path / "out")
    assert not (tmp_path / "out").exists()
