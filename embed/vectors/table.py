"""A table of word vectors in memory, and the compact file that it is shipped in.

Nothing here knows how a text becomes words: each encoder that owns a table brings its own tokens.

Format of a table file (``.npz``, read without pickle), ``V`` rows of ``D`` columns:

===========  ==============================================================================
``words``    uint8: the ``V`` words in UTF-8, joined by newlines; no two are equal
``levels``   int8 ``[V, D]``, each between -31 and 31 (six bits, so that the file deflates well)
``scales``   float32 ``[V]``; row ``i`` of the vectors is ``levels[i] * scales[i]``
``weights``  float32 ``[V]``: how much each word says, 0 to 1; made of its frequency
``about``    uint8: a JSON object in UTF-8 with ``licence`` and ``source``; not in every file
===========  ==============================================================================
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from stores.shared.errors import FailureError, InputError

LEVELS = 31  # the largest level: finer ones made a larger file and no better score


@dataclass(frozen=True)
class WordTable:
    """Words and their vectors, row by row.

    Attributes:
        words: ``V`` different words.
        values: ``[V, D]``, the vectors as float32, or what ``scales`` makes vectors of.
        weights: float32 ``[V]``, how much each word says; None where the table has no frequencies.
        about: ``licence`` and ``source``, where the file says so.
        digest: of the file, where it is known.
        scales: float32 ``[V]``, by which the values of a row are multiplied where it is needed; None: by 1.
    """

    words: list[str]
    values: np.ndarray
    weights: np.ndarray | None = None
    about: dict = field(default_factory=dict)
    digest: str = ""
    scales: np.ndarray | None = None

    @cached_property
    def index(self) -> dict[str, int]:
        """Word -> row."""
        return dict(zip(self.words, range(len(self.words)), strict=True))

    @cached_property
    def longest(self) -> int:
        """Characters of the longest word."""
        return max(map(len, self.words))

    @property
    def vectors(self) -> np.ndarray:
        """float32 ``[V, D]``: all vectors."""
        return self.take(np.arange(len(self.words)))

    @property
    def dimension(self) -> int:
        """Columns of the vectors."""
        return self.values.shape[1]

    def find(self, words: Sequence[str]) -> np.ndarray:
        """int64 ``[n]``: the row of each word, -1 where there is none."""
        return np.fromiter((self.index.get(word, -1) for word in words), np.int64, len(words))

    def take(self, rows: np.ndarray) -> np.ndarray:
        """float32 ``[n, D]``: the vectors of these rows."""
        return self.values[rows] if self.scales is None else self.values[rows] * self.scales[rows, None]

    def weights_of(self, rows: np.ndarray) -> np.ndarray:
        """float32 ``[n]``: how much the words of these rows say; 1 where the table has no frequencies."""
        return np.ones(len(rows), np.float32) if self.weights is None else self.weights[rows]


def check_dimension(wanted: int | None, found: int, model: str) -> None:
    """``InputError`` if a number of columns is wanted, and it is another one."""
    if wanted not in (None, found):
        raise InputError(f"{model} has vectors of {found} columns, not {wanted}; leave out `dim`")


def sif_weights(ranks: np.ndarray, words: int | None = None, a: float = 1e-3) -> np.ndarray:
    """a / (a + p) for the words of these ranks; p = (1 / rank) / sum of 1 / r over all ranks r (Zipf's law).

    Arora, Liang, Ma 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", section 3, with their a.

    Args:
        ranks: int ``[n]``, 1 the most frequent.
        words: how many words there are in all; None: ``ranks`` are all there are.
        a: the smaller, the less frequent words say.
    """
    total = np.sum(1 / ranks) if words is None else np.sum(1 / np.arange(1, words + 1))
    p = (1 / ranks) / total
    return a / (a + p)


def quantise(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors as small integers: float ``[V, D]`` -> levels int8 ``[V, D]``, scales float32 ``[V]``.

    The largest value of a row becomes ``LEVELS``, so ``levels * scales`` is off by at most half a scale.
    """
    scales = (np.abs(vectors).max(axis=1) / LEVELS).astype(np.float32)
    scales[scales == 0] = 1  # a row of zeros stays one
    return np.clip(np.rint(vectors / scales[:, None]), -LEVELS, LEVELS).astype(np.int8), scales


def table_bytes(words: Iterable[str], vectors: np.ndarray, weights: np.ndarray, about: dict | None = None) -> bytes:
    """A table file, see the format above; the same table gives the same bytes."""
    levels, scales = quantise(vectors)
    text = np.frombuffer("\n".join(words).encode(), np.uint8)
    extra = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8)} if about else {}
    out = io.BytesIO()
    arrays = {"words": text, "levels": levels, "scales": scales, "weights": weights.astype(np.float32), **extra}
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]  # its stub takes the arrays for an option
    return out.getvalue()


def is_table(path: Path) -> bool:
    """Whether a file is a table file, as far as the names in it tell."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return {"words.npy", "levels.npy", "scales.npy"} <= set(archive.namelist())


def load_table(path: Path, advice: str = "get it again") -> WordTable:
    """Inverse of ``table_bytes``, but for the rounding.

    Args:
        path: the file.
        advice: what the user is to do about a broken one.

    Raises:
        FailureError: the file is missing, is not a table or does not fit together.
    """
    try:
        with path.open("rb") as source, np.load(source, allow_pickle=False) as file:
            words = file["words"].tobytes().decode().split("\n")
            levels, scales, weights = file["levels"], file["scales"], file["weights"]
            about = dict(json.loads(file["about"].tobytes())) if "about" in file else {}
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise FailureError(f"{path} is no table of word vectors ({error}); {advice}") from error
    if not (len(words) == len(levels) == len(scales) == len(weights) and levels.ndim == 2):
        sizes = f"{len(words)} words, levels {levels.shape}, {len(scales)} scales, {len(weights)} weights"
        raise FailureError(f"{path}: the table does not fit together ({sizes}); {advice}")
    return WordTable(words, levels, weights, about, scales=scales)
