"""What runs on a GPU alone, run here on a processor: the same numbers, few shapes, nothing copied in between."""

import json
import subprocess
import sys
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from helpers.bert_models import DEPTH, HEADS, PIECES, arrays, reference
from test_elmo_network import FIXTURES, assert_published
from test_elmo_network import read as read_elmo

from classify.heads import _stacked
from classify.heads.base import FitTask
from classify.heads.dense import DenseHead
from embed.batches import TokenBatches
from embed.networks import buckets, elmo
from embed.networks.buckets import LENGTHS, SIZES, TOKENS, bucket_of, most_texts
from embed.networks.transformer import TransformerNetwork
from embed.weights.bert import bert_weights
from embed.weights.transformer import read_transformer

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[1]


def batches_of(lengths):
    """The lengths of each batch that a GPU would get, longest first."""
    made = TokenBatches(TOKENS, most_texts, 1).run(lengths, lambda rows: lengths[rows])
    return [batch for _, batch in made]


@pytest.mark.parametrize("mean", [3, 20, 100, 300, 2000])
def test_a_table_of_any_lengths_needs_a_dozen_shapes(mean):
    """Of half a million texts: at most 12 compilations, and of the tokens of full batches at most 9 % are padding."""
    rng = np.random.default_rng(mean)
    lengths = np.clip(rng.lognormal(np.log(mean), 1.0, 500_000 // mean + 3000).astype(np.int64), 1, 8192)
    shapes, tokens, filled = set(), 0, 0
    for batch in batches_of(lengths):
        bucket = bucket_of(int(batch.sum()), len(batch), int(batch.max()), 8192)
        if bucket is None:
            continue
        shapes.add(bucket)
        tokens, filled = tokens + int(batch.sum()), filled + bucket.tokens
    assert len(shapes) <= 12 == len(LENGTHS) * len(SIZES)
    assert filled <= 1.1 * tokens


@pytest.mark.parametrize("longest", [5, 16, 17, 100, 512])
def test_a_batch_in_its_shape_is_the_batch_and_padding(longest):
    """Its tokens and texts come first; what follows fills the shape, and no text is longer than that allows."""
    rng = np.random.default_rng(longest)
    lengths = rng.integers(max(1, longest // 2), longest + 1, most_texts(longest)).astype(np.int32)
    lengths = lengths[: int(np.searchsorted(np.cumsum(lengths), TOKENS, "right"))]
    lengths[0] = longest
    ids = rng.integers(1, 9, lengths.sum()).astype(np.int32)
    bucket = bucket_of(len(ids), len(lengths), longest, 512)
    if bucket is None:
        assert len(ids) < 0.85 * TOKENS
        return
    filled, texts, text = bucket.fill(ids, lengths)

    assert (filled[: len(ids)] == ids).all()
    assert (texts[: len(lengths)] == lengths).all()
    assert (len(filled), len(texts)) == (bucket.tokens, bucket.texts)
    assert texts.sum() == bucket.tokens
    assert texts.max() <= bucket.longest <= 512
    assert (np.bincount(text, minlength=bucket.texts) == texts).all()


@pytest.fixture
def small(monkeypatch):
    """Full batches of 64 tokens."""
    monkeypatch.setattr(buckets, "TOKENS", 64)
    monkeypatch.setattr(buckets, "SIZES", (64, 58))


def on_gpu(network):
    """The network as if its weights lay on a GPU."""
    network.on_gpu = True
    return network


def test_compiled_network_is_that_of_the_reference(small):
    """All layers and the pooler of a batch that is filled up, against float64 in NumPy; three batches, two shapes."""
    weights = bert_weights(arrays(), HEADS)
    network = on_gpu(TransformerNetwork(weights))
    run, rng = network.compile(list(range(DEPTH + 1))), np.random.default_rng(0)
    compiled = network.compiled
    for lengths in ([9, 9, 9, 9, 9, 8, 4, 3], [9, 9, 9, 9, 9, 8, 4, 4], [9, 9, 9, 9, 9, 9]):
        lengths = np.array(lengths, np.int32)
        ids = rng.integers(0, len(PIECES), lengths.sum()).astype(np.int32)
        expected = [
            reference(arrays(), some, HEADS, weights.activation) for some in np.split(ids, np.cumsum(lengths)[:-1])
        ]
        for layer, values in enumerate(run(ids, lengths)):
            wanted = np.concatenate([states[layer] for states, _ in expected])
            np.testing.assert_allclose(values, wanted, rtol=0, atol=2e-5)
    assert compiled.experimental_get_tracing_count() == 2
    (pooled,) = network.compile([DEPTH], pooler=True)(ids, lengths)
    np.testing.assert_allclose(pooled, np.stack([pooler for _, pooler in expected]), rtol=0, atol=2e-5)


def test_every_architecture_can_be_compiled(small, real):
    """In a fixed shape, filled up, the same states as in its own: no operation is left out by the compiler."""
    folders = sorted(path.parent for path in (real / "hf_tiny").glob("*/model.safetensors"))
    seen = set()
    for folder in folders:
        kind = json.loads((folder / "config.json").read_text())["model_type"]
        if kind in seen:
            continue
        seen.add(kind)
        weights = read_transformer(folder)
        network = TransformerNetwork(weights)
        lengths = np.array([15, 12, 11, 9, 7, 5], np.int32)
        ids = np.random.default_rng(2).integers(5, network.vocabulary, lengths.sum()).astype(np.int32)
        (expected,) = network.compile([network.depth])(ids, lengths)
        (found,) = on_gpu(network).compile([network.depth])(ids, lengths)
        assert network.compiled.experimental_get_tracing_count() == 1, kind
        np.testing.assert_allclose(found, expected, rtol=0, atol=3e-5, err_msg=kind)

    assert len(seen) >= 8


@pytest.mark.parametrize("publisher", FIXTURES)
def test_elmo_in_one_function_gives_the_published_sentences(real, publisher):
    """To 1e-5, the state carried as theirs was, which stays a tensor; each kind of call is traced once."""
    name, sentences = FIXTURES[publisher]
    network = elmo.Elmo(read_elmo(real / name))
    network._bilm.on_gpu = True
    state = assert_published(network, real / name, sentences)
    assert not isinstance(state[0][0][0], np.ndarray)
    whole = network._bilm._on_gpu._compiled
    assert [function.experimental_get_tracing_count() for function in whole.values()] == [1, 1]


def test_elmo_in_one_function_mixes_as_layer_by_layer(real):
    """Several texts at once, with the shares of several sums."""
    network = elmo.Elmo(read_elmo(real / "elmo_allennlp"))
    texts = [b"a longer text of eight words in all".split(), b"one".split(), b"no no no".split()]
    shares = np.array([[0.2, 0.3, 0.5], [0, 1, 0]], np.float32)
    expected, states = network(texts, shares=shares)
    network._bilm.on_gpu = True
    found, after = network(texts, shares=shares)

    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    for one, other in zip(chain(*states), chain(*after), strict=True):  # cell by cell, both directions
        for values, wanted in zip(one, other, strict=True):
            np.testing.assert_allclose(values, wanted, rtol=0, atol=1e-6)


TWO = """
import json, sys
import numpy as np
from stores.shared.tensorflow import load_tensorflow, on_device
tf = load_tensorflow()
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from helpers.bert_models import DEPTH, HEADS, arrays
from embed.networks import buckets
from embed.networks.transformer import TransformerNetwork
from embed.weights.bert import bert_weights
buckets.TOKENS, buckets.SIZES = 64, (64, 58)
with on_device("cpu:1"):
    network = TransformerNetwork(bert_weights(arrays(), HEADS))
    network.on_gpu = True
    (found,) = network.compile([DEPTH])(np.arange(62, dtype=np.int32) % 7, np.array([9] * 6 + [8], np.int32))
print(json.dumps([found.device, network._words.device, tf.config.experimental.tensor_float_32_execution_enabled()]))
"""


def test_compiled_network_runs_where_its_weights_lie():
    """On the second of two logical devices; and float32 is float32 there: TF32 is off."""
    path = f"{ROOT}:{ROOT / 'tests'}"
    done = subprocess.run(
        [sys.executable, "-c", TWO], capture_output=True, text=True, check=True, env={"PYTHONPATH": path, "PATH": ""}
    )
    found, weights, tf32 = json.loads(done.stdout)
    assert found.endswith("/device:CPU:1")
    assert weights.endswith("/device:CPU:1")
    assert not tf32


def test_dense_trains_all_folds_at_once_with_features_that_stay(monkeypatch):
    """Where each fold would be trained by itself for the cache's sake: one stack, and the same probabilities."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(90, 12)).astype(np.float16), rng.integers(0, 3, 90)
    folds = [FitTask(np.flatnonzero(np.arange(90) % 4 != fold), fold) for fold in range(4)]
    monkeypatch.setattr(_stacked, "STACK_BYTES", 1)
    sizes, real = [], _stacked._Stack.__init__
    monkeypatch.setattr(_stacked._Stack, "__init__", lambda self, k, *rest: (sizes.append(k), real(self, k, *rest))[0])
    expected = DenseHead(units=8, epochs=3).fit_folds(x, y, 3, folds)
    monkeypatch.setattr(_stacked, "device_kind", lambda name: "gpu")
    found = DenseHead(units=8, epochs=3).fit_folds(x, y, 3, folds)
    monkeypatch.setattr(_stacked, "RESIDENT_BYTES", 1)  # features that do not fit go there batch by batch
    passed = DenseHead(units=8, epochs=3).fit_folds(x, y, 3, folds)

    assert sizes == [1, 4, 1]
    for heads in (found, passed):
        for head, alone in zip(heads, expected, strict=True):
            np.testing.assert_allclose(head.predict_proba(x), alone.predict_proba(x), rtol=0, atol=1e-5)
