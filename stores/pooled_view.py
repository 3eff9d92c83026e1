"""One vector a text out of the vectors of its tokens, from a store, without a new encoding."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from stores.pooling import VIEW, check_pooling, pool
from stores.reader import FeatureStore
from stores.shared.errors import InputError
from stores.shared.files import regular_output
from stores.shared.fingerprint import identity_digest
from stores.writer import write_store


def pooled_view(path: str | Path, output: str | Path, pooling: str = "mean", command: str = "") -> FeatureStore:
    """Write the pooled vectors of a store of token features as a store of its own, and open it.

    Its identity says of which view it is; runs on it predict new texts, which are encoded and pooled alike.

    Args:
        path: the store, of token features or of ids with vectors.
        output: the new store.
        pooling: see ``pool``.
        command: kept in the store.

    Raises:
        InputError: if the store holds other features, ``output`` is there, or there is no such pooling.
        FailureError: if the store is damaged, or the machine refuses the write.
    """
    check_pooling(pooling)
    target, began = regular_output(Path(output), "a store"), time.time()
    if target.exists():
        raise InputError(f"{output} exists already; choose another `out`")
    with FeatureStore(path) as store:
        if store.kind != "tokens" and store.table is None:
            raise InputError(f"{path} holds {store.kind} features; only one vector a token can be pooled")
        store.verify()
        identity = store.identity | {VIEW: pooling}
        attributes = {
            "identity": identity, "identity_digest": identity_digest(identity), "versions": store.versions,
            "recipe": store.recipe | {VIEW: pooling}, "source": store.source, "command": command,
            "totals": store.totals, "times": (began, store.seconds, store.reused_seconds),
        }  # fmt: skip
        blocks = (replace(block, features=pool(block.features, pooling)) for block in store.blocks())
        write_store(target, blocks, replace(store.extent, tokens=0), attributes)
    return FeatureStore(target)
