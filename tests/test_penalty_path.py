"""The penalty of logistic regression on vectors: which values are tried, and on how many inner folds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from classify import HeadClassifier, heads
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask, InnerFit
from classify.solvers.logistic_path import FIRST

PENALTIES = (1e-4, 1e-3, 0.01, 0.1, 1.0, 10.0, 100.0)


def nearly_the_same_column_twice():
    """Only a weak penalty lets their small difference count, which tells the classes a little."""
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    x = rng.normal(size=(200, 3)) + 0.6 * y[:, None] * np.array([1, 0, 0])
    return (x @ np.array([[1, 1, 0], [0, 0.05, 0], [0, 0, 1]])).astype(np.float32), y


def test_a_ripple_does_not_hide_a_lower_loss_behind_it():
    """The loss rises a little after C=0.01, and is lowest at 100, as scikit-learn says of the same inner folds."""
    x, y = nearly_the_same_column_twice()
    rows = np.arange(200)
    inner = [InnerFit(FitTask(np.setdiff1d(rows, rows[i::3]), 0), rows[i::3]) for i in range(3)]

    (found,) = heads.load("logistic").choose(x, y, 2, [inner], [{"C": c} for c in PENALTIES])

    expected = []
    for c in PENALTIES:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=1000))
        proba = [model.fit(x[task.rows], y[task.rows]).predict_proba(x[held]) for task, held in inner]
        expected.append(log_loss(y[np.concatenate([held for _, held in inner])], np.concatenate(proba)))
    assert np.argmin(expected[: FIRST + 1]) == 2
    assert np.argmin(found.losses) == np.argmin(expected) == 6
    np.testing.assert_allclose(found.losses, expected, rtol=2e-3)  # inner fits stop earlier


@pytest.mark.parametrize(("rarest", "folds"), [(5, 5), (4, 3), (3, 3)])
def test_five_inner_folds_or_three_where_a_class_has_fewer_texts(rarest, folds):
    """Each class is on both sides of each of them."""
    x, y = nearly_the_same_column_twice()
    y = (np.arange(200) < rarest).astype(int)
    head = heads.load("logistic")
    options = FitOptions(tune=head.grid_of("pooled"), inner=head.inner_folds_of("pooled"), fewest_inner=3)

    (model,) = fit(head, x, y, [FitTask(np.arange(200), 0)], 2, options)

    assert model.choice.inner.folds == folds


def test_who_asks_for_a_number_of_inner_folds_gets_it():
    """Also where five would be taken, or fewer."""
    x, y = nearly_the_same_column_twice()

    for inner, learned in ((None, 160), (4, 150), (2, 100)):
        model = HeadClassifier(tune="default", inner=inner).fit(x, y).model_
        assert model.choice.inner.learned == learned
