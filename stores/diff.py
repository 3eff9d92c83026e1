"""How far apart the features of the same texts are in two stores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stores.reader import FeatureStore
from stores.shared.errors import InputError

ROWS = 4096


@dataclass(frozen=True)
class Difference:
    """The outcome of ``diff``.

    Attributes:
        same_identity: whether the vectors ought to be equal.
        shared, only_a, only_b: distinct texts in both stores, and in one of them alone.
        largest: largest absolute difference of two numbers; None if there is no shared text.
        cosine: mean and smallest cosine between the two vectors of a text (1 where both are zero).
        farthest_line: line in ``a``'s data file of the text with the largest difference.
    """

    same_identity: bool
    shared: int
    only_a: int
    only_b: int
    largest: float | None
    cosine: tuple[float, float] | None
    farthest_line: int | None


def diff(a: FeatureStore, b: FeatureStore) -> Difference:
    """Compare pooled features, text by text; what is read at a time is 4,096 rows of each.

    Raises:
        InputError: if the stores hold other kinds, or vectors of different width.
    """
    for store in (a, b):
        if store.kind != "pooled":
            raise InputError(f"{store.path} holds {store.kind} features; only pooled features can be compared")
    if a.shape[1] != b.shape[1]:
        raise InputError(f"{a.path} has {a.shape[1]} numbers a text, {b.path} has {b.shape[1]}: nothing to compare")
    hash_a, rows_a = np.unique(a.text_hash.view("V16").ravel(), return_index=True)
    hash_b, rows_b = np.unique(b.text_hash.view("V16").ravel(), return_index=True)
    _, at_a, at_b = np.intersect1d(hash_a, hash_b, assume_unique=True, return_indices=True)
    shared = len(at_a)
    rows_a, rows_b = rows_a[at_a], rows_b[at_b]
    order = np.argsort(rows_a)
    rows_a, rows_b = rows_a[order], rows_b[order]
    largest, cosines = [], []
    for start in range(0, shared, ROWS):
        x = np.asarray(a.features[rows_a[start : start + ROWS]], np.float64)
        y = np.asarray(b.features[rows_b[start : start + ROWS]], np.float64)
        largest.append(np.abs(x - y).max(1))
        cosines.append(_cosine(x, y))
    alone = (len(hash_a) - shared, len(hash_b) - shared)
    same = a.identity_digest == b.identity_digest
    if not shared:
        return Difference(same, 0, *alone, None, None, None)
    far, cosine = np.concatenate(largest), np.concatenate(cosines)
    line = int(a.line[rows_a[far.argmax()]])
    return Difference(same, shared, *alone, float(far.max()), (float(cosine.mean()), float(cosine.min())), line)


def _cosine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    both_zero = ~x.any(1) & ~y.any(1)
    return np.where(both_zero, 1.0, np.divide((x * y).sum(1), norms, out=np.zeros(len(x)), where=norms > 0))
