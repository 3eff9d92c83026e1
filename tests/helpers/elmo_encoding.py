"""Texts through tiny ELMos."""

import pytest

from embed import load_encoder

TEXTS = [
    "The cat sat on the mat.",
    "word",
    "",
    "Grüße   aus Köln, 你好 \U0001f600",
    "a b a b a b a b a b a b",
    "no\tblank\u00a0but this",
    "x" * 60 + " " + "x" * 48,
    "and so on " * 25,
]


@pytest.fixture(scope="session")
def elmo_modules(lookalike):
    """A folder of tiny TF1 Hub modules in the published layouts."""
    return lookalike("elmo_modules")


@pytest.fixture(scope="session")
def elmo_model(lookalike):
    """Tiny weights as AllenNLP publishes them."""
    return lookalike("elmo")


def encode(path, texts=TEXTS, **options):
    """Features of texts with the model in ``path``."""
    return load_encoder("elmo", model=str(path), **options).encode(texts)
