"""The contract of every head: what is in ``classify/heads`` is found here by itself."""

import functools
import json

import numpy as np
import pytest
from helpers.head_sets import SETS, make, pooled_set
from helpers.toy import ToyEncoder

from classify import heads
from stores import FailureError, IdFeatures, InputError

pytestmark = pytest.mark.slow
CASES = [(name, kind) for name in heads.names() for kind in sorted(heads.head_class(name).kinds)]
contract = pytest.mark.parametrize(("name", "kind"), CASES)


@functools.cache
def fitted(name, kind, n_classes):
    """A head that is fitted on its set, for the tests that only ask it."""
    return make(name).fit(*SETS[kind](n_classes), n_classes, seed=0)


@contract
@pytest.mark.parametrize("n_classes", [2, 3])
def test_head_learns_and_gives_probabilities(name, kind, n_classes):
    """Probabilities of new rows are float64 [n, C], sum to one, and are right on a separable set."""
    _, y = SETS[kind](n_classes)
    new_x, new_y = SETS[kind](n_classes, seed=1)
    proba = fitted(name, kind, n_classes).predict_proba(new_x)

    assert proba.dtype == np.float64
    assert proba.shape == (150, n_classes)
    assert proba.min() >= 0
    assert np.allclose(proba.sum(1), 1, atol=1e-9)
    if name == "majority":
        assert np.allclose(proba, np.bincount(y) / len(y))
    else:
        assert (proba.argmax(1) == new_y).mean() > 0.97


@contract
def test_head_repeats_itself(name, kind):
    """The same seed gives the same probabilities, whatever was trained in between."""
    x, y = SETS[kind](2)
    first = fitted(name, kind, 2).predict_proba(x)
    make(name).fit(x[np.arange(40)], 1 - y[:40], 2, seed=9)

    assert (make(name).fit(x, y, 2, seed=0).predict_proba(x) == first).all()


@contract
def test_head_is_the_same_after_the_disk(name, kind, tmp_path):
    """Saved and restored it gives the same probabilities to 1e-6, also for rows of another store; without pickle."""
    new_x, _ = SETS[kind](3, seed=2)
    head = fitted(name, kind, 3)
    heads.save(head, tmp_path)
    again = heads.restore(tmp_path)

    assert np.allclose(again.predict_proba(new_x), head.predict_proba(new_x), atol=1e-6)
    assert again.options() == head.options()
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".pkl", ".joblib")]


@contract
def test_head_knows_classes_it_has_not_seen(name, kind):
    """A class without a training row has probability zero, and its column is there."""
    x, y = SETS[kind](2)
    proba = make(name).fit(x, np.where(y == 1, 3, 0), 4, seed=0).predict_proba(x)

    assert proba.shape == (150, 4)
    assert (proba[:, 1:3] == 0).all()
    assert np.allclose(proba.sum(1), 1)


@contract
def test_head_takes_no_rows(name, kind):
    """Probabilities of no rows are an empty table."""
    x, _ = SETS[kind](2)
    head = fitted(name, kind, 2)

    assert head.predict_proba(x[np.array([], int)]).shape == (0, 2)


@contract
def test_head_is_not_trained_by_what_it_watches(name, kind):
    """Held-out rows with wrong labels, watched during training, change nothing."""
    x, y = SETS[kind](2)
    alone = fitted(name, kind, 2).predict_proba(x)
    notes_losses = make(name).fit(x, y, 2, seed=0, validation=(x, 1 - y)).predict_proba(x)

    assert (alone == notes_losses).all()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("forest", "no head 'forest'; there are: .*logistic"),
        ("dense:unit=3", "no option 'unit'; it has: units"),
        ("dense:units=many", "units=many is not a whole number"),
        ("dense:scale=perhaps", "scale=perhaps is not true or false"),
        ("logistic:C", "'C' has no value; write logistic:C=VALUE"),
        ("nb:weights=gold", "weights=gold is unknown; choose tfidf or counts"),
        ("_base", "no head '_base'"),
    ],
)
def test_wrong_head_is_one_clear_line(spec, message):
    """The message says what there is instead."""
    with pytest.raises(InputError, match=message):
        heads.parse(spec)


def test_options_become_the_type_of_their_defaults():
    """Text of a command line is turned into numbers and truth values."""
    head = heads.parse("dense:units=256,l2=0.01,epochs=5,scale=false")

    assert (head.units, head.l2, head.epochs, head.scale) == (256, 0.01, 5, False)


def test_logistic_says_when_it_stopped_early():
    """One line with what to do, instead of scikit-learn's paragraph; the steps are kept."""
    x, y = pooled_set(2)
    head = heads.load("logistic", max_iter=1).fit(x, y, 2, 0)

    assert head.notes_ == ["head logistic stopped after 1 steps, not at the optimum; raise max_iter"]
    assert head.history_ == {"steps": [1]}


def test_model_of_a_stranger_is_not_run(tmp_path):
    """A file of types that skops does not know is refused, and so is a folder that holds something else."""
    from skops.io import dump

    (tmp_path / "head.json").write_text(json.dumps(heads.load("nb").fit(*pooled_set(2), 2, 0).state()))
    dump({"run": ToyEncoder()}, tmp_path / "model.skops")

    with pytest.raises(FailureError, match="unknown type"):
        heads.restore(tmp_path)
    (tmp_path / "head.json").write_text("{}")
    with pytest.raises(FailureError, match="no model that this version can read"):
        heads.restore(tmp_path)


def test_texts_without_terms_are_said_so():
    """Texts of punctuation marks alone have nothing that a bag of words could learn from."""
    with pytest.raises(InputError, match="no term"):
        heads.load("nb").fit(IdFeatures.from_tokens([["!"], ["?"]]), np.array([0, 1]), 2, 0)


@pytest.mark.parametrize("kind", ["pooled", "ids"])
def test_neighbours_are_those_of_scikit_learn(kind):
    """A class has its share of the votes of the 7 nearest by cosine, with the class frequencies as one vote more."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import KNeighborsClassifier

    x, y = SETS[kind](3)
    noise = np.random.default_rng(3).permutation(y)  # labels that nothing explains, so that neighbours disagree
    found = heads.load("knn", k=7).fit(x, noise, 3, seed=0).predict_proba(x)
    matrix = x
    if kind == "ids":
        texts = [" ".join(x.vocabulary[i] for i in x.ids[a:b]) for a, b in zip(x.offsets, x.offsets[1:], strict=False)]
        matrix = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\b\w\w+\b").fit_transform(texts)
        # equally near texts abound here, so that only the total of the votes is compared
        assert np.allclose(found.sum(1), 1)
        assert np.allclose(matrix.toarray(), heads.load("knn").fit(x, noise, 3, seed=0).rows_.toarray(), atol=1e-6)
        return
    shares = KNeighborsClassifier(7, metric="cosine", algorithm="brute").fit(matrix, noise).predict_proba(matrix)

    assert np.allclose(found, (7 * shares + np.bincount(noise) / len(noise)) / 8, atol=1e-6)


@pytest.mark.parametrize("name", ["svm", "ridge"])
@pytest.mark.parametrize("rare", [1, 2])
def test_calibrated_heads_take_classes_of_hardly_any_rows(name, rare):
    """A class of one or two training rows cannot be held out by three folds; there are probabilities all the same."""
    x, _ = pooled_set(2)
    y = (np.arange(len(x)) < rare).astype(int)
    labels = np.stack([y, np.arange(len(x)) % 2], axis=1)

    for truth in (y, labels):
        proba = heads.load(name).fit(x, truth, 2, seed=0).predict_proba(x)
        assert np.isfinite(proba).all()
        assert ((proba >= 0) & (proba <= 1)).all()
