"""How much better the model of all rows may be than those that were scored, and what that does to intervals."""

import numpy as np
import pytest

from classify import classify
from classify.scoring.kept import InnerPredictions, assumed_gains, expected_gains, extended, remark
from classify.scoring.predictions import Predictions


def sure(y, right, p=0.8):
    """Probabilities of two classes: p for the true one where ``right``, else 1 - p."""
    own = np.where(right, p, 1 - p)
    return np.stack([np.where(y == 1, 1 - own, own), np.where(y == 1, own, 1 - own)], axis=1)


def test_gain_by_hand():
    """Accuracy 0.6 from 200 rows and 0.7 from 400: as much for each doubling, so 0.1 more from 800, 0.05 from 566."""
    row = np.arange(500)
    y = row % 2
    outer, inner = sure(y, row % 10 < 7), sure(y, row % 10 < 6)
    predictions = Predictions(["a", "b"], 1, row, row, row, row % 5, y, outer.argmax(1), outer)
    parts = [InnerPredictions(row, inner, inner.argmax(1), 200.0)] * 5

    for kept, gained in ((800, 0.1), (566, 0.05)):
        gains = expected_gains(predictions, y, parts, 400.0, kept)
        assert gains["accuracy"] == pytest.approx(gained, abs=1e-3)
    loss = -(0.7 * np.log(0.8) + 0.3 * np.log(0.2)), -(0.6 * np.log(0.8) + 0.4 * np.log(0.2))
    assert expected_gains(predictions, y, parts, 400.0, 800)["log_loss"] == pytest.approx(loss[1] - loss[0])


def test_no_gain_where_more_rows_did_not_help():
    """Inner folds that were as good, or better, promise nothing; nor do none, or those of as many rows."""
    row = np.arange(100)
    y = row % 2
    own = sure(y, row % 10 < 7)
    predictions = Predictions(["a", "b"], 1, row, row, row, row % 5, y, own.argmax(1), own)
    better = sure(y, row % 10 < 8)
    part = InnerPredictions(row, better, better.argmax(1), 50.0)

    assert expected_gains(predictions, y, [part], 80.0, 100) == {}
    assert expected_gains(predictions, y, [], 80.0, 100) == {}
    assert expected_gains(predictions, y, [part._replace(learned=80.0)], 80.0, 100) == {}


def test_without_inner_folds_several_classes_are_given_half_as_much_more():
    """Of three classes half of the way from the score to its better end; of two, and of a head that looks not, none."""
    row = np.arange(300)
    y = row % 3
    proba = np.full((300, 3), 0.1) + 0.7 * np.eye(3)[np.where(row % 10 < 7, y, 0)]
    three = Predictions(list("abc"), 0, row, row, row, row % 5, y, proba.argmax(1), proba)
    value = float((proba.argmax(1) == y).mean())

    assert assumed_gains(three, {"accuracy": (0.5, value + 0.1)}) == {"accuracy": pytest.approx(0.05)}
    blind = Predictions(list("abc"), 0, row, row, row, row % 5, y, y * 0, np.full((300, 3), 1 / 3))
    assert assumed_gains(blind, {"accuracy": (0.2, 0.5)}) == {}
    two = sure(row % 2, row % 10 < 7)
    pair = Predictions(["a", "b"], 1, row, row, row, row % 5, row % 2, two.argmax(1), two)
    assert assumed_gains(pair, {"accuracy": (0.2, 0.9)}) == {}


def test_only_the_better_end_moves():
    """Up for accuracy, at most to 1; down for the log loss, at most to 0."""
    before = {"accuracy": (0.8, 0.9), "roc_auc": (0.9, 0.97), "log_loss": (0.02, 0.4), "brier": (0.1, 0.2)}
    after = extended(before, {"accuracy": 0.05, "roc_auc": 0.1, "log_loss": 0.1})

    assert after == {
        "accuracy": (0.8, pytest.approx(0.95)), "roc_auc": (0.9, 1.0), "log_loss": (0.0, 0.4), "brier": (0.1, 0.2)
    }  # fmt: skip


def test_a_gain_is_said_where_it_is_large():
    """Half of the half width of the log loss is where it begins to matter."""
    assert remark({"log_loss": (0.4, 0.6)}, {"log_loss": 0.04}) == []
    (said,) = remark({"log_loss": (0.4, 0.6)}, {"log_loss": 0.07, "f1_macro": 0.03})
    assert "log loss 0.070 lower and F1 macro 0.030 higher" in said


@pytest.mark.slow
def test_a_run_looks_ahead_where_options_were_chosen(separable, in_tmp):
    """With inner folds the better ends are further than without; the worse ends are where they were."""
    tuned = classify(separable, ["logistic:max_iter=20"], tune=["logistic:C=0.0001|0.001"], cv=5)[0].metrics.overall
    plain = classify(separable, ["logistic:C=0.001,max_iter=20"], cv=5)[0].metrics.overall

    assert tuned["log_loss"].value == pytest.approx(plain["log_loss"].value, abs=1e-3)
    assert tuned["log_loss"].high == pytest.approx(plain["log_loss"].high, abs=2e-3)
    assert tuned["log_loss"].low < plain["log_loss"].low - 2e-3
