"""Numberbatch's ``mini.h5``: a table that pandas wrote as HDF5, of small integers.

The group ``mat`` holds ``axis1``, the words as bytes, and ``block0_values``, int8 ``[V, D]``: 64 times vectors of unit
length, cut to integers. Each row is brought to unit length again; a row of zeros stays one.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import numpy as np

from stores.errors import FailureError

ROWS = 4096  # that are worked on at once


def write_word2vec(path: Path, out: BinaryIO) -> None:
    """Write the vectors of an HDF5 file to ``out`` in the binary form of word2vec, float32.

    Raises:
        FailureError: if it is damaged, or does not hold vectors in this way.
    """
    import h5py

    try:
        with h5py.File(path) as file:
            words, values = file["mat/axis1"], file["mat/block0_values"]
            if values.ndim != 2 or len(words) != len(values):
                raise ValueError(f"{len(words)} words, numbers {values.shape}")
            out.write(b"%d %d\n" % values.shape)
            for start in range(0, len(words), ROWS):
                _write(words[start : start + ROWS], values[start : start + ROWS], out)
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, OSError) and error.errno == 28:  # the disk is full
            raise
        raise FailureError(f"{path} holds no word vectors as mini.h5 does ({error}); get it again") from error


def _write(words: np.ndarray, values: np.ndarray, out: BinaryIO) -> None:
    vectors = values.astype("<f4")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(lengths > 0, lengths, 1)
    for word, vector in zip(words, vectors, strict=True):
        out.write(word + b" " + vector.tobytes())
