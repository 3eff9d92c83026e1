"""Folders of Model2Vec in the encoder ``static``: means of vectors of tokens, worked out by hand."""

import json
import re

import numpy as np
import pytest
from helpers.bert_models import PIECES, tokenizer, write_safetensors

from embed import load_encoder
from stores import InputError

VECTORS = np.random.default_rng(2).normal(size=(len(PIECES), 6)).astype(np.float32)


def model(folder, config=None, **arrays):
    """A folder as the library model2vec writes it."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"normalize": False, "max_length": 512} | (config or {})))
    tokenizer().save(str(folder / "tokenizer.json"))
    write_safetensors(folder / "model.safetensors", {"embeddings": VECTORS} | arrays)
    return str(folder)


def rows(words):
    """The rows of the table for some tokens."""
    return [PIECES.index(word) for word in words.split()]


def pooled(path, texts, **options):
    """The vectors of texts."""
    return load_encoder("static", model=path, **options).encode(texts)


def test_a_vector_is_the_mean_of_those_of_known_tokens(tmp_path):
    """Without special tokens and unknown ones; nothing known is zeros."""
    found = pooled(model(tmp_path / "m"), ["call me zebra", "WINS", "zebra", ""])

    expected = [VECTORS[rows("call me")].mean(0), VECTORS[rows("win ##s")].mean(0), np.zeros(6), np.zeros(6)]
    np.testing.assert_allclose(found.outputs["pooled"], expected, atol=1e-6)
    assert found.counts.tolist() == [[3, 1, 0], [2, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_length_weights_and_shared_rows(tmp_path):
    """``normalize`` of the configuration; a weight for each token; tokens that share a row."""
    weights = np.linspace(0.5, 2, len(PIECES), dtype=np.float32)
    mapping = np.arange(len(PIECES), dtype=np.int64) % 4
    path = model(tmp_path / "m", {"normalize": True}, embeddings=VECTORS[:4], weights=weights, mapping=mapping)
    ids = rows("call me now")
    mean = (VECTORS[mapping[ids]] * weights[ids][:, None]).mean(0)

    np.testing.assert_allclose(
        pooled(path, ["call me now"]).outputs["pooled"][0], mean / np.linalg.norm(mean), atol=1e-6
    )


def test_the_limit(tmp_path):
    """The first tokens, and before that the first characters: so many times the median length of a token."""
    found = pooled(model(tmp_path / "m", {"max_length": 3}), ["a b a b ok", "call me when"])
    median = int(np.median([len(piece) for piece in PIECES]))

    assert median == 3
    np.testing.assert_allclose(found.outputs["pooled"][0], VECTORS[rows("a b a")].mean(0), atol=1e-6)
    assert found.counts[0].tolist() == [5, 0, 2]
    np.testing.assert_allclose(found.outputs["pooled"][1], VECTORS[rows("call me")].mean(0), atol=1e-6)  # "call me w"


def test_the_vectors_are_those_of_the_model_alone(tmp_path):
    """The columns of the shape are part of the table that ships with the project."""
    path = model(tmp_path / "m")

    assert pooled(path, ["ok"]).outputs["pooled"].shape == (1, 6)
    assert load_encoder("static", model=path).identity() == load_encoder("static", model=path, shape=False).identity()


@pytest.mark.parametrize(
    ("config", "arrays", "message"),
    [
        ({"model_type": "bert"}, {}, "model_type 'bert' is not model2vec; `encoder='transformer'` takes others"),
        ({"max_length": "all"}, {}, "max_length 'all' is no whole number above 0"),
        ({}, {"embeddings": VECTORS[:, 0]}, "embeddings is no table of floats"),
        ({}, {"embeddings": VECTORS[:9]}, "of different models"),
        ({}, {"mapping": np.arange(len(PIECES), dtype=np.int64) + 1}, "mapping names rows that embeddings has not"),
    ],
)
def test_wrong_folders(tmp_path, config, arrays, message):
    """One line that names file and entry."""
    with pytest.raises(InputError, match=re.escape(message)):
        pooled(model(tmp_path / "m", config, **arrays), ["call me ok you"])
