"""Some consecutive rows of a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import numpy as np

from embed.reading.cells import Cells, as_list, concat
from embed.reading.format import BadRow
from embed.tables.labels import Labels

CHARACTERS = 4  # of a token, in most languages and vocabularies
MOJIBAKE = re.compile("[\x80-\x9f]")  # controls that no one types: other characters, decoded wrongly on the way


@dataclass(frozen=True)
class Rows:
    """Some consecutive rows of a table.

    Attributes:
        line: int64 ``[n]``, line on which each row starts, from 1; of several files, as if they were one.
        text_cells: the texts as they were read; ``texts`` makes a list of them.
        labels: a name a row, None where there is none; with several label columns int8 ``[n, L]``, -1 where unknown.
        splits: for each row the part of the data set that it belongs to, empty where none is given; None without a
            split column.
        id_cells: likewise, what identifies the row, as it was read; ``ids`` makes a list of it.
        label_names: names of the ``L`` label columns, None if there is one or none.
        bad: rows that could not be used and are not among the n; those that come before them, in order.
    """

    line: np.ndarray
    text_cells: Cells
    labels: Labels
    splits: list[str] | None = None
    id_cells: Cells | None = None
    label_names: list[str] | None = None
    bad: list[BadRow] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.line)

    @cached_property
    def texts(self) -> list[str]:
        """The texts as they stand in the table; empty where there is none."""
        return as_list(self.text_cells)

    @cached_property
    def ids(self) -> list[str] | None:
        """What identifies each row, empty where nothing does; None without an id column."""
        return None if self.id_cells is None else as_list(self.id_cells)

    @property
    def tokens(self) -> np.ndarray:
        """Int64 ``[n]``: an estimate of the tokens of each text, one for four characters and one more."""
        return np.fromiter(map(len, self.texts), np.int64, len(self)) // CHARACTERS + 1

    def ends_of_blocks(self, rows: int, tokens: int | None) -> list[int]:
        """Where blocks end that have as many rows as they may, ``rows`` or ``tokens``; after the last there are some.

        A block ends where there is a next row that it has no room for, so that it does not matter how much of the table
        was read at once.
        """
        if tokens is None:
            return list(range(rows, len(self), rows))
        ends: list[int] = []
        before = np.concatenate([[0], np.cumsum(self.tokens)])
        start = 0
        while True:
            # the last row up to which the tokens from ``start`` on suffice; one at least
            end = min(start + rows, max(start + 1, int(np.searchsorted(before, before[start] + tokens, "right")) - 1))
            if end >= len(self):
                return ends
            ends.append(end)
            start = end

    def __getstate__(self) -> dict:
        """What another process gets: texts and ids as lists, each once; Arrow's slices bring all that they are of."""
        names = ("line", "labels", "splits", "label_names", "bad")
        return {name: getattr(self, name) for name in names} | {"text_cells": self.texts, "id_cells": self.ids}

    def take(self, rows: Sequence[int] | range, bad: list[BadRow]) -> Rows:
        """These of the rows, with these broken ones."""

        def taken(cells: list) -> list:
            return [cells[row] for row in rows]

        labels: Labels = self.labels[list(rows)] if isinstance(self.labels, np.ndarray) else taken(self.labels)
        splits = None if self.splits is None else taken(self.splits)
        ids = None if self.ids is None else taken(self.ids)
        return Rows(self.line[list(rows)], taken(self.texts), labels, splits, ids, self.label_names, bad)

    def __getitem__(self, rows: slice) -> Rows:
        splits = None if self.splits is None else self.splits[rows]
        ids = None if self.id_cells is None else self.id_cells[rows]
        return Rows(self.line[rows], self.text_cells[rows], self.labels[rows], splits, ids, self.label_names)

    @property
    def unlabelled(self) -> np.ndarray:
        """Bool ``[n]``: rows whose label, or one of whose labels, is not known."""
        if isinstance(self.labels, np.ndarray):
            return np.asarray((self.labels < 0).any(1))
        return np.array([label is None for label in self.labels], bool)

    @classmethod
    def concat(cls, parts: Sequence[Rows], bad: list[BadRow]) -> Rows:
        """All rows of ``parts`` (at least one), with these broken rows."""
        matrices = [part.labels for part in parts if isinstance(part.labels, np.ndarray)]
        names = list(chain.from_iterable(part.labels for part in parts if not isinstance(part.labels, np.ndarray)))
        ids = [part.id_cells for part in parts if part.id_cells is not None]
        splits = [part.splits for part in parts if part.splits is not None]
        return cls(
            np.concatenate([part.line for part in parts]),
            concat([part.text_cells for part in parts]),
            np.concatenate(matrices) if matrices else names,
            list(chain.from_iterable(splits)) if splits else None,
            concat(ids) if ids else None,
            parts[0].label_names,
            bad,
        )
