"""Some consecutive rows of a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from embed.labels import Labels
from embed.reading.form import BadRow

MOJIBAKE = re.compile("[\x80-\x9f]")  # controls that no one types: other characters, decoded wrongly on the way


@dataclass(frozen=True)
class Rows:
    """Some consecutive rows of a table.

    Attributes:
        line: int64 ``[n]``, line on which each row starts, from 1; of several files, as if they were one.
        texts: the texts as they stand in the table; empty where there is none.
        labels: a name a row, None where there is none; with several label columns int8 ``[n, L]``, -1 where unknown.
        splits: for each row the part of the data set that it belongs to, empty where none is given; None without a
            split column.
        ids: likewise, what identifies the row.
        label_names: names of the ``L`` label columns, None if there is one or none.
        bad: rows that could not be used and are not among the n; those that come before them, in order.
    """

    line: np.ndarray
    texts: list[str]
    labels: Labels
    splits: list[str] | None = None
    ids: list[str] | None = None
    label_names: list[str] | None = None
    bad: list[BadRow] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Sequence[int] | range, bad: list[BadRow]) -> Rows:
        """These of the rows, with these broken ones."""

        def taken(cells: list | None) -> list | None:
            return None if cells is None else [cells[row] for row in rows]

        labels = self.labels[list(rows)] if isinstance(self.labels, np.ndarray) else taken(self.labels)
        kept = taken(self.texts), labels, taken(self.splits), taken(self.ids)
        return Rows(self.line[list(rows)], *kept, self.label_names, bad)

    def __getitem__(self, rows: slice) -> Rows:
        splits = None if self.splits is None else self.splits[rows]
        ids = None if self.ids is None else self.ids[rows]
        return Rows(self.line[rows], self.texts[rows], self.labels[rows], splits, ids, self.label_names)

    @property
    def unlabelled(self) -> np.ndarray:
        """Bool ``[n]``: rows whose label, or one of whose labels, is not known."""
        if self.label_names:
            return (self.labels < 0).any(1)
        return np.array([label is None for label in self.labels], bool)

    @classmethod
    def concat(cls, parts: Sequence[Rows], bad: list[BadRow]) -> Rows:
        """All rows of ``parts`` (at least one), with these broken rows."""

        def joined(lists: list[list | None]) -> list | None:
            if lists[0] is None:
                return None
            whole = []
            for cells in lists:
                whole += cells
            return whole

        labels = [part.labels for part in parts]
        return cls(
            np.concatenate([part.line for part in parts]),
            joined([part.texts for part in parts]),
            np.concatenate(labels) if isinstance(labels[0], np.ndarray) else joined(labels),
            joined([part.splits for part in parts]),
            joined([part.ids for part in parts]),
            parts[0].label_names,
            bad,
        )
