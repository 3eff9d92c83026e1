"""One vector a text out of a store of one vector a token."""

import csv

import numpy as np
import pytest
from helpers.commands import ROWS, tk
from helpers.stores import make_store, pooled
from helpers.toy import write_csv

from stores import FeatureStore, InputError, TokenFeatures
from stores.pooled_view import pooled_view
from stores.pooling import pool

TOKENS = TokenFeatures(
    {"tokens": np.array([[1, 8], [3, 2], [5, 5], [4, 0], [0, 9]], np.float16)},
    np.ones((4, 3), np.int32),
    np.array([0, 2, 2, 3, 5]),
)


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("mean", [[2, 5], [0, 0], [5, 5], [2, 4.5]]),
        ("max", [[3, 8], [0, 0], [5, 5], [4, 9]]),
        ("first", [[1, 8], [0, 0], [5, 5], [4, 0]]),
        ("last", [[3, 2], [0, 0], [5, 5], [0, 9]]),
    ],
)
def test_by_hand(pooling, expected, tmp_path):
    """Of two tokens, none, one and two; a text without tokens gets zeros."""
    assert pool(TOKENS, pooling).outputs["tokens"].tolist() == expected
    path = make_store(tmp_path / "t.h5", TOKENS, ["a", "b", "a", "b"], ["w", "x", "y", "z"])
    with pooled_view(path, tmp_path / "p.h5", pooling) as store, FeatureStore(path) as before:
        store.verify()
        assert np.asarray(store).tolist() == expected
        assert store.labels.tolist() == before.labels.tolist() and store.texts[:] == before.texts[:]
        assert store.identity == before.identity | {"pooled_view": pooling}


def test_texts_without_tokens_alone():
    """All of them are zeros."""
    empty = TokenFeatures({"tokens": np.zeros((0, 2), np.float16)}, np.ones((2, 3), np.int32), np.array([0, 0, 0]))

    assert pool(empty, "mean").outputs["tokens"].tolist() == [[0, 0], [0, 0]]


def test_what_is_refused(tmp_path):
    """Other features, a pooling that there is not, a store that is there."""
    path = make_store(tmp_path / "t.h5", TOKENS, ["a", "b", "a", "b"], ["w", "x", "y", "z"])
    other = make_store(tmp_path / "o.h5", pooled([[1.0]]), ["a"], ["w"])
    with pytest.raises(InputError, match="holds pooled features"):
        pooled_view(other, tmp_path / "x.h5")
    with pytest.raises(InputError, match="`pooling='median'`: choose one of mean, max, first, last"):
        pooled_view(path, tmp_path / "x.h5", "median")
    with pytest.raises(InputError, match="exists already"):
        pooled_view(path, other)


@pytest.mark.slow
def test_a_run_on_it_predicts(in_tmp, lookalike):
    """New texts are encoded and pooled alike: those of the table get the probabilities of the run's own model."""
    write_csv(in_tmp / "a.csv", ROWS)
    tk("embed", "a.csv", "--encoder", "bert", "--model", lookalike("bert"), "--output", "tokens", "--out", "t.h5")
    tk("features", "pool", "t.h5", "--pooling", "max", "--out", "m.h5")
    tk("classify", "m.h5", "--head", "nb", "--cv", "2", "--no-report", "--out", "run")
    shown = tk("predict", "run", "a.csv").stdout

    from classify import Predictor, read_run

    with FeatureStore("m.h5") as store:
        proba, _ = Predictor(read_run("run")).predict(store.read())
    rows = list(csv.DictReader(shown.splitlines()))
    assert [float(row["p_spam"]) for row in rows] == pytest.approx(proba[:, 1].tolist(), rel=1e-3, abs=1e-4)
