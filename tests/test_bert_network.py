"""BERT's forward pass and its weights, against the same arithmetic in NumPy and float64."""

import json
import re

import numpy as np
import pytest
from helpers import bert_models
from helpers.bert_models import DEPTH, HEADS, PIECES, arrays, reference

from embed.networks.transformer import TransformerNetwork
from embed.networks.transformer_numpy import NumpyNetwork
from embed.tokenise.hugging_face import HuggingFaceTokenizer
from embed.weights.bert import bert_weights, read_google, read_hub
from embed.weights.bert_vocabulary import google_vocabulary, guess_lower_case, hub_vocabulary
from embed.weights.checkpoints import Checkpoint
from embed.weights.safetensors import read_safetensors
from embed.weights.transformer import read_transformer
from stores import FailureError, InputError

pytestmark = pytest.mark.slow

LENGTHS = np.array([9, 4, 4, 1], np.int32)
IDS = np.random.default_rng(1).integers(0, len(PIECES), LENGTHS.sum()).astype(np.int32)
TEXTS = np.split(IDS, np.cumsum(LENGTHS)[:-1])
NETWORKS = pytest.mark.parametrize("network", [TransformerNetwork, NumpyNetwork])


@NETWORKS
@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh"])
def test_every_layer_is_that_of_the_reference(network, activation):
    """Texts of different lengths in one batch, each as if it were alone."""
    made = network(bert_weights(arrays(), HEADS, activation))
    found = made.compile(list(range(DEPTH + 1)))(IDS, LENGTHS)
    (pooled,) = made.compile([DEPTH], pooler=True)(IDS, LENGTHS)

    states, poolers = zip(*(reference(arrays(), ids, HEADS, activation) for ids in TEXTS), strict=True)
    for layer, values in enumerate(found):
        np.testing.assert_allclose(values, np.concatenate([s[layer] for s in states]), rtol=0, atol=2e-5)
    np.testing.assert_allclose(pooled, np.stack(poolers), rtol=0, atol=2e-5)


@NETWORKS
def test_texts_of_one_token(network):
    """The shortest there are, alone and in a batch."""
    run = network(bert_weights(arrays(), HEADS)).compile([DEPTH])
    (alone,), (both,) = run(IDS[:1], np.array([1], np.int32)), run(IDS[:2], np.array([1, 1], np.int32))

    np.testing.assert_allclose(alone, reference(arrays(), IDS[:1], HEADS, "gelu")[0][-1], rtol=0, atol=2e-5)
    np.testing.assert_allclose(both[:1], alone, rtol=0, atol=1e-5)


@NETWORKS
def test_layers_that_nobody_asked_for_are_not_computed(network):
    """What a broken last layer would spoil is whole."""
    weights = arrays()
    weights[f"encoder/layer_{DEPTH - 1}/output/dense/kernel"][:] = np.nan
    made = network(bert_weights(weights, HEADS))

    assert np.isfinite(made.compile([DEPTH - 1])(IDS, LENGTHS)[0]).all()
    assert np.isnan(made.compile([DEPTH])(IDS, LENGTHS)[0]).all()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_lower_precision_is_near(precision):
    """Of 8 and 11 bits of significand, through three layers."""
    exact = TransformerNetwork(bert_weights(arrays(), HEADS)).compile([DEPTH])(IDS, LENGTHS)[0]
    found = TransformerNetwork(bert_weights(arrays(), HEADS), precision).compile([DEPTH])(IDS, LENGTHS)[0]

    assert found.dtype == np.float32
    assert 0 < np.abs(found - exact).max() < 0.5


@NETWORKS
def test_weights_without_a_pooler(network):
    """They serve all but the pooler."""
    made = network(bert_weights({name: array for name, array in arrays().items() if "pooler" not in name}, HEADS))

    made.compile([DEPTH])
    with pytest.raises(InputError, match="the weights have no pooler"):
        made.compile([DEPTH], pooler=True)


def parts_of(weights):
    """All arrays of some weights by the names of the attributes."""
    found = {"words": weights.words, "positions": weights.positions, "type": weights.first_type}
    found |= {"norm": weights.norm.weight, "norm bias": weights.norm.bias}
    found |= {"pooler": weights.pooler.weight, "pooler bias": weights.pooler.bias}
    for i, layer in enumerate(weights.layers):
        for name in ("query", "key", "value", "output", "up", "down", "attention_norm", "output_norm"):
            found[f"{i} {name}"], found[f"{i} {name} bias"] = getattr(layer, name)
    return found


def assert_same_weights(found, activation):
    """All arrays, and nothing else."""
    expected = parts_of(bert_weights(arrays(), HEADS))
    assert (found.heads, found.activation, found.epsilon, len(found.layers)) == (HEADS, activation, 1e-12, DEPTH)
    for name, array in parts_of(found).items():
        np.testing.assert_array_equal(array, expected[name], err_msg=name)


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
    checkpoint = Checkpoint(next((real / "bert_tf1_tiny").glob("*.index")).with_suffix(""))
    stored = {name.removeprefix("bert/"): checkpoint.read(name) for name in checkpoint.keys if name.startswith("bert/")}
    ids = np.array([2, 5, 6, 7, 8, 9, 3], np.int32)
    network = TransformerNetwork(found)

    assert (found.heads, network.depth, network.width, network.max_tokens, network.vocabulary) == (4, 2, 4, 16, 15)
    (values,) = network.compile([2])(ids, np.array([7], np.int32))
    np.testing.assert_allclose(values, reference(stored, ids, 4, "gelu_tanh")[0][-1], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "form",
    [{}, {"prefix": "bert.", "old_names": True}, {"shards": 3}, {"tokenizer_json": True, "activation": "gelu_new"}],
)
def test_hugging_face_folders(tmp_path, form):
    """Prefixed names, gamma and beta, shards, and a vocabulary in ``tokenizer.json``."""
    path = bert_models.hugging_face(tmp_path / "model", **form)
    tokens = HuggingFaceTokenizer(path, "bert")

    assert_same_weights(read_transformer(path), "gelu_tanh" if "activation" in form else "gelu")
    assert [PIECES[i] for i in tokens(["OK, wins"]).ids] == ["ok", ",", "win", "##s"]
    assert (tokens.before, tokens.after, tokens.unknown) == ([2], [3], 1)


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
    config = json.loads((path / "config.json").read_text()) | {"model_type": "t5"}
    (path / "config.json").write_text(json.dumps(config))


def _lacking(path):
    found = dict(read_safetensors(path / "model.safetensors"))
    del found["encoder.layer.1.output.dense.weight"]
    bert_models.write_safetensors(path / "model.safetensors", {k: np.array(v) for k, v in found.items()})


def _garbage(path):
    (path / "model.safetensors").write_bytes(b"\xff" * 64)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (_cut, FailureError, "damaged, or no safetensors file"),
        (_garbage, FailureError, "its header is to have"),
        (_pickle, InputError, "has no model.safetensors, and pytorch_model.bin is a pickle"),
        (_other, InputError, "model_type 't5' is none of those that tk runs (bert, electra"),
        (_lacking, InputError, "its weights hold no encoder.layer.1.output.dense.weight"),
    ],
)
def test_a_broken_folder_is_an_error_that_names_it(tmp_path, spoil, error, message):
    """One line: what, where, and what to do."""
    path = bert_models.hugging_face(tmp_path / "model")
    spoil(path)

    with pytest.raises(error, match=re.escape(message)):
        read_transformer(path)
