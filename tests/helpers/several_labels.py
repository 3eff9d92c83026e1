"""A store of rows that may have several labels."""

import numpy as np

from stores import Block, IdFeatures, write_store
from stores.block import Extent
from stores.shared.fingerprint import hash_texts, identity_digest


def several_store(path, y, wrong, labelled=None):
    """A store of words for rows with two labels, ``rude`` and ``long``; a share of the telling words is wrong."""
    rng = np.random.default_rng(0)
    told = np.where(rng.random(y.shape) < wrong, 1 - y, y)
    tokens = [["the", "text", *rng.choice(["of", "so", "an"], 2), f"r{a}", f"l{b}"] for a, b in told.tolist()]
    texts = [f"text {i}" for i in range(len(y))]
    block = Block(
        np.arange(2, len(y) + 2),
        hash_texts(texts),
        y if labelled is None else labelled,
        texts,
        IdFeatures.from_tokens(tokens),
        ["rude", "long"],
    )
    identity = {"encoder": "made", "version": 1}
    attributes = {
        "identity": identity, "identity_digest": identity_digest(identity), "versions": {}, "command": "made",
        "recipe": {"encoder": "made", "options": {}, "dtype": "float32"}, "source": {"file": "made"},
        "totals": {"rows": len(y)}, "times": (0.0, 0.0, 0.0),
    }  # fmt: skip
    write_store(path, [block], Extent.of(block), attributes)
    return path
