"""The contract of every head: what is in ``classify/heads`` is found here by itself."""

import dataclasses
import functools
import json

import numpy as np
import pytest
from helpers.toy import ToyEncoder
from sklearn import metrics

from classify import heads
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask
from classify.scoring.scored import log_loss
from stores import FailureError, IdFeatures, InputError, TokenFeatures

pytestmark = pytest.mark.slow

RECURRENT = ("bilstm", "gru", "gru2", "lstm", "rnn")
SMALL = {"units": 8, "epochs": 8, "learning_rate": 0.03, "width": 6}
QUICK = {"dense": {"units": 32, "epochs": 30, "learning_rate": 0.01}}  # small enough for a test
QUICK |= {name: SMALL for name in RECURRENT} | {"conv": SMALL | {"epochs": 12, "learning_rate": 0.01}, "average": SMALL}


def pooled_set(n_classes, n=150, seed=0):
    """Vectors whose class shows in one direction each; class counts differ."""
    rng = np.random.default_rng(seed)
    y = np.minimum(rng.integers(n_classes + 1, size=n), n_classes - 1)
    x = rng.normal(size=(n, 6)).astype(np.float32)
    x[np.arange(n), y] += 6
    return x, y


def ids_set(n_classes, n=150, seed=0):
    """Texts with one word that tells the class."""
    rng = np.random.default_rng(seed)
    y = np.minimum(rng.integers(n_classes + 1, size=n), n_classes - 1)
    return IdFeatures.from_tokens([[*rng.choice(["the", "of", "I", "!"], 3), f"Class{c}"] for c in y]), y


def tokens_set(n_classes, n=150, seed=0):
    """Texts of one to five vectors, one of which tells the class."""
    x, y = pooled_set(n_classes, n, seed)
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, 6, size=n)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = rng.normal(size=(offsets[-1], x.shape[1])).astype(np.float32)
    values[offsets[:-1] + rng.integers(lengths)] = x
    return TokenFeatures({"tokens": values}, np.ones((n, 3), np.int32), offsets), y


SETS = {"pooled": pooled_set, "ids": ids_set, "tokens": tokens_set}
CASES = [(name, kind) for name in heads.names() for kind in sorted(heads.head_class(name).kinds)]
contract = pytest.mark.parametrize(("name", "kind"), CASES)


def make(name):
    """An untrained head that trains quickly."""
    return heads.load(name, **QUICK.get(name, {}))


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


def test_dense_keeps_the_losses_of_each_epoch():
    """Training and validation loss, one number an epoch; both fall on a separable set."""
    x, y = pooled_set(2)
    head = heads.load("dense", units="16", epochs="4").fit(x, y, 2, 0, validation=pooled_set(2, seed=1))

    assert {len(values) for values in head.history_.values()} == {4}
    assert list(head.history_)[:2] == ["loss", "validation_loss"]
    assert head.history_["validation_loss"][-1] < head.history_["validation_loss"][0]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [("dense", "pooled", {"units": 16, "batch": 200}), ("conv", "ids", {"units": 4, "batch": 200, "dropout": 0.0})],
)
def test_metrics_of_an_epoch_are_those_of_scikit_learn(name, kind, options, classes):
    """Of held-out rows at the end of an epoch; of training rows, each before it is learned from, here in one batch."""
    x, y = SETS[kind](classes)
    other, truth = SETS[kind](classes, seed=1)
    truth, end = np.roll(truth, 7), "positive" if classes == 2 else "macro"
    average = {"pos_label": 0} if classes == 2 else {"average": "macro"}
    first, second = (
        heads.load(name, epochs=epochs, learning_rate=0.01, **options).fit(x, y, classes, 0, (other, truth), positive=0)
        for epochs in (1, 2)
    )

    for prefix, head, features, labels in (("", first, x, y), ("validation_", second, other, truth)):
        proba = head.predict_proba(features)
        score = {"y_true": labels, "y_pred": proba.argmax(1), "zero_division": 0}
        rank = (labels == 0, proba[:, 0]) if classes == 2 else (labels, proba)
        expected = {
            "accuracy": metrics.accuracy_score(labels, proba.argmax(1)),
            f"precision_{end}": metrics.precision_score(**score, **average),
            f"recall_{end}": metrics.recall_score(**score, **average),
            "f1_macro": metrics.f1_score(**score, average="macro"),
            "roc_auc": metrics.roc_auc_score(*rank, multi_class="ovr"),
        }
        assert {key: second.history_[prefix + key][1] for key in expected} == pytest.approx(expected, abs=1e-6)


def test_dense_is_the_published_network():
    """1024 rectified units with an L2 penalty of 0.001, a sigmoid, Adam at 2e-4, batches of 32, 10 epochs."""
    head = heads.load("dense")

    assert (head.units, head.l2, head.learning_rate, head.batch, head.epochs) == (1024, 0.001, 2e-4, 32, 10)
    head.epochs = 1
    x, y = pooled_set(2, n=40)
    assert {name: w.shape for name, w in head.fit(x, y, 2, 0).weights_.items()} == {
        "hidden": (6, 1024), "hidden_bias": (1024,), "output": (1024, 1), "output_bias": (1,)
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["two classes", "three classes", "labels"])
def test_dense_takes_the_steps_of_keras(kind):
    """From the same weights and the same order, three epochs of Keras's Adam, loss, penalty and row weights."""
    from classify.heads._keras import load_keras

    keras = load_keras()
    n_classes = 2 if kind == "two classes" else 3
    x, y = pooled_set(n_classes, n=50)
    y = (y[:, None] == np.arange(3)).astype(np.uint8) if kind == "labels" else y
    sample_weight = np.random.default_rng(0).uniform(0.5, 2, 50).astype(np.float32)
    head = heads.load("dense", units=16, epochs=3, learning_rate=0.01, batch=8)
    head.fit(x, y, n_classes, 5, sample_weight=sample_weight)

    random = np.random.default_rng(5)
    sigmoid = kind != "three classes"
    outputs = 1 if kind == "two classes" else 3
    network = keras.Sequential([
        keras.Input((6,)),
        keras.layers.Dense(16, activation="relu", kernel_regularizer=keras.regularizers.L2(0.001)),
        keras.layers.Dense(outputs, activation="sigmoid" if sigmoid else "softmax"),
    ])  # fmt: skip
    weights = []
    for rows, columns in ((6, 16), (16, outputs)):
        limit = (6 / (rows + columns)) ** 0.5
        weights += [random.uniform(-limit, limit, (rows, columns)), random.uniform(0, 0, columns)]
    network.set_weights(weights)
    loss = "binary_crossentropy" if sigmoid else "sparse_categorical_crossentropy"
    network.compile(keras.optimizers.Adam(0.01), loss)
    mean, per_sd = head.scale_
    for order in [random.permutation(50) for _ in range(3)]:
        z = ((x - mean) * per_sd)[order]
        network.fit(z, y[order], 8, 1, verbose=0, shuffle=False, sample_weight=sample_weight[order])

    for ours, theirs in zip(head.weights_.values(), network.get_weights(), strict=True):
        assert ours == pytest.approx(theirs, abs=2e-5)


def test_dense_folds_are_what_each_would_be_alone():
    """Stacked trainings, of unequal numbers of rows and with options of their own: weights and losses to 1e-4."""
    x, y = pooled_set(3, n=90)
    fold = np.arange(90) % 4
    some = [FitTask(np.flatnonzero(fold != j)[j:], j, np.flatnonzero(fold == j), report=(2,)) for j in range(4)]
    some.append(dataclasses.replace(some[0], options={"units": 8, "l2": 0.1}))
    head = heads.load("dense", units=16, epochs=3, batch=16)
    together = head.fit_folds(x, y, 3, some)

    for found, task in zip(together, some, strict=True):
        (alone,) = head.fit_folds(x, y, 3, [task])
        assert found.predict_proba(x) == pytest.approx(alone.predict_proba(x), abs=1e-4)
        assert found.reported_[2] == pytest.approx(alone.reported_[2], abs=1e-4)
        assert found.history_["validation_loss"] == pytest.approx(alone.history_["validation_loss"], abs=1e-4)


def test_dense_stops_where_the_watched_loss_is_lowest():
    """On validation rows with wrong labels the loss rises at once: the weights are those of the first epoch."""
    x, y = pooled_set(2)
    options = {"units": 16, "learning_rate": 0.01}
    first = heads.load("dense", epochs=1, **options).fit(x, y, 2, 0)
    stopped = heads.load("dense", epochs=20, patience=2, **options).fit(x, y, 2, 0, validation=(x, 1 - y))

    assert len(stopped.history_["loss"]) == 3
    assert (stopped.predict_proba(x) == first.predict_proba(x)).all()


def test_nb_equals_the_counts_of_a_worked_example():
    """Manning, Raghavan, Schuetze, Introduction to Information Retrieval, example 13.1: P(China | d5) is about 0.69.

    Priors 3/4 and 1/4; Chinese 3/7 and 2/9, Tokyo and Japan 1/14 and 2/9 each; so 0.0003 against 0.0001.
    """
    texts = ["Chinese Beijing Chinese", "Chinese Chinese Shanghai", "Chinese Macao", "Tokyo Japan Chinese"]
    head = heads.load("nb", weights="counts")
    head.fit(IdFeatures.from_tokens([t.split() for t in texts]), np.array([1, 1, 1, 0]), 2, 0)
    proba = head.predict_proba(IdFeatures.from_tokens(["Chinese Chinese Chinese Tokyo Japan".split()]))

    yes, no = 3 / 4 * (3 / 7) ** 3 / 14 / 14, 1 / 4 * (2 / 9) ** 3 * (2 / 9) ** 2
    assert proba[0, 1] == pytest.approx(yes / (yes + no))
    assert round(proba[0, 1], 2) == 0.69


def test_terms_are_those_of_scikit_learn(real):
    """On every tweet, the term counts are those of CountVectorizer with its default settings."""
    from sklearn.feature_extraction.text import CountVectorizer

    from classify.heads._sklearn import fit_terms, term_counts
    from embed import load_encoder, read_table

    texts = [text for block in read_table(real / "disaster_tweets/train.csv").blocks(8192) for text in block.texts]
    features = load_encoder("words").encode(texts)
    reference = CountVectorizer()
    expected = reference.fit_transform(texts)
    terms = fit_terms(features)

    assert terms == reference.get_feature_names_out().tolist()
    assert (term_counts(features, terms) != expected).nnz == 0


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


def test_naive_bayes_is_not_surer_than_the_vectors_allow():
    """A column that stands there 30 times says no more than once: its own log loss is reached, by Bayes' rule."""
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    y = np.arange(600) % 2
    column = (rng.normal(size=600) + 1.2 * y).astype(np.float32)
    x = np.repeat(column[:, None], 30, 1)
    head, rows = heads.load("nb"), FitTask(np.arange(400), 0)
    tuned, plain = (fit(head, x, y, [rows], 2, FitOptions(tune=grid))[0] for grid in (head.grid_of("pooled"), {}))
    density = norm.pdf(column[400:, None], loc=[0, 1.2])
    best = -np.log(density[np.arange(200), y[400:]] / density.sum(1)).mean()

    assert tuned.choice.options == {"power": 0.03}
    assert log_loss(tuned.predict(x, np.arange(400, 600))[0], y[400:]) == pytest.approx(best, abs=0.02)
    assert log_loss(plain.predict(x, np.arange(400, 600))[0], y[400:]) > 5 * best


@pytest.mark.parametrize(("shares", "apart"), [((0.85, 0.15), 0.5), ((0.5, 0.5), 0.3), ((0.6, 0.3, 0.1), 0.7)])
def test_naive_bayes_is_not_made_worse_to_be_made_honest(shares, apart):
    """Columns that hang together, a rare class: the log loss of GaussianNB falls, and its macro F1 is kept."""
    from sklearn.metrics import f1_score
    from sklearn.naive_bayes import GaussianNB

    rng = np.random.default_rng(1)
    y = rng.choice(len(shares), 3000, p=shares)
    hidden = rng.normal(size=(3000, 6)) + apart * np.eye(6)[y]
    x = (hidden @ rng.normal(size=(6, 60)) + rng.normal(size=(3000, 60))).astype(np.float32)
    train, test = np.arange(1000), np.arange(1000, 3000)
    head, task = heads.load("nb"), FitTask(train, 0)
    options = FitOptions(tune=head.grid_of("pooled"), calibrate=head.calibration_of("pooled"))
    proba, decided = fit(head, x, y, [task], len(shares), options)[0].predict(x, test)
    bayes = GaussianNB().fit(x[train], y[train])

    frequencies = np.bincount(y[train]) / len(train)
    assert log_loss(proba, y[test]) < log_loss(bayes.predict_proba(x[test]), y[test])
    assert log_loss(proba, y[test]) < log_loss(np.tile(frequencies, (2000, 1)), y[test])
    ours, theirs = (f1_score(y[test], d, average="macro") for d in (decided, bayes.predict(x[test])))
    assert ours > theirs - 0.01
