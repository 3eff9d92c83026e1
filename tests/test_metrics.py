"""Metrics against scikit-learn and by hand."""

import numpy as np
import pytest
from helpers.made_predictions import interval, made, problem
from scipy.stats import binom
from sklearn import metrics as sk
from sklearn.linear_model import LogisticRegression

from classify import classify, read_run, write_report
from classify.analysis.compare import compare
from classify.scoring import metrics as registry
from classify.scoring.bootstrap import draws, resampled
from classify.scoring.metrics import measure


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
