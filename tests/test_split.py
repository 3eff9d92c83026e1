"""Splits and samples: what may be on which side."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classify.fitting.sampling import correct_prior, sample
from classify.splits.folds import holdout, straddling, stratified_kfold
from stores import InputError

CLASSES = ["no", "yes"]


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(st.integers(2, 5), st.integers(0, 99), st.lists(st.integers(0, 60), min_size=60, max_size=120))
def test_every_row_is_tested_once_and_no_group_is_parted(k, seed, extra):
    """Whatever the groups are: large, small, with rows of both classes."""
    groups = np.array([*range(40), *extra])
    y = np.arange(len(groups)) % 2
    splits = stratified_kfold(y, groups, k, seed, CLASSES)

    assert sorted(np.concatenate([test for _, test in splits])) == list(range(len(y)))
    for train, test in splits:
        assert not set(groups[train]) & set(groups[test])
        assert sorted([*train, *test]) == list(range(len(y)))
    assert straddling(splits, groups) == 0


def test_folds_have_the_class_frequencies_of_the_whole():
    """With 1,000 single rows, a quarter of them yes, each of five folds has 50 of 200."""
    y = (np.arange(1000) % 4 == 0).astype(int)

    assert [y[test].sum() for _, test in stratified_kfold(y, np.arange(1000), 5, 0, CLASSES)] == [50] * 5


def test_holdout_has_the_size_and_the_frequencies():
    """A fifth of 1,000 rows: 200, of these a quarter yes."""
    y = (np.arange(1000) % 4 == 0).astype(int)
    ((train, test),) = holdout(y, np.arange(1000), 0.2, 1, CLASSES)

    assert (len(train), len(test), y[test].sum()) == (800, 200, 50)


def test_folds_are_those_of_the_rows_whatever_their_order():
    """Rows in another order, with their keys: each key is tested in the same fold."""
    rng = np.random.default_rng(0)
    key, y = rng.integers(2**63, size=300, dtype=np.uint64), (rng.random(300) < 0.2).astype(int)
    groups = rng.integers(250, size=300)
    key[:] = key[np.unique(groups, return_inverse=True)[1]]
    order = rng.permutation(300)

    def folds(rows):
        splits = stratified_kfold(y[rows], groups[rows], 5, 7, CLASSES, key[rows])
        return [sorted(rows[test].tolist()) for _, test in splits]

    assert folds(np.arange(300)) == folds(order)
    assert folds(order) != [sorted(test.tolist()) for _, test in stratified_kfold(y, groups, 5, 8, CLASSES, key)]


def test_large_groups_are_dealt_so_that_folds_stay_alike():
    """One group of 60 of 300 rows fills a fold of five; the others share the rest."""
    groups = np.concatenate([np.zeros(60, int), np.arange(1, 241)])
    sizes = [len(test) for _, test in stratified_kfold(np.arange(300) % 2, groups, 5, 0, CLASSES)]

    assert sorted(sizes) == [60] * 5 or max(sizes) - min(sizes) <= 30


def test_rare_labels_are_spread_over_the_folds():
    """Ten of 400 rows have a rare label beside a frequent one: two in each of five folds."""
    y = np.stack([np.arange(400) % 2, np.arange(400) < 10], 1).astype(int)

    assert [y[test, 1].sum() for _, test in stratified_kfold(y, np.arange(400), 5, 3, CLASSES)] == [2] * 5


def test_straddling_counts_what_a_plain_split_leaks():
    """Two copies of row 0 on both sides."""
    assert straddling([(np.array([0, 1]), np.array([2, 3]))], np.array([7, 8, 7, 7])) == 2


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (lambda y, g: stratified_kfold(y, g, 4, 0, CLASSES), "`cv=4`: class 'yes' has 3 different texts"),
        (lambda y, g: stratified_kfold(y, g, 1, 0, CLASSES), "at least 2 folds"),
        (lambda y, g: holdout(y, g, 1.5, 0, CLASSES), "between 0 and 1"),
        (
            lambda y, g: holdout(y, g, 0.01, 0, CLASSES),
            "test_size=0.01.: of the 17 different texts of class 'no' 0 would be",
        ),
    ],
)
def test_impossible_split_is_one_clear_line(split, message):
    """Fewer different texts of a class than folds, too small a test set."""
    y = np.array([1, 1, 1, 1] + [0] * 17)
    groups = np.array([0, 0, *range(1, 20)])  # two of the four yes rows are the same text

    with pytest.raises(InputError, match=message):
        split(y, groups)


@pytest.mark.parametrize("sampler", ["none", "under", "over"])
def test_sampling_stays_among_the_training_rows(sampler):
    """Only rows it was given come back; under and over make the classes equal."""
    y = (np.arange(100) % 5 == 0).astype(int)
    rows = np.arange(0, 100, 2)
    chosen = sample(rows, y, sampler, seed=3)

    assert set(chosen) <= set(rows)
    counts = {"none": [40, 10], "under": [10, 10], "over": [40, 40]}
    assert np.bincount(y[chosen]).tolist() == counts[sampler]
    assert (chosen == sample(rows, y, sampler, seed=3)).all()


def test_unknown_sampler_is_refused():
    """The message lists those there are."""
    with pytest.raises(InputError, match="`sampler=.smite.`: choose one of none, under, over"):
        sample(np.arange(4), np.array([0, 1, 0, 1]), "smite", 0)


def test_prior_correction_by_hand():
    """Fitted on 50:50, really 90:10: odds of 1 become odds of 1/9."""
    corrected = correct_prior(np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([5, 5]), np.array([90, 10]))

    assert corrected == pytest.approx(np.array([[0.9, 0.1], [0.5, 0.5]]))


def test_prior_correction_recovers_the_real_probabilities():
    """A model fitted on an under-sample, corrected, is calibrated on the whole: its mean is the real frequency."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    y = (rng.random(20_000) < 0.1).astype(int)
    x = (rng.normal(size=20_000) + 1.5 * y)[:, None]
    rows = sample(np.arange(20_000), y, "under", 0)
    own = LogisticRegression().fit(x[rows], y[rows]).predict_proba(x)
    corrected = correct_prior(own, np.bincount(y[rows]), np.bincount(y))

    assert own[:, 1].mean() > 0.25
    assert corrected[:, 1].mean() == pytest.approx(y.mean(), abs=0.005)
