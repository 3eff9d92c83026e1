"""What every form of a table is: batches of rows, column by column, and the rows that are broken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from embed.reading.cells import Cells, as_list
from embed.reading.files import Source

BATCH_ROWS = 4096
SAMPLE_ROWS = 1000  # what the choice of the columns looks at
LONGEST_ROW = 1 << 24  # bytes: a row that goes on for longer has a quote that never closes


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used.

    Attributes:
        file: name of its file.
        line: line of that file on which it starts, from 1.
        why: what is wrong.
        advice: what to do.
        row: the beginning of what stands there.
        unit: what ``line`` counts.
    """

    file: str
    line: int
    why: str
    advice: str
    row: str
    unit: str = "line"

    def __str__(self) -> str:
        return f"{self.file}, {self.unit} {self.line}: {self.why}; {self.advice}"


@dataclass(frozen=True)
class Batch:
    """Some consecutive rows of one file.

    Attributes:
        line: int64 ``[n]``, line of the file on which each row starts, from 1; its number where rows are not told
            apart by their lines (Parquet, an array, a folder).
        cells: name of a column -> its n cells; an empty one where there is none.
        bad: rows that are broken and so not among the n, in order.
    """

    line: np.ndarray
    cells: dict[str, Cells]
    bad: list[BadRow] = field(default_factory=list)


class TableFile(ABC):
    """One file, or folder of texts, in a form that can be read.

    Attributes:
        name: what people call it.
        stem: its name without folders and endings.
        header: names of the columns, all different, no one empty.
        most_rows: how many rows there are at most.
        lines: by how much the lines of a file that follows are moved on.
        notes: what the user should know about the reading, one line each.
        how: how it is read, JSON-able: with the same, the same rows come out.
        unit: what the ``line`` of a row counts: lines, unless rows are not told apart by these.
        nested: columns that are fields inside others.
        lists: columns whose cells are lists, which may be labels but no texts.
        classes: column -> the names of classes that the file declares for it.
        places: int64 ``[b, 2]``, lines and bytes up to some places of the file; None where that is not known.
    """

    unit = "line"
    places: np.ndarray | None = None
    header: list[str]
    most_rows: int
    lines: int
    notes: list[str]
    how: dict[str, object]

    def __init__(self, source: Source) -> None:
        self.source, self.name, self.stem = source, source.name, source.stem
        self.nested: set[str] = set()
        self.lists: set[str] = set()
        self.classes: dict[str, list[str]] = {}

    def digest(self) -> str:
        """That of the bytes as they are stored, see ``stores.shared.fingerprint.digest_file``."""
        return self.source.digest()

    def bytes_before(self, line: int) -> float:
        """How many bytes there are up to a line, about; where that is not known, how many lines."""
        if self.places is None:
            return float(line)
        return float(np.interp(line, *self.places.T))

    @abstractmethod
    def sample(self) -> dict[str, list[str]]:
        """The cells of all columns in the first rows, at most ``SAMPLE_ROWS``; broken rows are passed over."""

    def sample_all(self) -> dict[str, list[str]]:
        """Cells of all columns in rows from all over the file, at most ``2 * SAMPLE_ROWS``; none of a short one."""
        if self.most_rows <= SAMPLE_ROWS:
            return {}
        step, cells = max(1, self.most_rows // SAMPLE_ROWS), {name: list[str]() for name in self.header}
        number = 0
        for batch in self.batches(self.header, self.header[-1]):
            rows = range(-number % step, len(batch.line), step)
            for name, values in cells.items():
                values += as_list(batch.cells[name][rows.start :: step])
            number += len(batch.line)
        return cells

    @abstractmethod
    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """All rows from the first to the last, with the cells of these columns; ``text`` is the one with the texts."""
