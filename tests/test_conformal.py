"""Sets of classes hold the true one as often as is asked for."""

import csv
import json

import numpy as np
import pytest
from helpers.commands import tk

from classify.conformal import ConformalSets
from classify.scoring.predictions import Predictions
from stores import InputError


def predictions(y, proba, classes):
    """Out-of-fold predictions of five folds."""
    row = np.arange(len(y))
    return Predictions(
        classes=classes,
        positive=1,
        row=row,
        line=row,
        group=row,
        fold=row % 5,
        y=y,
        predicted=proba.argmax(1),
        proba=proba,
    )


def draw(rows, rng):
    """Three classes, of which the last is rare and hard; probabilities that are wrong about themselves."""
    y = rng.choice(3, size=rows, p=[0.6, 0.3, 0.1])
    score = rng.normal(size=(rows, 3))
    score[np.arange(rows), y] += np.array([2.5, 2.0, 0.8])[y]
    proba = np.exp(2 * score)
    return y, proba / proba.sum(1, keepdims=True)


def test_quantile_by_hand():
    """Ten rows, coverage 0.8: k = ceil(11 * 0.8) = 9, and the ninth largest probability of the true class is 0.2."""
    own = np.arange(1, 11) / 10
    proba = np.stack([own, 1 - own], 1)
    found = ConformalSets.fit(predictions(np.zeros(10, int), proba, ["a", "b"]), 0.8)

    assert found.least.tolist() == [0.2, 0.2]
    assert found.sets(np.array([[0.9, 0.1], [0.5, 0.5]])).tolist() == [[True, False], [True, True]]


def test_too_few_rows_promise_nothing():
    """With ten rows 0.95 cannot be promised: ceil(11 * 0.95) = 11; every class is in every set."""
    proba = np.tile([0.9, 0.1], (10, 1))
    found = ConformalSets.fit(predictions(np.zeros(10, int), proba, ["a", "b"]), 0.95)

    assert found.sets(np.array([[1.0, 0.0]])).all()


@pytest.mark.parametrize("coverage", [0.8, 0.95])
@pytest.mark.parametrize("by_class", [False, True])
def test_coverage_by_simulation(coverage, by_class):
    """Over 300 tables of 200 rows the true class of new rows is in the set as often as asked for, or a little more.

    For each class by itself where that is asked; else the rare and hard class is covered less often than the others.
    """
    rng = np.random.default_rng(1)
    covered = np.zeros(3)
    counts = np.zeros(3)
    for _ in range(300):
        y, proba = draw(200, rng)
        sets = ConformalSets.fit(predictions(y, proba, ["a", "b", "c"]), coverage, by_class)
        new, fresh = draw(200, rng)
        inside = sets.sets(fresh)[np.arange(200), new]
        covered += np.bincount(new, inside, 3)
        counts += np.bincount(new, minlength=3)

    assert covered.sum() / counts.sum() == pytest.approx(coverage, abs=0.035 if by_class else 0.01)
    each = covered / counts
    assert (each > coverage - 0.01).all() if by_class else each[2] < coverage - 0.03


@pytest.mark.slow
def test_predict_says_when_not_to_answer(in_tmp):
    """CSV and JSON have the set and the answer, which is abstain where the set has not one class."""
    sample_rows = [("spam", f"win a prize {w} now") for w in "abcdefghijklmnopqrst"]
    sample_rows += [("ham", f"see you {w} later") for w in "abcdefghijklmnopqrst"]
    with open("m.csv", "w", newline="") as file:
        csv.writer(file).writerows([("label", "text"), *sample_rows])
    tk("embed", "--encoder", "words", "m.csv")
    tk("classify", "features/m.words.h5", "--head", "nb", "--no-report")
    args = ("predict", "runs/m.words.nb", "--text", "win a prize", "--text", "win you", "--text", "")
    rows = list(csv.DictReader(tk(*args, "--coverage", "0.9").stdout.splitlines()))

    assert list(rows[0])[:4] == ["text", "predicted", "set", "answer"]
    assert [row["answer"] in ("spam", "ham", "abstain") for row in rows[:2]] == [True, True]
    for row in rows[:2]:
        assert row["answer"] == (row["set"] if row["set"] in ("spam", "ham") else "abstain")
    assert rows[2]["answer"] == rows[2]["set"] == ""
    assert json.loads(tk(*args, "--coverage", "0.9", "--json").stdout)[0]["answer"] == rows[0]["answer"]
    assert "between 0 and 1" in tk(*args, "--coverage", "95", code=2).output
    assert "--coverage" in tk(*args, "--coverage-by-class", code=2).output


def test_a_run_with_several_labels_has_no_sets(in_tmp):
    """It is refused by name."""
    from types import SimpleNamespace

    with pytest.raises(InputError, match="several labels"):
        ConformalSets.of_run(SimpleNamespace(recipe=SimpleNamespace(multilabel=True)), 0.9)
