"""What is chosen inside the training rows: options and calibration."""

import numpy as np
import pytest
from helpers.head_sets import noisy
from sklearn.isotonic import IsotonicRegression

from classify import heads
from classify.fitting.calibration import Calibration
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.fitting.tune import parse_tune
from classify.heads.base import FitTask
from stores import InputError


def test_temperature_brings_back_probabilities_that_were_too_sure():
    """Logits that were doubled, of three classes: temperature 2."""
    rng = np.random.default_rng(0)
    right = rng.dirichlet([1, 1, 1], 20_000)
    y = (rng.random((20_000, 1)) > right.cumsum(1)).sum(1)
    sure = right**2 / (right**2).sum(1, keepdims=True)
    found = Calibration.fit("temperature", sure, y)

    assert found.curves[0][0][0] == pytest.approx(2, abs=0.1)
    assert np.allclose(found.apply(sure), right, atol=0.02)


def test_isotonic_calibration_is_that_of_scikit_learn():
    """On the positive class; the other is what is left to 1."""
    rng = np.random.default_rng(0)
    p = rng.random(300)
    y = (rng.random(300) < p**2).astype(int)
    found = Calibration.fit("isotonic", np.stack([1 - p, p], 1), y).apply(np.stack([1 - p, p], 1))

    expected = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, y).predict(p)
    assert np.allclose(found[:, 1], expected)
    assert np.allclose(found.sum(1), 1)


def test_sigmoid_calibration_undoes_a_known_distortion():
    """Probabilities whose logits were tripled and shifted come back: slope 1/3, intercept 1/3."""
    rng = np.random.default_rng(1)
    logit = rng.normal(size=20_000)
    y = (rng.random(20_000) < 1 / (1 + np.exp(-logit))).astype(int)
    distorted = 1 / (1 + np.exp(-(3 * logit - 1)))
    found = Calibration.fit("sigmoid", np.stack([1 - distorted, distorted], 1), y)

    (slope,), (intercept,) = found.curves[0]
    assert (slope, intercept) == (pytest.approx(1 / 3, abs=0.02), pytest.approx(1 / 3, abs=0.05))


def test_calibration_makes_naive_bayes_honest():
    """Naive Bayes over copies of one column is far too sure; calibrated on inner folds its log loss falls."""
    x, y = noisy(800)
    x = np.repeat(x[:, :1], 20, axis=1)
    train, test = np.arange(400), np.arange(400, 800)
    losses = {}
    for kind in ("none", "sigmoid", "isotonic"):
        model = fit(heads.load("nb"), x, y, [FitTask(train, 0)], 2, FitOptions(calibrate=kind))[0]
        own = model.predict(x[test])[0][np.arange(400), y[test]]
        losses[kind] = -np.log(np.maximum(own, 1e-12)).mean()

    assert losses["sigmoid"] < losses["none"] / 2
    assert losses["isotonic"] < losses["none"]


def test_tuning_takes_what_is_best_inside():
    """100 columns and 120 rows: nearly no penalty remembers the rows, and the inner folds take the strong one."""
    rng = np.random.default_rng(0)
    y = np.arange(120) % 2
    x = (rng.normal(size=(120, 100)) + 0.3 * y[:, None]).astype(np.float32)
    training = FitOptions(tune={"C": [1e4, 0.01]})
    model = fit(heads.load("logistic"), x, y, [FitTask(np.arange(120), 0)], 2, training)[0]
    plain = fit(heads.load("logistic", C=0.01), x, y, [FitTask(np.arange(120), 0)], 2)[0]

    assert model.choice.options == {"C": 0.01}
    assert np.allclose(model.predict(x)[0], plain.predict(x)[0], atol=1e-3)


ASKED = [
    FitOptions(tune={"C": [0.01, 1.0, 100.0]}),
    FitOptions(calibrate="isotonic"),
    FitOptions(threshold="f1"),
    FitOptions(threshold="precision>=0.6", calibrate="sigmoid", tune={"C": [0.1, 10.0]}, sampler="under"),
    FitOptions(class_weight="balanced"),
    FitOptions(sampler="ensemble", threshold="f1"),
    FitOptions(components=1, class_weight="balanced", calibrate="sigmoid"),
    FitOptions(components=2, sampler="smote"),
]


@pytest.mark.parametrize("training", ASKED)
def test_test_rows_have_no_say_in_what_is_chosen(training):
    """Test rows with other values and turned labels: options, calibration, threshold and predictions stay the same."""
    x, y = noisy()
    rows, probe = np.arange(250), x[:50].copy()
    plain = fit(heads.load("logistic"), x, y, [FitTask(rows, 7)], 2, training)[0]
    x[250:], y[250:] = -x[250:] * 100, 1 - y[250:]
    other = fit(heads.load("logistic"), x, y, [FitTask(rows, 7)], 2, training)[0]

    assert other.choice == plain.choice
    assert (other.predict(probe)[0] == plain.predict(probe)[0]).all()


def test_inner_folds_part_no_group():
    """60 texts four times over, labels that nothing tells: with groups no option looks better by remembering."""
    rng = np.random.default_rng(1)
    x = np.tile(rng.normal(size=(60, 40)), (4, 1)).astype(np.float32)
    y = np.tile(rng.permutation(np.arange(60) % 2), 4)
    training = FitOptions(tune={"C": [1e-4, 100.0]})
    honest, leaking = (
        fit(heads.load("logistic"), x, y, [FitTask(np.arange(240), 0)], 2, training, groups)[0]
        for groups in (np.tile(np.arange(60), 4), None)
    )

    assert (honest.choice.options, leaking.choice.options) == ({"C": 1e-4}, {"C": 100.0})


def test_class_weights_are_copies():
    """A class that weighs three times as much is a class with each row three times: the same model, the same prior."""
    x, y = noisy(200)
    y[:] = np.arange(200) % 4 == 0
    rows = np.arange(200)
    weighted = fit(heads.load("logistic"), x, y, [FitTask(rows, 0)], 2, FitOptions(class_weight="balanced"))[0]
    copies = np.concatenate([rows, *[np.flatnonzero(y == 1)] * 2])
    copied = heads.load("logistic").fit(x[copies], y[copies], 2, 0)

    # balanced weights are 2/3 and 2, so the penalty is as with C = 2/3 over the copies
    reference = heads.load("logistic", C=2 / 3).fit(x[copies], y[copies], 2, 0)
    assert np.allclose(weighted.heads[0].predict_proba(x), reference.predict_proba(x), atol=1e-3)
    assert not np.allclose(weighted.heads[0].predict_proba(x), copied.predict_proba(x), atol=1e-4)
    assert weighted.predict(x)[0].mean(0)[1] == pytest.approx(0.25, abs=0.03)  # the prior is the real one


def test_ensemble_is_the_mean_of_its_members():
    """Ten under-samples of like size, each another one; their probabilities averaged."""
    x, y = noisy()
    model = fit(heads.load("logistic"), x, y, [FitTask(np.arange(400), 0)], 2, FitOptions(sampler="ensemble"))[0]

    assert len(model.heads) == 10
    assert model.fitted.tolist() == [y.sum(), y.sum()]
    each = [head.predict_proba(x) for head in model.heads]
    assert not np.allclose(each[0], each[1])
    odds = np.mean(each, 0) * (model.real / model.real.sum() * 2)
    assert np.allclose(model.predict(x)[0], odds / odds.sum(1, keepdims=True))


@pytest.mark.parametrize("training", ASKED)
def test_model_is_the_same_after_the_disk(training, tmp_path):
    """With all that was chosen; probabilities to 1e-6, and the decisions."""
    x, y = noisy()
    model = fit(heads.load("logistic"), x, y, [FitTask(np.arange(300), 0)], 2, training)[0]
    model.save(tmp_path / "model")
    proba, predicted = FittedModel.restore(tmp_path / "model").predict(x)

    assert np.allclose(proba, model.predict(x)[0], atol=1e-6)
    assert (predicted == model.predict(x)[1]).all()


def test_ranges_and_lists_to_tune():
    """A range is of powers of ten; a list is taken as it stands, in the option's type."""
    chosen = [heads.load("logistic"), heads.load("nb")]

    found = parse_tune(["logistic:C=0.01..100", "nb:weights=counts|tfidf"], chosen)
    assert found == {"logistic": {"C": [0.01, 0.1, 1, 10, 100]}, "nb": {"weights": ["counts", "tfidf"]}}


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("dense:units=1|2", "no head dense is asked for"),
        ("logistic", "no values"),
        ("logistic:C=1..x", "a range runs from"),
        ("logistic:C=0..10", "a range runs from"),
        ("logistic:D=1|2", "no option 'D'"),
        ("logistic:C=a|b", "is not a number"),
    ],
)
def test_wrong_tuning_is_refused(spec, message):
    """One line that says what is wrong."""
    with pytest.raises(InputError, match=message):
        parse_tune([spec], [heads.load("logistic")])
