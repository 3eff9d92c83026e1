"""The encoder ``transformer``: ten architectures and graphs of ONNX, against the reference."""

import json
import shutil

import numpy as np
import pytest
from helpers.bert_encoding import assert_near
from helpers.sentence_folders import rewrite, vectors

from embed import load_encoder, machine
from embed.encoders import _sequence_encoder
from embed.encoders._sequence_pooling import pool
from embed.networks.attention import Attention
from embed.networks.transformer import TransformerNetwork
from embed.networks.transformer_numpy import NumpyNetwork, erf
from embed.tokenise.hugging_face import HuggingFaceTokenizer, length_limit
from embed.weights.architectures import NAMES
from embed.weights.transformer import read_transformer
from stores import FailureError, InputError
from stores.shared.fingerprint import identity_digest

pytestmark = pytest.mark.slow
ARCHITECTURES = (
    "albert", "bert", "camembert", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet", "roberta",
    "xlm-roberta",
)  # fmt: skip
SENTENCES = (
    "bert_cls_mean", "bert_lasttoken", "bert_max", "bert_mean_normalize", "bert_sqrt", "bert_weightedmean",
    "distilbert_mean_dense", "modernbert_cls", "mpnet_mean_normalize", "xlm-roberta_prompts",
)  # fmt: skip


@pytest.fixture(scope="module")
def tiny(real):
    """Tiny models of every architecture with what the reference libraries make of ``texts.json``."""
    if not (real / "hf_tiny").is_dir():
        pytest.skip("the folder hf_tiny is not among the real data")
    return real / "hf_tiny"


@pytest.fixture
def tensorflow_alone(monkeypatch):
    """No job is short."""
    monkeypatch.setattr(_sequence_encoder, "SHORT", 0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("network", [NumpyNetwork, TransformerNetwork])
def test_states_are_those_of_the_reference(tiny, architecture, network):
    """First and last layer of every token, all texts in one batch."""
    expected = np.load(tiny / architecture / "expected.npz")
    made = network(read_transformer(tiny / architecture))
    first, last = made.compile([1, made.depth])(expected["ids"], expected["lengths"])

    np.testing.assert_allclose(first, expected["first_layer"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(last, expected["last"], rtol=0, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_scores_of_some_queries_at_a_time_give_the_same(tiny, architecture, monkeypatch):
    """Blocks of five queries, the last one smaller, as long texts have them."""
    expected = np.load(tiny / architecture / "expected.npz")
    lengths = expected["lengths"]
    assert lengths.max() % 5
    made = TransformerNetwork(read_transformer(tiny / architecture))
    (whole,) = made.compile([made.depth])(expected["ids"], lengths)
    at_once = []
    monkeypatch.setattr("embed.networks.transformer.SCORES", 5 * 4 * 4 * len(lengths) * int(lengths.max()))
    mix = Attention._mix_in_blocks
    monkeypatch.setattr(Attention, "_mix_in_blocks", lambda self, *args: at_once.append(args) or mix(self, *args))
    (found,) = made.compile([made.depth])(expected["ids"], lengths)

    assert len(at_once) == made.depth
    np.testing.assert_allclose(found, whole, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found, expected["last"], rtol=0, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_ids_are_those_of_the_reference(tiny, architecture):
    """Every id, special tokens included, cut at the folder's limit."""
    expected = np.load(tiny / architecture / "expected.npz")
    cut = HuggingFaceTokenizer(tiny / architecture, architecture)
    tokens = cut(json.loads((tiny / "texts.json").read_text(encoding="utf-8")))
    most = length_limit(tiny / architecture) - len(cut.before) - len(cut.after)
    found = [
        [*cut.before, *tokens.ids[a:b][:most], *cut.after]
        for a, b in zip(tokens.offsets[:-1], tokens.offsets[1:], strict=True)
    ]

    assert [len(ids) for ids in found] == expected["lengths"].tolist()
    assert np.concatenate(found).tolist() == expected["ids"].tolist()


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("name", SENTENCES)
def test_sentence_transformers_folders_mean_what_they_say(tiny, name, short, monkeypatch):
    """Poolings, dense layer, normalisation, default and named prompts, limits; the empty text too."""
    if not short:
        monkeypatch.setattr(_sequence_encoder, "SHORT", 0)
    texts = json.loads((tiny / "texts.json").read_text(encoding="utf-8"))
    expected = np.load(tiny / "sentence_transformers" / name / "expected.npz")
    for key in expected.files:  # "vectors" with the default prompt, else the prompt of that name
        prompt = None if key == "vectors" else key
        found = vectors(tiny / "sentence_transformers" / name, texts, prompt=prompt)
        np.testing.assert_allclose(found, expected[key], rtol=0, atol=1e-5)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_lower_precision_is_near(tiny, architecture, precision):
    """Of the mean over the tokens of a text, cosine above 0.999; these weights are larger than trained ones."""
    expected = np.load(tiny / architecture / "expected.npz")
    made = TransformerNetwork(read_transformer(tiny / architecture), precision)
    (last,) = made.compile([made.depth])(expected["ids"], expected["lengths"])
    none = np.zeros_like(expected["lengths"])
    (found,) = pool(np.asarray(last), expected["lengths"], ("mean",), none)
    (exact,) = pool(expected["last"], expected["lengths"], ("mean",), none)

    assert last.dtype == np.float32
    cosine = (found * exact).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(exact, axis=1)
    assert 0.999 < cosine.min() < 1


def test_numpy_and_tensorflow_give_the_same(sentence_folder, monkeypatch):
    """A short job is another way to the same vectors: equal to 1e-5, one identity."""
    texts = ["", "ok", "call me when you are home", "winner " * 40]
    for options in ({"pooling": "max"}, {"pooling": "cls+mean", "layer": "-1,1"}, {"output": "tokens"}):
        encoder = load_encoder("transformer", model=str(sentence_folder), **options)
        short, digest = encoder.encode(texts), identity_digest(encoder.identity())
        with monkeypatch.context() as context:
            context.setattr(_sequence_encoder, "SHORT", 0)
            long = encoder.encode(texts)
        assert short.counts.tolist() == long.counts.tolist()
        for name, values in short.outputs.items():
            np.testing.assert_allclose(values, long.outputs[name], rtol=0, atol=1e-5)
        assert identity_digest(encoder.identity()) == digest


def test_poolings_by_hand():
    """Two texts of two and three tokens; of the second, the first token is a prompt."""
    states = np.array([[1, 5], [3, 1], [9, 9], [2, 8], [4, 2]], np.float32)
    modes = ("mean", "max", "cls", "lasttoken", "weightedmean", "mean_sqrt_len_tokens")
    found = dict(zip(modes, pool(states, np.array([2, 3]), modes, np.array([0, 1])), strict=True))

    assert_near(found["mean"], [[2, 3], [3, 5]])
    assert_near(found["max"], [[3, 5], [4, 8]])
    assert_near(found["cls"], [[1, 5], [2, 8]])
    assert_near(found["lasttoken"], [[3, 1], [4, 2]])
    weighted = [[(1 + 6) / 3, (5 + 2) / 3], [(4 + 12) / 5, (16 + 6) / 5]]  # weights 1 2, and 2 3
    assert_near(found["weightedmean"], weighted)
    assert_near(found["mean_sqrt_len_tokens"], np.array([[4, 6], [6, 10]]) / np.sqrt(2))


def test_a_prompt_that_fills_the_text_leaves_one_token():
    """The pooling is never over nothing."""
    (found,) = pool(np.array([[1.0], [2.0]], np.float32), np.array([2]), ("mean",), np.array([7]))

    assert found.tolist() == [[2.0]]


def test_erf():
    """Against the standard library."""
    import math

    x = np.linspace(-6, 6, 2001, dtype=np.float32)
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=0, atol=5e-7)


def test_identity_is_what_is_done(sentence_folder, tmp_path):
    """What changes a vector changes it; a note beside the weights, and an option that says what is so, do not."""

    def identity(**options):
        return identity_digest(load_encoder("transformer", model=str(sentence_folder), **options).identity())

    base = identity()
    for same in ({"pooling": "mean"}, {"max_tokens": 32}, {"layer": "3"}, {"device": "cpu"}, {"prompt": "document"}):
        assert identity(**same) == base, same
    for other in (
        {"pooling": "max"}, {"max_tokens": 12}, {"layer": "2"}, {"prompt": "query"}, {"dims": 5},
        {"precision": "bfloat16"}, {"long_text": "window"}, {"output": "tokens"},
    ):  # fmt: skip
        assert identity(**other) != base, other
    (sentence_folder / "README.md").write_text("a note")
    assert identity() == base
    for file in ("0_BERT/tokenizer.json", "0_BERT/config.json", "1_Pooling/config.json", "modules.json"):
        path = sentence_folder / file
        kept = path.read_bytes()
        path.write_bytes(kept + b"\n")
        assert identity() != base, file
        path.write_bytes(kept)
    moved = shutil.copytree(sentence_folder, tmp_path / "another")
    assert identity_digest(load_encoder("transformer", model=str(moved)).identity()) == base


def test_every_architecture_is_named():
    """The table of names and the tests know the same ones."""
    assert sorted(NAMES) == sorted(ARCHITECTURES)


GRAPHS = ("bert", "modernbert", "mpnet", "xlm-roberta")


@pytest.mark.parametrize("architecture", GRAPHS)
def test_graphs_of_onnx(tiny, architecture):
    """The states of a float graph are the reference's; int8 is near; a text alone has the vector it has in company."""
    pytest.importorskip("onnxruntime")
    texts = json.loads((tiny / "texts.json").read_text(encoding="utf-8"))
    expected = vectors(tiny / architecture, texts)
    for graph, most in (("model", 1e-6), ("model_quantized", 1e-3)):
        encoder = load_encoder("transformer", model=str(tiny / architecture), onnx=graph)
        found = encoder.encode(texts).outputs["pooled"]
        cosine = (found * expected).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(expected, axis=1)
        assert 1 - cosine.min() < most
        alone = [encoder.encode([text]).outputs["pooled"][0] for text in texts]
        np.testing.assert_allclose(alone, found, rtol=0, atol=1e-5)


def test_a_graph_is_part_of_the_identity(tiny):
    """Its file, and what it does to numbers; not the weights that it stands for."""
    pytest.importorskip("onnxruntime")
    model = str(tiny / "bert")
    own, graph, integers = (
        load_encoder("transformer", model=model, onnx=onnx).identity() for onnx in (None, "model", "model_quantized")
    )

    assert [identity["precision"] for identity in (own, graph, integers)] == ["float32", "as stored", "int8 dynamic"]
    assert len({identity["weights"] for identity in (own, graph, integers)}) == 3
    named = load_encoder("transformer", model=model, onnx="onnx/model.onnx").identity()
    assert named == graph


def test_wrong_graphs(tiny, tmp_path):
    """What there is instead, and what is wrong with it."""
    pytest.importorskip("onnxruntime")
    with pytest.raises(
        InputError, match=r"no onnx/model_O3.onnx; `onnx` may be: onnx/model.onnx, onnx/model_quantized"
    ):
        vectors(tiny / "bert", ["ok"], onnx="model_O3")
    with pytest.raises(InputError, match="gives the states of the last layer alone"):
        vectors(tiny / "bert", ["ok"], onnx="model", pooling="pooler")
    copy = shutil.copytree(tiny / "bert", tmp_path / "copy")
    for path in (copy, *copy.rglob("*")):
        path.chmod(0o755)
    (copy / "onnx/model.onnx").write_bytes(b"\x08\x07" + b"\xff" * 50)
    with pytest.raises(FailureError, match="model.onnx is damaged, or no graph that ONNX Runtime runs"):
        vectors(copy, ["ok"], onnx="model")


def test_auto_takes_what_the_processor_has(sentence_folder, monkeypatch):
    """It is resolved before anything is encoded: identity and recipe hold what it came to."""
    from embed import Recipe

    for native, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(machine, "processor_features", lambda native=native: {"avx512_bf16": native})
        recipe = Recipe.of("transformer", model=str(sentence_folder), precision="auto")
        assert recipe.encoder.identity()["precision"] == recipe.options["precision"] == expected
        plain = load_encoder("transformer", model=str(sentence_folder), precision=expected)
        assert identity_digest(recipe.encoder.identity()) == identity_digest(plain.identity())


def test_what_is_said(sentence_folder, monkeypatch, tensorflow_alone):
    """A prompt that nobody asked for, and what another precision would gain; each in one line, once."""
    from helpers.reporter import Recorder

    rewrite(sentence_folder / "config_sentence_transformers.json", default_prompt_name="query")
    monkeypatch.setattr(machine, "processor_features", lambda: {"avx512_bf16": True})
    told = Recorder()
    encoder = load_encoder("transformer", reporter=told, model=str(sentence_folder))
    encoder.encode(["ok"])
    encoder.encode(["me"])

    assert [line.partition(";")[0] for line in told.notes] == [
        "transformer: 'call ' stands before each text, as the model asks",
        "transformer: this processor multiplies bfloat16 natively",
    ]
    quiet = Recorder()
    load_encoder(
        "transformer", reporter=quiet, model=str(sentence_folder), prompt="query", precision="bfloat16"
    ).encode(["ok"])
    assert quiet.notes == []
