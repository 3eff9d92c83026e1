"""Several stores into one: end to end, or side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stores.block import Block, Extent, sort_classes
from stores.features import PooledFeatures
from stores.reader import READ_ROWS, FeatureStore
from stores.shared.errors import InputError
from stores.shared.files import regular_output
from stores.shared.fingerprint import identity_digest
from stores.writer import write_store

OF_WORDS = ("types", "unknown_types", "unknown_words", "bad_lines")  # totals of distinct words, which do not add up


@dataclass(frozen=True)
class MergeSummary:
    """What must be known of each store before several are put end to end.

    Attributes:
        kind, extent, totals: as in the store.
        words: its vocabulary, None without one.
        seconds: how long the run took that wrote it.
        place: see ``stores.reader.FeatureStore``.
        raw_hashes: whether the store has those of ``stores.format.RAW_HASHES``.
    """

    kind: str
    extent: Extent
    totals: dict[str, int]
    words: list[str] | None
    seconds: float
    place: range | None = None
    raw_hashes: bool = True

    @classmethod
    def of(cls, path: Path) -> MergeSummary:
        """The summary of a store, after every byte of it was checked; ``FailureError`` if it is damaged."""
        with FeatureStore(path) as store:
            store.verify()
            return cls(
                store.kind,
                store.extent,
                store.totals,
                store.vocabulary,
                store.seconds,
                store.place,
                store.raw_hash is not None and store.like_hash is not None,
            )


def concatenate(
    paths: Sequence[Path],
    summaries: Sequence[MergeSummary],
    output: Path,
    attributes: dict,
    rows: int = READ_ROWS,
    **options: Any,  # noqa: ANN401 (of whatever type ``write_store`` has them)
) -> dict[str, int]:
    """Write the rows of the stores ``paths``, one after the other, as the store ``output``.

    Memory holds one block of rows, and the vocabulary of all.

    Args:
        paths: stores of one kind and identity, at least one.
        summaries: of the same stores.
        output: the store that is made or replaced.
        attributes: as ``write_store``; ``totals``, if there are any, are no sums over the stores; the seconds of
            ``times`` grow by those of the stores.
        rows: how many make a block.
        options: passed on to ``write_store``.

    Returns:
        the totals of ``output``: those of all stores added up (but ``OF_WORDS``), and those in ``attributes``.

    Raises:
        FailureError: if a store cannot be read, or the machine refuses the write.
    """
    extents = [summary.extent for summary in summaries]
    totals: Counter[str] = Counter()
    for summary in summaries:
        totals.update({name: total for name, total in summary.totals.items() if name not in OF_WORDS})
    first = extents[0]
    union = sort_classes({name for extent in extents for name in extent.classes})
    whole = Extent(
        classes=first.classes if first.several_labels else union,
        rows=sum(extent.rows for extent in extents),
        tokens=sum(extent.tokens for extent in extents),
        strings={name: sum(extent.strings[name] for extent in extents) for name in first.strings},
        words=len({word for summary in summaries for word in summary.words or []}),
        several_labels=first.several_labels,
    )
    began, seconds = attributes["times"]
    times = (began, seconds + sum(summary.seconds for summary in summaries))
    attributes |= {"totals": dict(totals) | attributes.get("totals", {}), "times": times}
    raw_hashes = all(summary.raw_hashes for summary in summaries)
    write_store(output, _blocks(paths, rows, raw_hashes), whole, dict(attributes), **options)
    return attributes["totals"]


def merge(paths: Sequence[Path], output: Path, command: str = "") -> FeatureStore:
    """Stores of one identity, of different tables, as one store.

    Raises:
        InputError: if there are fewer than two, ``output`` exists, or they are not of one identity.
        FailureError: if a store cannot be read, or the machine refuses the write.
    """
    stores = _open(paths, output)
    first = stores[0]
    for store in stores[1:]:
        if store.identity_digest != first.identity_digest:
            raise InputError(
                f"{store.path} has another identity than {first.path}; only features of one identity merge"
            )
        if (store.texts is None) != (first.texts is None):
            raise InputError(f"one of {store.path} and {first.path} keeps its texts and one does not; embed one again")
        if store.extent.strings.keys() != first.extent.strings.keys():
            raise InputError(f"one of {store.path} and {first.path} has ids or splits and one has not; embed one again")
        several = store.has_several_labels or first.has_several_labels
        if several and (store.classes != first.classes or store.codes.ndim != first.codes.ndim):
            raise InputError(f"{store.path} and {first.path} have not the same labels; embed one again")
    summaries = [MergeSummary.of(path) for path in paths]
    concatenate(paths, summaries, output, _attributes(stores, first.identity, first.recipe, command))
    return FeatureStore(output)


def join(paths: Sequence[Path], output: Path, command: str = "") -> FeatureStore:
    """Pooled features of the same rows by several encoders, side by side: one output an encoder, named as it.

    Rows are matched by their line in the data file, and must have the same text.

    Raises:
        InputError: if there are fewer than two, ``output`` exists, they are not pooled, or their rows do not match.
        FailureError: if a store cannot be read, or the machine refuses the write.
    """
    stores = _open(paths, output)
    for store in stores:
        if store.kind != "pooled":
            raise InputError(f"{store.path} holds {store.kind} features; only pooled features can stand side by side")
        store.verify()
    order = [_matching(stores[0], store) for store in stores]
    identity = {"joined": [store.identity for store in stores]}
    recipe = {"joined": [store.recipe for store in stores]}
    attributes = _attributes(stores, identity, recipe, command) | {"totals": stores[0].totals}
    write_store(output, _side_by_side(stores, order), stores[0].extent, attributes)
    return FeatureStore(output)


def _open(paths: Sequence[Path], output: Path) -> list[FeatureStore]:
    if len(paths) < 2:
        raise InputError("give at least two stores")
    regular_output(output, "a store")
    if output.exists():
        raise InputError(f"{output} exists already; choose another `out`")
    return [FeatureStore(path) for path in paths]


def _attributes(stores: list[FeatureStore], identity: dict, recipe: dict, command: str) -> dict:
    return {
        "identity": identity,
        "identity_digest": identity_digest(identity),
        "recipe": recipe,
        "source": {"stores": [{"digest": store.digest, **store.source} for store in stores]},
        "versions": stores[0].versions,
        "command": command,
        "times": (0.0, 0.0),
    }


def _blocks(paths: Sequence[Path], rows: int, raw_hashes: bool) -> Iterator[Block]:
    for path in paths:
        with FeatureStore(path) as store:
            for block in store.mapped_blocks(rows):
                yield block if raw_hashes else replace(block, raw_hash=None, like_hash=None)


def _matching(first: FeatureStore, other: FeatureStore) -> np.ndarray:
    """For each row of ``first`` the row of ``other`` with the same line: int64 ``[N]``."""
    order = np.argsort(other.line, kind="stable")
    at = np.minimum(np.searchsorted(other.line[order], first.line), len(other) - 1)
    rows = order[at]
    wrong = (other.line[rows] != first.line) | (other.text_hash[rows] != first.text_hash).any(1)
    if wrong.any() or len(first) != len(other):
        line = first.line[wrong.argmax()] if wrong.any() else "beyond the last"
        raise InputError(f"{other.path} has not the same row as {first.path} for line {line}; embed the same table")
    return rows


def _side_by_side(stores: list[FeatureStore], order: list[np.ndarray]) -> Iterator[Block]:
    names = [f"{i}-{store.recipe.get('encoder', 'joined')}" for i, store in enumerate(stores, 1)]
    for number, block in enumerate(stores[0].blocks()):
        part = slice(number * READ_ROWS, number * READ_ROWS + len(block.line))
        outputs: dict[str, np.ndarray] = {}
        for name, store, rows in zip(names, stores, order, strict=True):
            found = store.take(rows[part]).outputs
            outputs |= {name if len(found) == 1 else f"{name}-{output}": values for output, values in found.items()}
        yield replace(block, features=PooledFeatures(outputs, block.features.counts))
