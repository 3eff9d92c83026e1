"""Pooled features of the same rows by several encoders, side by side in one store."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stores.block import Block
from stores.features import PooledFeatures
from stores.inputs import input_attributes, open_inputs
from stores.reader import READ_ROWS, FeatureStore
from stores.shared.errors import InputError
from stores.writer import write_store


def join(paths: Sequence[Path], output: Path, command: str = "") -> FeatureStore:
    """Pooled features of the same rows by several encoders, side by side: one output an encoder, named as it.

    Rows are matched by their line in the data file, and must have the same text.

    Raises:
        InputError: if there are fewer than two, ``output`` exists, they are not pooled, or their rows do not match.
        FailureError: if a store cannot be read, or the machine refuses the write.
    """
    with open_inputs(paths, output) as stores:
        for store in stores:
            if store.kind != "pooled":
                raise InputError(f"{store.path} holds {store.kind} features; only pooled features can be joined")
            store.verify()
        # int64 [N] a store: the row that belongs beside each row of the first
        order = [_matching(stores[0], store) for store in stores]
        identity = {"joined": [store.identity for store in stores]}
        recipe = {"joined": [store.recipe for store in stores]}
        attributes = input_attributes(stores, identity, recipe, command) | {"totals": stores[0].totals}
        attributes["times"] = (
            time.time(),
            *(sum(getattr(store, name) for store in stores) for name in ("seconds", "reused_seconds")),
        )
        write_store(output, _side_by_side(stores, order), stores[0].extent, attributes)
    return FeatureStore(output)


def _matching(first: FeatureStore, other: FeatureStore) -> np.ndarray:
    """For each row of ``first`` the row of ``other`` with the same line: int64 ``[N]``."""
    # where each line of the first, int64 [N], is among the sorted lines of the other; one past the end is clipped to
    # the last, whose line then differs
    order = np.argsort(other.line, kind="stable")
    positions = np.minimum(np.searchsorted(other.line[order], first.line), len(other) - 1)
    rows = order[positions]
    # the text must be the same, too: compare hashes uint8 [N, 16], of the texts before cleaning where both have them
    hashes, other_hashes = first.text_hash, other.text_hash
    if first.raw_hash is not None and other.raw_hash is not None:  # encoders may clean in different ways
        hashes, other_hashes = first.raw_hash, other.raw_hash
    wrong = (other.line[rows] != first.line) | (other_hashes[rows] != hashes).any(1)
    if wrong.any() or len(first) != len(other):
        line = first.line[wrong.argmax()] if wrong.any() else "beyond the last"
        raise InputError(f"{other.path} has not the same row as {first.path} for line {line}; embed the same table")
    return rows


def _side_by_side(stores: list[FeatureStore], order: list[np.ndarray]) -> Iterator[Block]:
    """The blocks of the first store, with the features float ``[n, D]`` of the matching rows of each store."""
    for number, block in enumerate(stores[0].blocks()):
        part = slice(number * READ_ROWS, number * READ_ROWS + len(block.line))
        # features [n, D] of the matching rows of each store
        taken = [
            (store.recipe.get("encoder", "joined"), store.take(rows[part]).outputs)
            for store, rows in zip(stores, order, strict=True)
        ]
        yield replace(block, features=PooledFeatures(joined_outputs(taken), block.features.counts))


def joined_outputs(parts: Sequence[tuple[str, dict[str, np.ndarray]]]) -> dict[str, np.ndarray]:
    """The outputs of several encoders as those of one, ``1-static``, ``2-use``, ...

    Args:
        parts: name and outputs of each encoder, float ``[n, D]``; only where one has several do their names stay.
    """
    outputs: dict[str, np.ndarray] = {}
    for number, (encoder, own) in enumerate(parts, 1):
        name = f"{number}-{encoder}"
        outputs |= {name if len(own) == 1 else f"{name}-{output}": x for output, x in own.items()}
    return outputs
