"""The head ``dense``: the published network, the steps of Keras, epochs and their metrics."""

import dataclasses

import numpy as np
import pytest
from helpers.head_sets import SETS, pooled_set
from sklearn import metrics

from classify import heads
from classify.heads.base import FitTask

pytestmark = pytest.mark.slow


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
