"""Intervals of scores: by hand, and by counting how often they are right."""

import re

import numpy as np
import pytest
from helpers.made_predictions import interval, made, problem
from scipy.stats import binomtest
from sklearn import metrics as sk

from classify.scoring.class_intervals import wilson
from classify.scoring.influence import influence, precision_influence, roc_influence
from classify.scoring.intervals import effective_directions, intervals
from classify.scoring.metrics import measure
from tools.simulate_intervals import coverage
from tools.simulated_tables import Setting


def test_interval_of_accuracy_is_that_of_the_binomial():
    """400 independent rows, 80 % right: 0.8 +- 1.96 * sqrt(0.8 * 0.2 / 400) = 0.761 to 0.839."""
    y, predicted = np.zeros(400, int), (np.arange(400) % 5 == 0).astype(int)
    proba = np.eye(2)[predicted]

    low, high = interval(y, proba, predicted, np.arange(400), seed=0)["accuracy"]

    assert (low, high) == (pytest.approx(0.761, abs=0.006), pytest.approx(0.839, abs=0.006))


def test_copies_of_a_text_do_not_narrow_the_interval():
    """Each row four times over, as one group: the interval stays that of the single rows."""
    y, proba, predicted = problem(2, seed=4, n=100)
    rows = np.repeat(np.arange(100), 4)

    single = interval(y, proba, predicted, np.arange(100), seed=1)
    copied = interval(y[rows], proba[rows], predicted[rows], rows, seed=1)

    for name in single:
        assert copied[name] == pytest.approx(single[name], abs=1e-6), name


@pytest.mark.slow
def test_interval_covers_the_truth_as_often_as_it_says():
    """100 samples of 150 rows from a source with known accuracy 0.8: about 95 intervals hold it."""
    rng = np.random.default_rng(5)
    covered = 0
    for seed in range(100):
        predicted = (rng.random(150) < 0.2).astype(int)
        y = np.zeros(150, int)
        found = interval(y, np.eye(2)[predicted], predicted, np.arange(150), seed)
        low, high = found["accuracy"]
        covered += low <= 0.8 <= high

    assert 88 <= covered <= 99


def test_wilson_interval_is_that_of_the_formula_worked_out():
    """8 of 10: (0.8 + 0.192 -+ 1.96 sqrt(0.016 + 0.0096)) / 1.384, as in any table of Wilson intervals."""
    assert wilson(0.8, 10) == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))


def test_share_of_none_and_of_all_ends_there():
    """No error of rounding beyond 0 and 1, below which a true score of 0 would seem to lie."""
    for rows in (7.3, 50.0, 1234.5):
        assert wilson(0.0, rows)[0] == 0 and wilson(1.0, rows)[1] == 1


def test_head_that_looks_at_nothing_has_no_luck_with_classes_it_never_names():
    """30 classes of 20 rows and one of 30, which is always answered: macro F1 is that of its F1 alone, over 31."""
    y = np.append(np.repeat(np.arange(30), 20), np.full(30, 30))
    proba = np.tile(np.bincount(y) / len(y), (len(y), 1))
    found = intervals(made(y, proba, proba.argmax(1)), 0).found
    low, high = found["f1_macro"]

    assert found["recall_macro"] == (pytest.approx(1 / 31), pytest.approx(1 / 31))
    assert low < sk.f1_score(y, proba.argmax(1), average="macro") < high
    assert high < 0.005


def test_classes_that_nobody_was_taken_for_do_not_all_rise_at_once():
    """The same from a head that looks: 30 classes without a hit in 600 rows say more than one without in 20."""
    y = np.append(np.repeat(np.arange(30), 20), np.full(30, 30))
    proba = np.tile(np.bincount(y) / len(y), (len(y), 1)) + 1e-4 * np.random.default_rng(0).random((len(y), 31))
    low, high = intervals(made(y, proba, np.full(len(y), 30)), 0, 40.0).found["f1_macro"]

    assert 0 < low < 0.0031 < high < 0.03
    two = np.flatnonzero((y < 1) | (y == 30))
    one = made((y[two] == 30).astype(int), proba[two][:, :2], np.ones(len(two), int))
    assert intervals(one, 0, 40.0).found["f1_macro"][1] > 0.45  # of one class alone the upper end is high


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(
    "name", ["accuracy", "f1_macro", "mcc", "balanced_accuracy", "f1_weighted", "log_loss", "brier"]
)
def test_influence_is_what_a_little_more_weight_of_a_row_does(n_classes, name):
    """psi of rows 0 and 7: n times the change of the metric by a weight 1e-5 above one, over 1e-5."""
    y, proba, predicted = problem(n_classes, seed=3, n=60)
    psi = influence(name, made(y, proba, predicted).scored())

    for row in (0, 7):
        weights = np.ones((2, 60))
        weights[0, row], weights[1, row] = 1 + 1e-5, 1 - 1e-5
        more, less = measure(y, proba, predicted, 1, weights=weights)[name]
        assert psi[row] == pytest.approx(60 * (more - less) / 2e-5, abs=1e-4)


def test_influence_of_areas_is_what_weight_does():
    """The same for ROC-AUC and average precision, with scores that tie."""
    y, proba, predicted = problem(2, seed=5, n=80)
    psi = [of_area(y, proba[:, 1]) for of_area in (roc_influence, precision_influence)]

    for row in range(0, 80, 9):
        weights = np.ones((2, 80))
        weights[0, row], weights[1, row] = 1 + 1e-5, 1 - 1e-5
        found = measure(y, proba, predicted, 1, weights=weights)
        for k, name in enumerate(("roc_auc", "pr_auc")):
            more, less = found[name]
            assert psi[k][row] == pytest.approx(80 * (more - less) / 2e-5, abs=1e-3), name


def test_directions_of_independent_and_of_equal_columns():
    """20 independent columns have nearly 20 directions, 20 copies of one column have one."""
    x = np.random.default_rng(0).normal(size=(5000, 20))

    assert effective_directions(x) == pytest.approx(20, abs=0.5)
    assert effective_directions(np.repeat(x[:, :1], 20, axis=1)) == pytest.approx(1)


def test_too_few_rows_have_no_interval_but_the_reason():
    """Seven rows of class yes: accuracy keeps its interval, F1 and areas have none; with 14 there is a remark."""
    rng = np.random.default_rng(0)
    for few, remark in ((7, "too few rows of class 'yes' .7. for intervals"), (14, "few rows of class 'yes' .14.")):
        y = (np.arange(200) < few).astype(int)
        p = rng.random(200)
        found = intervals(made(y, np.stack([1 - p, p], 1), (p > 0.5).astype(int)), 0)

        assert "accuracy" in found.found and "log_loss" in found.found
        assert ("f1_macro" in found.found, "roc_auc" in found.found) == (few == 14, few == 14)
        assert len(found.remarks) == 1 and re.search(remark, found.remarks[0])


@pytest.mark.parametrize("missed", [0, 1])
def test_areas_at_or_near_one(missed):
    """26 of 180 ranked first, or one of them second to a negative: the intervals hold the value, and are no 0 to 1."""
    y = (np.arange(180) < 26).astype(int)
    p = np.linspace(0.99, 0.01, 180)
    if missed:
        p[[25, 26]] = p[[26, 25]]
    found = intervals(made(y, np.stack([1 - p, p], 1), y), 0, fixed=True).found
    wilson_of_26 = binomtest(26, 26).proportion_ci(0.95, "wilson").low

    for name, value in (("roc_auc", sk.roc_auc_score(y, p)), ("pr_auc", sk.average_precision_score(y, p))):
        low, high = found[name]
        assert low <= value <= high and 0.75 < low < value
        assert missed or (low, high) == (pytest.approx(wilson_of_26, abs=1e-6), 1.0)
    assert found["mcc"] == (pytest.approx(wilson_of_26, abs=1e-6), 1.0)


def test_more_directions_make_wider_intervals():
    """The luck of training: with 100 directions on 200 rows about sqrt(1 + 4 * 100 / 200) times as wide."""
    y, proba, predicted = problem(2, seed=1)
    narrow, wide = (intervals(made(y, proba, predicted), 0, d).found["accuracy"] for d in (0, 100))

    assert 1.5 < (wide[1] - wide[0]) / (narrow[1] - narrow[0]) < 1.75


@pytest.mark.slow
def test_intervals_hold_the_truth_of_models_that_are_trained():
    """40 tables of 200 rows and 60 columns, tuned and cross-validated: most intervals hold both truths.

    The long version is ``tools/simulate_intervals.py``; with 40 tables a coverage of 95 % is from 85 % on by chance.
    """
    found = coverage(Setting(200, (0.5, 0.5), 60), times=40, seed=3)

    for name in ("accuracy", "f1_macro", "roc_auc", "pr_auc", "log_loss"):
        of_predictions, of_kept, *_ = found[name]
        assert min(of_predictions, of_kept) >= 0.85, name
