"""Metrics and intervals, against scikit-learn, by hand, and by counting how often an interval is right."""

import re

import numpy as np
import pytest
from scipy.stats import binom, binomtest
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from classify import classify, read_run, write_report
from classify.analysis.compare import compare
from classify.scoring import metrics as registry
from classify.scoring.bootstrap import draws, resampled
from classify.scoring.class_intervals import wilson
from classify.scoring.influence import influence, precision_influence, roc_influence
from classify.scoring.intervals import effective_directions, intervals
from classify.scoring.metrics import measure
from classify.scoring.predictions import Predictions
from tools.simulate_intervals import coverage
from tools.simulated_tables import Setting


def problem(n_classes, seed, n=200):
    """Random truth and coarse probabilities (so that scores tie), and the most probable class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(n_classes, size=n)
    proba = np.round(rng.dirichlet(np.ones(n_classes), n) + 0.5 * np.eye(n_classes)[y], 1) + 0.01
    proba /= proba.sum(1, keepdims=True)
    return y, proba, proba.argmax(1)


def made(y, proba, predicted, group=None):
    """Predictions by one model, each row a group of its own unless said otherwise."""
    rows = np.arange(len(y))
    names = ["no", "yes"] if proba.shape[1] == 2 else [f"c{i}" for i in range(proba.shape[1])]
    return Predictions(names, 1, rows, rows, rows if group is None else group, rows * 0, y, predicted, proba)


def interval(y, proba, predicted, group, seed):
    """Intervals of predictions by one model."""
    return intervals(made(y, proba, predicted, group), seed).found


def from_sklearn(y, proba, predicted, weights):
    """The same metrics by scikit-learn."""
    two = proba.shape[1] == 2
    one_hot = np.eye(proba.shape[1])[y]
    columns = [1] if two else range(proba.shape[1])
    expected = {
        "accuracy": sk.accuracy_score(y, predicted, sample_weight=weights),
        "balanced_accuracy": sk.balanced_accuracy_score(y, predicted, sample_weight=weights),
        "mcc": sk.matthews_corrcoef(y, predicted, sample_weight=weights),
        "log_loss": sk.log_loss(y, proba, sample_weight=weights),
        "roc_auc": np.mean([sk.roc_auc_score(one_hot[:, c], proba[:, c], sample_weight=weights) for c in columns]),
        "pr_auc": np.mean(
            [sk.average_precision_score(one_hot[:, c], proba[:, c], sample_weight=weights) for c in columns]
        ),
        "brier": np.average(((proba - one_hot) ** 2).sum(1) / (2 if two else 1), weights=weights),
    }
    if two:
        scores = sk.precision_recall_fscore_support(
            y, predicted, average="binary", sample_weight=weights, zero_division=0
        )
        names = ("precision_positive", "recall_positive", "f1_positive")
        expected |= dict(zip(names, scores, strict=False))
    for average in ("macro", "weighted", "micro"):
        scores = sk.precision_recall_fscore_support(
            y, predicted, average=average, sample_weight=weights, zero_division=0
        )
        expected |= dict(zip((f"precision_{average}", f"recall_{average}", f"f1_{average}"), scores, strict=False))
    return expected


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("resamples", [0, 2, 9])
def test_metrics_are_those_of_scikit_learn(n_classes, resamples):
    """Every single number, with rows counted once and with rows counted as in a few and in many bootstrap resamples."""
    y, proba, predicted = problem(n_classes, seed=n_classes)
    weights = np.random.default_rng(9).integers(0, 4, (resamples, len(y))).astype(float) if resamples else None

    found = measure(y, proba, predicted, positive=1, weights=weights)

    for b in range(resamples or 1):
        for name, value in from_sklearn(y, proba, predicted, None if weights is None else weights[b]).items():
            assert found[name][b] == pytest.approx(value, abs=1e-12), name
    own = {"brier_skill", "ece", "calibration_slope", "calibration_intercept"}  # tested by themselves
    single = {name for name, values in found.items() if values.ndim == 1} - own
    assert single == set(from_sklearn(y, proba, predicted, None))


def test_resamples_draw_groups_with_replacement():
    """Each resample has as many draws as groups, a group counts as the binomial distribution has it, rows go along."""
    group = np.repeat(np.arange(400), 2)[::-1]
    weights = np.concatenate(list(draws(group, seed=1, resamples=3000)))

    assert (weights.sum(1) == 800).all() and (weights[:, ::2] == weights[:, 1::2]).all()
    counted = np.bincount(weights[:, ::2].astype(int).ravel())[:6] / 3000 / 400
    assert np.allclose(counted, binom.pmf(np.arange(6), 400, 1 / 400), atol=0.0015)  # three standard errors
    first, other = (next(draws(group, seed, 10)) for seed in (1, 2))
    assert (next(draws(group, 1, 10)) == first).all() and (first != other).any()


@pytest.mark.parametrize(("n", "resamples"), [(30_000, 30), (70_000, 11)], ids=["many at a time", "two at a time"])
def test_scores_of_resamples_are_those_of_the_rows_written_out(n, resamples):
    """Measured on the rows repeated as they were drawn, in the order of the draws, however cores share them."""
    y, proba, predicted = problem(3, seed=4, n=n)
    rows = made(y, proba, predicted)
    (scores,) = resampled([rows], rows.group, seed=5, resamples=resamples)

    drawn = np.concatenate(list(draws(rows.group, seed=5, resamples=resamples)))
    assert len(drawn) == resamples
    for b, weights in enumerate(drawn[::10]):
        again = rows.take(np.repeat(rows.row, weights.astype(int)))
        expected = measure(again.y, again.proba, again.predicted, 1)
        assert {name: values[10 * b] for name, values in scores.items()} == pytest.approx(
            {name: expected[name][0] for name in scores}, abs=1e-10
        )


def test_per_class_scores_and_confusion_are_those_of_scikit_learn():
    """Precision, recall, F1, support of each class, and the confusion matrix with the truth in rows."""
    y, proba, predicted = problem(3, seed=1)
    found = measure(y, proba, predicted, positive=1)

    expected = sk.precision_recall_fscore_support(y, predicted, average=None)
    assert np.allclose([found[name][0] for name in ("precision", "recall", "f1", "support")], expected)
    assert (found["confusion"][0] == sk.confusion_matrix(y, predicted)).all()


def test_brier_skill_is_against_the_class_frequencies():
    """Half of the rows positive: Brier 0.25 of knowing only that, 0.09 of probabilities of 0.7; skill 1 - 0.36."""
    y, p = np.array([0, 1]), np.array([0.3, 0.7])

    assert measure(y, np.stack([1 - p, p], 1), y, 1)["brier_skill"][0] == pytest.approx(1 - 0.09 / 0.25)


def test_calibration_error_of_two_bins_by_hand():
    """Four rows at 0.25 of which two are positive, four at 0.95 that all are: (4 * 0.25 + 4 * 0.05) / 8."""
    p, y = np.repeat([0.25, 0.95], 4), np.array([0, 0, 1, 1, 1, 1, 1, 1])

    assert measure(y, np.stack([1 - p, p], 1), y, 1)["ece"][0] == pytest.approx((4 * 0.25 + 4 * 0.05) / 8)


def test_calibration_slope_is_that_of_a_regression_on_the_logit():
    """Logits twice as far from zero as they should be: slope 1/2, as scikit-learn without a penalty finds."""
    rng = np.random.default_rng(0)
    logit = rng.normal(size=5000)
    y = (rng.random(5000) < 1 / (1 + np.exp(-logit))).astype(int)
    p = 1 / (1 + np.exp(-2 * logit))
    found = measure(y, np.stack([1 - p, p], 1), y, 1)

    expected = LogisticRegression(C=1e10, tol=1e-10).fit(2 * logit[:, None], y)
    assert found["calibration_slope"][0] == pytest.approx(expected.coef_[0, 0], abs=1e-4)
    assert found["calibration_intercept"][0] == pytest.approx(expected.intercept_[0], abs=1e-4)


def test_a_new_metric_is_one_entry(request):
    """Registered, it is measured, has a column in the table of scores, and an interval."""
    request.addfinalizer(lambda: registry.METRICS.pop("share_positive"))
    registry.register(registry.Metric("share_positive", "positive", lambda d: d.taken[:, 1] / d.total, "decisions",
                                      problems=("binary",), table=1))  # fmt: skip
    y, proba, predicted = problem(2, seed=8)

    assert measure(y, proba, predicted, 1)["share_positive"][0] == predicted.mean()
    assert registry.columns_of("binary")["share_positive"] == "positive"
    assert "share_positive" not in registry.columns_of("multi-class")
    low, high = interval(y, proba, predicted, np.arange(len(y)), seed=0)["share_positive"]
    assert low < predicted.mean() < high


@pytest.mark.slow
def test_a_new_metric_is_in_runs_comparisons_and_reports(request, separable, in_tmp):
    """With the one entry it is in metrics.json, decides ``compare`` when asked, and is a column of the report."""
    request.addfinalizer(lambda: registry.METRICS.pop("share_positive"))
    registry.register(registry.Metric("share_positive", "share of yes", lambda d: d.taken[:, d.positive] / d.total,
                                      "decisions", problems=("binary",), table=1))  # fmt: skip
    runs = classify(separable, ["logistic", "nb"], cv=2, tune="none")
    made = read_run(runs[0].folder).predictions()

    assert runs[0].metrics.overall["share_positive"].value == (made.predicted == made.positive).mean()
    assert [entry.scores["share_positive"].value for entry in compare(runs, by="share_positive").runs] == sorted(
        (run.metrics.overall["share_positive"].value for run in runs), reverse=True
    )
    assert "share of yes" in write_report(runs[0]).read_text(encoding="utf-8")


def test_four_rows_by_hand():
    """Truth 0 0 1 1, scores .1 .6 .4 .9: of the four pairs three are in order; precision 1 at recall 1/2, 2/3 at 1."""
    y, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.6, 0.4, 0.9])
    found = measure(y, np.stack([1 - score, score], 1), (score > 0.5).astype(int), positive=1)

    assert found["roc_auc"][0] == pytest.approx(3 / 4)
    assert found["pr_auc"][0] == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    assert found["accuracy"][0] == 0.5
    assert found["brier"][0] == pytest.approx((0.1**2 + 0.6**2 + 0.6**2 + 0.1**2) / 4)


def test_metric_without_a_value_is_nan():
    """One class only has no ROC-AUC; what has a value keeps it."""
    found = measure(np.zeros(3, int), np.full((3, 2), 0.5), np.zeros(3, int), positive=1)

    assert np.isnan(found["roc_auc"][0])
    assert found["accuracy"][0] == 1


def test_auc_comes_from_probabilities_not_from_rounded_labels():
    """All rows predicted 0, and yet the ranking is perfect."""
    y, score = np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.4])
    found = measure(y, np.stack([1 - score, score], 1), np.zeros(4, int), positive=1)

    assert found["roc_auc"][0] == found["pr_auc"][0] == 1


def test_areas_rank_the_rows_of_a_repeat_together():
    """Rows 1 and 2 of each repeat are ranked apart from those of the other; a repeat of one class has no say."""
    y = np.array([0, 1, 0, 1])
    score = np.array([0.01, 0.02, 0.1, 0.2])
    proba = np.stack([1 - score, score], 1)

    assert measure(y, proba, y, 1)["roc_auc"][0] == 0.75
    assert measure(y, proba, y, 1, repeat=np.array([0, 0, 1, 1]))["roc_auc"][0] == 1
    assert measure(y, proba, y, 1, repeat=np.array([0, 1, 1, 1]))["roc_auc"][0] == 0.5  # the first has one class


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


def several_labels(seed, n=200):
    """Random truth, coarse probabilities and decisions for three labels, the last of them rare."""
    rng = np.random.default_rng(seed)
    y = (rng.random((n, 3)) < [0.5, 0.3, 0.05]).astype(int)
    proba = np.round(np.clip(rng.random((n, 3)) * 0.7 + 0.3 * y, 0.01, 0.99), 1)
    return y, proba, (proba > 0.5).astype(int)


@pytest.mark.parametrize("weighted", [False, True])
def test_metrics_of_several_labels_are_those_of_scikit_learn(weighted):
    """Each label by itself, their averages, and whole rows right."""
    y, proba, predicted = several_labels(seed=2)
    weights = np.random.default_rng(9).integers(0, 4, (2, len(y))).astype(float) if weighted else None
    found = measure(y, proba, predicted, 1, weights=weights)

    for b, w in enumerate([None] if weights is None else weights):
        for average in ("macro", "micro", "weighted"):
            scores = sk.precision_recall_fscore_support(y, predicted, average=average, sample_weight=w, zero_division=0)
            names = (f"precision_{average}", f"recall_{average}", f"f1_{average}")
            assert [found[name][b] for name in names] == pytest.approx(list(scores[:3]), abs=1e-12)
        assert found["accuracy"][b] == pytest.approx(sk.accuracy_score(y, predicted, sample_weight=w))
        assert found["hamming_loss"][b] == pytest.approx(sk.hamming_loss(y, predicted, sample_weight=w))
        assert found["roc_auc"][b] == pytest.approx(sk.roc_auc_score(y, proba, sample_weight=w))
        assert found["pr_auc"][b] == pytest.approx(sk.average_precision_score(y, proba, sample_weight=w))
        losses = [sk.log_loss(y[:, i], proba[:, i], sample_weight=w) for i in range(3)]
        assert found["log_loss"][b] == pytest.approx(np.mean(losses))
        expected = sk.multilabel_confusion_matrix(y, predicted, sample_weight=w)
        assert np.allclose(found["confusion"][b], expected)
        auc = [sk.roc_auc_score(y[:, i], proba[:, i], sample_weight=w) for i in range(3)]
        assert found["roc_auc_label"][b] == pytest.approx(auc)


def test_label_that_no_row_has_does_not_spoil_the_mean():
    """Its area has no value; the mean is over the other labels."""
    y, proba, predicted = several_labels(seed=3)
    y[:, 2] = 0
    found = measure(y, proba, predicted, 1)

    assert np.isnan(found["roc_auc_label"][0, 2])
    assert found["roc_auc"][0] == pytest.approx(sk.roc_auc_score(y[:, :2], proba[:, :2]))


@pytest.mark.slow
def test_intervals_hold_the_truth_of_models_that_are_trained():
    """40 tables of 200 rows and 60 columns, tuned and cross-validated: most intervals hold both truths.

    The long version is ``tools/simulate_intervals.py``; with 40 tables a coverage of 95 % is from 85 % on by chance.
    """
    found = coverage(Setting(200, (0.5, 0.5), 60), times=40, seed=3)

    for name in ("accuracy", "f1_macro", "roc_auc", "pr_auc", "log_loss"):
        of_predictions, of_kept, *_ = found[name]
        assert min(of_predictions, of_kept) >= 0.85, name


@pytest.mark.parametrize("rows", [0, 1, 7, 40_000])
@pytest.mark.parametrize("ties", [1e9, 50, 3])
def test_areas_of_few_and_of_many_weightings_are_those_of_scikit_learn(rows, ties):
    """Running sums over the ranks, and sums over cells: with ties, without weight, of one class, over many blocks."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    from classify.scoring.auc import Ranking

    rng = np.random.default_rng(rows)
    hit = rng.random(rows) < 0.3
    score = np.round(rng.random(rows) * ties) / ties + (hit * 0.25 if ties > 3 else 0)
    weights = rng.integers(0, 4, (12, rows)).astype(float)
    weights[0] = hit  # all weight is of positives
    ranking = Ranking(hit, score)

    many, few = ranking.areas(weights), np.hstack([ranking.areas(weights[:5]), ranking.areas(weights[5:])])

    for k, own in enumerate(weights):
        both = min(own @ hit, own @ ~hit) > 0
        expected = [
            f(hit, score, sample_weight=own) if both else np.nan for f in (roc_auc_score, average_precision_score)
        ]
        assert many[:, k] == pytest.approx(expected, rel=1e-11, nan_ok=True)
        assert few[:, k] == pytest.approx(expected, rel=1e-11, nan_ok=True)
