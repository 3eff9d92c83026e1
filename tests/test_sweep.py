"""All folds at once: the optimum of each is scikit-learn's, whatever the folds, weights, classes and scales."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from classify import heads
from classify.heads._base import Fold
from classify.passes import moments
from classify.sweep import Task, fit_logistic


def problem(n=400, dimension=30, n_classes=2, seed=0):
    """Correlated columns of very different means and scales, one that never varies, and classes that overlap."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, dimension)) @ rng.normal(size=(dimension, dimension))
    score = x[:, :n_classes] + rng.gumbel(size=(n, n_classes)) * 3
    x = x * 10.0 ** rng.uniform(-3, 3, dimension) + 10.0 ** rng.uniform(-3, 2, dimension)
    x[:, 7] = 5
    return x.astype(np.float32), score.argmax(1)


def folds_of(n, k=4, seed=1):
    """Training rows of k folds, one of them with rows drawn several times."""
    fold = np.random.default_rng(seed).permutation(n) % k
    rows = [np.flatnonzero(fold != number) for number in range(k)]
    return [np.sort(np.random.default_rng(0).choice(rows[0], len(rows[0]))), *rows[1:]]


def objective(model, z, y, penalty):
    """What scikit-learn minimises, in float64."""
    proba = np.log(model.predict_proba(z)[np.arange(len(y)), y])
    return -penalty * proba.sum() + (model.coef_**2).sum() / 2


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_optimum_is_that_of_scikit_learn(n_classes, penalty):
    """Objective to 1e-6 (or lower: scikit-learn stops early), probabilities to 1e-3, for each fold."""
    x, y = problem(n_classes=n_classes)
    folds = folds_of(len(y))
    fitted = heads.load("logistic", C=penalty).fit_folds(x, y, n_classes, [Fold(rows, 0) for rows in folds])

    for head, rows in zip(fitted, folds, strict=True):
        scaler = StandardScaler().fit(x[rows].astype(float))
        z = scaler.transform(x[rows].astype(float))
        theirs = LogisticRegression(C=penalty, max_iter=10**5, tol=1e-9).fit(z, y[rows])
        wanted = theirs.predict_proba(scaler.transform(x.astype(float)))
        assert head.predict_proba(x) == pytest.approx(wanted, abs=1e-3)
        ours = -penalty * np.log(head.predict_proba(x[rows])[np.arange(len(rows)), y[rows]]).sum()
        ours += (((head.weights_ * scaler.scale_[:, None]) ** 2).sum()) / 2
        assert ours <= objective(theirs, z, y[rows], penalty) * (1 + 1e-6)


def test_many_penalties_in_one_pass():
    """Each column of the matrix is a problem of its own: its penalty, its rows."""
    x, y = problem()
    counts = np.ones((len(y), 1), np.float32)
    penalties = [0.01, 0.1, 1, 10]
    together = fit_logistic(x, y, counts, [Task(0, penalty) for penalty in penalties], 2, 1000)

    for column, penalty in enumerate(penalties):
        alone = fit_logistic(x, y, counts, [Task(0, penalty)], 2, 1000)
        assert together.objectives[column] == pytest.approx(alone.objectives[0], rel=1e-6)


def test_a_class_that_a_fold_has_not_seen_has_probability_zero():
    """As scikit-learn's model of that fold would not know it."""
    x, y = problem(n_classes=3)
    rows = np.flatnonzero(y != 1)
    some, others = heads.load("logistic").fit_folds(x, y, 3, [Fold(rows, 0), Fold(np.arange(len(y)), 0)])

    assert (some.predict_proba(x)[:, 1] == 0).all()
    assert (others.predict_proba(x)[:, 1] > 0).all()


def test_moments_are_those_of_numpy():
    """Also of columns whose mean is a million times their spread."""
    x, _ = problem()
    x[:, 3] = 1e4 + np.arange(len(x)) % 2
    counts = np.random.default_rng(0).integers(0, 3, (len(x), 2)).astype(np.float32)
    mean, variance = moments(x, counts)

    for j in range(2):
        rows = np.repeat(x.astype(float), counts[:, j].astype(int), axis=0)
        assert mean[j] == pytest.approx(rows.mean(0), rel=1e-6)
        assert variance[j] == pytest.approx(rows.var(0), rel=1e-4, abs=1e-9)


def test_naive_bayes_of_all_folds_is_that_of_each():
    """Means and variances from one pass, against scikit-learn on the rows of each fold."""
    x, y = problem(n_classes=3)
    folds = folds_of(len(y))
    fitted = heads.load("nb").fit_folds(x, y, 3, [Fold(rows, 0) for rows in folds])

    for head, rows in zip(fitted, folds, strict=True):
        theirs = GaussianNB().fit(x[rows].astype(float), y[rows])
        assert head.predict_proba(x) == pytest.approx(theirs.predict_proba(x.astype(float)), abs=1e-3)
