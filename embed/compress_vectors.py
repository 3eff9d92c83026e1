"""A large file of word vectors -> a compact table: frequent words, principal directions, small integers."""

from __future__ import annotations

import numpy as np

from embed.encoders import load
from embed.encoders._files import FileEncoder
from embed.vectors.table import table_bytes
from stores.shared.errors import InputError
from stores.shared.reporter import Reporter


def shrink(name: str, options: dict, top: int, width: int | None, reporter: Reporter | None = None) -> bytes:
    """The content of a table file (see ``embed.vectors.table``) that the same encoder takes as its ``model``.

    Args:
        name: of an encoder with a file of word vectors.
        options: of the encoder.
        top: how many words are kept, the most frequent.
        width: how many principal directions of their vectors are kept; None: the columns as they are.
        reporter: told what the encoder says; None: stderr.

    Raises:
        InputError: if the encoder has no such file, or ``width`` is more than there is.
        FailureError: if the file is damaged.
    """
    encoder = load(name, reporter=reporter, **options)
    if not isinstance(encoder, FileEncoder):
        raise InputError(f"encoder {name} has no file of word vectors that could be shrunk; take glove or numberbatch")
    words = encoder.frequent_words()[: max(top, 0)]
    rows = encoder.find(words)
    words = [word for word, row in zip(words, rows.tolist(), strict=True) if row >= 0]
    rows = rows[rows >= 0]
    vectors = encoder.table.take(rows)
    if not len(words):
        raise InputError(f"`top={top}` leaves no word")
    if width is not None:
        if not 1 <= width <= min(vectors.shape):
            raise InputError(f"`width={width}`: {len(words):,} words of {vectors.shape[1]} columns have no so many")
        vectors = principal(vectors, np.ones(len(words), bool), width)
    about = {"source": encoder.table.digest, "licence": encoder.licence}
    return table_bytes(
        words, vectors, encoder.weights_of(rows), {what: value for what, value in about.items() if value}
    )


def principal(vectors: np.ndarray, fitted: np.ndarray, width: int) -> np.ndarray:
    """``vectors`` ``[V, H]`` on the first ``width`` principal directions of those in ``fitted`` (bool ``[V]``)."""
    centred = vectors.astype(np.float64) - vectors[fitted].mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred[fitted].T @ centred[fitted])  # smallest first
    directions = directions[:, ::-1][:, :width]
    # subtle: a direction's sign is arbitrary; its largest entry is made positive, so that two runs agree
    largest = np.abs(directions).argmax(axis=0)
    return centred @ (directions * np.sign(directions[largest, np.arange(width)]))
