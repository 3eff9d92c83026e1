"""All folds at once: the optimum of each is scikit-learn's, whatever the folds, weights, classes and scales."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.preprocessing import StandardScaler

from classify import heads
from classify.heads.base import FitTask
from classify.solvers.blockwise import moments
from classify.solvers.logistic import Task, fit_logistic


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


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_optimum_is_that_of_scikit_learn(n_classes, penalty):
    """Objective to 1e-6 (or lower: scikit-learn stops early), probabilities to 1e-3, for each fold."""
    x, y = problem(n_classes=n_classes)
    folds = folds_of(len(y))
    fitted = heads.load("logistic", C=penalty).fit_folds(x, y, n_classes, [FitTask(rows, 0) for rows in folds])

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
    some, others = heads.load("logistic").fit_folds(x, y, 3, [FitTask(rows, 0), FitTask(np.arange(len(y)), 0)])

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
    fitted = heads.load("nb").fit_folds(x, y, 3, [FitTask(rows, 0) for rows in folds])

    for head, rows in zip(fitted, folds, strict=True):
        theirs = GaussianNB().fit(x[rows].astype(float), y[rows])
        assert head.predict_proba(x) == pytest.approx(theirs.predict_proba(x.astype(float)), abs=1e-3)


def labels_of(x, seed=3):
    """Three labels a row, one of them rare."""
    z = (x[:, :3] - x[:, :3].mean(0)) / x[:, :3].std(0) + np.random.default_rng(seed).normal(size=(len(x), 3))
    return (z > [0, 0.5, 1.8]).astype(np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "theirs"), [("logistic", LogisticRegression(max_iter=10**5, tol=1e-9)), ("nb", GaussianNB())]
)
def test_labels_are_problems_of_their_own(name, theirs):
    """Each label of each fold as scikit-learn has it alone; a label that a fold's rows all lack has probability 0."""
    x, _ = problem()
    y = labels_of(x)
    folds = [*folds_of(len(y)), np.flatnonzero(y[:, 2] == 0)]
    fitted = heads.load(name).fit_folds(x, y, 3, [FitTask(rows, 0) for rows in folds])

    assert (fitted[-1].predict_proba(x)[:, 2] == 0).all()
    for head, rows in zip(fitted, folds, strict=True):
        scaler = StandardScaler().fit(x[rows].astype(float))
        for label in head.seen_classes_:
            z = scaler.transform(x.astype(float)) if name == "logistic" else x.astype(float)
            wanted = theirs.fit(z[rows], y[rows, label]).predict_proba(z)[:, 1]
            assert head.predict_proba(x)[:, label] == pytest.approx(wanted, abs=1e-3)


@pytest.mark.parametrize("name", ["logistic", "nb"])
def test_options_and_weights_of_a_fold(name):
    """Folds that differ in an option, or weight their rows: each as if it had been fitted by itself."""
    x, y = problem(n_classes=3)
    rows, sample_weight = np.arange(300), np.random.default_rng(0).uniform(0.1, 3, len(y))
    values = [0.01, 1.0, 100.0] if name == "logistic" else [1e-9, 1e-3, 0.1]
    option = {"logistic": "C", "nb": "smoothing"}[name]
    some = [FitTask(rows, 0, options={option: value}) for value in values] + [
        FitTask(rows, 0, sample_weight=sample_weight)
    ]
    fitted = heads.load(name).fit_folds(x, y, 3, some)

    for head, value in zip(fitted, values, strict=False):
        alone = heads.load(name, **{option: value}).fit(x[rows], y[rows], 3, 0)
        assert head.predict_proba(x) == pytest.approx(alone.predict_proba(x), abs=1e-3)
    alone = heads.load(name).fit(x[rows], y[rows], 3, 0, sample_weight=sample_weight[rows])
    assert fitted[-1].predict_proba(x) == pytest.approx(alone.predict_proba(x), abs=1e-3)


@pytest.mark.parametrize("name", ["logistic", "nb", "dense"])
def test_a_map_of_float16_is_read_as_the_array_it_holds(name, tmp_path):
    """The same probabilities, of chosen rows too, as from the same numbers as float32 in memory."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 600)
    np.save(tmp_path / "x.npy", (rng.normal(size=(600, 20)) + 3 + y[:, None]).astype(np.float16))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    some = [FitTask(rows, 0) for rows in folds_of(600)]
    head = heads.load(name, **({"units": 8, "epochs": 1} if name == "dense" else {}))

    rows = rng.integers(0, 600, 70)
    for one, other in zip(
        head.fit_folds(mapped, y, 2, some), head.fit_folds(np.float32(mapped), y, 2, some), strict=True
    ):
        wanted = other.predict_proba(np.float32(mapped))
        assert one.predict_proba(mapped) == pytest.approx(wanted, abs=1e-3)
        assert one.predict_proba(mapped, rows) == pytest.approx(wanted[rows], abs=1e-3)


def test_many_features_of_a_store_are_mapped(separable, monkeypatch):
    """Above the limit they are not loaded; a run comes to the same."""
    from classify import data

    loaded = data.load_data(separable).x
    monkeypatch.setattr(data, "MAPPED_BYTES", 100)
    mapped = data.load_data(separable).x

    assert (type(loaded), type(mapped)) == (np.ndarray, np.memmap)
    assert (loaded == mapped).all()


@pytest.mark.parametrize("cores", [1, 3, 64])
def test_as_many_cores_as_there_are_and_the_same_bits(monkeypatch, cores):
    """Rows are shared out by their number alone; pieces of products, too."""
    import classify.solvers.blockwise as blockwise

    rng = np.random.default_rng(0)
    x = rng.standard_normal((9_000, 7), np.float32)
    y, weight = (x[:, 0] > 0.3).astype(int), rng.integers(0, 2, (9_000, 3)).astype(np.float32)
    tasks = [Task(fold) for fold in range(3)]
    expected = fit_logistic(x, y, weight, tasks, 2, 100)

    asked, pool = [], blockwise.ThreadPoolExecutor
    blockwise._pool.cache_clear()  # one lasts as long as the process
    monkeypatch.setattr(blockwise, "threads", lambda: cores)
    monkeypatch.setattr(blockwise, "ThreadPoolExecutor", lambda most, name: asked.append(most) or pool(most, name))
    found = fit_logistic(x, y, weight, tasks, 2, 100)

    assert asked == [cores]
    assert np.array_equal(found.weights, expected.weights)
    assert blockwise.shares(1_000_000) == 64


def test_what_all_shares_hold_is_bounded():
    """Of large sums fewer are made at once, however many rows there are."""
    from classify.solvers.blockwise import SHARE_CELLS, SHARES, shares

    assert shares(1_000_000, 4096**2) == SHARES[0]
    assert shares(1_000_000, 1024**2) * 1024**2 <= max(SHARE_CELLS, SHARES[0] * 1024**2)
