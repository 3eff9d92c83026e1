"""CSV and TSV: the first row, the names of the columns, and which of them belong to the text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from embed.reading.cells import as_list
from embed.reading.csv_arrow import END, is_blank
from embed.reading.csv_chunks import NUL, Dialect, Piece
from embed.reading.decode import scan, utf8_blocks
from embed.reading.files import Source
from embed.reading.format import SAMPLE_ROWS, Batch, TableFile
from stores.shared.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = ",\t;|"
DELIMITER_ROWS = 50  # what the choice of the delimiter looks at
FAST_FROM = 1 << 22  # bytes: below, importing pyarrow takes longer than it saves
CONTROL = re.compile(f"[\1-\x08\x0e-\x1f]|{NUL}")


class Delimited(TableFile):
    """One file of rows and delimiters; see ``TableFile``.

    Args:
        source: the file.
        encoding: a Python codec name; found if None.
        delimiter: one character; that which cuts the first rows into equally many cells if None.
        quoting: ``double`` (quotes around cells, doubled inside), or ``none`` (a quote is a character like any other).
        has_header: whether the first row names the columns; else they are called ``1``, ``2``, ...

    Raises:
        InputError: if there is no first row, or it is not of text.
    """

    def __init__(
        self, source: Source, encoding: str | None, delimiter: str | None, quoting: str, has_header: bool
    ) -> None:
        found = scan(source, encoding)
        super().__init__(source)
        self.encoding, self.notes = found.encoding, list(found.notes)
        self.places = found.places
        self.lines, self.most_rows = found.lines, max(0, found.lines - has_header)
        quotes = csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL
        start = next(filter(None, utf8_blocks(source, found.encoding)), b"")
        first = start.decode("utf-8", "ignore").replace("\0", NUL)
        dialect = Dialect(source.name, delimiter or _find_delimiter(first, quotes), quotes)
        names, self._header_bytes, self._header_lines = self._first_row(first, dialect)
        if not has_header:
            names, self._header_bytes, self._header_lines = [str(i + 1) for i in range(len(names))], 0, 0
        names = list(map(str.strip, names))
        self._dialect = replace(dialect, width=len(names))
        self._unnamed = [i for i, name in enumerate(names) if not name]
        self._places = self._name(names)
        self.header = list(self._places)
        self.how = {"encoding": found.encoding, "delimiter": dialect.delimiter, "quoting": quoting}
        self.how["header"] = has_header

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        piece = next((piece for piece in self._pieces(fast=False) if len(piece.line)), None)
        return {name: as_list(piece.columns[i])[:SAMPLE_ROWS] if piece else [] for name, i in self._places.items()}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``; cells under unnamed columns right after the text are part of the text.

        (They come from commas in texts that somebody wrote without quotes: the SMS spam table has 50 such rows.)
        Cells with content under other unnamed columns make a row a broken one.
        """
        spill = self._spill_of(text)
        beyond = [i for i in self._unnamed if i not in spill]
        for piece in self._pieces(fast=self.source.path.stat().st_size >= FAST_FROM):
            cells = {name: piece.columns[self._places[name]] for name in columns}
            spilled = [as_list(piece.columns[i]) for i in spill if not _is_blank(piece.columns[i])]
            if spilled:
                cells[text] = [_join(row) for row in zip(as_list(cells[text]), *spilled, strict=True)]
            used = [as_list(piece.columns[i]) for i in beyond if not _is_blank(piece.columns[i])]
            if used:
                yield self._without_beyond(piece, cells, used)
            else:
                yield Batch(piece.line, cells, piece.bad)

    def _first_row(self, text: str, dialect: Dialect) -> tuple[list[str], int, int]:
        """Cells of the first row that is not empty, and the bytes and lines up to its end."""
        lines = list(io.StringIO(text, newline=""))
        reader = dialect.reader(chain(lines, [END]))
        cells = next(filter(None, reader), [])
        if cells[-1] == END:
            cells = []
        elif cells[-1].endswith(END):
            raise InputError(f"{self.name}, line 1: a quote opens in the first row and never closes; mend it")
        if any(CONTROL.search(cell) for cell in cells):
            cure = "give a table of text, or --encoding utf-16-le if it is one"
            raise InputError(f"{self.name} begins with NUL bytes or control characters; {cure}")
        if not any(cell.strip() for cell in cells):
            raise InputError(f"{self.name} is empty; its first line must name the columns")
        return cells, len("".join(lines[: reader.line_num]).encode()), reader.line_num

    def _name(self, names: list[str]) -> dict[str, int]:
        """Place of each named column; the second of two equal names gets a number."""
        places: dict[str, int] = {}
        for i, name in enumerate(names):
            unique, number = name, 2
            while unique in places:
                unique, number = f"{name}.{number}", number + 1
            if unique != name and name:
                self.notes.append(f"{self.name} has several columns {name!r}; column {i + 1} is called {unique!r}")
            if name:
                places[unique] = i
        return places

    def _spill_of(self, text: str) -> list[int]:
        """Places of the unnamed columns right after the text."""
        after = range(self._places[text] + 1, self._dialect.width)
        return list(after[: next((n for n, i in enumerate(after) if i not in self._unnamed), len(after))])

    def _without_beyond(self, piece: Piece, cells: dict, used: list[list[str]]) -> Batch:
        bad = list(piece.bad)
        keep = []
        for row, beyond in enumerate(zip(*used, strict=True)):
            if any(beyond):
                why = f"{sum(map(bool, beyond))} cells with content in columns that have no name"
                first = next(filter(None, beyond))
                bad.append(self._dialect.bad(int(piece.line[row]), why, first))
            else:
                keep.append(row)
        lists = {name: as_list(values) for name, values in cells.items()}
        kept = {name: [values[row] for row in keep] for name, values in lists.items()}
        return Batch(piece.line[keep], kept, sorted(bad, key=lambda row: row.line))

    def _pieces(self, fast: bool) -> Iterator[Piece]:
        blocks = utf8_blocks(self.source, self.encoding)
        return self._dialect.pieces(_skip(blocks, self._header_bytes), self._header_lines + 1, fast)


def _find_delimiter(text: str, quoting: int) -> str:
    """The delimiter that cuts most of the first rows into as many cells as the first one, the more the better."""

    def fitness(delimiter: str) -> tuple[int, int]:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
        widths = [len(row) for row in islice(filter(None, rows), DELIMITER_ROWS)] or [0]
        return (widths.count(widths[0]) if widths[0] > 1 else 0), widths[0]

    return max(DELIMITERS, key=fitness)


def _skip(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """The blocks without so many bytes at the beginning."""
    for block in blocks:
        if len(block) > count:
            yield block[count:]
        count = max(0, count - len(block))


def _is_blank(column: list[str] | pa.Array) -> bool:
    return not any(column) if isinstance(column, list) else is_blank(column)


def _join(cells: tuple[str, ...]) -> str:
    """A text and the cells it was cut into, without the empty ones at the end."""
    length = next((n for n in range(len(cells), 1, -1) if cells[n - 1]), 1)
    return ",".join(cells[:length])
