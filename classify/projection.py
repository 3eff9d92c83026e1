"""Features on a plane: their first two principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classify.data import matrix
from stores.store import FeatureStore

WIDE = 32  # columns from which on only two components are computed


@dataclass(frozen=True)
class Spots:
    """Rows on the plane of their first two principal components.

    Attributes:
        prediction: int ``[m]``, which prediction each spot is of.
        place: float ``[m, 2]``; what lies far out is moved to the edge, or all else would be one blot.
        share: float ``[2]``, of the variance along each axis.
        outside: how many were moved.
    """

    prediction: np.ndarray
    place: np.ndarray
    share: np.ndarray
    outside: int


def project(vectors: np.ndarray, prediction: np.ndarray) -> Spots:
    """The map of ``vectors`` ``[m, D]``; each axis points to where its largest value is positive."""
    centred = vectors - vectors.mean(0, dtype=np.float64)
    if min(centred.shape) > WIDE:  # two of a thousand components cost a tenth of all
        from scipy.sparse.linalg import svds

        _, _, axes = svds(centred, 2, v0=np.ones(min(centred.shape)))
        axes = axes[::-1]
    else:
        axes = np.linalg.svd(centred, full_matrices=False)[2][:2]
    place = np.zeros((len(centred), 2))
    place[:, : len(axes)] = centred @ axes.T
    place *= np.where(place[np.abs(place).argmax(0), [0, 1]] < 0, -1, 1)
    share = (place**2).sum(0) / max((centred**2).sum(), np.finfo(float).tiny)
    low, high = np.quantile(place, [0.01, 0.99], axis=0)
    inside = np.clip(place, low - (high - low) / 2, high + (high - low) / 2)
    return Spots(prediction, inside, share, int((inside != place).any(1).sum()))


def vectors_of(store: FeatureStore, rows: np.ndarray) -> np.ndarray | None:
    """float32 ``[m, D]``; tokens are averaged. None for words without vectors."""
    features = store.take(rows)
    if features.kind == "pooled":
        return matrix(features)
    if features.kind == "ids" and features.table is None:
        return None
    output = next(iter(features.outputs.values()))
    tokens = np.asarray(output if features.kind == "tokens" else features.table[output], np.float32)
    sums = np.concatenate([np.zeros((1, tokens.shape[1])), np.cumsum(tokens, axis=0, dtype=np.float64)])
    lengths = np.diff(features.offsets)[:, None]
    return (np.diff(sums[features.offsets], axis=0) / np.maximum(lengths, 1)).astype(np.float32)
