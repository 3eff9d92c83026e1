"""One vector a text out of the vectors of its tokens, in memory; without HDF5, which a prediction has no use for."""

from __future__ import annotations

import numpy as np

from stores.features import Features, IdFeatures, PooledFeatures, TokenFeatures
from stores.shared.errors import InputError
from stores.shared.suggest import listing

POOLINGS = ("mean", "max", "first", "last")
VIEW = "pooled_view"  # the key in identity and recipe


def check_pooling(pooling: str) -> None:
    """``InputError`` for one that there is not."""
    if pooling == "sif":
        raise InputError(
            "`pooling='sif'` learns how frequent words are, from training rows: classify takes STORE.h5:pool=sif"
        )
    if pooling not in POOLINGS:
        raise InputError(f"`pooling={pooling!r}`: choose one of {listing(pooling, POOLINGS)}")


def pool(features: Features, pooling: str) -> PooledFeatures:
    """One vector a text.

    Args:
        features: of n texts: tokens, or ids of words with a table of vectors; words without a vector do not count.
        pooling: of the vectors of a text, one of ``POOLINGS``: their mean, the largest number of each column, the first
            vector or the last one. A text without any gets zeros.

    Returns:
        each output float32 ``[n, D]``.

    Raises:
        TypeError: for features that are no vectors a token.
    """
    check_pooling(pooling)
    if isinstance(features, IdFeatures):
        features = vectors_of_words(features)
    if not isinstance(features, TokenFeatures):
        raise TypeError(f"{features.kind} features have no vectors a token")
    offsets = features.offsets
    some = np.flatnonzero(np.diff(offsets))  # texts that have tokens; they follow each other without a gap
    starts, ends = offsets[some], offsets[some + 1]
    outputs = {}
    for name, values in features.outputs.items():
        pooled = np.zeros((len(features), values.shape[1]), np.float32)
        if len(some):
            values = np.asarray(values)
            if pooling in ("first", "last"):
                found = values[starts if pooling == "first" else ends - 1]
            elif pooling == "max":
                found = np.maximum.reduceat(values, starts)
            else:
                found = np.add.reduceat(values.astype(np.float32), starts) / (ends - starts)[:, None]
            pooled[some] = found
        outputs[name] = pooled
    return PooledFeatures(outputs, features.counts)


def vectors_of_words(ids: IdFeatures) -> TokenFeatures:
    """The vectors of the words of each text; of words without one, whose row of the table is zeros, none."""
    if ids.table is None:
        raise TypeError("the words have no vectors")
    has_vector = (ids.table != 0).max(axis=1)[ids.ids]  # bool [sum T]
    offsets = np.concatenate([[0], np.cumsum(has_vector)])[ids.offsets]
    return TokenFeatures({"pooled": ids.table[ids.ids[has_vector]]}, ids.counts, offsets.astype(np.int64))
