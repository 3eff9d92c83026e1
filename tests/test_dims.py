"""The first columns of vectors alone: ``a.h5:dims=3``."""

import csv

import numpy as np
import pytest
from helpers.commands import ROWS, tk
from helpers.stores import make_store, pooled
from helpers.toy import write_csv

from classify import classify, read_run
from stores import FeatureStore, InputError


def separable(path, column, word="text"):
    """90 rows of 5 columns, one of which tells the class; the others are noise."""
    rng = np.random.default_rng(0)
    values = rng.normal(size=(90, 5))
    values[:, column] += 6 * (np.arange(90) % 2)
    texts = [f"{'abcdefghi'[i % 9]}x {'klmnopqrst'[i // 9]}y {word}" for i in range(90)]
    return make_store(path, pooled(values), ["no", "yes"] * 45, texts)


def accuracy(run):
    """Of a run."""
    return run.metrics.accuracy


def test_other_columns_are_not_seen(tmp_path):
    """A column that tells the class helps if it is among the first, and not otherwise."""
    early, late = separable(tmp_path / "early.h5", 1), separable(tmp_path / "late.h5", 4)
    runs = classify([f"{early}:dims=2", f"{late}:dims=2", f"{early}:dims=1+{late}"], "nb", cv=3, out=tmp_path / "runs")

    assert [accuracy(run) > 0.9 for run in runs] == [True, False, True]
    assert [run.recipe.features.dims for run in runs] == [2, 2, None]
    assert [part.dims for part in runs[2].recipe.features.joined] == [1, None]
    assert runs[0].folder.name.startswith("runs.early-2")


@pytest.mark.slow
def test_predict_takes_the_same_columns(in_tmp):
    """Of new texts, and where the run is scored on another store."""
    write_csv(in_tmp / "a.csv", ROWS)
    tk("embed", "a.csv")
    tk("classify", "features/a.static.h5:dims=8", "--head", "nb", "--cv", "2", "--no-report", "--out", "run")
    shown = list(csv.DictReader(tk("predict", "run", "a.csv").stdout.splitlines()))
    with FeatureStore("features/a.static.h5") as store:
        proba, _ = read_run("run").model().predict(np.asarray(store)[:, :8])

    assert [float(row["p_spam"]) for row in shown] == pytest.approx(proba[:, 1].tolist(), rel=1e-3, abs=1e-5)
    assert "accuracy" in tk("evaluate", "run", "--features", "features/a.static.h5", "--with-training-rows").stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("dims=6", "has 5 columns; give dims a number from 1 to 5"),
        ("dims=0", "dims=0 is too few; give 1 or more"),
        ("dims=few", "dims=few is not a whole number"),
    ],
)
def test_what_is_refused(options, message, tmp_path):
    """In one line, before anything is computed."""
    path = separable(tmp_path / "a.h5", 0)
    with pytest.raises(InputError, match=message):
        classify(f"{path}:{options}", "nb", cv=2)


def test_a_test_store_has_the_same_columns(tmp_path):
    """Else it is refused."""
    a, b = separable(tmp_path / "a.h5", 0), separable(tmp_path / "b.h5", 0, "other")
    with pytest.raises(InputError, match="has other columns than .*; give both the same options, such as dims"):
        classify(f"{a}:dims=2", "nb", test=b)
    (run,) = classify(f"{a}:dims=2", "nb", test=f"{b}:dims=2", out=tmp_path / "run")
    assert accuracy(run) > 0.9
