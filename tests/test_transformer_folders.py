"""Folders of sentence-transformers mean what they say: prompts, poolings, modules, limits."""

import json

import numpy as np
import pytest
from helpers import bert_models
from helpers.bert_encoding import WHOLE, assert_near
from helpers.bert_models import WIDTH
from helpers.sentence_folders import add_module, rewrite, states_of, vectors

from embed import load_encoder
from stores import InputError

pytestmark = pytest.mark.slow


def test_prompts(sentence_folder):
    """By name, in words, or the default; the prompt stands before the text and is part of the identity."""
    plain = vectors(sentence_folder, ["call me", "win ok", "me"], prompt="document")
    assert_near(vectors(sentence_folder, ["me"], prompt="query")[0], plain[0])
    assert_near(vectors(sentence_folder, ["me"])[0], plain[2])
    assert_near(vectors(sentence_folder, ["ok"], prompt="win ")[0], plain[1])
    rewrite(sentence_folder / "config_sentence_transformers.json", default_prompt_name="passage")
    assert_near(vectors(sentence_folder, ["ok"])[0], plain[1])

    named, spelled, other = (
        load_encoder("transformer", model=str(sentence_folder), prompt=prompt).identity()
        for prompt in ("query", "call ", "")
    )
    assert named == spelled
    assert (named["prompt"], other["prompt"]) == ("call ", "")
    with pytest.raises(
        InputError, match=r"`prompt='question'` is no name that the model has \(document, passage, query\)"
    ):
        load_encoder("transformer", model=str(sentence_folder), prompt="question")


def test_a_pooling_without_the_prompt(sentence_folder):
    """``include_prompt`` false leaves [CLS] and the prompt's tokens out, not the final [SEP]."""
    rewrite(sentence_folder / "1_Pooling/config.json", include_prompt=False)
    states = states_of(["call", "me", "ok"])[2:].mean(0)

    assert_near(vectors(sentence_folder, ["me ok"], prompt="query")[0], states / np.linalg.norm(states))
    whole = states_of(["me", "ok"]).mean(0)
    assert_near(vectors(sentence_folder, ["me ok"])[0], whole / np.linalg.norm(whole))


def test_both_generations_of_pooling_files(sentence_folder):
    """Flags, joined in their order; a name or a list, joined in its own; none means mean."""
    states = states_of(WHOLE)
    config = sentence_folder / "1_Pooling/config.json"
    modules = json.loads((sentence_folder / "modules.json").read_text())
    (sentence_folder / "modules.json").write_text(json.dumps(modules[:2]))
    for content, expected in (
        ({"pooling_mode_max_tokens": True, "pooling_mode_cls_token": True}, np.hstack([states[0], states.max(0)])),
        ({"pooling_mode": ["max", "cls"]}, np.hstack([states.max(0), states[0]])),
        ({"pooling_mode": "lasttoken"}, states[-1]),
        ({"pooling_mode_mean_tokens": False}, states.mean(0)),
    ):
        config.write_text(json.dumps({"word_embedding_dimension": WIDTH, **content}))
        assert_near(vectors(sentence_folder, [" ".join(WHOLE)])[0], expected)


def test_dense_and_layer_norm(sentence_folder):
    """act(x W' + b), then a normalisation with PyTorch's epsilon, after the vector was brought to length 1."""
    rng = np.random.default_rng(5)
    weight, bias = (rng.normal(size=shape).astype(np.float32) for shape in ((8, WIDTH), 8))
    scale, shift = (rng.normal(size=8).astype(np.float32) for _ in range(2))
    config = {"in_features": WIDTH, "out_features": 8, "bias": True}
    config["activation_function"] = "torch.nn.modules.activation.Sigmoid"
    add_module(sentence_folder, "3_Dense", "Dense", config, {"linear.weight": weight, "linear.bias": bias})
    add_module(
        sentence_folder, "4_LayerNorm", "LayerNorm", {"dimension": 8}, {"norm.weight": scale, "norm.bias": shift}
    )

    mean = states_of(WHOLE).mean(0)
    dense = 1 / (1 + np.exp(-(mean / np.linalg.norm(mean) @ weight.T + bias)))
    expected = (dense - dense.mean()) / np.sqrt(dense.var() + 1e-5) * scale + shift
    assert_near(vectors(sentence_folder, [" ".join(WHOLE)])[0], expected)
    assert_near(vectors(sentence_folder, [" ".join(WHOLE)], dims=3)[0], expected[:3])
    rewrite(sentence_folder / "0_BERT/sentence_bert_config.json", max_seq_length=5)
    assert load_encoder("transformer", model=str(sentence_folder)).encode([" ".join(WHOLE)]).counts.tolist() == [
        [7, 0, 4]
    ]
    with pytest.raises(InputError, match="`dims=9`: the vectors have 8 columns"):
        vectors(sentence_folder, ["ok"], dims=9)
    with pytest.raises(InputError, match=r"model's Dense takes 128 columns, and pooling cls\+mean gives 256"):
        vectors(sentence_folder, ["ok"], pooling="cls+mean")


def test_limits_and_casing_where_they_stand(sentence_folder):
    """``max_seq_length``, else ``model_max_length``, else the positions; ``do_lower_case`` goes before all else."""

    def limit():
        return load_encoder("transformer", model=str(sentence_folder)).identity()["max_tokens"]

    settings = sentence_folder / "0_BERT/sentence_bert_config.json"
    assert limit() == 32
    rewrite(settings, max_seq_length=None)
    assert limit() == 40
    (sentence_folder / "0_BERT/tokenizer_config.json").write_text(json.dumps({"model_max_length": 16}))
    assert limit() == 16
    rewrite(sentence_folder / "0_BERT/tokenizer_config.json", model_max_length=1e30)
    assert limit() == 40

    bert_models.tokenizer(lower_case=False).save(str(sentence_folder / "0_BERT/tokenizer.json"))
    cased = load_encoder("transformer", model=str(sentence_folder)).encode(["OK call"]).counts
    rewrite(settings, do_lower_case=True)
    uncased = load_encoder("transformer", model=str(sentence_folder)).encode(["OK call"]).counts
    assert (cased.tolist(), uncased.tolist()) == ([[2, 1, 0]], [[2, 0, 0]])


def test_a_folder_that_truncates_on_the_left(sentence_folder):
    """``truncation_side``: the end of a text is read."""
    (sentence_folder / "0_BERT/tokenizer_config.json").write_text(json.dumps({"truncation_side": "left"}))
    mean = states_of(WHOLE[-3:]).mean(0)

    assert_near(vectors(sentence_folder, [" ".join(WHOLE)], max_tokens=5)[0], mean / np.linalg.norm(mean))


def test_no_special_tokens(sentence_folder):
    """A text without any token has zeros, since there is no state; others have theirs, in one batch with it."""
    rewrite(sentence_folder / "0_BERT/tokenizer.json", post_processor=None)
    found = vectors(sentence_folder, ["", "ok"])

    assert not found[0].any()
    assert_near(found[1], vectors(sentence_folder, ["ok"])[0])
