"""Attempts to cheat: nothing that is fitted may see a test row."""

import csv
import itertools

import numpy as np
import pytest
from helpers.stores import make_store, pooled

from classify import classify, heads
from classify.data import load_data
from classify.evaluate import evaluate
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask
from classify.splits.folds import stratified_kfold
from stores import IdFeatures

pytestmark = pytest.mark.slow

QUICK = {"dense": {"units": 64, "epochs": 5}}
FITTED = [name for name in heads.names() if name != "majority" and "pooled" in heads.head_class(name).kinds]


def noise(n=300, seed=0):
    """Vectors that say nothing about the classes."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 8)).astype(np.float32), (np.arange(n) % 3 == 0).astype(int)


@pytest.mark.parametrize("name", FITTED)
def test_label_in_the_test_rows_alone_does_not_help(name, tmp_path):
    """A feature that is the label, or its opposite, but in the test rows only, leaves the mean ROC-AUC at 0.5.

    In the training rows it is 0 and 1 in turn, exactly as often in both classes.
    """
    found = []
    for seed, opposite in itertools.product(range(3), (0, 1)):  # whatever weight a head gives it by chance cancels out
        x, y = noise(1500, seed)
        train, test = np.arange(996), np.arange(996, 1500)
        x[train, 0], x[test, 0] = train % 2, y[test] ^ opposite
        labels, texts = [str(c) for c in y], [str(i) for i in range(1500)]
        data = load_data(make_store(tmp_path / f"{seed}{opposite}.h5", pooled(x), labels, texts))
        head = heads.load(name, **QUICK.get(name, {}))
        score = evaluate(data, data.x, head, [(train, test)], FitOptions(), seed=seed, positive=1).score
        found.append(score.overall["roc_auc"][0])

    assert np.mean(found) == pytest.approx(0.5, abs=0.06), found


@pytest.mark.parametrize("sampler", ["none", "under", "over", "smote", "ensemble"])
@pytest.mark.parametrize("name", FITTED)
def test_test_rows_change_nothing_that_is_fitted(name, sampler):
    """Test rows replaced by enormous values with other labels: scaler, sampler and head stay the same, to the bit."""
    x, y = noise()
    rows, probe = np.arange(200), x[:50].copy()
    head = heads.load(name, **QUICK.get(name, {}))
    plain = fit(head, x, y, [FitTask(rows, 7)], 2, FitOptions(sampler=sampler))[0].predict(probe)[0]
    x[200:], y[200:] = 1e6, 1 - y[200:]

    assert (fit(head, x, y, [FitTask(rows, 7)], 2, FitOptions(sampler=sampler))[0].predict(probe)[0] == plain).all()


@pytest.mark.parametrize("name", ["nb", "logistic"])
def test_words_of_test_rows_change_nothing_that_is_fitted(name):
    """Terms and TF-IDF weights come from the training rows: the texts of the test rows can be anything."""
    rng = np.random.default_rng(0)
    tokens = [[*rng.choice(["red", "green", "blue", "grey"], 5)] for _ in range(100)]
    y = np.array(["red" in t for t in tokens]).astype(int)
    head = heads.load(name)
    plain = fit(head, IdFeatures.from_tokens(tokens), y, [FitTask(np.arange(60), 0)], 2)[0]
    other = [*tokens[:60], *([["red", "unheard", "of"]] * 40)]
    changed = fit(head, IdFeatures.from_tokens(other), y, [FitTask(np.arange(60), 0)], 2)[0]

    probe = IdFeatures.from_tokens(tokens[:60])
    # terms that hang together are one column, which others may not: the same products, added up in another order
    assert np.allclose(
        changed.predict(probe)[0], plain.predict(probe)[0], rtol=0, atol=1e-6 if name == "logistic" else 0
    )
    terms = [model.heads[0].terms_ if name == "nb" else model.heads[0].vocabulary_.words for model in (plain, changed)]
    assert terms[0] == terms[1]


@pytest.mark.parametrize("name", ["conv", "lstm"])
def test_words_of_test_rows_change_no_network(name):
    """The vocabulary and the order of training come from the training rows: the other texts can be anything."""
    rng = np.random.default_rng(0)
    tokens = [[*rng.choice(["red", "green", "blue", "grey"], 5)] for _ in range(60)]
    y = np.array(["red" in t for t in tokens]).astype(int)
    head, probe = heads.load(name, units=4, epochs=1), IdFeatures.from_tokens(tokens[:40])
    first, other = ([*tokens[:40], *rest] for rest in (tokens[40:], [["red", "unheard", "of"]] * 20))
    found = [
        fit(head, IdFeatures.from_tokens(t), y, [FitTask(np.arange(40), 0)], 2)[0].predict(probe)[0]
        for t in (first, other)
    ]

    assert (found[0] == found[1]).all()


@pytest.mark.parametrize("sampler", ["none", "under", "over"])
def test_sampling_never_drops_a_test_row(separable, in_tmp, sampler):
    """Every labelled row has one out-of-fold prediction, whatever was sampled for the training."""
    (run,) = classify(separable, ["logistic"], cv=4, sampler=sampler)

    with open(run.folder / "predictions.csv", newline="") as file:
        lines = [int(row["line"]) for row in csv.DictReader(file)]
    assert sorted(lines) == list(range(2, 122))
    assert sum(fold.test_rows for fold in run.metrics.folds) == 120
    fitted = [fold.fitted_rows for fold in run.metrics.folds]
    assert fitted == {"none": [90] * 4, "under": [60] * 4, "over": [120] * 4}[sampler]


def test_duplicates_are_on_one_side(tmp_path, in_tmp):
    """60 texts, each four times, with labels that nothing else tells: remembered texts would score, folds do not."""
    rng = np.random.default_rng(1)
    values, y = rng.normal(size=(60, 40)), rng.permutation(np.arange(60) % 2)
    rows = np.tile(np.arange(60), 4)
    labels = [f"c{c}" for c in y[rows]]
    path = make_store(tmp_path / "s.h5", pooled(values[rows]), labels, [f"text {i}" for i in rows])

    (honest,) = classify(path, ["logistic:C=100"], cv=5)
    data = load_data(path)
    splits = stratified_kfold(data.y, np.arange(240), 5, 0, data.classes)
    (leaking,) = classify(path, ["logistic:C=100"], cv=splits)

    assert honest.metrics.overall["accuracy"].value < 0.65
    assert leaking.metrics.overall["accuracy"].value > 0.9
    assert leaking.recipe.split["test_rows_seen_in_training"] > 200
