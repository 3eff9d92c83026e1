"""Tiny BERTs, the vectors that the encoder makes with them, and those of the reference."""

import numpy as np
import pytest

from embed import load_encoder
from helpers import bert_models
from helpers.bert_models import PIECES, arrays, reference

CLS, SEP = PIECES.index("[CLS]"), PIECES.index("[SEP]")
WHOLE = "call me when you are home ok".split()  # seven words of one piece each


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory):
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


def assert_near(found, expected):
    """Equal but for the noise of float32."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=3e-5)
