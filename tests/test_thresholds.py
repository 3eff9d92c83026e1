"""Thresholds, goals and costs: chosen on training rows, met on others."""

import re

import numpy as np
import pytest
from helpers.head_sets import noisy
from helpers.stores import make_store, pooled
from scipy.stats import binomtest

from classify import classify, heads
from classify.fitting.options import FitOptions
from classify.fitting.threshold import Rule, Threshold, choose, lower_bound, parse_costs, parse_rule
from classify.fitting.training import fit
from classify.heads.base import FitTask, InnerChoice
from classify.splits.nested import decide
from stores import InputError


def test_thresholds_by_hand():
    """Scores .9 .8 .7 .6 .5 with truth 1 0 1 1 0: F1 is 2/4, 2/5, 4/6, 6/7, 6/8 at these thresholds."""
    p, truth = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([1, 0, 1, 1, 0])

    assert choose(parse_rule("f1"), p, truth).value == pytest.approx(0.55)
    assert choose(parse_rule("0.3"), p, truth).value == 0.3


def test_lower_bound_is_that_of_the_exact_binomial():
    """45 of 50: below it with a chance of 5 %, as scipy's Clopper-Pearson interval of 90 % says; 0 of 9 gives 0."""
    expected = binomtest(45, 50).proportion_ci(0.9, "exact").low

    assert lower_bound(np.array([45, 0]), np.array([50, 9]), 0.05) == pytest.approx([expected, 0])


@pytest.mark.parametrize("goal", ["precision>=0.8", "recall>=0.8"])
def test_a_goal_is_met_on_other_rows(goal):
    """Of 100 samples of 800 rows whose probabilities are right, the true score at the threshold is the goal in most."""
    rng = np.random.default_rng(0)
    source = rng.beta(0.3, 0.5, 200_000)  # probabilities, and so the share of positives among equals
    met = 0
    for _ in range(100):
        p = rng.choice(source, 800)
        threshold = choose(parse_rule(goal), p, (rng.random(800) < p).astype(int)).value
        taken = source >= threshold
        score = source[taken].mean() if goal.startswith("precision") else source[taken].sum() / source.sum()
        met += score >= 0.8

    assert met >= 92


def test_goal_out_of_reach_is_said_so(in_tmp):
    """The most frequent error of such tools is to return some threshold in silence. Of two rows one is right: 0.025."""
    threshold = choose(Rule("precision", 0.9), np.array([0.9, 0.9, 0.1]), np.array([1, 0, 0]))
    assert threshold == Threshold(0.5, pytest.approx(binomtest(1, 2).proportion_ci(0.9, "exact").low))

    truth = np.append(np.ones(52), np.tile([0, 1], 214))  # too little for 90 %, though 52 hits alone would bound 94 %
    assert choose(Rule("precision", 0.9), np.linspace(1, 0.1, 480), truth).missed < 0.9

    rng = np.random.default_rng(0)
    texts, labels = [f"text {i}" for i in range(60)], [f"{i % 2}" for i in range(60)]
    (run,) = classify(
        make_store(in_tmp / "t.h5", pooled(rng.normal(size=(60, 2))), labels, texts), cv=2, threshold="precision>=0.99"
    )
    assert any(re.match(r"no threshold reaches precision 0\.99 .* 95%, in \d of 3 choices; the best", note)
               for note in run.metrics.notes)  # fmt: skip


def test_a_goal_for_one_of_several_classes():
    """From its threshold on a row is of the class that the goal is about, below it of the most probable other one."""
    rng = np.random.default_rng(0)
    y = np.arange(600) % 3
    x = (rng.normal(size=(600, 4)) + 2 * np.eye(4)[y]).astype(np.float32)
    rows, options = FitTask(np.arange(600), 0), FitOptions(threshold="precision>=0.9")
    (model,) = fit(heads.load("logistic"), x, y, [rows], 3, options, positive=2)
    proba, predicted = model.predict(x)
    (threshold,) = model.choice.thresholds

    assert threshold > 0.5
    assert np.array_equal(predicted == 2, proba[:, 2] >= threshold)
    assert np.array_equal(predicted[predicted < 2], proba[predicted < 2, :2].argmax(1))
    assert (y[predicted == 2] == 2).mean() >= 0.9
    options.check(multilabel=False, n_classes=3, pooled=True, positive="b")
    with pytest.raises(InputError, match="there are 3 classes; `positive` says which it is about"):
        options.check(multilabel=False, n_classes=3, pooled=True)


def test_costs_decide_for_the_least_expected():
    """A spam taken for ham costs 1, a ham taken for spam 9: only from a probability of 0.9 on is it spam."""
    costs = parse_costs("spam->ham=1,ham->spam=9", ["ham", "spam"])

    assert costs.tolist() == [[0, 9], [1, 0]]
    x, y = noisy()
    (model,) = fit(heads.load("logistic"), x, y, [FitTask(np.arange(400), 0)], 2, FitOptions(cost="1->0=1,0->1=9"))
    proba, predicted = model.predict(x)
    assert np.array_equal(predicted == 1, proba[:, 1] > 0.9)
    with pytest.raises(InputError, match="no class 'egg'; there are: ham, spam"):
        parse_costs("egg->ham=1", ["ham", "spam"])


def test_classes_of_a_sampled_model_follow_from_probability_and_threshold():
    """Under-sampling asks for classes of equal weight; the threshold says so, and no class contradicts it."""
    x, y = noisy()
    (model,) = fit(heads.load("logistic"), x, y, [FitTask(np.arange(400), 0)], 2, FitOptions(sampler="under"))
    proba, predicted = model.predict(x)

    (threshold,) = model.choice.thresholds
    assert threshold == pytest.approx(y.mean(), abs=1e-6)  # fitted on halves: undecided at the real frequency
    assert np.array_equal(predicted, (proba[:, 1] >= threshold).astype(int))


def test_class_of_a_calibrated_model_follows_from_a_rule_that_is_said():
    """Naive Bayes over 20 copies of a column: of two classes a threshold or the probability, never something unsaid."""
    x, y = noisy(800)
    x, y = np.repeat(x[:, :1], 20, axis=1), np.where(np.arange(800) % 4 == 0, y, 0)
    for calibrate in ("sigmoid", "temperature"):
        (model,) = fit(heads.load("nb"), x, y, [FitTask(np.arange(400), 0)], 2, FitOptions(calibrate=calibrate))
        proba, decided = model.predict(x)
        rule, *value = model.rule.split()
        expected = proba[:, 1] >= float(value[0]) if value else proba.argmax(1)

        assert rule in ("threshold", "probability")
        assert np.array_equal(decided, expected)


def test_sigmoid_that_turns_the_order_round_decides_itself():
    """A head that is wrong more often than right: its own choice is no threshold on what was calibrated."""
    p = np.tile([0.2, 0.8], 100)
    y = np.tile([1, 0], 100)
    y[:20] = 1 - y[:20]
    proba = np.stack([1 - p, p], 1)
    made = decide([{}], InnerChoice([1.0], proba), y, 1, FitOptions(calibrate="sigmoid", sampler="under"))

    assert not made.calibration.increasing
    assert made.by_probability


@pytest.mark.parametrize("text", ["best", "accuracy>=0.9", "precision>=1.5", "0", "-1", "precision>=", ""])
def test_wrong_threshold_is_refused(text):
    """The message says what can be given."""
    with pytest.raises(InputError, match="give a number between 0 and 1, f1, or precision>=0.99"):
        parse_rule(text)
