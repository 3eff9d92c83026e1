"""A part of a store: some of its rows, columns and texts, as a store of its own, a block at a time."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from stores.block import Block, Extent
from stores.features import PooledFeatures
from stores.format import ROW_STRINGS
from stores.reader import READ_ROWS, FeatureStore
from stores.shared.errors import InputError
from stores.shared.fingerprint import identity_digest
from stores.shared.suggest import listing
from stores.strings import pack
from stores.writer import write_store

COLUMNS = ("line", "label", "id", "split", "text", "features")
STRINGS = {"id": "ids", "split": "splits", "text": "texts"}  # name of a column -> of what a block has
RANGE = re.compile(r"(\d+)(?::(\d+))?")


@dataclass(frozen=True)
class Part:
    """What is taken of a store.

    Attributes:
        rows: int64 ``[m]``, ascending.
        columns: of ``COLUMNS``; all if empty.
        dims: first and one past the last of the columns of the vectors; None: all.
    """

    rows: np.ndarray
    columns: tuple[str, ...] = ()
    dims: tuple[int, int] | None = None

    @classmethod
    def of(
        cls, store: FeatureStore, rows: str | Sequence[int] | np.ndarray | None, labels: Sequence[str],
        columns: Sequence[str],
    ) -> Part:  # fmt: skip
        """What was asked for.

        Args:
            store: open.
            rows: numbers, bool ``[N]``, or ``0:100,205``; all if None.
            labels: of which a row has one at least; all rows, also those without, if there are none.
            columns: of ``COLUMNS``, or a range of the columns of the vectors, such as ``0:64``.

        Raises:
            InputError: for a row, label or column that the store has not, or if no row is left.
        """
        taken = np.arange(len(store)) if rows is None else _numbers(store, rows)
        if labels:
            taken = taken[_has_label(store, labels)[taken]]
        if not len(taken) and (rows is not None or labels):
            raise InputError(f"no row of {store.path} is left; the store has {len(store):,} rows")
        ranges = [match for column in columns if (match := RANGE.fullmatch(column))]
        names = tuple(column for column in columns if not RANGE.fullmatch(column))
        if strange := [name for name in names if name not in COLUMNS]:
            raise InputError(
                f"`columns={strange[0]!r}`: choose a range such as 0:64, or of {listing(strange[0], COLUMNS)}"
            )
        if len(ranges) > 1 or (ranges and store.kind != "pooled"):
            raise InputError("`columns`: give one range, of a store of one vector a text")
        dims = None
        if ranges:
            dims = int(ranges[0][1]), int(ranges[0][2] or int(ranges[0][1]) + 1)
            if not dims[0] < dims[1] <= store.shape[1]:
                raise InputError(
                    f"`columns={ranges[0][0]!r}`: the vectors of {store.path} have columns 0:{store.shape[1]}"
                )
            names = (*names, "features") if names and "features" not in names else names
        return cls(taken, names, dims)

    def is_all(self, store: FeatureStore) -> bool:
        """Whether nothing is left out that a store of its own would lack."""
        return len(self.rows) == len(store) and self.dims is None and self.strings == set(STRINGS.values())

    @property
    def strings(self) -> set[str]:
        """Those of ids, splits and texts that are kept, by their names in a block."""
        return set(STRINGS.values()) if not self.columns else {STRINGS[n] for n in self.columns if n in STRINGS}


def write_part(store: FeatureStore, part: Part, output: Path, command: str = "") -> FeatureStore:
    """The part as a store of its own, opened; its labels have all classes of the store.

    Raises:
        FailureError: if the store is damaged, or the machine refuses the write.
    """
    began = time.time()
    identity = store.identity | ({"columns": list(part.dims)} if part.dims else {})
    attributes = {
        "identity": identity, "identity_digest": identity_digest(identity), "versions": store.versions,
        "recipe": store.recipe, "source": {"stores": [{"digest": store.digest, **store.source}]}, "command": command,
        "totals": store.totals | {"rows": len(part.rows)}, "times": (began, store.seconds, store.reused_seconds),
    }  # fmt: skip
    write_store(output, _blocks(store, part), _extent(store, part), attributes)
    return FeatureStore(output)


@contextmanager
def part_of(store: FeatureStore, part: Part) -> Iterator[FeatureStore]:
    """A store of the part, for as long as the block lasts; the store itself where that is all of it."""
    if part.is_all(store):
        yield store
        return
    with (
        tempfile.TemporaryDirectory(prefix="tk-") as folder,
        write_part(store, part, Path(folder) / "part.h5") as taken,
    ):
        yield taken


def _blocks(store: FeatureStore, part: Part) -> Iterator[Block]:
    """The rows of the part, of each block of the store those that are wanted."""
    for number, block in enumerate(store.blocks()):
        start = number * READ_ROWS
        own = part.rows[np.searchsorted(part.rows, start) : np.searchsorted(part.rows, start + READ_ROWS)] - start
        if len(own):
            yield _taken(block, own, part)


def _taken(block: Block, rows: np.ndarray, part: Part) -> Block:
    features = block.features.take(rows)
    if part.dims is not None:
        assert isinstance(features, PooledFeatures)  # noqa: S101 (see Part.of)
        first, end = part.dims
        outputs = {name: np.ascontiguousarray(values[:, first:end]) for name, values in features.outputs.items()}
        features = replace(features, outputs=outputs)
    changed: dict[str, Any] = {name: None for name in block.strings}
    changed |= {name: [cells[row] for row in rows] for name, cells in block.strings.items() if name in part.strings}
    changed |= {name: values[rows] for name, values in block.raw_hashes.items()}
    labels = block.labels[rows] if isinstance(block.labels, np.ndarray) else [block.labels[row] for row in rows]
    return replace(
        block, line=block.line[rows], text_hash=block.text_hash[rows], labels=labels, features=features,
        **changed,
    )  # fmt: skip


def _extent(store: FeatureStore, part: Part) -> Extent:
    """How much there will be, from a pass over all but the features."""
    sizes = dict.fromkeys(
        (name for name in ROW_STRINGS if getattr(store, name) is not None and name in part.strings), 0
    )
    for name in sizes:
        cells = getattr(store, name)
        for start in range(0, len(part.rows), READ_ROWS):
            own = part.rows[start : start + READ_ROWS]
            block = cells[int(own[0]) : int(own[-1]) + 1]
            sizes[name] += len(pack([block[row - own[0]] for row in own])[0])
    tokens = 0 if store.kind == "pooled" else int(np.diff(store.data_set("offsets")[:])[part.rows].sum())
    words = 0 if store.vocabulary is None else len(store.vocabulary)
    return Extent(store.classes, len(part.rows), tokens, sizes, words, store.has_several_labels)


def _numbers(store: FeatureStore, rows: str | Sequence[int] | np.ndarray) -> np.ndarray:
    """Row numbers, ascending, each once."""
    if isinstance(rows, str):
        found: list[int] = []
        for piece in rows.split(","):
            match = RANGE.fullmatch(piece.strip())
            if match is None:
                raise InputError(f"`rows={rows!r}`: give numbers from 0 and ranges with commas, such as 0:100,205")
            found += range(int(match[1]), int(match[2] or int(match[1]) + 1))
        rows = found
    numbers = np.asarray(rows)
    if numbers.dtype == bool:
        if len(numbers) != len(store):
            raise InputError(f"`rows` are {len(numbers):,} true and false, but the store has {len(store):,} rows")
        return np.flatnonzero(numbers)
    numbers = np.unique(numbers.astype(np.int64)) if numbers.size else np.empty(0, np.int64)
    if numbers.size and not 0 <= numbers[0] <= numbers[-1] < len(store):
        raise InputError(f"`rows`: {store.path} has the rows 0 to {len(store) - 1:,}, not {numbers[[0, -1]].max():,}")
    return numbers


def _has_label(store: FeatureStore, labels: Sequence[str]) -> np.ndarray:
    """Bool ``[N]``."""
    if strange := [label for label in labels if label not in store.classes]:
        raise InputError(f"`labels={strange[0]!r}`: {store.path} has {listing(strange[0], store.classes)}")
    wanted = [store.classes.index(label) for label in labels]
    codes = np.asarray(store.codes)
    return (codes[:, wanted] == 1).any(1) if store.has_several_labels else np.isin(codes, wanted)
