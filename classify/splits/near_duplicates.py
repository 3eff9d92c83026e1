"""Texts that are nearly the same: MinHash of their word pairs, banded, then compared exactly.

Broder 1997, "On the Resemblance and Containment of Documents": of a random order of all pairs, two texts have the same
first pair with a probability that is the Jaccard similarity of their sets of pairs.
"""

from __future__ import annotations

import numpy as np

from classify.data import Data
from classify.splits.folds import mixed
from stores.features import IdFeatures
from stores.shared.errors import InputError
from stores.shared.likeness import normal_forms

HASHES, ROWS = 120, 4  # random orders, and how many of them a band has: 30 bands


def near_duplicate_groups(data: Data, similarity: float) -> np.ndarray:
    """Int ``[n]``: equal for texts that hang together through pairs of at least this Jaccard similarity.

    A pair at similarity 0.7 is found with a probability of 0.9997 (30 bands of 4), one at 0.5 with 0.86.

    Args:
        data: with texts, or tokens of words.
        similarity: above 0, at most 1.

    Raises:
        InputError: if the store has no texts, or ``similarity`` is out of range.
    """
    if not 0 < similarity <= 1:
        raise InputError(f"`near_duplicates={similarity:g}`: give a similarity above 0 and at most 1, such as 0.7")
    words = data.texts if data.texts is not None else data.x
    if not isinstance(words, IdFeatures):
        raise InputError(f"`near_duplicates`: {data.path} was made without texts; embed the table with them")
    sets = _pairs(words)
    signature = np.stack([_first(sets, order) for order in range(HASHES)], axis=1)  # [n, HASHES]
    parent = np.arange(len(sets))
    for band in range(0, HASHES, ROWS):
        key = np.zeros(len(sets), np.uint64)
        for column in signature[:, band : band + ROWS].T:
            key = mixed(key ^ column)
        order = np.argsort(key, kind="stable")
        for a, b in zip(
            order[:-1][key[order][1:] == key[order][:-1]], order[1:][key[order][1:] == key[order][:-1]], strict=True
        ):
            _tie(parent, sets, int(a), int(b), similarity)
    return np.array([_root(parent, i) for i in range(len(parent))])


def _pairs(words: IdFeatures) -> list[np.ndarray]:
    """The set of word pairs of each text, as sorted uint64; a text of one word is its word."""
    number: dict[str, int] = {}
    forms = normal_forms(words.vocabulary)
    of_token = np.array([number.setdefault(form, len(number)) if form else -1 for form in forms], np.int64)
    ids = of_token[words.ids] if len(of_token) else np.empty(0, np.int64)
    found = []
    for start, stop in zip(words.offsets[:-1], words.offsets[1:], strict=True):
        own = ids[start:stop]
        own = own[own >= 0].astype(np.uint64)
        joined = mixed(own[:-1]) ^ (own[1:] << np.uint64(1)) if len(own) > 1 else own
        found.append(np.unique(mixed(joined)))
    return found


def _first(sets: list[np.ndarray], order: int) -> np.ndarray:
    """uint64 ``[n]``: the smallest of each set in a random order; an empty set has a number of its own."""
    seed = mixed(np.array([order + 1], np.uint64))
    lengths = np.array([len(own) for own in sets])
    found = mixed(np.arange(len(sets), dtype=np.uint64))
    if lengths.any():
        values = mixed(np.concatenate(sets) ^ seed)
        filled = np.flatnonzero(lengths)
        starts = np.concatenate([[0], np.cumsum(lengths[filled])[:-1]])
        found[filled] = np.minimum.reduceat(values, starts)
    return found


def _tie(parent: np.ndarray, sets: list[np.ndarray], a: int, b: int, similarity: float) -> None:
    """Put two texts into one group if they are similar enough."""
    if _root(parent, a) == _root(parent, b):
        return
    shared = len(np.intersect1d(sets[a], sets[b], assume_unique=True))
    if shared >= similarity * (len(sets[a]) + len(sets[b]) - shared):
        parent[_root(parent, b)] = _root(parent, a)


def _root(parent: np.ndarray, i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = int(parent[i])
    return i
