"""Heads as classifiers of scikit-learn."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from classify import HeadClassifier, head_names
from classify.heads import head_class
from stores import InputError

ON_VECTORS = [name for name in head_names() if "pooled" in head_class(name).kinds]
WEIGHTS = "check_sample_weight_equivalence_on_dense_data"
EXPECTED = {
    "logistic": {WEIGHTS: "vectors are float32, so probabilities agree to 1e-4 (tested below), not to 1e-7"},
    "dense": {WEIGHTS: "batches of stochastic gradients are made of rows, so a weight is not a repetition"},
    "knn": {WEIGHTS: "a row that is there twice takes the places of two neighbours, one of weight 2 that of one"},
    "ridge": {WEIGHTS: "its sigmoid is fitted on three folds of rows, so a weight is not a repetition"},
    "sklearn": {WEIGHTS: "vectors are float32, so probabilities agree less closely than to 1e-7"},
    "svm": {WEIGHTS: "its sigmoid is fitted on three folds of rows, so a weight is not a repetition"},
}


@pytest.fixture
def rows():
    """150 rows of three classes around three points, and what they are called."""
    rng = np.random.default_rng(1)
    codes = np.arange(150) % 3
    return rng.normal(size=(150, 6)) + 4 * np.eye(6)[codes], np.array(["ham", "spam", "scam"])[codes]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ON_VECTORS)
def test_checks_of_scikit_learn(name):
    """Each of its checks passes but those named above."""
    failed = set()
    for estimator, check in estimator_checks_generator(HeadClassifier(name), mark=None):
        title = getattr(check, "func", check).__name__
        try:
            check(estimator)
        except pytest.skip.Exception:
            pass
        except Exception as error:
            if type(error).__name__ == "SkipTest":
                continue
            failed.add(title)
            assert title in EXPECTED.get(name, {}), f"{title}: {error}"
    assert failed == EXPECTED.get(name, {}).keys()


def test_same_as_in_scikit_learn(rows):
    """Logistic regression and naive Bayes give the probabilities of those of scikit-learn on standardised vectors."""
    x, y = rows
    theirs = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, tol=1e-8, max_iter=1000)).fit(x, y)
    own = HeadClassifier("logistic", C=0.1).fit(x, y)

    assert own.classes_.tolist() == ["ham", "scam", "spam"]
    assert own.predict_proba(x) == pytest.approx(theirs.predict_proba(x), abs=1e-3)
    assert HeadClassifier("nb").fit(x, y).predict_proba(x) == pytest.approx(
        GaussianNB().fit(x, y).predict_proba(x), abs=1e-4
    )
    assert own.score(x, y) == np.mean(own.predict(x) == y) > 0.9


@pytest.mark.parametrize("name", ["logistic", "nb"])
def test_weights_count_as_repetitions(rows, name):
    """A row of weight 2 counts as two rows, one of weight 0 as none."""
    x, y = rows
    weight = np.random.default_rng(2).integers(0, 3, len(y))
    weighted = HeadClassifier(name).fit(x, y, sample_weight=weight)
    repeated = HeadClassifier(name).fit(np.repeat(x, weight, 0), np.repeat(y, weight))

    assert weighted.predict_proba(x) == pytest.approx(repeated.predict_proba(x), abs=1e-4)


def test_in_a_search_a_calibration_and_a_pickle(rows):
    """Options of the head are parameters; clones have them, too."""
    x, y = rows
    search = GridSearchCV(HeadClassifier("logistic"), {"C": [1e-9, 1.0]}, cv=3).fit(x, y)

    assert search.best_params_ == {"C": 1.0}
    assert clone(search.best_estimator_).get_params() == {
        "head": "logistic", "tune": "none", "inner": None, "seed": 0, "C": 1.0,
    }  # fmt: skip
    assert repr(HeadClassifier("svm", C=2.0)) == "HeadClassifier(C=2.0, head='svm')"
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert (again.predict_proba(x) == search.predict_proba(x)).all()
    assert CalibratedClassifierCV(HeadClassifier("nb"), cv=3).fit(x, y).score(x, y) > 0.9


def test_a_head_that_is_of_scikit_learn(rows):
    """By its name there, as on the command line."""
    x, y = rows

    assert HeadClassifier("sklearn:svm.SVC,C=2").fit(x, y).score(x, y) > 0.9


def test_tuned_on_inner_folds_with_groups(rows):
    """Noise whose groups tell the class is not trusted once groups stay together: a strong penalty is chosen."""
    x, y = np.random.default_rng(0).normal(size=(120, 40)), np.arange(120) % 2
    groups = np.arange(120) // 2 // 2 * 2 + y  # four rows each of one class
    x += 3 * np.random.default_rng(1).normal(size=(200, 40))[groups]
    apart = HeadClassifier("logistic", tune="default").fit(x, y)
    together = HeadClassifier("logistic", tune="default").fit(x, y, groups=groups)

    assert together.chosen_["C"] < apart.chosen_["C"]


@pytest.mark.parametrize(
    ("head", "options", "message"),
    [
        ("lstm", {}, "`head='lstm'` takes ids and tokens, no vectors"),
        ("logistics", {}, "did you mean 'logistic'"),
        ("logistic", {"c": 1.0}, "has no option 'c'"),
        ("logistic", {"tune": "all"}, "`tune='all'`: choose none or default"),
    ],
)
def test_what_is_refused(rows, head, options, message):
    """When it is fitted, in one line."""
    with pytest.raises(InputError, match=message):
        HeadClassifier(head, **options).fit(*rows)


def test_one_class_or_several_labels(rows):
    """A classifier needs two classes, and one label a row."""
    x, y = rows
    with pytest.raises(InputError, match="one class only, 'ham'"):
        HeadClassifier().fit(x, ["ham"] * len(x))
    with pytest.raises(InputError, match="OneVsRestClassifier"):
        HeadClassifier().fit(x, np.eye(3, dtype=int)[np.arange(150) % 3])
    with pytest.raises(InputError, match="inner folds know no weights"):
        HeadClassifier(tune="default").fit(x, y, sample_weight=np.ones(150))
