"""Vectors that were made elsewhere become stores on which everything else works."""

import csv
import json

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.commands import LETTERS, ROWS, tk
from helpers.toy import write_csv

import stores
from classify import classify
from embed.given_vectors import read_vectors
from stores import FeatureStore, InputError

RNG = np.random.default_rng(0)
VECTORS = (RNG.normal(size=(60, 4)) + 3 * np.array([[label == "spam"] for label, _ in ROWS])).astype(np.float32)
TEXTS = [text for _, text in ROWS]
LABELS = [label for label, _ in ROWS]


def as_npz(path):
    """One array of vectors beside one of other things."""
    np.savez(path, vectors=VECTORS, lengths=np.arange(60))


def as_hdf5(path):
    """In a group."""
    with h5py.File(path, "w") as file:
        file["made/vectors"] = VECTORS


def as_safetensors(path):
    """The format written by hand: eight bytes, a header, the numbers."""
    header = json.dumps({"x": {"dtype": "F32", "shape": [60, 4], "data_offsets": [0, VECTORS.nbytes]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + VECTORS.tobytes())


FORMS = {
    "a.npy": lambda path: np.save(path, VECTORS),
    "a.npz": as_npz,
    "a.h5": as_hdf5,
    "a.safetensors": as_safetensors,
    "a.parquet": lambda path: pq.write_table(pa.table({"vector": VECTORS.tolist(), "model": ["m"] * 60}), path),
    "a.csv": lambda path: np.savetxt(path, VECTORS, "%.9g", ",", header="a,b,c,d", comments=""),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form(name, tmp_path):
    """The same numbers come out."""
    FORMS[name](tmp_path / name)

    assert (np.asarray(read_vectors(tmp_path / name).values, np.float32) == VECTORS).all()


def test_a_store_of_them(tmp_path):
    """It is whole, says that the vectors were given, and holds texts, labels and hashes."""
    with stores.write(tmp_path / "a.h5", VECTORS, TEXTS, name="openai-3-small", labels=LABELS) as store:
        store.verify()
        assert (np.asarray(store) == VECTORS).all()
        assert (store.texts[:], store.labels.tolist()) == (TEXTS, LABELS)
        assert store.identity == {"encoder": "openai-3-small", "given": True, "width": 4, "dtype": "float32"}
    (run,) = classify(tmp_path / "a.h5", "nb", cv=3, out=tmp_path / "run")
    assert run.metrics.overall["accuracy"].value > 0.9


def test_several_labels_and_missing_ones(tmp_path):
    """0, 1 and -1 a label; or None where the one label is missing."""
    codes = np.array([[1, 0], [0, -1], [1, 1]])
    with stores.write(tmp_path / "a.h5", VECTORS[:3], TEXTS[:3], name="x", labels=codes, classes=["p", "q"]) as store:
        assert store.codes.tolist() == codes.tolist()
        assert store.totals["unlabelled"] == 1
    with stores.write(tmp_path / "b.h5", VECTORS[:3], TEXTS[:3], name="x", labels=[1, None, 0]) as store:
        assert store.labels.tolist() == ["1", None, "0"]


def test_import_and_predict(in_tmp):
    """On the command line: by the order of the rows, by text, and new vectors for new texts."""
    write_csv(in_tmp / "messages.csv", ROWS)
    np.save("a.npy", VECTORS)
    shuffled = RNG.permutation(60)
    pq.write_table(pa.table({"key": [TEXTS[i] for i in shuffled], "v": VECTORS[shuffled].tolist()}), "a.parquet")
    given = ["--data", "messages.csv", "--name", "openai", "--json"]
    assert json.loads(tk("features", "import", "a.npy", *given, "--out", "a.h5").stdout)["width"] == 4
    tk("features", "import", "a.parquet", "--key", "key", *given, "--out", "b.h5")
    with FeatureStore("a.h5") as a, FeatureStore("b.h5") as b:
        assert a.digest != "" and (np.asarray(a) == np.asarray(b)).all()
        assert a.source["file"] == "messages.csv"
    tk("classify", "a.h5", "--head", "nb", "--cv", "3", "--no-report", "--out", "run")

    assert "give those of the new texts" in tk("predict", "run", "messages.csv", code=2).stderr
    shown = tk("predict", "run", "messages.csv", "--vectors", "a.npy").stdout
    predicted = [row["predicted"] for row in csv.DictReader(shown.splitlines())]
    assert np.mean(np.array(predicted) == LABELS) > 0.9
    np.save("wide.npy", np.ones((60, 5)))
    assert (
        "wide.npy has 5 columns; the run was trained on 4"
        in tk("predict", "run", "messages.csv", "--vectors", "wide.npy", code=2).stderr
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vectors": VECTORS[:9]}, "`texts` are 60, but there are 9 vectors"),
        ({"vectors": VECTORS[:, 0]}, r"`vectors` have the shape \[60\]; give one vector a row"),
        (
            {"vectors": np.where(np.arange(60)[:, None] == 7, np.nan, VECTORS)},
            "row 7 holds a number that",
        ),
        ({"vectors": [["a"]] * 60}, "`vectors` are no numbers in a rectangle"),
        ({"vectors": [[1], [1, 2]]}, "`vectors` are no numbers in a rectangle"),
        ({"texts": "hello"}, "`texts` is a single text"),
        ({"texts": [None] * 60}, "`texts`: item 0 is of type NoneType"),
        ({"labels": ["ham"]}, "`labels` are 1, but there are 60 vectors"),
    ],
)
def test_what_is_checked(change, message, tmp_path):
    """Shape, order and numbers, before anything is written."""
    with pytest.raises(InputError, match=message):
        stores.write(tmp_path / "a.h5", **{"vectors": VECTORS, "texts": TEXTS, "name": "x"} | change)
    assert not (tmp_path / "a.h5").exists()


def test_what_cannot_be_read(tmp_path, in_tmp):
    """What there is, and what to name."""
    np.savez("two.npz", a=VECTORS, b=VECTORS)
    pq.write_table(pa.table({"v": [[1.0], [1.0, 2.0]]}), "ragged.parquet")
    (in_tmp / "bad.npy").write_bytes(b"\x93NUMPY")
    write_csv(in_tmp / "words.csv", ROWS)
    for name, more, message in (
        ("none.npy", {}, "no such file"),
        ("two.npz", {}, "has several arrays; name one of a, b in `array`"),
        ("two.npz", {"array": "c"}, "has no array 'c'"),
        ("ragged.parquet", {}, "have not all the same width"),
        ("bad.npy", {}, "is damaged"),
        ("words.csv", {}, "column 'label' holds no numbers"),
        ("words.csv", {"key": "id"}, "has no column 'id'"),
    ):
        with pytest.raises(InputError, match=message):
            read_vectors(name, **more)


def test_a_row_without_a_vector(in_tmp):
    """Its line and text are named."""
    write_csv(in_tmp / "messages.csv", ROWS)
    pq.write_table(pa.table({"key": TEXTS[1:], "v": VECTORS[1:].tolist()}), "a.parquet")
    given = ["--data", "messages.csv", "--name", "x", "--key", "key", "--out", "a.h5"]

    assert (
        "messages.csv, line 2: no vector has the text 'WIN cash aa '"
        in tk("features", "import", "a.parquet", *given, code=2).stderr
    )
    np.save("a.npy", VECTORS[1:])
    assert (
        "60 rows, but there are 59 vectors" in tk("features", "import", "a.npy", *given[:4], *given[6:], code=2).stderr
    )


def test_csv_without_names_of_columns(tmp_path):
    """The first vector is no header; with one, it is."""
    np.savetxt(tmp_path / "v.csv", VECTORS, delimiter=",", fmt="%.9g")
    np.savetxt(tmp_path / "h.csv", VECTORS, delimiter=",", fmt="%.9g", header="a,b,c,d", comments="")
    for name in ("v.csv", "h.csv"):
        np.testing.assert_array_equal(read_vectors(tmp_path / name).values.astype(np.float32), VECTORS)


@pytest.mark.slow
def test_words_beside_them(in_tmp):
    """A run on given vectors and the words of the texts predicts from a table with vectors, and says its speed."""
    write_csv(in_tmp / "t.csv", ROWS)
    np.save("v.npy", VECTORS)
    tk("features", "import", "v.npy", "--data", "t.csv", "--name", "mine", "--out", "given.h5")
    tk("classify", "given.h5:pca=3+tfidf:dims=5", "--cv", "2", "--no-report", "--out", "run")
    shown = list(csv.DictReader(tk("predict", "run", "t.csv", "--vectors", "v.npy").stdout.splitlines()))

    assert np.mean([row["predicted"] == label for row, label in zip(shown, LABELS, strict=True)]) > 0.9
    assert "run" in tk("speed", "run").stdout
    assert "give those of the new texts as --vectors" in tk("predict", "run", "t.csv", code=2).output


def test_a_folder_of_parquet_files_is_one(tmp_path):
    """As Ray Data and Spark write vectors: in several files, matched by their texts."""
    texts = [f"text {letters}" for letters in LETTERS[:6]]
    folder = tmp_path / "vectors"
    folder.mkdir()
    for number, rows in enumerate((slice(3, 6), slice(0, 3))):
        vectors = [[float(i), 1.0] for i in range(6)][rows]
        pq.write_table(pa.table({"text": texts[rows], "vector": vectors}), folder / f"{number}.parquet")
    given = read_vectors(folder, key="text")

    assert given.keys == texts[3:] + texts[:3]
    assert given.values[:, 0].tolist() == [3, 4, 5, 0, 1, 2]
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="there is no Parquet file in it"):
        read_vectors(tmp_path / "none", key="text")
