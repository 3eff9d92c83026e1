"""Several stores into one, end to end; side by side they are joined, see ``stores.join``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stores.block import Block, Extent, sort_classes
from stores.inputs import input_attributes, open_inputs
from stores.join import join
from stores.reader import READ_ROWS, FeatureStore
from stores.shared.errors import InputError
from stores.writer import write_store

__all__ = ["MergeSummary", "blocks_of", "concatenate", "join", "merge"]

OF_WORDS = ("types", "unknown_types", "unknown_words", "bad_lines")  # totals of distinct words, which do not add up
MOST_LINES = 1 << 40  # of a table


@dataclass(frozen=True)
class MergeSummary:
    """Facts about a store that are needed before several are put end to end.

    Attributes:
        kind, extent, totals: as in the store.
        words: its vocabulary, None without one.
        seconds: how long the run took that wrote it; and ``reused_seconds``, see ``stores.reader.FeatureStore``.
        place: see ``stores.reader.FeatureStore``.
        raw_hashes: whether the store has those of ``stores.format.RAW_HASHES``.
    """

    kind: str
    extent: Extent
    totals: dict[str, int]
    words: list[str] | None
    seconds: tuple[float, float]
    place: range | None = None
    raw_hashes: bool = True

    @classmethod
    def of(cls, store: FeatureStore) -> MergeSummary:
        """The summary of a store, after every byte of it was checked; ``FailureError`` if it is damaged."""
        store.verify()
        raw_hashes = store.raw_hash is not None and store.like_hash is not None
        fields = (
            store.kind,
            store.extent,
            store.totals,
            store.vocabulary,
            (store.seconds, store.reused_seconds),
            store.place,
        )
        return cls(*fields, raw_hashes)


def concatenate(
    blocks: Iterable[Block],
    summaries: Sequence[MergeSummary],
    output: Path,
    attributes: dict[str, Any],
    **options: Any,  # noqa: ANN401 (of the types that ``write_store`` has)
) -> dict[str, int]:
    """Write the rows of several stores, one after the other, as the store ``output``.

    Memory holds one block of rows, and the vocabulary of all.

    Args:
        blocks: all rows of stores of one kind and identity, at least one store, in their order.
        summaries: of the same stores.
        output: the store that is made or replaced.
        attributes: as ``write_store``; ``totals``, if there are any, are no sums over the stores; the seconds of
            ``times`` grow by those of the stores.
        options: passed on to ``write_store``.

    Returns:
        the totals of ``output``: those of all stores added up (but ``OF_WORDS``), and those in ``attributes``.

    Raises:
        FailureError: if a store cannot be read, or the machine refuses the write.
    """
    # totals add up over the stores, except those of distinct words
    extents = [summary.extent for summary in summaries]
    totals: Counter[str] = Counter()
    for summary in summaries:
        totals.update({name: total for name, total in summary.totals.items() if name not in OF_WORDS})
    # the writer makes each data set at its final size, so all sizes are added up before the first row is written
    first = extents[0]
    union = sort_classes({name for extent in extents for name in extent.classes})
    extent = Extent(
        classes=first.classes if first.several_labels else union,
        rows=sum(extent.rows for extent in extents),
        tokens=sum(extent.tokens for extent in extents),
        strings={name: sum(extent.strings[name] for extent in extents) for name in first.strings},
        words=len({word for summary in summaries for word in summary.words or []}),
        several_labels=first.several_labels,
    )
    began, *seconds = attributes["times"]
    times = (began, *map(sum, zip(seconds, *(summary.seconds for summary in summaries), strict=True)))
    attributes |= {"totals": dict(totals) | attributes.get("totals", {}), "times": times}
    # the columns of raw hashes are all there or all missing: one store without them (version 1) drops those of the rest
    if not all(summary.raw_hashes for summary in summaries):
        blocks = (replace(block, raw_hash=None, like_hash=None) for block in blocks)
    write_store(output, blocks, extent, dict(attributes), **options)
    return attributes["totals"]


def blocks_of(paths: Sequence[Path], rows: int) -> Iterator[Block]:
    """All rows of the stores ``paths``, in blocks of ``rows`` rows; one store is open at a time."""
    for path in paths:
        with FeatureStore(path) as store:
            yield from store.mapped_blocks(rows)


def merge(paths: Sequence[Path], output: Path, command: str = "") -> FeatureStore:
    """Stores of one identity, of different tables, as one store.

    Lines are numbered as if the tables were one: those of the second store go on where the table of the first ends, and
    so on. ``source["stores"]`` has where each store came from, with ``lines_before``, what was added to its lines.

    Raises:
        InputError: if there are fewer than two, ``output`` exists, or they are not of one identity.
        FailureError: if a store cannot be read, or the machine refuses the write.
    """
    with open_inputs(paths, output) as stores:
        first = stores[0]
        for store in stores[1:]:
            _check_mergeable(first, store)
        # lines before each store, int [stores]: 0, lines of the first, lines of the first two, ...
        before = np.cumsum([0, *(_lines(store) for store in stores)])[:-1].tolist()
        hashes = np.concatenate([store.text_hash for store in stores])
        attributes = input_attributes(stores, first.identity, first.recipe, command)
        for entry, lines in zip(attributes["source"]["stores"], before, strict=True):
            entry["lines_before"] = lines
        # distinct texts do not add up, as stores may share some: count the 16-byte hashes uint8 [N, 16] of all rows
        attributes["totals"] = {"distinct": len(np.unique(hashes.view("V16").ravel()))}
        # each block as its store has it, with the lines int64 [n] moved behind those of the stores before
        blocks = (
            replace(block, line=block.line + lines)
            for store, lines in zip(stores, before, strict=True)
            for block in store.mapped_blocks(READ_ROWS)
        )
        concatenate(blocks, [MergeSummary.of(store) for store in stores], output, attributes)
    return FeatureStore(output)


def _check_mergeable(first: FeatureStore, store: FeatureStore) -> None:
    if store.identity_digest != first.identity_digest:
        raise InputError(f"{store.path} has another identity than {first.path}; only features of one identity merge")
    if (store.texts is None) != (first.texts is None):
        raise InputError(f"one of {store.path} and {first.path} keeps its texts and one does not; embed one again")
    if store.extent.strings.keys() != first.extent.strings.keys():
        raise InputError(f"one of {store.path} and {first.path} has ids or splits and one has not; embed one again")
    several = store.has_several_labels or first.has_several_labels
    if several and (store.classes != first.classes or store.codes.ndim != first.codes.ndim):
        raise InputError(f"{store.path} and {first.path} have not the same labels; embed one again")


def _lines(store: FeatureStore) -> int:
    """How many lines the tables of a store have together, as far as it says so; at least the last line of a row."""
    source = store.source
    if "joined" in store.recipe:  # of one table, so each of its stores has the same lines
        source = (source.get("stores") or [source])[0]
    last = int(store.line.max(initial=0))
    stated = _stated_lines(source)
    # a count that no table has, or that is below a line of a row, is not believed
    return stated if last < stated < MOST_LINES else last


def _stated_lines(source: Any) -> int:  # noqa: ANN401 (a store from elsewhere may hold anything)
    if not isinstance(source, dict):
        return 0
    if isinstance(source.get("stores"), list):
        return sum(_stated_lines(part) for part in source["stores"])
    files = source["files"] if isinstance(source.get("files"), list) else []
    lines = [file.get("lines") for file in files if isinstance(file, dict)]
    return sum(number for number in lines if isinstance(number, int))
