"""Parts of a store in other forms: rows, labels, columns."""

import csv

import numpy as np
import pyarrow.parquet as pq
import pytest
from helpers.commands import tk
from helpers.stores import make_store, pooled

from stores import FeatureStore, IdFeatures, InputError, TokenFeatures
from stores.export import export
from stores.select import Part, write_part

LABELS = ["ham", "spam", None, "spam", "ham", "spam"]
TEXTS = ["a b", "WIN", "", "cash now", "see you", 'say "hi", ok']
ROWS = np.array([1, 3, 5])


@pytest.fixture
def store(tmp_path):
    """Six rows of four columns, with ids."""
    values = np.arange(24).reshape(6, 4)
    return make_store(tmp_path / "s.h5", pooled(values), LABELS, TEXTS, ids=list("uvwxyz"))


def exported(path, to, out, **how):
    """What was written."""
    with FeatureStore(path) as opened:
        return export(opened, to, out, **how)


def test_rows_of_a_label(store, tmp_path):
    """With their lines, ids, texts and vectors."""
    exported(store, "parquet", tmp_path / "p.parquet", labels=["spam"])
    table = pq.read_table(tmp_path / "p.parquet")

    assert table["line"].to_pylist() == [3, 5, 7] and table["id"].to_pylist() == ["v", "x", "z"]
    assert table["text"].to_pylist() == [TEXTS[row] for row in ROWS]
    assert table["features"].to_pylist() == [[4, 5, 6, 7], [12, 13, 14, 15], [20, 21, 22, 23]]


def test_columns_of_the_table_and_of_the_vectors(store, in_tmp):
    """From the command line, in the order of the whole; quotes are read back."""
    wanted = "--column", "text", "--column", "1:3", "--rows", "0:2,5"
    shown = tk("features", "export", store, "--to", "csv", "--out", "-", *wanted).stdout

    assert list(csv.reader(shown.splitlines())) == [
        ["text", "f0", "f1"], ["a b", "1", "2"], ["WIN", "5", "6"], ['say "hi", ok', "21", "22"],
    ]  # fmt: skip
    exported(store, "npz", in_tmp / "n.npz", columns=["line"], rows=[4])
    with np.load(in_tmp / "n.npz") as arrays:
        assert "features" not in arrays and "codes" not in arrays and arrays["line"].tolist() == [6]
    exported(store, "projector", in_tmp / "projector", rows=[3], columns=["label"])
    assert (in_tmp / "projector" / "metadata.tsv").read_text() == "label\tline\nspam\t5\n"


@pytest.mark.parametrize("kind", ["pooled", "tokens", "ids"])
def test_a_part_is_a_store(kind, tmp_path):
    """Of any kind, with all of its checks, and the rows that the whole has there."""
    counts, offsets = np.ones((6, 3), np.int32), np.array([0, 2, 3, 3, 5, 6, 9])
    tokens = np.arange(18, dtype=np.float16).reshape(9, 2)
    ids = np.array([0, 1, 2, 2, 1, 0, 2, 1, 0], np.int32)
    features = {
        "pooled": pooled(np.arange(12).reshape(6, 2)),
        "tokens": TokenFeatures({"tokens": tokens}, counts, offsets),
        "ids": IdFeatures({"ids": ids}, counts, offsets, ["a", "b", "c"], np.eye(3, dtype=np.float32)),
    }[kind]
    path = make_store(tmp_path / "s.h5", features, LABELS, TEXTS)
    mask = np.isin(np.arange(6), ROWS)
    exported(path, "h5", tmp_path / "part.h5", rows=mask)

    with FeatureStore(tmp_path / "part.h5") as part, FeatureStore(path) as whole:
        part.verify()
        assert part.identity == whole.identity and part.classes == whole.classes
        assert part.line.tolist() == [3, 5, 7] and part.texts[:] == [TEXTS[row] for row in ROWS]
        assert part.labels.tolist() == ["spam"] * 3
        for own, other in zip(part.features[:], whole.features[ROWS], strict=True):
            assert np.array_equal(own, other)


def test_other_columns_are_another_identity(store, tmp_path):
    """Nothing takes the first columns of a vector for the vector."""
    with FeatureStore(store) as whole:
        part = Part.of(whole, None, [], ["0:2"])
        with write_part(whole, part, tmp_path / "p.h5") as half:
            assert half.shape == (6, 2) and half.identity_digest != whole.identity_digest
            assert len(half) == 6 and half.ids[:] == list("uvwxyz")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"rows": [6]}, "has the rows 0 to 5, not 6"),
        ({"rows": "1-3"}, "give numbers from 0 and ranges with commas"),
        ({"rows": []}, "no row of .* is left"),
        ({"rows": [True, False]}, "are 2 true and false, but the store has 6 rows"),
        ({"labels": ["Spam"]}, "has ham, spam; did you mean 'spam'?"),
        (
            {"columns": ["txt"]},
            "a range such as 0:64, or of line, label, id, split, text, features; did you mean 'text'?",
        ),
        ({"columns": ["2:9"]}, "have columns 0:4"),
        ({"columns": ["0:1", "2:3"]}, "give one range"),
        ({"rows": [0], "labels": ["spam"]}, "no row of .* is left"),
    ],
)
def test_what_is_refused(how, message, store, tmp_path):
    """In one line, and nothing is written."""
    with pytest.raises(InputError, match=message):
        exported(store, "csv", tmp_path / "x.csv", **how)
    assert not (tmp_path / "x.csv").exists()
