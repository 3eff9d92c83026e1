"""The direction that all texts share, taken out of vectors: the second half of SIF.

Arora, Liang, Ma 2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings", algorithm 1, lines 4 to 6: the
first right singular vector u of the matrix of text vectors, which is not centred; each vector v becomes v - u (u . v).
It depends on the texts it is fitted on, so it is fitted on training rows only, as a scaler is.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def fit_components(blocks: Iterable[np.ndarray], count: int = 1) -> np.ndarray:
    """The first right singular vectors of the training rows.

    They are the eigenvectors of x' x with the largest eigenvalues, summed in float64 over the blocks, so that the
    rows need not be in memory together. The largest number of each is positive: a singular vector has no sign.

    Args:
        blocks: float ``[n, D]`` each: the training rows, some at a time.
        count: how many directions; the paper removes 1. Rows that span fewer have no others.

    Returns:
        float64 ``[k, D]``, of unit length and at right angles to each other; ``k`` is at most ``count``.
    """
    gram = sum(x.T @ x for x in (np.asarray(block, np.float64) for block in blocks))
    if not isinstance(gram, np.ndarray):
        raise ValueError("there are no rows to fit components on")
    values, vectors = np.linalg.eigh(gram)  # in rising order
    spanned = int((values > len(gram) * np.finfo(np.float64).eps * values[-1]).sum())
    found = vectors.T[::-1][: min(count, spanned)]
    largest = np.take_along_axis(found, np.abs(found).argmax(axis=1)[:, None], axis=1)
    return found * np.sign(largest)


def remove_components(x: np.ndarray, components: np.ndarray) -> np.ndarray:
    """``x`` without its part along the components, in its own type; a row of zeros stays one.

    Args:
        x: float ``[n, D]``: rows of any kind, training or not.
        components: float64 ``[k, D]``, from ``fit_components``.
    """
    along = x @ components.T  # [n, k]
    return (x - along @ components).astype(x.dtype)
