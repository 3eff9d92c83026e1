"""The networks of heads over tokens: written out, and against Keras."""

import numpy as np
import pytest
from helpers.head_sets import SMALL, ids_set, tokens_set

from classify import heads
from stores import IdFeatures

pytestmark = pytest.mark.slow
ONE_EPOCH = SMALL | {"epochs": 1}


def logits(head, x):
    """What a head with two classes weighs them with."""
    proba = head.predict_proba(x)
    return np.log(proba[:, 1] / proba[:, 0])


@pytest.mark.parametrize(
    ("name", "layer"), [("rnn", "SimpleRNN"), ("lstm", "LSTM"), ("gru", "GRU"), ("bilstm", "LSTM")]
)
def test_the_last_states_are_those_that_keras_finds_with_a_mask(name, layer):
    """With the same weights, Keras's own masked layers over texts padded to 9 tokens give the same."""
    from classify.heads._keras import load_keras

    keras = load_keras()
    x, y = tokens_set(2, n=40)
    head = heads.load(name, scale=False, **ONE_EPOCH).fit(x, y, 2, 0)
    network = head.network_.model
    padded = np.zeros((40, 9, x.outputs["tokens"].shape[1]), np.float32)
    for i in range(40):
        own = x.outputs["tokens"][x.offsets[i] : x.offsets[i + 1]]
        padded[i, : len(own)] = own
    mask = np.arange(9) < np.diff(x.offsets)[:, None]
    states = []
    for own in [one for one in network.layers if type(one).__name__ == layer]:
        other = getattr(keras.layers, layer)(own.units, go_backwards=bool(states))
        other.build(padded.shape)
        other.set_weights(own.get_weights())
        states.append(other(padded, mask=mask).numpy())
    kernel, bias = network.layers[-1].get_weights()

    assert len(states) == (2 if name == "bilstm" else 1)
    assert np.allclose(np.hstack(states) @ kernel[:, 0] + bias, logits(head, x), atol=1e-4)


def test_layers_lie_over_each_other():
    """Two layers of a GRU are Keras's own one over the states of the other, with a mask over padding."""
    from classify.heads._keras import load_keras

    keras = load_keras()
    x, y = tokens_set(2, n=40)
    head = heads.load("gru", scale=False, layers=2, **ONE_EPOCH).fit(x, y, 2, 0)
    states = np.zeros((40, 9, x.outputs["tokens"].shape[1]), np.float32)
    for i in range(40):
        own = x.outputs["tokens"][x.offsets[i] : x.offsets[i + 1]]
        states[i, : len(own)] = own
    mask = np.arange(9) < np.diff(x.offsets)[:, None]
    layers = [layer for layer in head.network_.model.layers if type(layer).__name__ == "GRU"]
    for number, own in enumerate(layers):
        other = keras.layers.GRU(own.units, return_sequences=number < len(layers) - 1)
        other.build(states.shape)
        other.set_weights(own.get_weights())
        states = other(states, mask=mask).numpy()
    kernel, bias = head.network_.model.layers[-1].get_weights()

    assert len(layers) == 2
    assert np.allclose(states @ kernel[:, 0] + bias, logits(head, x), atol=1e-4)


def test_average_is_the_mean_of_the_vectors():
    """Written out: the mean over the tokens of a text, a rectified layer, a weighted sum."""
    x, y = tokens_set(2, n=30)
    head = heads.load("average", scale=False, units=5, epochs=1).fit(x, y, 2, 0)
    hidden, last = (layer.get_weights() for layer in head.network_.model.layers if type(layer).__name__ == "Dense")
    means = np.stack([x.outputs["tokens"][a:b].mean(0) for a, b in zip(x.offsets[:-1], x.offsets[1:], strict=True)])
    expected = np.maximum(means @ hidden[0] + hidden[1], 0) @ last[0][:, 0] + last[1][0]

    assert np.allclose(expected, logits(head, x), atol=1e-4)


def test_convolutions_in_series():
    """Written out: windows of three over what windows of two found, rectified, averaged, weighed."""
    x, y = tokens_set(2, n=30)
    options = {"filters": 3, "widths": "2+3", "units": 0, "scale": False, "epochs": 1, "series": True}
    head = heads.load("conv", **options).fit(x, y, 2, 0)
    layers = head.network_.model.layers
    kernels = [layer.get_weights() for layer in layers if type(layer).__name__ == "Conv1D"]
    weights, bias = layers[-1].get_weights()
    expected = []
    for start, end in zip(x.offsets[:-1], x.offsets[1:], strict=True):
        values = x.outputs["tokens"][start:end]
        for kernel, shift in kernels:
            width, before = len(kernel), (len(kernel) - 1) // 2
            text = np.pad(values, [(before, width - 1 - before), (0, 0)])
            windows = [np.einsum("wd,wdf->f", text[i : i + width], kernel) + shift for i in range(end - start)]
            values = np.maximum(windows, 0)
        expected.append(values.mean(0) @ weights[:, 0] + bias[0])

    assert [len(kernel) for kernel, _ in kernels] == [2, 3]
    assert np.allclose(expected, logits(head, x), atol=1e-4)


def test_a_text_may_be_read_from_its_end():
    """The last two tokens of each text are read as if the text had no others."""
    x, y = ids_set(2, n=60)
    head = heads.load("gru", length=2, side="end", **ONE_EPOCH).fit(x, y, 2, 0)
    words = [x.vocabulary[i] for i in x.ids.tolist()]
    ends = IdFeatures.from_tokens([words[b - 2 : b] for b in x.offsets[1:].tolist()])

    assert np.allclose(head.predict_proba(x), head.predict_proba(ends), atol=1e-6)


def test_how_weights_are_moved():
    """Gradients cut to nothing, or a rate that decays at once, leave the weights where one step took them."""
    x, y = tokens_set(2, n=60)

    def weights(**options):
        made = heads.load("average", units=4, epochs=3, batch=60, dropout=0.0, scale=False, **options)
        return np.concatenate([w.ravel() for w in made.fit(x, y, 2, 0).network_.model.get_weights()])

    still = weights(optimizer="sgd", learning_rate=1e-12)
    assert np.allclose(weights(optimizer="sgd", learning_rate=0.1, clipnorm=1e-9), still, atol=1e-6)
    assert not np.allclose(weights(optimizer="sgd", learning_rate=0.1), still, atol=1e-4)
    moved = np.abs(weights(learning_rate=0.01, decay=1e6) - still).max()
    assert moved == pytest.approx(0.01, rel=0.01)  # the first step of Adam is the learning rate; then it stands still
    assert np.abs(weights(learning_rate=0.01, epsilon=1e3) - still).max() < 1e-5
    assert not np.allclose(weights(optimizer="rmsprop", learning_rate=0.01), weights(learning_rate=0.01), atol=1e-4)


@pytest.mark.parametrize("pooling", ["average", "max"])
def test_conv_is_the_sum_over_windows(pooling):
    """Written out: a window at each token of the text, zeros beyond its ends, rectified, pooled, weighed."""
    x, y = tokens_set(2, n=30)
    head = heads.load("conv", filters=3, widths="2+3", pooling=pooling, units=0, scale=False, epochs=1).fit(x, y, 2, 0)
    layers = {type(layer).__name__: [] for layer in head.network_.model.layers}
    for layer in head.network_.model.layers:
        layers[type(layer).__name__].append(layer.get_weights())
    expected = []
    for start, end in zip(x.offsets[:-1], x.offsets[1:], strict=True):
        pooled = []
        for kernel, bias in layers["Conv1D"]:
            width, before = len(kernel), (len(kernel) - 1) // 2
            text = np.pad(x.outputs["tokens"][start:end], [(before, width - 1 - before), (0, 0)])
            at = [np.einsum("wd,wdf->f", text[i : i + width], kernel) + bias for i in range(end - start)]
            pooled.append(getattr(np.maximum(at, 0), "mean" if pooling == "average" else "max")(0))
        expected.append(np.concatenate(pooled) @ layers["Dense"][0][0][:, 0] + layers["Dense"][0][1][0])

    assert len(layers["Conv1D"]) == 2
    assert np.allclose(expected, logits(head, x), atol=1e-4)


def test_conv_is_the_published_network():
    """By default 50 filters of width 2, 3 and 4, averaged, 1024 units; the other form has one layer less."""
    x, y = ids_set(2, n=40)

    def sizes(spec):
        layers = heads.parse(spec).fit(x, y, 2, 0).network_.model.layers
        return [layer.kernel.shape for layer in layers if hasattr(layer, "kernel")]

    assert sizes("conv:epochs=1") == [(2, 50, 50), (3, 50, 50), (4, 50, 50), (150, 1024), (1024, 1)]
    assert sizes("conv:filters=32,widths=5,pooling=max,units=0,epochs=1") == [(5, 50, 32), (32, 1)]
