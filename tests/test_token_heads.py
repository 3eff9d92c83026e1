"""Heads that read tokens in order: what a text gives depends on its tokens, and on nothing beside it."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.head_sets import RECURRENT, SMALL, ids_set, tokens_set
from helpers.stores import make_store

from classify import Predictor, classify, heads, read_run
from classify.data import load_data
from classify.heads._ragged import Ragged
from classify.heads._tokens import fit_words, number_words
from stores import Features, IdFeatures, InputError, TokenFeatures

pytestmark = pytest.mark.slow
ONE_EPOCH = SMALL | {"epochs": 1}
each = pytest.mark.parametrize("name", [*RECURRENT, "conv"])


def table_set(n=120, seed=0, words=8):
    """Token ids with their vectors, whose first column tells the class; the words of a seed are its own."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    table = rng.normal(size=(2 * words, 4)).astype(np.float32)
    table[:, 0] = np.repeat([-5, 5], words)
    tokens = [[f"{seed}-{i}" for i in rng.integers(words, size=rng.integers(1, 6)) + words * c] for c in y]
    features = IdFeatures.from_tokens(tokens)
    rows = [int(token.split("-")[1]) for token in features.vocabulary]
    return IdFeatures(features.outputs, features.counts, features.offsets, features.vocabulary, table[rows]), y


@each
@pytest.mark.parametrize("make", [ids_set, tokens_set, table_set])
def test_a_text_alone_is_as_among_longer_ones(name, make):
    """Padding changes no probability, in one batch or in several."""
    x, y = make(n=60) if make is table_set else make(2, n=60)
    head = heads.load(name, **ONE_EPOCH).fit(x, y, 2, 0)
    # one text of all the tokens of the others
    long = replace(x, counts=x.counts[:1], offsets=x.offsets[[0, -1]])
    together = head.predict_proba(Features.concat([x, long]))[: len(x)]
    alone = np.vstack([head.predict_proba(x.take(np.array([i]))) for i in range(len(x))])

    assert np.allclose(alone, together, atol=1e-5)


def test_words_are_the_frequent_ones_of_the_training_rows():
    """Lower-cased, most frequent first, of equals the first by alphabet; every other word is number 0."""
    x = IdFeatures.from_tokens([["The", "cat", "the"], ["cat", "A", "b", "a", "b"], ["never"]])
    train = x.take(np.array([0, 1]))

    assert fit_words(train, 20, 1) == ["a", "b", "cat", "the"]
    assert fit_words(train, 3, 2) == ["a", "b", "cat"]
    assert number_words(x, ["cat", "the"]).tolist() == [2, 1, 2, 1, 0, 0, 0, 0, 0]


@each
def test_unknown_words_are_all_one(name):
    """Texts of words that training has not seen have the same probabilities as each other, whatever the words."""
    x, y = ids_set(2)
    head = heads.load(name, **ONE_EPOCH).fit(x, y, 2, 0)
    proba = head.predict_proba(IdFeatures.from_tokens([["new", "words"], ["Other", "ones"], []]))

    assert np.allclose(proba[0], proba[1], atol=1e-6)
    assert np.allclose(proba.sum(1), 1)


@pytest.mark.parametrize("name", ["lstm", "conv"])
def test_new_words_have_the_vectors_of_their_table(name):
    """Trained on one set of words with a table, it is right on texts of other words with theirs."""
    x, y = table_set()
    other, other_y = table_set(seed=1)
    assert not set(x.vocabulary) & set(other.vocabulary)

    proba = heads.load(name, **SMALL).fit(x, y, 2, 0).predict_proba(other)
    assert (proba.argmax(1) == other_y).mean() > 0.97


def test_only_the_beginning_of_a_text_is_read():
    """What stands after ``length`` tokens changes no probability."""
    x, y = ids_set(2)
    head = heads.load("lstm", length=4, **ONE_EPOCH).fit(x, y, 2, 0)
    proba = head.predict_proba(IdFeatures.from_tokens([["the", "of", "I", "!"], ["the", "of", "I", "!", "Class1"]]))

    assert np.allclose(proba[0], proba[1], atol=1e-6)


def test_empty_texts_are_read():
    """Also where no text has a token: all get the same probabilities."""
    x, y = tokens_set(2, n=20)
    none = TokenFeatures({"tokens": np.zeros((0, 6), np.float16)}, x.counts, np.zeros(21, np.int64))
    proba = heads.load("gru", **ONE_EPOCH).fit(none, y, 2, 0).predict_proba(none)

    assert np.allclose(proba, proba[0])


@pytest.mark.parametrize("name", ["conv", "bilstm"])
def test_each_label_has_a_probability_of_its_own(name):
    """Three labels that do not exclude each other, each with its word; the probabilities do not sum to one."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=(200, 3)).astype(np.uint8)
    y[:3] = [[0, 0, 0], [1, 1, 1], [1, 0, 0]]
    x = IdFeatures.from_tokens([["so", *(f"word{k}" for k in np.flatnonzero(row))] for row in y])
    proba = (
        heads.load(name, **SMALL | {"epochs": 15, "batch": 16, "learning_rate": 0.01}).fit(x, y, 3, 0).predict_proba(x)
    )

    assert ((proba > 0.5) == y).mean() > 0.99
    assert proba.sum(1).min() < 0.5 < 2.5 < proba.sum(1).max()


def test_rows_without_weight_teach_nothing():
    """Wrong labels that weigh 0 among right ones do no harm; with equal weights nothing can be learned."""
    x, y = ids_set(2, n=200)
    wrong, sample_weight = np.where(np.arange(200) % 2, y, 1 - y), np.arange(200) % 2
    right = (
        heads.load("gru", **SMALL).fit(x, wrong, 2, 0, sample_weight=sample_weight.astype(np.float32)).predict_proba(x)
    )
    lost = heads.load("gru", **SMALL).fit(x, wrong, 2, 0).predict_proba(x)

    assert (right.argmax(1) == y).mean() > 0.97
    assert (lost.argmax(1) == y).mean() < 0.8


def test_patience_takes_the_best_epoch():
    """On validation rows with wrong labels every epoch loses more: the first is the best, two more are tried."""
    x, y = ids_set(2)
    once = heads.load("lstm", **ONE_EPOCH).fit(x, y, 2, 0)
    patient = heads.load("lstm", **SMALL | {"patience": 2}).fit(x, y, 2, 0, validation=(x, 1 - y))

    assert len(patient.history_["loss"]) == 3
    assert patient.history_["validation_loss"][0] == min(patient.history_["validation_loss"])
    assert (patient.predict_proba(x) == once.predict_proba(x)).all()


def test_reported_epochs_are_those_of_shorter_trainings():
    """Looking at the validation rows after an epoch changes nothing, dropout included."""
    x, y = ids_set(2)
    options = SMALL | {"dropout": 0.3, "recurrent_dropout": 0.3}
    long = heads.load("gru", **options | {"epochs": 3}).fit(x, y, 2, 0, validation=(x, y), report=(1, 2, 3))
    short = heads.load("gru", **options | {"epochs": 2}).fit(x, y, 2, 0)

    assert sorted(long.reported_) == [1, 2, 3]
    assert (long.reported_[2] == short.predict_proba(x)).all()


def test_batches_hold_each_text_once_and_little_padding():
    """In an order that is another each time; 100 long and 900 short texts are hardly padded."""
    rng = np.random.default_rng(0)
    lengths = np.concatenate([rng.integers(1, 20, 900), rng.integers(100, 250, 100)])
    x = Ragged([np.zeros(lengths.sum(), np.int32)], np.cumsum(lengths) - lengths, lengths)
    first, second = list(x.shuffled(32, rng)), list(x.shuffled(32, rng))
    read = sum(x.padded(rows)[0].size for rows in first)

    assert sorted(np.concatenate(first)) == sorted(np.concatenate(second)) == list(range(1000))
    assert [rows.tolist() for rows in first] != [rows.tolist() for rows in second]
    assert read < 1.2 * lengths.sum()
    assert 1000 * lengths.max() > 7 * lengths.sum()  # what padding to the longest would read


@pytest.mark.parametrize("make", [table_set, lambda: tokens_set(2)])
def test_vectors_are_standardised_by_all_tokens(make):
    """Moments over the tokens as they occur, not over the words of the table."""
    x, _ = make()
    source = next(iter(x.outputs.values()))
    table = getattr(x, "table", None)
    values = np.asarray(source if table is None else table[source], np.float64)
    mean, variance = Ragged([source], x.offsets[:-1], np.diff(x.offsets), table).moments()

    assert np.allclose(mean, values.mean(0))
    assert np.allclose(variance, values.var(0))


def test_token_features_from_store_to_prediction(in_tmp):
    """Two outputs in half precision, side by side; the model of the run gives what it gave."""
    one, y = tokens_set(2, n=90)
    other, _ = tokens_set(2, n=90, seed=5)
    values = other.outputs["tokens"]
    outputs = {"layer1": np.resize(values, one.outputs["tokens"].shape).astype("f2"), "layer2": one.outputs["tokens"]}
    outputs["layer2"] = outputs["layer2"].astype("f2")
    x = TokenFeatures(outputs, one.counts, one.offsets)
    path = make_store(in_tmp / "made.h5", x, [("no", "yes")[c] for c in y], [f"text {i}" for i in range(90)])
    (run,) = classify(path, ["lstm:units=8,epochs=8,learning_rate=0.03"], cv=2)
    again = Predictor(read_run(run.folder))
    proba, names = again.predict(load_data(path).x)

    assert run.metrics.overall["accuracy"].value > 0.9
    assert (np.array(names) == np.where(y == 1, "yes", "no")).mean() > 0.95
    assert np.allclose(proba.sum(1), 1)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("lstm:units=0", "units=0 is less than 1"),
        ("lstm:batch=0", "batch=0 is less than 1"),
        ("gru:patience=-1", "patience=-1 is less than 0"),
        ("gru:layers=0", "layers=0 is less than 1"),
        ("gru:side=middle", "side=middle is unknown; choose start or end"),
        ("lstm:optimizer=adagrad", "optimizer=adagrad is unknown; choose one of adam, rmsprop, sgd"),
        ("lstm:clipnorm=-1", "clipnorm and decay 0 or more"),
        ("average:units=-1", "units must be 0 or more"),
        ("gru2:recurrent_dropout=1", "recurrent_dropout=1.0 is not from 0 to below 1"),
        ("conv:widths=2-3", "widths=2-3 is not numbers of tokens, as 5 or 2.3.4"),
        ("conv:pooling=sum", "pooling=sum is unknown; choose average or max"),
        ("conv:filters=0", "filters must be 1 or more"),
    ],
)
def test_wrong_options_are_one_clear_line(spec, message):
    """Said before anything is computed."""
    with pytest.raises(InputError, match=message):
        heads.parse(spec)


def test_standardisation_sees_the_tokens_that_are_read():
    """Tokens beyond ``length`` may be anything: means and variances, and so the predictions, are the same."""
    x, _ = tokens_set(2)
    long = [np.concatenate([x.outputs["tokens"][a:b], np.full((300, x.outputs["tokens"].shape[1]), 1000.0)])
            for a, b in zip(x.offsets[:-1], x.offsets[1:], strict=True)]  # fmt: skip
    rows = Ragged([np.concatenate(long)], np.cumsum([0] + [len(t) for t in long])[:-1], np.diff(x.offsets))
    mean, variance = rows.moments()

    assert np.allclose(mean, x.outputs["tokens"].mean(0))
    assert np.allclose(variance, x.outputs["tokens"].var(0))
