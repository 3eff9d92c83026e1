"""Stores of given features."""

import numpy as np

from stores import Block, PooledFeatures, write_store
from stores.block import Extent
from stores.shared.fingerprint import hash_texts, identity_digest
from stores.shared.likeness import hash_likeness


def make_store(
    path, features, labels, texts, line=None, ids=None, splits=None, raw=True, source=None, alike=False, **options
):
    """A store of given features, whose texts were not cleaned; ``raw``: whether it has hashes of the raw texts.

    Tests number their texts, and numbers make no difference to the normal form; so unless ``alike``, equal texts alone
    count as alike.
    """
    identity = {"encoder": "made", "version": 1}
    line = np.arange(2, len(labels) + 2) if line is None else line
    like_hash = hash_likeness(texts) if alike else hash_texts(texts)
    hashes = {"raw_hash": hash_texts(texts), "like_hash": like_hash} if raw else {}
    block = Block(line, hash_texts(texts), labels, texts, features, ids=ids, splits=splits, **hashes)
    attributes = {
        "identity": identity, "identity_digest": identity_digest(identity), "versions": {}, "command": "made",
        "recipe": {"encoder": "made", "options": {}, "dtype": "float32"}, "source": source or {"file": "made"},
        "totals": {"rows": len(labels)}, "times": (0.0, 0.0, 0.0),
    }  # fmt: skip
    write_store(path, [block], Extent.of(block), attributes, **options)
    return path


def pooled(values):
    """Features of kind pooled from an array."""
    values = np.asarray(values, np.float32)
    return PooledFeatures({"pooled": values}, np.ones((len(values), 3), np.int32))
