"""Tables that come as rows of Python values: those of workbooks, databases and data frames written as JSON."""

from __future__ import annotations

import datetime
import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np

from embed.reading.files import Source
from embed.reading.format import BATCH_ROWS, SAMPLE_ROWS, BadRow, Batch, TableFile


class RowTable(TableFile):
    """A table that gives its rows one by one. See ``TableFile``."""

    unit = "row"

    def __init__(self, source: Source) -> None:
        super().__init__(source)
        self.notes: list[str] = []

    @abstractmethod
    def rows(self) -> Iterator[tuple[int, Sequence[object]]]:
        """The number of each row, and its values in the order of ``header``."""

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        rows = [list(map(as_cell, row)) for _, row in islice(self.rows(), SAMPLE_ROWS)]
        return {name: [row[i] for row in rows] for i, name in enumerate(self.header)}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``; a list or an object in place of a text makes a row a broken one."""
        places = {name: self.header.index(name) for name in columns}
        rows = self.rows()
        while taken := list(islice(rows, BATCH_ROWS)):
            good = [(number, row) for number, row in taken if not isinstance(row[places[text]], list | dict | bytes)]
            bad = [
                BadRow(self.name, number, f"{text} holds no text but a {type(row[places[text]]).__name__}",
                       "correct it, or give `bad_rows='skip'`", str(row[places[text]])[:1000], self.unit)
                for number, row in taken if isinstance(row[places[text]], list | dict | bytes)
            ]  # fmt: skip
            cells = {name: [as_cell(row[i]) for _, row in good] for name, i in places.items()}
            yield Batch(np.array([number for number, _ in good], np.int64), cells, bad)


def as_cell(value: object) -> str:
    """A value as the text of a cell: whole numbers without a point, true and false, lists as JSON; nothing is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value) if value == value else ""
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def unique_names(names: Sequence[str]) -> list[str]:
    """The names with a number behind the second of two equal ones, ``Unnamed: 2`` for the third if it has none."""
    found: list[str] = []
    for i, name in enumerate(names):
        name = name.strip() or f"Unnamed: {i}"
        unique, number = name, 2
        while unique in found:
            unique, number = f"{name}.{number}", number + 1
        found.append(unique)
    return found
