"""The encoder ``bert``: every published form gives the same vectors; poolings, layers, tokens, options."""

import re
import warnings

import numpy as np
import pytest
from helpers.bert_encoding import WHOLE, assert_near, ids_of, pooled, states_of
from helpers.bert_models import arrays, reference
from helpers.reporter import warned

from embed import load_encoder
from embed.encoders import _bert_formats
from stores import InputError

pytestmark = pytest.mark.slow
TEXTS = ["Call me when you are home!", "WINNER", "", "one two, three. 1010 \u4f60ok", "  ", "xyz you runs", "cash? ok"]
COUNTS = [[7, 0, 0], [1, 0, 0], [0] * 3, [11, 0, 0], [0] * 3, [3, 2, 0], [3, 0, 0]]  # pieces, unknown, cut off


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("hub", {"version": 1}), ("hub", {"version": 2}), ("hub", {"version": 3}), ("hub", {"version": 4}),
        ("tf1_hub", {"lower_case": True}), ("google", {}), ("hugging_face", {"activation": "gelu_new"}),
    ],
)  # fmt: skip
def test_every_form_gives_the_same_vectors(bert_folder, name, options):
    """The weights are the same, so the vectors are; that of a known text is the reference's."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if name == "google" else "error")  # its casing is a guess
        found = load_encoder("bert", model=bert_folder(name, **options)).encode([*TEXTS, " ".join(WHOLE)])

    assert_near(found.outputs["pooled"][-1], states_of(WHOLE, "gelu_tanh")[0][-1].mean(0))
    expected = load_encoder("bert", model=bert_folder("hugging_face", activation="gelu_new")).encode(TEXTS)
    assert_near(found.outputs["pooled"][:-1], expected.outputs["pooled"])
    assert found.counts[:-1].tolist() == expected.counts.tolist()
    assert expected.counts.tolist() == COUNTS


@pytest.mark.parametrize("version", [1, 4])
def test_the_published_graph_gives_the_same(bert_folder, version, monkeypatch, capsys):
    """The general path, as a check of the fast one: every pooling and layer that the graph gives."""
    path = bert_folder("hub", version=version)
    choices = [{"pooling": p} for p in ("mean", "cls", "max", "pooler")] + [{"output": "tokens"}]
    choices += [{"layer": "-2,-1"}] if version == 4 else []
    fast = [load_encoder("bert", model=path, **options).encode(TEXTS).outputs for options in choices]
    assert "its own graph is used" not in capsys.readouterr().err  # or both would come from the graph
    monkeypatch.setattr(_bert_formats, "TOLERANCE", -1)

    for options, expected in zip(choices, fast, strict=True):
        with warned(capsys, "differs from the BERT that tk knows"):
            found = load_encoder("bert", model=path, **options).encode(TEXTS).outputs
        for output, values in expected.items():
            assert_near(found[output], values)


def test_a_module_that_is_another_architecture_runs_by_its_graph(bert_folder, capsys):
    """BERT's names, but relu in place of gelu: the probe finds out, before the first text, and says so."""
    path = bert_folder("hub", activation="relu")
    with warned(capsys, r"differs from the BERT that tk knows by up to \d.*its own graph is used"):
        found = pooled(path, TEXTS)

    assert np.abs(found - pooled(bert_folder("hub"), TEXTS)).max() > 0.01


def test_any_encoder_with_a_preprocessor(bert_folder):
    """Unknown variables, no vocabulary: the tokens come from the preprocessor, the vectors from the graph."""
    path = bert_folder("hub", known=False, pieces=None)
    with pytest.raises(InputError, match="has no vocabulary .* name its `preprocessor`"):
        pooled(path, TEXTS)

    encoder = load_encoder("bert", model=path, preprocessor=bert_folder("preprocessor"))
    assert_near(encoder.encode(TEXTS).outputs["pooled"], pooled(bert_folder("hub"), TEXTS))
    assert encoder.encode(TEXTS).counts[:, 0].tolist() == [row[0] for row in COUNTS]


def test_the_probe_is_made_once(bert_folder, monkeypatch):
    """The second time, the published graph is not even loaded."""
    path = bert_folder("hub", version=3)
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
def test_pooling_and_layers(bert_folder, options, expected):
    """Each against the reference."""
    assert_near(pooled(bert_folder("hugging_face"), [" ".join(WHOLE)], **options)[0], expected(*states_of(WHOLE)))


def test_several_layers_are_several_outputs(bert_folder):
    """Named by their numbers, so that they stand in their order where they are put side by side."""
    found = load_encoder("bert", model=bert_folder("hugging_face"), layer="-1,1").encode([" ".join(WHOLE)]).outputs
    states, _ = states_of(WHOLE)

    assert sorted(found) == ["layer01", "layer03"]
    assert_near(found["layer01"][0], states[1].mean(0))
    assert_near(found["layer03"][0], states[3].mean(0))


def test_tokens_are_word_pieces_or_words(bert_folder):
    """Without [CLS] and [SEP]; ``first`` leaves one piece of each word."""
    path = bert_folder("hugging_face")
    found = load_encoder("bert", model=path, output="tokens").encode(["winner runns you", "", "ok"])
    states = reference(arrays(), ids_of(["winner", "runn", "##s", "you"]), activation="gelu")[0][-1]

    assert found.kind == "tokens"
    assert found.offsets.tolist() == [0, 4, 4, 5]
    assert_near(found.outputs["tokens"][:4], states[1:-1])

    first = load_encoder("bert", model=path, output="tokens", pooling="first").encode(["winner runns you", "", "ok"])
    assert first.offsets.tolist() == [0, 3, 3, 4]
    assert_near(first.outputs["tokens"][:3], states[[1, 2, 4]])
    assert first.counts.tolist() == [[4, 0, 0], [0, 0, 0], [1, 0, 0]]


def test_casing_is_guessed_and_said_or_asked(bert_folder, capsys):
    """Google's checkpoints do not say it; these pieces have no capitals."""
    path = bert_folder("google")
    with warned(capsys, r"is taken for uncased \(its vocabulary has no pieces with capitals\)"):
        guessed = pooled(path, ["OK Call"])

    assert_near(pooled(path, ["ok call"], casing="cased"), guessed)
    assert load_encoder("bert", model=path, casing="cased").encode(["OK Call"]).counts.tolist() == [[2, 2, 0]]


def test_identity_holds_all_that_a_vector_depends_on(bert_folder):
    """Every option but the device is another identity, and so are other weights."""
    path = bert_folder("hugging_face")
    base = load_encoder("bert", model=path).identity()
    options = [
        {"output": "tokens"}, {"pooling": "cls"}, {"layer": "-2"}, {"max_tokens": 9}, {"long_text": "window"},
        {"precision": "bfloat16"}, {"casing": "cased"}, {"preprocessor": bert_folder("preprocessor")},
    ]  # fmt: skip

    for changed in options:
        assert load_encoder("bert", model=path, **changed).identity() != base, changed
    assert load_encoder("bert", model=bert_folder("hub")).identity()["weights"] != base["weights"]
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
def test_wrong_options(bert_folder, options, message):
    """One line with what there is."""
    with pytest.raises(InputError, match=re.escape(message)):
        load_encoder("bert", model=bert_folder("hugging_face"), **options).encode(["ok"])


def test_a_folder_without_bert(tmp_path):
    """It says what was looked for."""
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="holds no BERT: neither saved_model.pb"):
        pooled(str(tmp_path), ["ok"])
