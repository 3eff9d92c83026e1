"""A table of word vectors: words to rows, rows to one vector a text.

Nothing here knows how a text becomes words: each encoder that owns a table brings its own tokens.

Format of a table file (``.npz``, read without pickle), ``V`` rows of ``D`` columns:

===========  ==============================================================================
``words``    uint8: the ``V`` words in UTF-8, joined by newlines; no two are equal
``levels``   int8 ``[V, D]``, each between -31 and 31 (six bits, so that the file deflates well)
``scales``   float32 ``[V]``; row ``i`` of the vectors is ``levels[i] * scales[i]``
``weights``  float32 ``[V]``: how much each word says, 0 to 1; made of its frequency
===========  ==============================================================================
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from stores.errors import FailureError

LEVELS = 31  # the largest level: finer ones made a larger file and no better score
POOLINGS = ("mean", "max", "mean+max")


@dataclass(frozen=True)
class WordTable:
    """Words and their vectors, row by row.

    Attributes:
        words: ``V`` different words.
        vectors: float32 ``[V, D]``.
        weights: float32 ``[V]``, how much each word says; None where the table has no frequencies.
    """

    words: list[str]
    vectors: np.ndarray
    weights: np.ndarray | None = None

    @cached_property
    def index(self) -> dict[str, int]:
        """Word -> row."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def longest(self) -> int:
        """Characters of the longest word."""
        return max(map(len, self.words))


def pool(vectors: np.ndarray, ids: np.ndarray, offsets: np.ndarray, pooling: str) -> np.ndarray:
    """One vector a text from the vectors of its words.

    ``mean`` is the mean of the vectors, ``max`` the largest value in each column, ``mean+max`` both side by side.

    Args:
        vectors: float32 ``[V, D]``.
        ids: int ``[sum n]``, rows of ``vectors``, text by text.
        offsets: int64 ``[texts + 1]``; text ``i`` owns ``ids[offsets[i]:offsets[i + 1]]``.
        pooling: one of ``POOLINGS``.

    Returns:
        float32 ``[texts, D]``, or ``[texts, 2 * D]`` for ``mean+max``; zeros for a text without words.
        Each text is summed in its own order, so its vector is the same, bit by bit, in any company.
    """
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")
    starts = offsets[:-1][order]
    # one step a place in the text, for all texts at once; longest first, so the texts that still go on are a prefix
    places = np.arange(lengths.max(initial=0))
    going_on = len(lengths) - np.searchsorted(np.sort(lengths), places, side="right")
    total = np.zeros((len(lengths), vectors.shape[1]), np.float32)
    top = np.full_like(total, -np.inf)
    for place, k in enumerate(going_on):
        step = vectors[ids[starts[:k] + place]]
        total[:k] += step
        if pooling != "mean":
            np.maximum(top[:k], step, out=top[:k])

    total /= np.maximum(lengths[order], 1).astype(np.float32)[:, None]
    top[lengths[order] == 0] = 0
    parts = [{"mean": total, "max": top}[part] for part in pooling.split("+")]
    out = np.empty((len(lengths), sum(part.shape[1] for part in parts)), np.float32)
    out[order] = np.concatenate(parts, axis=1)
    return out


def quantise(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors as small integers: float ``[V, D]`` -> levels int8 ``[V, D]``, scales float32 ``[V]``.

    The largest value of a row becomes ``LEVELS``, so ``levels * scales`` is off by at most half a scale.
    """
    scales = (np.abs(vectors).max(axis=1) / LEVELS).astype(np.float32)
    scales[scales == 0] = 1  # a row of zeros stays one
    return np.clip(np.rint(vectors / scales[:, None]), -LEVELS, LEVELS).astype(np.int8), scales


def table_bytes(words: Iterable[str], vectors: np.ndarray, weights: np.ndarray) -> bytes:
    """A table file, see the format above; the same table gives the same bytes."""
    levels, scales = quantise(vectors)
    text = np.frombuffer("\n".join(words).encode(), np.uint8)
    out = io.BytesIO()
    np.savez_compressed(out, words=text, levels=levels, scales=scales, weights=weights.astype(np.float32))
    return out.getvalue()


def load_table(path: Path) -> WordTable:
    """Inverse of ``table_bytes``, but for the rounding.

    Raises:
        FailureError: the file is missing, is not a table or does not fit together.
    """
    try:
        with path.open("rb") as source, np.load(source, allow_pickle=False) as file:
            words = file["words"].tobytes().decode().split("\n")
            levels, scales, weights = file["levels"], file["scales"], file["weights"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FailureError(f"{path} is no table of word vectors ({error}); install the package again") from error
    if not len(words) == len(levels) == len(scales) == len(weights):
        sizes = f"{len(words)} words, {len(levels)} rows, {len(scales)} scales, {len(weights)} weights"
        raise FailureError(f"{path}: the table does not fit together ({sizes}); install the package again")
    return WordTable(words, levels * scales[:, None], weights)
