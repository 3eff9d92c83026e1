"""A store -> features, classes and groups of the rows that can be learned from.

Pooled features of more than ``MAPPED_BYTES`` stay where they are, if the store has one output, not compressed, and a
label for every row: the heads read them through a memory map, a block at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from classify.columns import ColumnOptions
from classify.fitting.columns import ColumnParts
from classify.model_inputs import words_of
from classify.scoring.intervals import effective_directions
from classify.scoring.scored import problem_of
from stores.features import Features, IdFeatures
from stores.reader import FeatureStore
from stores.shared.errors import InputError

MAPPED_BYTES = 1 << 30  # of features, as float32
WORD_DIRECTIONS = 150  # of words and tokens: what simulations with TF-IDF of 300 to 1,500 texts ask for
PROVENANCE = ("digest", "identity", "identity_digest", "recipe", "source")  # of the store, kept in every run


@dataclass(frozen=True)
class Data:
    """The labelled rows of a store.

    Attributes:
        path: the store.
        kind: of the features, ``pooled``, ``tokens`` or ``ids``.
        x: float32 ``[n, D]`` (if mapped, of the store's type), or features of kind ``tokens`` or ``ids``, or parts that
            are made columns inside each fold.
        y: int ``[n]``, class of each row; with several labels a row 0/1 ``[n, L]``.
        classes: class names, in the order of their numbers; at least 2. With several labels a row, the labels.
        text_hash: uint8 ``[n, 16]``, equal for rows with the same text, as it was encoded (after cleaning).
        row: int64 ``[n]``, number of each row in its store; rows of a test store go on counting.
        line: int64 ``[n]``, line of the data file.
        texts: features of kind ``ids`` of the texts themselves, for the baseline; None if the store has no texts.
        unlabelled: rows of the store that have no label and are left out here.
        broken: rows of the data file that could not be used and are not in the store.
        provenance: digest, identity, recipe and source of the store, JSON-able.
        ids: what identifies each row, None if the store has none.
        split: for each row the part of the data set that the table says it belongs to; None if it says nothing.
        grouped_by: the id column of the table, if rows with the same id must not be parted either.
        tested: bool ``[n]``, rows of a test store, see ``classify.combine``; None if there is none.
        raw_hash: uint8 ``[n, 16]``, of the text before cleaning; None for stores made before there was one.
        likeness_hash: likewise of its normal form, see ``stores.shared.likeness``.
        identical: ``likeness`` or ``bytes``: which texts count as the same.
        near: int ``[n]``, equal for rows whose texts are nearly the same; None if nobody asked.
    """

    path: Path
    kind: str
    x: np.ndarray | Features | ColumnParts
    y: np.ndarray
    classes: list[str]
    text_hash: np.ndarray
    row: np.ndarray
    line: np.ndarray
    texts: IdFeatures | None
    unlabelled: int
    broken: int
    provenance: dict
    ids: list[str] | None = None
    split: list[str] | None = None
    grouped_by: str | None = None
    tested: np.ndarray | None = None
    raw_hash: np.ndarray | None = None
    likeness_hash: np.ndarray | None = None
    identical: str = "likeness"
    near: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def groups(self) -> np.ndarray:
        """Int ``[n]``: equal for rows that no split may part: of the same text, of texts alike, of one id if asked for.

        What hangs together through others is one group, too.
        """
        found = self.twins(self.identical)
        for other in (self.near, None if self.grouped_by is None else self.id_groups):
            if other is not None:
                found = joined(found, other)
        return found

    @cached_property
    def directions(self) -> float:
        """In how many directions vectors can be fitted by chance, see ``classify.scoring.intervals``."""
        if isinstance(self.x, ColumnParts):
            return sum(_directions(x, how) for x, how in zip(self.x.parts, self.x.options, strict=True))
        return effective_directions(self.x) if isinstance(self.x, np.ndarray) else float(WORD_DIRECTIONS)

    def directions_of(self, x: object) -> float:
        """The same for ``x``: the features, or the words of a baseline."""
        return self.directions if x is self.x else float(WORD_DIRECTIONS)

    @property
    def by_likeness(self) -> bool:
        """Whether texts that differ in their writing alone count as the same."""
        return self.identical == "likeness" and self.likeness_hash is not None

    def twins(self, identical: str) -> np.ndarray:
        """Int ``[n]``: equal for rows with the same text by ``likeness``, or by ``bytes``."""
        raw = self.text_hash if self.raw_hash is None else self.raw_hash
        hashes = raw if identical == "bytes" or self.likeness_hash is None else self.likeness_hash
        return np.unique(np.ascontiguousarray(hashes).view("V16").ravel(), return_inverse=True)[1]

    @cached_property
    def key(self) -> np.ndarray:
        """uint64 ``[n]``: what splits are drawn from: the same for a text whatever its encoder, cleaning and place."""
        hashes = self.text_hash if self.raw_hash is None else self.raw_hash
        return np.ascontiguousarray(hashes[:, :8]).view("<u8").ravel().astype(np.uint64)

    @cached_property
    def id_groups(self) -> np.ndarray:
        """Int ``[n]``: equal for rows with the same id, where rows are grouped by it; else each row by itself."""
        return np.arange(len(self)) if self.grouped_by is None else np.unique(self.ids or [], return_inverse=True)[1]

    def group_by(self, column: str, parameter: str = "groups") -> Data:
        """The same rows, those with the same id kept together, in whichever of several tables they are.

        Raises:
            InputError: if the ids of the store are not from ``column`` of the table, or of all tables that it is of.
        """
        there = _id_columns(self.provenance.get("source", {}))
        if self.ids is None or (column != "id" and there != {column}):
            kept = "no ids" if self.ids is None else f"ids of {' and '.join(sorted(map(str, there)))}"
            raise InputError(
                f"`{parameter}={column!r}`: {self.path} keeps {kept}; embed the table with `id_column={column!r}`"
            )
        return replace(self, grouped_by=column)

    @cached_property
    def group_row(self) -> np.ndarray:
        """int64 ``[n]``: number of the first row of each row's group."""
        _, first, inverse = np.unique(self.groups, return_index=True, return_inverse=True)
        return self.row[first][inverse]

    @property
    def multilabel(self) -> bool:
        """Whether a row may have several labels."""
        return self.problem == "multi-label"

    @property
    def problem(self) -> str:
        """``binary``, ``multi-class`` or ``multi-label``."""
        return problem_of(self.y, len(self.classes))


def load_data(path: str | Path) -> Data:
    """The labelled rows of the store ``path``; features are held in memory, or mapped if there are many.

    Raises:
        InputError: if there is no such store, it has no labels, or only one class.
        FailureError: if it cannot be read, or is damaged.
    """
    with FeatureStore(path) as store:
        store.verify()
        rows = np.flatnonzero(store.labelled)
        if not len(rows):
            raise InputError(f"{path} has no labelled rows; embed a table with a label column")
        y, classes = store.codes[rows], store.classes
        if len(classes) < 2 and not store.has_several_labels:
            raise InputError(f"{path} has one class only, {classes[0]!r}; a classifier needs two")
        x = _vectors(store, rows) if store.kind == "pooled" else _features(store, rows)
        words = store.kind != "ids" or store.table is not None  # else the features are the words themselves
        texts = words_of(_at(store.texts[:], rows)) if store.texts is not None and words else None
        provenance = {name: getattr(store, name) for name in PROVENANCE}
        split = None if store.splits is None else _at(store.splits[:], rows)
        return Data(
            store.path,
            store.kind,
            x,
            y,
            classes,
            store.text_hash[rows],
            rows,
            store.line[rows],
            texts,
            len(store) - len(rows),
            store.totals.get("bad_rows", 0),
            provenance,
            None if store.ids is None else _at(store.ids[:], rows),
            split,
            raw_hash=_rows_of(store, "raw_hash", rows),
            likeness_hash=_rows_of(store, "like_hash", rows),
        )


def _directions(x: object, options: ColumnOptions) -> float:
    """Of a part: of its own columns, and no more than are made of it."""
    own = effective_directions(x) if isinstance(x, np.ndarray) else float(WORD_DIRECTIONS)
    return min([own, *(float(most) for most in (options.pca, options.tfidf) if most is not None)])


def joined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Int ``[n]``: equal for rows that hang together through equal numbers in ``a`` or in ``b``, int ``[n]`` each."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    _, left = np.unique(a, return_inverse=True)
    _, right = np.unique(b, return_inverse=True)
    n = left.max() + 1
    links = coo_matrix((np.ones(len(left)), (left, n + right)), shape=(n + right.max() + 1,) * 2)
    return connected_components(links, directed=False)[1][left]


def _id_columns(source: dict) -> set[str | None]:
    """The column that ids are from, of each table that a store was made from, through merges and joins."""
    if "stores" in source:
        return {column for part in source["stores"] for column in _id_columns(part.get("source", part))}
    return {source.get("columns", {}).get("id")}


def _rows_of(store: FeatureStore, name: str, rows: np.ndarray) -> np.ndarray | None:
    """Rows of a data set that stores made before may lack."""
    found = getattr(store, name, None)
    return None if found is None else found[rows]


def _vectors(store: FeatureStore, rows: np.ndarray) -> np.ndarray:
    """Pooled features of ``rows``: a memory map, if they are many, or float32 in memory."""
    mapped = store.memory_map() if len(rows) == len(store) else None
    if mapped is not None and mapped.size * 4 > MAPPED_BYTES:
        return mapped
    return _features(store, rows).matrix()


def _features(store: FeatureStore, rows: np.ndarray) -> Features:
    return store.read() if len(rows) == len(store) else store.read().take(rows)


def _at(cells: list[str], rows: np.ndarray) -> list[str]:
    return [cells[row] for row in rows]
