"""Small files of word vectors, and encoders of them."""

import pytest

from embed import load_encoder

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LINES = ["the 1 0", "cash 0 2", "is 3 3", "fun 4 -4", "do 1 1", "n't 2 2", "e 9 1"]
TERMS = ["5 2", "card 1 1", "credit 2 2", "credit_card 3 3", "creditor 5 7", "creditors 7 9", "##_hours 4 4"]


def write(path, lines):
    """A file of these lines."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.fixture
def small_encoder(tmp_path):
    """A function: encoder, lines of its file, options -> the encoder."""
    return lambda name, lines, **options: load_encoder(name, model=write(tmp_path / f"{name}.txt", lines), **options)


def pooled(encoder, *texts):
    """The vectors of texts."""
    return encoder.encode(list(texts)).outputs["pooled"].tolist()
