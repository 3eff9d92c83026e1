"""The encoder ``transformer``: ten architectures and the folders of sentence-transformers, against the reference."""

import json
import re
import shutil

import numpy as np
import pytest
from helpers import bert_models
from helpers.bert_models import PIECES, WIDTH, arrays, reference, write_safetensors

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
WHOLE = "call me when you are home ok".split()  # seven words of one piece each


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


@pytest.fixture
def folder(tmp_path):
    """A sentence-transformers folder: BERT in ``0_BERT``, mean, length 1, two prompts."""
    path = tmp_path / "model"
    return bert_models.sentence_transformers(path, "mean", 32, prompts={"query": "call ", "passage": "win "})


def vectors(model, texts, **options):
    """The pooled vectors of texts."""
    return load_encoder("transformer", model=str(model), **options).encode(texts).outputs["pooled"]


def near(found, expected):
    """Equal but for the noise of float32."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-5)


def states_of(words):
    """The reference's last states of [CLS], whole words and [SEP]."""
    return reference(arrays(), [2, *(PIECES.index(word) for word in words), 3], activation="gelu")[0][-1]


def rewrite(path, **changes):
    """A JSON file with other entries; None takes one out."""
    found = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in found.items() if value is not None}))


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


def test_numpy_and_tensorflow_give_the_same(folder, monkeypatch):
    """A short job is another way to the same vectors: equal to 1e-5, one identity."""
    texts = ["", "ok", "call me when you are home", "winner " * 40]
    for options in ({"pooling": "max"}, {"pooling": "cls+mean", "layer": "-1,1"}, {"output": "tokens"}):
        encoder = load_encoder("transformer", model=str(folder), **options)
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

    near(found["mean"], [[2, 3], [3, 5]])
    near(found["max"], [[3, 5], [4, 8]])
    near(found["cls"], [[1, 5], [2, 8]])
    near(found["lasttoken"], [[3, 1], [4, 2]])
    near(found["weightedmean"], [[(1 + 6) / 3, (5 + 2) / 3], [(4 + 12) / 5, (16 + 6) / 5]])  # weights 1 2, and 2 3
    near(found["mean_sqrt_len_tokens"], np.array([[4, 6], [6, 10]]) / np.sqrt(2))


def test_a_prompt_that_fills_the_text_leaves_one_token():
    """The pooling is never over nothing."""
    (found,) = pool(np.array([[1.0], [2.0]], np.float32), np.array([2]), ("mean",), np.array([7]))

    assert found.tolist() == [[2.0]]


def test_erf():
    """Against the standard library."""
    import math

    x = np.linspace(-6, 6, 2001, dtype=np.float32)
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=0, atol=5e-7)


def test_prompts(folder):
    """By name, in words, or the default; the prompt stands before the text and is part of the identity."""
    plain = vectors(folder, ["call me", "win ok", "me"], prompt="document")
    near(vectors(folder, ["me"], prompt="query")[0], plain[0])
    near(vectors(folder, ["me"])[0], plain[2])
    near(vectors(folder, ["ok"], prompt="win ")[0], plain[1])
    rewrite(folder / "config_sentence_transformers.json", default_prompt_name="passage")
    near(vectors(folder, ["ok"])[0], plain[1])

    named, spelled, other = (
        load_encoder("transformer", model=str(folder), prompt=prompt).identity() for prompt in ("query", "call ", "")
    )
    assert named == spelled
    assert (named["prompt"], other["prompt"]) == ("call ", "")
    with pytest.raises(
        InputError, match=r"`prompt='question'` is no name that the model has \(document, passage, query\)"
    ):
        load_encoder("transformer", model=str(folder), prompt="question")


def test_a_pooling_without_the_prompt(folder):
    """``include_prompt`` false leaves [CLS] and the prompt's tokens out, not the final [SEP]."""
    rewrite(folder / "1_Pooling/config.json", include_prompt=False)
    states = states_of(["call", "me", "ok"])[2:].mean(0)

    near(vectors(folder, ["me ok"], prompt="query")[0], states / np.linalg.norm(states))
    whole = states_of(["me", "ok"]).mean(0)
    near(vectors(folder, ["me ok"])[0], whole / np.linalg.norm(whole))


def test_both_generations_of_pooling_files(folder):
    """Flags, joined in their order; a name or a list, joined in its own; none means mean."""
    states = states_of(WHOLE)
    config = folder / "1_Pooling/config.json"
    modules = json.loads((folder / "modules.json").read_text())
    (folder / "modules.json").write_text(json.dumps(modules[:2]))
    for content, expected in (
        ({"pooling_mode_max_tokens": True, "pooling_mode_cls_token": True}, np.hstack([states[0], states.max(0)])),
        ({"pooling_mode": ["max", "cls"]}, np.hstack([states.max(0), states[0]])),
        ({"pooling_mode": "lasttoken"}, states[-1]),
        ({"pooling_mode_mean_tokens": False}, states.mean(0)),
    ):
        config.write_text(json.dumps({"word_embedding_dimension": WIDTH, **content}))
        near(vectors(folder, [" ".join(WHOLE)])[0], expected)


def add_module(folder, name, kind, config, weights=None):
    """One more module at the end of ``modules.json``."""
    listed = json.loads((folder / "modules.json").read_text())
    entry = {"idx": len(listed), "name": "x", "path": name, "type": f"sentence_transformers.models.{kind}"}
    (folder / "modules.json").write_text(json.dumps([*listed, entry]))
    (folder / name).mkdir()
    (folder / name / "config.json").write_text(json.dumps(config))
    if weights:
        write_safetensors(folder / name / "model.safetensors", weights)


def test_dense_and_layer_norm(folder):
    """act(x W' + b), then a normalisation with PyTorch's epsilon, after the vector was brought to length 1."""
    rng = np.random.default_rng(5)
    weight, bias = (rng.normal(size=shape).astype(np.float32) for shape in ((8, WIDTH), 8))
    scale, shift = (rng.normal(size=8).astype(np.float32) for _ in range(2))
    config = {"in_features": WIDTH, "out_features": 8, "bias": True}
    config["activation_function"] = "torch.nn.modules.activation.Sigmoid"
    add_module(folder, "3_Dense", "Dense", config, {"linear.weight": weight, "linear.bias": bias})
    add_module(folder, "4_LayerNorm", "LayerNorm", {"dimension": 8}, {"norm.weight": scale, "norm.bias": shift})

    mean = states_of(WHOLE).mean(0)
    dense = 1 / (1 + np.exp(-(mean / np.linalg.norm(mean) @ weight.T + bias)))
    expected = (dense - dense.mean()) / np.sqrt(dense.var() + 1e-5) * scale + shift
    near(vectors(folder, [" ".join(WHOLE)])[0], expected)
    near(vectors(folder, [" ".join(WHOLE)], dims=3)[0], expected[:3])
    rewrite(folder / "0_BERT/sentence_bert_config.json", max_seq_length=5)
    assert load_encoder("transformer", model=str(folder)).encode([" ".join(WHOLE)]).counts.tolist() == [[7, 0, 4]]
    with pytest.raises(InputError, match="`dims=9`: the vectors have 8 columns"):
        vectors(folder, ["ok"], dims=9)
    with pytest.raises(InputError, match=r"model's Dense takes 128 columns, and pooling cls\+mean gives 256"):
        vectors(folder, ["ok"], pooling="cls+mean")


def test_limits_and_casing_where_they_stand(folder):
    """``max_seq_length``, else ``model_max_length``, else the positions; ``do_lower_case`` goes before all else."""

    def limit():
        return load_encoder("transformer", model=str(folder)).identity()["max_tokens"]

    settings = folder / "0_BERT/sentence_bert_config.json"
    assert limit() == 32
    rewrite(settings, max_seq_length=None)
    assert limit() == 40
    (folder / "0_BERT/tokenizer_config.json").write_text(json.dumps({"model_max_length": 16}))
    assert limit() == 16
    rewrite(folder / "0_BERT/tokenizer_config.json", model_max_length=1e30)
    assert limit() == 40

    bert_models.tokenizer(lower_case=False).save(str(folder / "0_BERT/tokenizer.json"))
    cased = load_encoder("transformer", model=str(folder)).encode(["OK call"]).counts
    rewrite(settings, do_lower_case=True)
    uncased = load_encoder("transformer", model=str(folder)).encode(["OK call"]).counts
    assert (cased.tolist(), uncased.tolist()) == ([[2, 1, 0]], [[2, 0, 0]])


def test_a_folder_that_truncates_on_the_left(folder):
    """``truncation_side``: the end of a text is read."""
    (folder / "0_BERT/tokenizer_config.json").write_text(json.dumps({"truncation_side": "left"}))
    mean = states_of(WHOLE[-3:]).mean(0)

    near(vectors(folder, [" ".join(WHOLE)], max_tokens=5)[0], mean / np.linalg.norm(mean))


def test_identity_is_what_is_done(folder, tmp_path):
    """What changes a vector changes it; a note beside the weights, and an option that says what is so, do not."""

    def identity(**options):
        return identity_digest(load_encoder("transformer", model=str(folder), **options).identity())

    base = identity()
    for same in ({"pooling": "mean"}, {"max_tokens": 32}, {"layer": "3"}, {"device": "cpu"}, {"prompt": "document"}):
        assert identity(**same) == base, same
    for other in (
        {"pooling": "max"}, {"max_tokens": 12}, {"layer": "2"}, {"prompt": "query"}, {"dims": 5},
        {"precision": "bfloat16"}, {"long_text": "window"}, {"output": "tokens"},
    ):  # fmt: skip
        assert identity(**other) != base, other
    (folder / "README.md").write_text("a note")
    assert identity() == base
    for file in ("0_BERT/tokenizer.json", "0_BERT/config.json", "1_Pooling/config.json", "modules.json"):
        path = folder / file
        kept = path.read_bytes()
        path.write_bytes(kept + b"\n")
        assert identity() != base, file
        path.write_bytes(kept)
    moved = shutil.copytree(folder, tmp_path / "another")
    assert identity_digest(load_encoder("transformer", model=str(moved)).identity()) == base


@pytest.mark.parametrize("kind", ["WeightedLayerPooling", "CNN", "StaticEmbedding", "Router"])
def test_a_module_that_tk_has_not_is_refused_by_name(folder, kind):
    """It is never left out."""
    add_module(folder, "3_More", kind, {})
    with pytest.raises(InputError, match=rf"modules.json names the module {kind}, which tk has not"):
        load_encoder("transformer", model=str(folder))


def _config(**changes):
    return lambda folder: rewrite(folder / "0_BERT/config.json", **changes)


def _module(path, **changes):
    return lambda folder: rewrite(folder / path, **changes)


def _outside(folder):
    listed = json.loads((folder / "modules.json").read_text())
    listed[1]["path"] = "../elsewhere"
    (folder / "modules.json").write_text(json.dumps(listed))


def _spare(folder):
    found = dict(np.load(folder / "w.npz")) if (folder / "w.npz").exists() else {}
    from embed.weights.safetensors import read_safetensors

    path = folder / "0_BERT/model.safetensors"
    found |= {name: np.array(array) for name, array in read_safetensors(path).items()}
    write_safetensors(path, found | {"encoder.layer.0.adapter.weight": np.zeros((2, 2), np.float32)})


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (_config(num_attention_heads=3), InputError, "num_attention_heads 3 does not divide hidden_size 128"),
        (_config(hidden_size=64), InputError, "word_embeddings.weight of its weights is float32"),
        (_config(hidden_act="mish"), InputError, "hidden_act 'mish' is none of those that tk knows"),
        (_config(intermediate_size=50), InputError, "intermediate.dense.weight of its weights is float32 48 x 128"),
        (_config(num_hidden_layers=4), InputError, "hold no encoder.layer.3.attention.self.query.weight"),
        (_config(num_hidden_layers=2), InputError, "hold encoder.layer.2."),
        (_config(num_hidden_layers="3"), InputError, "num_hidden_layers '3' is no whole number above 0"),
        (_config(max_position_embeddings=4000), InputError, "position_embeddings.weight of its weights is"),
        (_config(layer_norm_eps=-1), InputError, "layer_norm_eps -1 is no number above 0"),
        (_config(model_type="t5"), InputError, "model_type 't5' is none of those that tk runs"),
        (_config(is_decoder=True), InputError, "is_decoder True means a decoder"),
        (_config(position_embedding_type="relative_key"), InputError, "is not absolute"),
        (_config(hidden_act=["gelu"]), InputError, "hidden_act ['gelu'] is none of those that tk knows"),
        (_config(layer_norm_eps=2.5), InputError, "layer_norm_eps 2.5 is more than 0.01, which no model has"),
        (_config(num_hidden_layers=10**12), InputError, "num_hidden_layers 1000000000000 is more than the 1,048,576"),
        (_outside, FailureError, "path '../elsewhere' leaves the folder"),
        (_spare, InputError, "its weights hold encoder.layer.0.adapter.weight (1 such), of which config.json says"),
        (_module("1_Pooling/config.json", pooling_mode="median"), InputError, "pooling_mode ['median'] is not made of"),
        (_module("1_Pooling/config.json", pooling_mode=[]), InputError, "pooling_mode [] is not made of cls"),
        (_module("1_Pooling/config.json", include_prompt=0), InputError, "include_prompt 0 is neither true nor false"),
        (
            _module("1_Pooling/config.json", word_embedding_dimension=None),
            InputError, "1_Pooling/config.json has no embedding_dimension",
        ),
        (
            _module("1_Pooling/config.json", word_embedding_dimension=64),
            InputError, "its states have 128 columns, and the pooling is for 64",
        ),
        (_module("0_BERT/sentence_bert_config.json", modality_config="x"), InputError, "method_output_name 'x' is not"),
        (_module("config_sentence_transformers.json", default_prompt_name=["query"]), InputError, "default_prompt"),
        (_module("0_BERT/sentence_bert_config.json", max_seq_length="6"), InputError, "max_seq_length '6' is no whole"),
        (
            _module("0_BERT/sentence_bert_config.json", module_output_name="token_weights"),
            InputError, "module_output_name 'token_weights' is not token_embeddings",
        ),
        (
            _module("config_sentence_transformers.json", default_prompt_name="search"),
            InputError, "default_prompt_name 'search' is none of its prompts",
        ),
    ],
)  # fmt: skip
def test_files_that_contradict_each_other(folder, spoil, error, message):
    """One line that names file and entry."""
    spoil(folder)
    with pytest.raises(error, match=re.escape(message)) as raised:
        vectors(folder, ["ok"])
    assert "\n" not in str(raised.value)


def test_a_tokenizer_of_another_model(folder):
    """An id that has no row of the word embeddings is an error, not zeros."""
    from tokenizers import Tokenizer

    path = str(folder / "0_BERT/tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    tokenizer.add_tokens(["zebra"])
    tokenizer.save(path)

    with pytest.raises(InputError, match=rf"gives 'zebra' the id {len(PIECES)}, and its weights have words 0 to"):
        vectors(folder, ["a zebra"])


def test_no_special_tokens(folder):
    """A text without any token has zeros, since there is no state; others have theirs, in one batch with it."""
    rewrite(folder / "0_BERT/tokenizer.json", post_processor=None)
    found = vectors(folder, ["", "ok"])

    assert not found[0].any()
    near(found[1], vectors(folder, ["ok"])[0])


def test_a_tokenizer_that_fails_on_a_text(folder):
    """What the library raises is one line that names the file."""
    path = folder / "0_BERT/tokenizer.json"
    model = json.loads(path.read_text())["model"]
    rewrite(path, model=model | {"vocab": {"a": 1}})
    with pytest.raises(FailureError, match=r"tokenizer.json is damaged, or no tokenizer .*UNK.* get it again"):
        vectors(folder, ["ok"])


def test_damaged_bytes_are_one_line(folder, tmp_path):
    """A byte of each file, changed or cut off at many places: one line, or the file still means something."""
    rng, errors = np.random.default_rng(0), 0
    files = [f"0_BERT/{name}" for name in ("tokenizer.json", "config.json", "model.safetensors")]
    files += ["modules.json", "1_Pooling/config.json", "config_sentence_transformers.json"]
    for file in files:
        whole = (folder / file).read_bytes()
        for i in range(25):
            place = int(rng.integers(min(len(whole), 4000)))  # of the weights: the header
            damaged = whole[:place] if i % 3 == 0 else whole[:place] + bytes([rng.integers(256)]) + whole[place + 1 :]
            (folder / file).write_bytes(damaged)
            try:
                vectors(folder, ["ok"])
            except (InputError, FailureError) as error:
                errors += 1
                assert "\n" not in str(error)
                assert str(folder) in str(error), error
        (folder / file).write_bytes(whole)
    assert errors > 50


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


def test_auto_takes_what_the_processor_has(folder, monkeypatch):
    """It is resolved before anything is encoded: identity and recipe hold what it came to."""
    from embed import Recipe

    for native, expected in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(machine, "processor_features", lambda native=native: {"avx512_bf16": native})
        recipe = Recipe.of("transformer", model=str(folder), precision="auto")
        assert recipe.encoder.identity()["precision"] == recipe.options["precision"] == expected
        plain = load_encoder("transformer", model=str(folder), precision=expected)
        assert identity_digest(recipe.encoder.identity()) == identity_digest(plain.identity())


def test_what_is_said(folder, monkeypatch, tensorflow_alone):
    """A prompt that nobody asked for, and what another precision would gain; each in one line, once."""
    from helpers.reporter import Recorder

    rewrite(folder / "config_sentence_transformers.json", default_prompt_name="query")
    monkeypatch.setattr(machine, "processor_features", lambda: {"avx512_bf16": True})
    told = Recorder()
    encoder = load_encoder("transformer", reporter=told, model=str(folder))
    encoder.encode(["ok"])
    encoder.encode(["me"])

    assert [line.partition(";")[0] for line in told.notes] == [
        "transformer: 'call ' stands before each text, as the model asks",
        "transformer: this processor multiplies bfloat16 natively",
    ]
    quiet = Recorder()
    load_encoder("transformer", reporter=quiet, model=str(folder), prompt="query", precision="bfloat16").encode(["ok"])
    assert quiet.notes == []
