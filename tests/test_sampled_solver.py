"""The solver of some rows and then all: near scikit-learn's optimum, whatever the order of the rows."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from classify.solvers import logistic_sampled
from classify.solvers.logistic import Task
from classify.solvers.logistic_sampled import fit_sampled


def objective(x, y, weights, intercepts, penalty):
    """What is minimised, on standardised columns, in NumPy."""
    scaler = StandardScaler().fit(x)
    z = x @ weights + intercepts
    z = np.hstack([np.zeros((len(z), 1)), z]) if z.shape[1] == 1 else z
    top = z.max(1, keepdims=True)
    log_sum = (top + np.log(np.exp(z - top).sum(1, keepdims=True)))[:, 0]
    loss = log_sum - z[np.arange(len(y)), y]
    return penalty * loss.sum() + ((weights * scaler.scale_[:, None]) ** 2).sum() / 2


@pytest.mark.slow
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("order", ["mixed", "sorted"])
def test_within_a_thousandth_of_the_optimum(monkeypatch, n_classes, order):
    """In each of two folds, from a tenth of the rows; columns of other means and scales."""
    monkeypatch.setattr(logistic_sampled, "LEAST", 0)
    rng = np.random.default_rng(0)
    n, width = 30_000, 12
    x = (rng.normal(size=(n, width)) * rng.uniform(0.1, 30, width) + rng.normal(size=width)).astype(np.float32)
    z = (x / x.std(0)) @ rng.normal(size=(width, n_classes)) + rng.gumbel(size=(n, n_classes))
    y = z.argmax(1)
    if order == "sorted":
        x, y = x[np.argsort(y, kind="stable")], np.sort(y)
    weight = (np.arange(n)[:, None] % 2 == [[0, 1]]).astype(np.float32)
    found = fit_sampled(x, y, weight, [Task(0, 0.1), Task(1, 0.1)], n_classes, 1000)

    for fold in range(2):
        rows = weight[:, fold] == 1
        scaled = StandardScaler().fit_transform(x[rows].astype(float))
        best = LogisticRegression(C=0.1, tol=1e-8, max_iter=1000).fit(scaled, y[rows])
        w, b = best.coef_.T, best.intercept_
        there = objective(scaled, y[rows], w, b, 0.1)
        here = objective(x[rows].astype(float), y[rows], found.weights[fold], found.intercepts[fold], 0.1)
        assert there * (1 - 1e-6) <= here < there * 1.001
