"""BERT's forward pass and its weights, against the same arithmetic in NumPy and float64."""

import json
import re

import numpy as np
import pytest
from helpers import bert_models
from helpers.bert_models import DEPTH, HEADS, PIECES, arrays, reference

from embed.networks.bert import BertNetwork, BertWeights
from embed.weights.bert import read_google, read_hub, read_hugging_face
from embed.weights.bert_vocabulary import google_vocabulary, guess_lower_case, hub_vocabulary, hugging_face_vocabulary
from embed.weights.safetensors import read_safetensors
from stores import FailureError, InputError

pytestmark = pytest.mark.slow

LENGTHS = np.array([9, 4, 4, 1], np.int32)
IDS = np.random.default_rng(1).integers(0, len(PIECES), LENGTHS.sum()).astype(np.int32)
TEXTS = np.split(IDS, np.cumsum(LENGTHS)[:-1])
POOL = {"mean": lambda x: x.mean(0), "max": lambda x: x.max(0), "cls": lambda x: x[0], None: lambda x: x}


@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh"])
@pytest.mark.parametrize("pooling", ["mean", "max", "cls", "pooler", None])
def test_every_layer_is_that_of_the_reference(activation, pooling):
    """Texts of different lengths in one batch, each as if it were alone."""
    network = BertNetwork(BertWeights(arrays(), HEADS, activation))
    layers = [DEPTH] if pooling == "pooler" else list(range(DEPTH + 1))
    found = network.compile(layers, pooling)(IDS, LENGTHS)

    for layer, values in zip(layers, found, strict=True):
        parts = [reference(arrays(), ids, HEADS, activation) for ids in TEXTS]
        rows = [pooled if pooling == "pooler" else POOL[pooling](states[layer]) for states, pooled in parts]
        expected = np.concatenate(rows) if pooling is None else np.stack(rows)
        np.testing.assert_allclose(values, expected, rtol=0, atol=2e-5)


def test_layers_that_nobody_asked_for_are_not_computed():
    """What a broken last layer would spoil is whole."""
    weights = arrays()
    weights[f"encoder/layer_{DEPTH - 1}/output/dense/kernel"][:] = np.nan
    network = BertNetwork(BertWeights(weights, HEADS))

    assert np.isfinite(network.compile([DEPTH - 1], "mean")(IDS, LENGTHS)[0]).all()
    assert np.isnan(network.compile([DEPTH], "mean")(IDS, LENGTHS)[0]).all()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_is_near(precision):
    """Of 8 and 11 bits of significand, through three layers."""
    exact = BertNetwork(BertWeights(arrays(), HEADS)).compile([DEPTH], "mean")(IDS, LENGTHS)[0]
    found = BertNetwork(BertWeights(arrays(), HEADS), precision).compile([DEPTH], "mean")(IDS, LENGTHS)[0]

    assert found.dtype == np.float32
    assert 0 < np.abs(found - exact).max() < 0.2


def test_weights_without_a_pooler():
    """They serve all but the pooler."""
    weights = {name: array for name, array in arrays().items() if "pooler" not in name}
    network = BertNetwork(BertWeights(weights, HEADS))

    network.compile([DEPTH], "mean")
    with pytest.raises(InputError, match="the weights have no pooler"):
        network.compile([DEPTH], "pooler")


def assert_same_weights(found, activation):
    """All arrays, and nothing else."""
    expected = arrays()
    assert (found.heads, found.activation, found.epsilon) == (HEADS, activation, 1e-12)
    assert set(found.arrays) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found.arrays[name], array, err_msg=name)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_variables_of_tf_hub_modules(tmp_path, version):
    """Names and shapes of both generations of names; vocabulary and casing from the module."""
    path = bert_models.hub(tmp_path / "hub", version, lower_case=version % 2 == 0)
    found = hub_vocabulary(path)

    assert_same_weights(read_hub(path), "gelu_tanh")
    assert (found.pieces, found.lower_case) == (PIECES, version % 2 == 0)


def test_variables_of_tf1_hub_modules(tmp_path):
    """Google's names; the casing is a constant of the signature ``tokenization_info``."""
    path = bert_models.tf1_hub(tmp_path / "hub", lower_case=True)

    assert_same_weights(read_hub(path), "gelu_tanh")
    assert hub_vocabulary(path).lower_case is True


def test_another_module_has_no_weights_of_bert(tmp_path):
    """So that it runs by its own graph."""
    assert read_hub(bert_models.hub(tmp_path / "albert", known=False)) is None


def test_googles_checkpoint(tmp_path):
    """Without optimiser slots and heads."""
    path = bert_models.google(tmp_path / "cased_L-3_H-128_A-2")
    found = google_vocabulary(path)

    assert_same_weights(read_google(path), "gelu_tanh")
    assert (found.pieces, found.lower_case, found.longest) == (PIECES, None, 200)
    assert guess_lower_case(path, PIECES) == (False, "by the name cased_L-3_H-128_A-2")
    assert guess_lower_case(tmp_path / "x", PIECES) == (True, "its vocabulary has no pieces with capitals")
    assert guess_lower_case(tmp_path / "x", [*PIECES, "Ab", "##C"]) == (
        False,
        "its vocabulary has 2 pieces with capitals",
    )


def test_googles_real_checkpoint(real):
    """One that ``run_pretraining`` wrote: 2 layers, 4 heads of one number."""
    found = read_google(real / "bert_tf1_tiny")
    ids = np.array([2, 5, 6, 7, 8, 9, 3], np.int32)
    network = BertNetwork(found)

    assert (found.heads, network.depth, network.width, network.positions, network.vocabulary) == (4, 2, 4, 16, 15)
    (values,) = network.compile([2], None)(ids, np.array([7], np.int32))
    np.testing.assert_allclose(values, reference(found.arrays, ids, 4, "gelu_tanh")[0][-1], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "form",
    [{}, {"prefix": "bert.", "old_names": True}, {"shards": 3}, {"tokenizer_json": True, "activation": "gelu_new"}],
)
def test_hugging_face_folders(tmp_path, form):
    """Prefixed names, gamma and beta, shards, and a vocabulary in ``tokenizer.json``."""
    path = bert_models.hugging_face(tmp_path / "model", **form)
    found = hugging_face_vocabulary(path)

    assert_same_weights(read_hugging_face(path), "gelu_tanh" if "activation" in form else "gelu")
    assert (found.pieces, found.lower_case, found.longest) == (PIECES, True, 100)


def test_half_precision_files(tmp_path):
    """bfloat16 becomes float32, float16 stays what it is; 1, -2.5 and 3 are exact in both."""
    values = np.array([1, -2.5, 3], np.float32)
    upper = (values.view(np.uint32) >> 16).astype(np.uint16)
    bert_models.write_safetensors(tmp_path / "a", {"b": upper, "h": values.astype(np.float16)})
    found = read_safetensors(tmp_path / "a")

    assert (found["b"].dtype, found["b"].tolist()) == (np.float32, values.tolist())
    assert found["h"].tolist() == values.tolist()


def _cut(path):
    (path / "model.safetensors").write_bytes((path / "model.safetensors").read_bytes()[:-100])


def _pickle(path):
    (path / "model.safetensors").rename(path / "pytorch_model.bin")


def _other(path):
    config = json.loads((path / "config.json").read_text()) | {"model_type": "roberta"}
    (path / "config.json").write_text(json.dumps(config))


def _lacking(path):
    found = dict(read_safetensors(path / "model.safetensors"))
    del found["encoder.layer.1.output.dense.bias"]
    bert_models.write_safetensors(path / "model.safetensors", {k: np.array(v) for k, v in found.items()})


def _garbage(path):
    (path / "model.safetensors").write_bytes(b"\xff" * 64)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (_cut, FailureError, "damaged, or no safetensors file"),
        (_garbage, FailureError, "a header of"),
        (_pickle, InputError, "has no model.safetensors, and pytorch_model.bin is a pickle"),
        (_other, InputError, "a model of type roberta with absolute positions"),
        (_lacking, InputError, "encoder/layer_1/output/dense/bias, are missing or of another shape"),
    ],
)
def test_a_broken_folder_is_an_error_that_names_it(tmp_path, spoil, error, message):
    """One line: what, where and the cure."""
    path = bert_models.hugging_face(tmp_path / "model")
    spoil(path)

    with pytest.raises(error, match=re.escape(message)):
        read_hugging_face(path)
