"""From the vectors of words to one vector a text."""

from __future__ import annotations

import numpy as np

PARTS = ("mean", "max", "min", "power3")  # joined by +, each once
_START = {"mean": 0.0, "power3": 0.0, "max": -np.inf, "min": np.inf}


def is_pooling(pooling: str) -> bool:
    """Whether ``pooling`` is one or more of ``PARTS``, joined by ``+``, none twice."""
    parts = pooling.split("+")
    return set(parts) <= set(PARTS) and len(set(parts)) == len(parts)


def pool(vectors: np.ndarray, ids: np.ndarray, offsets: np.ndarray, pooling: str) -> np.ndarray:
    """One vector a text from the vectors of its words.

    ``mean`` is the mean of the vectors, ``max`` and ``min`` are the largest and the smallest value in each column,
    ``power3`` is the cube root of the mean cube; several, joined by ``+``, stand side by side. They are the power
    means with exponents 1, infinity, minus infinity and 3 of Rücklé et al. 2018, "Concatenated Power Mean Word
    Embeddings as Universal Cross-Lingual Sentence Representations", section 3.

    Args:
        vectors: float32 ``[V, D]``.
        ids: int ``[sum n]``, rows of ``vectors``, text by text.
        offsets: int64 ``[texts + 1]``; text ``i`` owns ``ids[offsets[i]:offsets[i + 1]]``.
        pooling: see ``is_pooling``.

    Returns:
        float32 ``[texts, D * parts]``; zeros for a text without words.
        Each text is summed in its own order, so its vector is the same, bit by bit, in any company.
    """
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")
    starts = offsets[:-1][order]
    # one step a place in the text, for all texts at once; longest first, so the texts that still go on are a prefix
    places = np.arange(lengths.max(initial=0))
    going_on = len(lengths) - np.searchsorted(np.sort(lengths), places, side="right")
    so_far = {part: np.full((len(lengths), vectors.shape[1]), _START[part], np.float32) for part in pooling.split("+")}
    for place, k in enumerate(going_on):
        step = vectors[ids[starts[:k] + place]]
        for part, values in so_far.items():
            _add(part, values[:k], step)

    n = np.maximum(lengths[order], 1).astype(np.float32)[:, None]
    for part, values in so_far.items():
        if part in ("mean", "power3"):
            values /= n
        values[lengths[order] == 0] = 0
    if "power3" in so_far:
        np.cbrt(so_far["power3"], out=so_far["power3"])
    out = np.empty((len(lengths), vectors.shape[1] * len(so_far)), np.float32)
    out[order] = np.concatenate(list(so_far.values()), axis=1)
    return out


def _add(part: str, so_far: np.ndarray, step: np.ndarray) -> None:
    """Take one more word of each text into what there is."""
    if part == "mean":
        so_far += step
    elif part == "power3":
        so_far += step * step * step
    elif part == "max":
        np.maximum(so_far, step, out=so_far)
    else:
        np.minimum(so_far, step, out=so_far)
