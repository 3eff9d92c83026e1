"""Paired tests: against scipy, arithmetic by hand, and by counting how often they err."""

import argparse

import numpy as np
import pytest
from helpers.simulated import chances, sample
from scipy import stats

from classify.analysis.picked import picked
from classify.analysis.significance import (
    bootstrap_p,
    discordant,
    holm,
    joined_groups,
    luck_of_training,
    mcnemar,
    paired_z,
    resampled_t,
)
from classify.scoring.bootstrap import resampled
from classify.scoring.intervals import intervals
from classify.scoring.predictions import Predictions
from tools.simulate_verdicts import SHIFT, simulate


@pytest.mark.parametrize(("a", "b"), [(0, 0), (3, 1), (12, 12), (20, 4), (0, 9)])
def test_few_discordant_pairs_are_tested_exactly(a, b):
    """The two-sided binomial test of scipy; nothing discordant gives p = 1."""
    expected = stats.binomtest(a, a + b).pvalue if a + b else 1.0

    assert mcnemar(a, b).p == pytest.approx(expected)
    assert mcnemar(a, b).method == "exact binomial"


def test_many_discordant_pairs_by_hand():
    """(|35 - 24| - 1)^2 / 59 = 1.695, and p from scipy; equal counts give p = 1, not less."""
    found = mcnemar(35, 24)

    assert found.statistic == pytest.approx(100 / 59)
    assert found.p == pytest.approx(stats.chi2.sf(100 / 59, 1))
    assert mcnemar(24, 35) == found
    assert mcnemar(30, 30).p == 1


def test_copies_of_a_text_count_once():
    """Ten copies of one text are one discordant pair; a text on which each is right once is none."""
    right_a = np.array([True] * 10 + [False, True, False])
    right_b = np.array([False] * 10 + [True, True, True])
    group = np.array([7] * 10 + [1, 2, 3])

    assert discordant(right_a, right_b, group) == (1, 2)
    assert discordant(right_a[[10, 0]], right_b[[10, 0]], np.array([5, 5])) == (0, 0)


def test_bootstrap_p_by_hand():
    """Of 99 resamples 2 are at or below 0: 2 * (2 + 1) / (99 + 1); those without a value do not count."""
    differences = np.array([-1.0, 0.0, *np.ones(97), np.nan])

    assert bootstrap_p(differences) == pytest.approx(0.06)
    assert bootstrap_p(-differences) == pytest.approx(0.06)
    assert bootstrap_p(np.zeros(50)) == 1
    assert bootstrap_p(np.full(3, np.nan)) is None


def test_deciding_test_by_hand():
    """Spread 0.02 over the resamples, 25 rows of the rarest class: error 0.02 * sqrt(1 + 5 / 5); p by scipy."""
    resampled_differences = np.array([0.01, 0.05, np.nan, 0.03])
    found = paired_z(0.06, resampled_differences, rarest=25)
    error = 0.02 * np.sqrt(2)

    assert luck_of_training(25) == pytest.approx(np.sqrt(2))
    assert luck_of_training(25, freedom=100 / 500) == pytest.approx(np.sqrt(1 + 1 + 0.8))
    assert found.error == pytest.approx(error)
    assert found.z == pytest.approx(0.06 / error)
    assert found.p == pytest.approx(2 * stats.norm.sf(0.06 / error))
    assert found.within(0.01) == pytest.approx(np.diff(stats.norm(0.06, error).cdf([-0.01, 0.01]))[0])


def test_deciding_test_without_spread_or_value():
    """Equal predictions are the same for certain; where no resample has a value nothing is said."""
    same, unknown = paired_z(0.0, np.zeros(9), 10), paired_z(0.1, np.full(9, np.nan), 10)

    assert (same.p, same.within(0.01)) == (1.0, 1.0)
    assert (unknown.error, unknown.p, unknown.within(0.01)) == (None, None, None)
    assert paired_z(0.2, np.full(9, 0.2), 10).p == 0


def test_best_of_many_guesses_is_corrected():
    """Thirty that toss coins: the best of them looks better than chance; corrected, it is not."""
    rng = np.random.default_rng(0)
    y, row = rng.integers(2, size=200), np.arange(200)
    guesses = []
    for _ in range(30):
        p = rng.random(200)
        guesses.append(
            Predictions(["a", "b"], 1, row, row, row, row % 5, y, (p > 0.5).astype(int), np.stack([1 - p, p], 1))
        )
    found = picked(guesses, row, "accuracy", seed=0, resamples=200)

    assert max((p.predicted == p.y).mean() for p in guesses) > 0.56
    assert abs(found.value - 0.5) < 0.03
    assert found.low < 0.5 < found.high


def test_one_that_knows_keeps_its_score_when_picked():
    """Where the best is clear, to pick it costs nothing."""
    rng = np.random.default_rng(1)
    y, row = rng.integers(2, size=400), np.arange(400)
    runs = []
    for signal in (2.0, 0.0, 0.0):
        p = 1 / (1 + np.exp(-(rng.normal(size=400) + signal * (2 * y - 1))))
        runs.append(
            Predictions(["a", "b"], 1, row, row, row, row % 5, y, (p > 0.5).astype(int), np.stack([1 - p, p], 1))
        )
    found = picked(runs, row, "accuracy", seed=0, resamples=200)

    assert found.value == pytest.approx((runs[0].predicted == y).mean(), abs=0.005)


@pytest.mark.slow
def test_equal_learners_are_seldom_called_different():
    """Sixty tables of 200 rows with real training, the short form of tools/simulate_verdicts: at most one in ten.

    At 5 % false alarms seven or more of sixty have a probability of 3 %; the bootstrap alone has 9 to 17 %.
    """
    asked = argparse.Namespace(tables=60, repeats=1, head="logistic:C=0.01", seed=0)
    called = simulate(200, 20, 0.5, SHIFT, asked)

    for name in ("accuracy", "f1_macro", "roc_auc", "log_loss"):
        assert sum(called[name]) <= 6, name


def test_corrected_t_by_hand():
    """Differences 1 2 3 4 5, tests a quarter of the training rows: 3 / sqrt((1/5 + 1/4) * 2.5) = 2.828, 4 degrees."""
    found = resampled_t(np.arange(1.0, 6), train=80, test=20)

    assert found.statistic == pytest.approx(3 / np.sqrt(0.45 * 2.5))
    assert found.p == pytest.approx(2 * stats.t.sf(found.statistic, 4))
    assert found.p > stats.ttest_1samp(np.arange(1.0, 6), 0).pvalue  # which takes the folds for independent


def test_corrected_t_without_spread_or_folds():
    """No difference at all is p = 1; the same difference in each fold, or one fold only, cannot be tested."""
    assert resampled_t(np.zeros(5), 4, 1).p == 1
    assert resampled_t(np.ones(5), 4, 1).p is None
    assert resampled_t(np.array([1.0, np.nan]), 4, 1).p is None


def test_holm_by_hand():
    """0.01, 0.04, 0.03 times 3, 1, 2 in their order, never falling; a missing test is not counted."""
    assert holm([0.01, None, 0.04, 0.03]) == pytest.approx([0.03, None, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_groups_are_joined_through_each_other():
    """0-1 hang together in the one, 1-2 in the other: one group; 3 stays alone; names are those of the first."""
    a, b = np.array([5, 5, 7, 9]), np.array([1, 2, 2, 3])

    assert joined_groups([a, b]).tolist() == [5, 5, 5, 9]
    assert joined_groups([b, a]).tolist() == [1, 1, 1, 3]
    assert joined_groups([a, a]) is a


def times_found(hits, times, n=150):
    """How often each test tells some two of the classifiers apart at 5 %, corrected for the number of pairs."""
    found = {"bootstrap": 0, "mcnemar": 0, "t": 0}
    pairs = [(a, b) for a in range(len(hits)) for b in range(a)]
    for i in range(times):
        rng = np.random.default_rng(i)
        every = sample(rng, np.array([0.6, 0.4]), [chances(2, hit) for hit in hits], n, copies=3, shared=0.5)
        group = every[0].group
        drawn = resampled(every, group, i, 300)
        wins = [[p.right[p.fold == fold].mean() for fold in range(5)] for p in every]
        p = {
            "bootstrap": [bootstrap_p(drawn[a]["f1_macro"] - drawn[b]["f1_macro"]) for a, b in pairs],
            "mcnemar": [mcnemar(*discordant(every[a].right, every[b].right, group)).p for a, b in pairs],
            "t": [resampled_t(np.subtract(wins[a], wins[b]), 4, 1).p for a, b in pairs],
        }
        for name, values in p.items():
            found[name] += min(value for value in holm(values) if value is not None) < 0.05
    return {name: count / times for name, count in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("hits", [[0.8, 0.8], [0.8, 0.8, 0.8]])
def test_equal_classifiers_are_seldom_told_apart(hits):
    """At most about one time in twenty, copies of texts and several pairs notwithstanding."""
    assert max(times_found(hits, 100).values()) <= 0.11


def test_unequal_classifiers_are_told_apart():
    """0.75 and 0.95 right of 150 texts: nearly always; the t-test on five folds is much weaker."""
    found = times_found([0.75, 0.95], 40)

    assert min(found["bootstrap"], found["mcnemar"]) >= 0.9
    assert found["t"] >= 0.2


@pytest.mark.slow
@pytest.mark.parametrize(("prior", "copies"), [([0.8, 0.2], 1), ([0.8, 0.2], 4), ([0.5, 0.3, 0.2], 1)])
def test_intervals_hold_the_truth(prior, copies):
    """About 95 of 100 samples; the full simulation is ``tools/simulate_intervals.py``."""
    from helpers.simulated import truth_of

    table = chances(len(prior), 0.8, 0.1)
    truth, held = truth_of(np.array(prior), table), dict.fromkeys(("accuracy", "f1_macro"), 0)
    for i in range(100):
        (found,) = sample(np.random.default_rng(i), np.array(prior), [table], 200, copies)
        own = intervals(found, i).found
        for name, value in truth.items():
            held[name] += own[name][0] <= value <= own[name][1]

    assert 87 <= min(held.values()) <= max(held.values()) <= 100
