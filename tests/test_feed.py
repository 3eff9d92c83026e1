"""Stores as batches for TensorFlow and Keras: the right rows, read when they are wanted, and a model learns."""

import numpy as np
import pytest
from helpers.stores import make_store, pooled

from stores import FeatureStore, IdFeatures, InputError, TokenFeatures
from stores.datasets import keras_source, to_dataset

pytestmark = pytest.mark.slow

FEEDS = [to_dataset, keras_source]


@pytest.fixture
def store(tmp_path):
    """103 rows whose features are their row number; every fifth has no label."""
    values = np.arange(206).reshape(103, 2)
    labels = [None if i % 5 == 0 else "odd" if i % 2 else "even" for i in range(103)]
    path = make_store(tmp_path / "s.h5", pooled(values), labels, [str(i) for i in range(103)])
    with FeatureStore(path) as store:
        yield store


def one_pass(batches):
    """All features and codes of one pass, and the sizes of the batches."""
    pairs = [(np.asarray(x), np.asarray(y)) for x, y in batches]
    x, y = (np.concatenate(part) for part in zip(*pairs, strict=True))
    return x, y, [len(part) for part, _ in pairs]


def two_epochs(feed, store, seed):
    """The rows in the order of the first and the second epoch."""
    batches = feed(store, 8, shuffle=True, seed=seed)
    orders = []
    for _ in range(2):
        orders.append((one_pass(batches)[0][:, 0] // 2).astype(int).tolist())
        if feed is keras_source:
            batches.on_epoch_end()
    return orders


@pytest.mark.parametrize("feed", FEEDS)
def test_batches_are_the_labelled_rows(store, feed):
    """In the order of the file, with their codes, in the store's type; the last batch is smaller."""
    batches = feed(store, 16, shuffle=False)
    x, y, sizes = one_pass(batches)

    rows = [i for i in range(103) if i % 5]
    assert len(batches) == len(sizes) == 6
    assert sizes == [16, 16, 16, 16, 16, 2]
    assert (x.dtype, y.dtype) == (np.float32, np.int32)
    assert x.tolist() == [[2 * i, 2 * i + 1] for i in rows]
    assert [store.classes[code] for code in y] == ["odd" if i % 2 else "even" for i in rows]


@pytest.mark.parametrize("feed", FEEDS)
def test_every_epoch_has_its_own_order(store, feed):
    """Each has every row once; the seed decides them all."""
    first, second = two_epochs(feed, store, seed=1)

    assert sorted(first) == sorted(second) == [i for i in range(103) if i % 5]
    assert first != second
    assert first != sorted(first)
    assert two_epochs(feed, store, seed=1) == [first, second]
    assert two_epochs(feed, store, seed=2)[0] != first


@pytest.mark.parametrize("feed", FEEDS)
def test_codes_stay_with_their_features(store, feed):
    """Shuffled rows keep their own label."""
    x, y, _ = one_pass(feed(store, 8, shuffle=True))

    assert [store.classes[code] for code in y] == ["odd" if i // 2 % 2 else "even" for i in x[:, 0]]


@pytest.mark.parametrize("feed", FEEDS)
def test_rows_are_read_when_they_are_wanted(tmp_path, monkeypatch, feed):
    """Nothing is read before the first batch, then a few batches ahead at most, and never more than a batch at once."""
    path = make_store(tmp_path / "s.h5", pooled(np.zeros((2000, 2))), ["a"] * 2000, [str(i) for i in range(2000)])
    asked, take = [], FeatureStore.take
    monkeypatch.setattr(FeatureStore, "take", lambda self, rows: asked.append(len(rows)) or take(self, rows))
    monkeypatch.setattr(FeatureStore, "read", lambda *_: pytest.fail("rows were read in one stretch"))
    with FeatureStore(path) as store:
        batches = feed(store, 10, shuffle=True)
        before = list(asked)
        iterator = iter(batches)
        for _ in range(3):
            next(iterator)
        del iterator, batches

    assert before == []
    assert 3 <= len(asked) <= 10
    assert set(asked) == {10}


def tiny_model():
    """A logistic regression."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input([5]), keras.layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize(
    "make",
    [lambda s: to_dataset(s, shuffle=True), keras_source, lambda s: keras_source(s, workers=2)],
    ids=["dataset", "keras", "threads"],
)
def test_model_learns_from_it(separable, make):
    """A tiny model tells the separable classes apart, evaluated on the same source."""
    with FeatureStore(separable) as store:
        model = tiny_model()
        model.fit(make(store), epochs=20, shuffle=False, verbose=0)
        _, accuracy = model.evaluate(make(store), verbose=0)

    assert accuracy > 0.95


def test_fit_repeats(separable):
    """Two runs from the same seed end in the same weights, to the bit."""
    with FeatureStore(separable) as store:
        found = []
        for _ in range(2):
            model = tiny_model()
            model.fit(keras_source(store, seed=4), epochs=3, shuffle=False, verbose=0)
            found.append(model.get_weights()[0])

    assert (found[0] == found[1]).all()


@pytest.mark.parametrize("workers", [1, 2])
def test_fit_sees_every_row_once_an_epoch(store, workers):
    """What Keras reads ahead never mixes the orders of two epochs."""
    import keras

    class Recorder(keras.Model):
        """Counts the rows that reach it."""

        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(1)
            self.rows = []

        def train_step(self, data):
            x, _ = data
            self.rows += (np.asarray(x)[:, 0] / 2).astype(int).tolist()
            return {"loss": 0.0}

    model = Recorder()
    model.compile(run_eagerly=True)
    model.fit(keras_source(store, 8, workers=workers), epochs=3, verbose=0)

    epochs = np.array(model.rows).reshape(3, -1)
    assert [sorted(rows) for rows in epochs.tolist()] == [[i for i in range(103) if i % 5]] * 3
    assert epochs[0].tolist() != epochs[1].tolist()


@pytest.mark.parametrize("feed", FEEDS)
def test_what_cannot_be_fed_is_refused(store, tmp_path, feed):
    """A store without labels, a batch of nothing, and rows that have no label or are not there."""
    bare = make_store(tmp_path / "bare.h5", pooled(np.zeros((2, 2))), [None, None], ["a", "b"])
    with FeatureStore(bare) as other, pytest.raises(InputError, match="no labelled row; make it again"):
        feed(other)
    with pytest.raises(InputError, match="batch_size is 0; give at least 1"):
        feed(store, 0)
    with pytest.raises(InputError, match="row 5 of .* has no label"):
        feed(store, rows=np.array([1, 5]))
    with pytest.raises(InputError, match="give numbers from 0 to 102"):
        feed(store, rows=np.array([103]))


@pytest.mark.parametrize("feed", FEEDS)
def test_rows_of_a_fold(store, feed):
    """Those that are named, in their order; a mask names them, too."""
    rows = np.array([7, 1, 102])
    x, y, sizes = one_pass(feed(store, 2, shuffle=False, rows=rows))

    assert x[:, 0].tolist() == [14, 2, 204] and sizes == [2, 1]
    assert [store.classes[code] for code in y] == ["odd", "odd", "even"]
    mask = np.isin(np.arange(103), rows)
    assert one_pass(feed(store, 2, shuffle=False, rows=mask))[0][:, 0].tolist() == [2, 14, 204]


RAGGED = {
    "ids": (IdFeatures.from_tokens([["a", "b"], [], ["b"]]), [[0, 1], [], [1]], [[1, 2], [0, 0], [2, 0]]),
    "tokens": (
        TokenFeatures({"tokens": np.array([[1.0], [2], [3]], np.float32)}, np.ones((3, 3), np.int32),
                      np.array([0, 2, 2, 3])),
        [[[1], [2]], [], [[3]]],
        [[[1], [2]], [[0], [0]], [[3], [0]]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", RAGGED)
def test_tokens_and_ids(kind, tmp_path):
    """Ragged for tf.data; for Keras as wide as the longest text of the batch, filled up with zeros."""
    features, ragged, padded = RAGGED[kind]
    with FeatureStore(make_store(tmp_path / "a.h5", features, ["x", "y", "x"], ["a", "b", "c"])) as store:
        (x, y), *_ = to_dataset(store, 4)
        assert (x.to_list(), y.numpy().tolist()) == (ragged, [0, 1, 0])
        x, y = keras_source(store, 4, shuffle=False)[0]
        assert (x.tolist(), y.tolist(), x.dtype) == (padded, [0, 1, 0], store.dtype)
