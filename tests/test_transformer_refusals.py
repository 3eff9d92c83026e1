"""Folders of transformers that are damaged or contradict themselves: one line that names the file."""

import json
import re

import numpy as np
import pytest
from helpers.bert_models import PIECES, write_safetensors
from helpers.sentence_folders import add_module, rewrite, vectors

from embed import load_encoder
from stores import FailureError, InputError

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["WeightedLayerPooling", "CNN", "StaticEmbedding", "Router"])
def test_a_module_that_tk_has_not_is_refused_by_name(sentence_folder, kind):
    """It is never left out."""
    add_module(sentence_folder, "3_More", kind, {})
    with pytest.raises(InputError, match=rf"modules.json names the module {kind}, which tk has not"):
        load_encoder("transformer", model=str(sentence_folder))


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
def test_files_that_contradict_each_other(sentence_folder, spoil, error, message):
    """One line that names file and entry."""
    spoil(sentence_folder)
    with pytest.raises(error, match=re.escape(message)) as raised:
        vectors(sentence_folder, ["ok"])
    assert "\n" not in str(raised.value)


def test_a_tokenizer_of_another_model(sentence_folder):
    """An id that has no row of the word embeddings is an error, not zeros."""
    from tokenizers import Tokenizer

    path = str(sentence_folder / "0_BERT/tokenizer.json")
    tokenizer = Tokenizer.from_file(path)
    tokenizer.add_tokens(["zebra"])
    tokenizer.save(path)

    with pytest.raises(InputError, match=rf"gives 'zebra' the id {len(PIECES)}, and its weights have words 0 to"):
        vectors(sentence_folder, ["a zebra"])


def test_a_tokenizer_that_fails_on_a_text(sentence_folder):
    """What the library raises is one line that names the file."""
    path = sentence_folder / "0_BERT/tokenizer.json"
    model = json.loads(path.read_text())["model"]
    rewrite(path, model=model | {"vocab": {"a": 1}})
    with pytest.raises(FailureError, match=r"tokenizer.json is damaged, or no tokenizer .*UNK.* get it again"):
        vectors(sentence_folder, ["ok"])


def test_damaged_bytes_are_one_line(sentence_folder, tmp_path):
    """A byte of each file, changed or cut off at many places: one line, or the file still means something."""
    rng, errors = np.random.default_rng(0), 0
    files = [f"0_BERT/{name}" for name in ("tokenizer.json", "config.json", "model.safetensors")]
    files += ["modules.json", "1_Pooling/config.json", "config_sentence_transformers.json"]
    for file in files:
        whole = (sentence_folder / file).read_bytes()
        for i in range(25):
            place = int(rng.integers(min(len(whole), 4000)))  # of the weights: the header
            damaged = whole[:place] if i % 3 == 0 else whole[:place] + bytes([rng.integers(256)]) + whole[place + 1 :]
            (sentence_folder / file).write_bytes(damaged)
            try:
                vectors(sentence_folder, ["ok"])
            except (InputError, FailureError) as error:
                errors += 1
                assert "\n" not in str(error)
                assert str(sentence_folder) in str(error), error
        (sentence_folder / file).write_bytes(whole)
    assert errors > 50
