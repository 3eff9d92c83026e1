"""Any classifier of scikit-learn as a head: from a name, from an object, to the disk and back."""

import numpy as np
import pytest
from helpers.commands import tk
from helpers.stores import make_store, pooled
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from classify import classify, heads
from classify.heads._compiled import check_indices
from stores import FailureError, InputError


def rows(n=90):
    """Rows around three points."""
    y = np.arange(n) % 3
    return (np.random.default_rng(0).normal(size=(n, 5)) + 3 * np.eye(5)[y]).astype(np.float32), y


ESTIMATORS = [
    RandomForestClassifier(5, max_depth=3),
    HistGradientBoostingClassifier(max_iter=5),
    GradientBoostingClassifier(n_estimators=5),
    make_pipeline(StandardScaler(), SVC(C=2.0)),
    KNeighborsClassifier(3, algorithm="brute"),
    BaggingClassifier(RandomForestClassifier(2), n_estimators=2, max_features=0.5),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda estimator: type(estimator).__name__)
def test_object_to_the_disk_and_back(estimator, tmp_path):
    """The recipe holds its parameters, the file what it has learned, and nothing is run to read it."""
    x, y = rows()
    head = heads.as_head(estimator).fit(x, y, 3, 0)
    (tmp_path / "1").mkdir()
    heads.save(head, tmp_path / "1")
    again = heads.restore(tmp_path / "1")

    assert (again.predict_proba(x) == head.predict_proba(x)).all()
    assert (head.predict_proba(x).argmax(1) == y).mean() > 0.8


def test_same_as_scikit_learn():
    """It is the estimator itself, with the seed of the fold."""
    x, y = rows()
    theirs = RandomForestClassifier(7, random_state=3).fit(x, y)

    own = heads.parse("sklearn:ensemble.RandomForestClassifier,n_estimators=7").fit(x, y, 3, 3)
    assert (own.predict_proba(x) == theirs.predict_proba(x)).all()


def test_without_probabilities_a_sigmoid_is_fitted():
    """As for the head ``svm``."""
    x, y = rows()
    proba = heads.as_head(RidgeClassifier(alpha=2.0)).fit(x, y, 3, 0).predict_proba(x)

    assert proba.sum(1) == pytest.approx(1)
    assert (proba.argmax(1) == y).mean() > 0.8


@pytest.mark.slow
def test_in_a_run(in_tmp):
    """On the command line and from Python, several at once; runs are read and predict."""
    x, y = rows()
    texts = [f"class {c} {'abcdefghi'[i % 9]}{'klmnopqrst'[i // 9]} text" for i, c in enumerate(y)]
    store = make_store(in_tmp / "a.h5", pooled(x), [f"class {c}" for c in y], texts)
    tk("classify", store, "--cv", "2", "--no-report", "--head", "sklearn:svm.SVC,C=2", "--out", "svc")
    runs = classify(store, [RandomForestClassifier(5), "logistic:C=0.1"], cv=2)

    assert "'estimator': 'svm.SVC'" in str(heads.restore(in_tmp / "svc" / "model" / "1").options())
    assert runs[0].recipe.head.options == {
        "estimator": "ensemble.RandomForestClassifier", "parameters": {"n_estimators": 5}
    }  # fmt: skip
    assert runs[0].metrics.overall["accuracy"].value > 0.8
    assert runs[0].model().predict(x)[0].shape == (90, 3)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("sklearn:SVC", "write MODULE.CLASS, with one of the modules calibration, "),
        ("sklearn:os.system", "write MODULE.CLASS"),
        ("sklearn:sklearn.utils.estimator_checks", "write MODULE.CLASS"),
        ("sklearn:svm.SVCC", "sklearn.svm has no 'SVCC'; did you mean 'SVC'?"),
        ("sklearn:svm._base", "sklearn.svm has no '_base'"),
        ("sklearn:svm.SVC,c=1", "has no parameter 'c'; did you mean 'C'?"),
        ("sklearn:svm.SVC,C", "'C' has no value; write sklearn:svm.SVC,C=VALUE"),
        ("sklearn:svm.SVR", "sklearn:svm.SVR is no classifier"),
    ],
)
def test_names_that_are_refused(spec, message):
    """Only classifiers of modules that compute and do nothing else."""
    with pytest.raises(InputError) as caught:
        heads.parse(spec)
    assert message in str(caught.value)


def test_objects_that_are_refused():
    """What a recipe could not make again without running somebody's code."""
    with pytest.raises(InputError, match="a recipe cannot hold a ufunc"):
        heads.as_head(make_pipeline(FunctionTransformer(np.log1p), SVC()))
    with pytest.raises(InputError, match="a recipe cannot hold a Own"):
        heads.as_head(type("Own", (RidgeClassifier,), {"__module__": "mine"})())
    with pytest.raises(InputError, match="int is no head"):
        heads.as_head(3)


def test_faults_of_parameters_and_rows_are_one_line():
    """What scikit-learn says, after the name of the head; before all folds have been fitted."""
    x, y = rows()
    with pytest.raises(InputError, match=r"sklearn:svm.SVC cannot learn from these rows: .*'C' parameter"):
        heads.parse("sklearn:svm.SVC,C=-1").fit(x, y, 3, 0)
    with pytest.raises(InputError, match="takes no weights; give `sampler`"):
        heads.as_head(KNeighborsClassifier()).fit(x, y, 3, 0, None, np.ones(90))
    with pytest.raises(InputError, match=r"cannot be kept without running code: it holds .*; give it algorithm=brute"):
        heads.as_head(KNeighborsClassifier()).fit_folds(x, y, 3, [heads.base.FitTask(np.arange(90), 0)])


@pytest.mark.parametrize("fault", ["child", "column", "cycle", "support"])
def test_indices_that_point_elsewhere(fault):
    """Compiled code would follow them out of its memory; the model is refused before it is used."""
    x, y = rows()
    if fault == "support":
        model = SVC().fit(x, y)
        check_indices([model])
        model._n_support = model._n_support + 100
    else:
        model = RandomForestClassifier(3).fit(x, y)
        check_indices([model])
        tree = model.estimators_[1].tree_
        {"child": tree.children_left, "cycle": tree.children_right, "column": tree.feature}[fault][0] = {
            "child": tree.node_count, "cycle": 0, "column": 5
        }[fault]  # fmt: skip
    with pytest.raises(ValueError, match="points out of what there is"):
        check_indices([model])


def test_a_changed_file_is_not_loaded(tmp_path):
    """The head says so in one line."""
    x, y = rows()
    head = heads.as_head(HistGradientBoostingClassifier(max_iter=2)).fit(x, y, 3, 0)
    head.model_.steps[-1][1]._predictors[1][2].nodes["left"][0] = 10_000
    (tmp_path / "1").mkdir()
    heads.save(head, tmp_path / "1")

    with pytest.raises(FailureError, match="is damaged .*; it is not loaded"):
        heads.restore(tmp_path / "1")
