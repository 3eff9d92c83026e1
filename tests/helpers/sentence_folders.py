"""A tiny folder of sentence-transformers, what the encoder makes of it, and what the reference does."""

import json

import pytest

from embed import load_encoder
from helpers import bert_models
from helpers.bert_models import PIECES, arrays, reference, write_safetensors


@pytest.fixture
def sentence_folder(tmp_path):
    """A sentence-transformers folder: BERT in ``0_BERT``, mean, length 1, two prompts."""
    path = tmp_path / "model"
    return bert_models.sentence_transformers(path, "mean", 32, prompts={"query": "call ", "passage": "win "})


def vectors(model, texts, **options):
    """The pooled vectors of texts."""
    return load_encoder("transformer", model=str(model), **options).encode(texts).outputs["pooled"]


def states_of(words):
    """The reference's last states of [CLS], whole words and [SEP]."""
    return reference(arrays(), [2, *(PIECES.index(word) for word in words), 3], activation="gelu")[0][-1]


def rewrite(path, **changes):
    """A JSON file with other entries; None takes one out."""
    found = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({key: value for key, value in found.items() if value is not None}))


def add_module(folder, name, kind, config, weights=None):
    """One more module at the end of ``modules.json``."""
    listed = json.loads((folder / "modules.json").read_text())
    entry = {"idx": len(listed), "name": "x", "path": name, "type": f"sentence_transformers.models.{kind}"}
    (folder / "modules.json").write_text(json.dumps([*listed, entry]))
    (folder / name).mkdir()
    (folder / name / "config.json").write_text(json.dumps(config))
    if weights:
        write_safetensors(folder / name / "model.safetensors", weights)
