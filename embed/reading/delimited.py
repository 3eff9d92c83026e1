"""CSV and TSV: rows exactly as Python's csv module reads them; of large files by a faster way where it is safe."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice, pairwise
from secrets import token_hex
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embed.reading.cells import Cells, as_list, from_arrow
from embed.reading.decode import scan, utf8_blocks
from embed.reading.files import Source
from embed.reading.form import LONGEST_ROW, SAMPLE_ROWS, BadRow, Batch, Form
from embed.reading.regular import END, is_blank, last_row_end, parse_regular
from stores.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

DELIMITERS = ",\t;|"
DELIMITER_ROWS = 50  # what the choice of the delimiter looks at
FAST_FROM = 1 << 22  # bytes: below, importing pyarrow takes longer than it saves
NUL = token_hex(16)  # stands for U+0000, which csv refuses before Python 3.11
CONTROL = re.compile(f"[\1-\x08\x0e-\x1f]|{NUL}")
QUOTE = "put quotes around cells that hold a delimiter or line break, or give --quoting none or --bad-rows skip"
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))


class Piece(NamedTuple):
    """Rows out of one block: their lines int64 ``[n]``, all columns, the broken rows, bytes and lines used up."""

    line: np.ndarray
    columns: list[list[str] | pa.Array]
    bad: list[BadRow]
    bytes: int
    lines: int


class Delimited(Form):
    """One file of rows and delimiters; see ``Form``.

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
        self.lines, self.most_rows = found.lines, max(0, found.lines - has_header)
        self._quoting = csv.QUOTE_NONE if quoting == "none" else csv.QUOTE_MINIMAL
        start = next(filter(None, utf8_blocks(source, found.encoding)), b"")
        first = start.decode("utf-8", "ignore").replace("\0", NUL)
        self._delimiter = delimiter or _find_delimiter(first, self._quoting)
        names, self._header_bytes, self._header_lines = self._first_row(first)
        if not has_header:
            names, self._header_bytes, self._header_lines = [str(i + 1) for i in range(len(names))], 0, 0
        names = list(map(str.strip, names))
        self._width = len(names)
        self._unnamed = [i for i, name in enumerate(names) if not name]
        self._places = self._name(names)
        self.header = list(self._places)
        self.how = {"encoding": found.encoding, "delimiter": self._delimiter, "quoting": quoting, "header": has_header}

    def sample(self) -> dict[str, list[str]]:
        """See ``Form``."""
        piece = next((piece for piece in self._parse(fast=False) if len(piece.line)), None)
        return {name: _as_list(piece.columns[i])[:SAMPLE_ROWS] if piece else [] for name, i in self._places.items()}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``Form``; cells under unnamed columns right after the text are part of the text.

        (They come from commas in texts that somebody wrote without quotes: the SMS spam table has 50 such rows.)
        Cells with content under other unnamed columns make a row a broken one.
        """
        spill = self._spill_of(text)
        beyond = [i for i in self._unnamed if i not in spill]
        for piece in self._pieces():
            cells = {name: _cells(piece.columns[self._places[name]]) for name in columns}
            spilled = [_as_list(piece.columns[i]) for i in spill if not _is_blank(piece.columns[i])]
            if spilled:
                cells[text] = [_join(row) for row in zip(as_list(cells[text]), *spilled, strict=True)]
            used = [_as_list(piece.columns[i]) for i in beyond if not _is_blank(piece.columns[i])]
            if used:
                yield self._without_beyond(piece, cells, used)
            else:
                yield Batch(piece.line, cells, piece.bad)

    def _first_row(self, text: str) -> tuple[list[str], int, int]:
        """Cells of the first row that is not empty, and the bytes and lines up to its end."""
        lines = list(io.StringIO(text, newline=""))
        reader = self._reader(chain(lines, [END]))
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
        after = range(self._places[text] + 1, self._width)
        return list(after[: next((n for n, i in enumerate(after) if i not in self._unnamed), len(after))])

    def _without_beyond(self, piece: Piece, cells: dict, used: list[list[str]]) -> Batch:
        bad = list(piece.bad)
        keep = []
        for row, beyond in enumerate(zip(*used, strict=True)):
            if any(beyond):
                why = f"{sum(map(bool, beyond))} cells with content in columns that have no name"
                first = next(filter(None, beyond))
                bad.append(self._bad(int(piece.line[row]), why, first))
            else:
                keep.append(row)
        kept = {name: [values[row] for row in keep] for name, values in zip(cells, map(as_list, cells.values()), strict=True)}
        return Batch(piece.line[keep], kept, sorted(bad, key=lambda row: row.line))

    def _pieces(self) -> Iterator[Piece]:
        pieces = self._parse(fast=self.source.path.stat().st_size >= FAST_FROM)
        return _ahead(pieces) if self.source.path.stat().st_size >= FAST_FROM else pieces

    def _parse(self, fast: bool) -> Iterator[Piece]:
        """All rows, in pieces of about one block; a row that a block breaks off waits for the next."""
        data, line, skip = b"", self._header_lines + 1, self._header_bytes
        blocks = filter(None, utf8_blocks(self.source, self.encoding))
        for block, following in pairwise(chain(blocks, [None])):
            data, skip = data + block[skip:], max(0, skip - len(block))
            piece = self._parse_fast(data, line, final=following is None) if fast else None
            piece = piece or self._parse_slow(data, line, final=following is None)
            data, line = data[piece.bytes :], line + piece.lines
            yield piece

    def _parse_fast(self, data: bytes, line: int, final: bool) -> Piece | None:
        """The whole rows at the beginning of ``data`` by pyarrow, or None where that could go wrong."""
        quotes = self._quoting != csv.QUOTE_NONE
        end = len(data) if final else last_row_end(data, quotes)
        found = parse_regular(data, end, self._width, self._delimiter, quotes)
        return found and Piece(found[1] + line, found[0], [], end, found[2])

    def _parse_slow(self, data: bytes, line: int, final: bool) -> Piece:
        """The whole rows at the beginning of ``data`` by Python's csv module."""
        cut = len(data) if final else max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1
        if not cut and len(data) > LONGEST_ROW:
            raise InputError(f"{self.name}, line {line} has more than {LONGEST_ROW:,} bytes: no table of text")
        text = data[:cut].decode()
        lines = list(io.StringIO(text.replace("\0", NUL), newline=""))
        rows: list[list[str]] = []
        starts: list[int] = []
        bad: list[BadRow] = []
        at = 0
        while at < len(lines):
            at = self._whole_rows(lines, at, line, rows, starts, bad)
            rest = len("".join(lines[at:]).encode())
            if not final and rest <= LONGEST_ROW:
                break
            if at < len(lines):
                bad.append(self._bad(line + at, "a quote opens in this row and never closes", lines[at]))
                at += 1
        used = cut - len("".join(lines[at:]).replace(NUL, "\0").encode())
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(self._width)]
        return Piece(np.array(starts, np.int64) + line, columns, bad, used, at)

    def _whole_rows(self, lines: list[str], at: int, line: int, rows: list, starts: list, bad: list) -> int:
        """Add the rows from line ``at`` on; where the first begins that does not end (or how many lines there are)."""
        reader, first = self._reader(chain(lines[at:], [END])), at
        for row in reader:
            if row and row[-1].endswith(END):
                break
            if not row:
                pass
            elif len(row) != self._width:
                found = f"{len(row)} cell{'s' * (len(row) != 1)} where the header has {self._width}"
                bad.append(self._bad(line + at, found, lines[at]))
            elif any(NUL in cell for cell in row):
                bad.append(self._bad(line + at, "a NUL byte", lines[at], "delete it, or give --bad-rows skip"))
            else:
                rows.append(row)
                starts.append(at)
            at = first + reader.line_num
        return at

    def _reader(self, lines: Iterable[str]) -> csv.reader:
        return csv.reader(lines, delimiter=self._delimiter, quoting=self._quoting)

    def _bad(self, line: int, why: str, row: str, cure: str = QUOTE) -> BadRow:
        return BadRow(self.name, line, why, cure, row.rstrip("\r\n").replace(NUL, "\0")[:1000])


def _find_delimiter(text: str, quoting: int) -> str:
    """The delimiter that cuts most of the first rows into as many cells as the first one, the more the better."""

    def fitness(delimiter: str) -> tuple[int, int]:
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=quoting)
        widths = [len(row) for row in islice(filter(None, rows), DELIMITER_ROWS)] or [0]
        return (widths.count(widths[0]) if widths[0] > 1 else 0), widths[0]

    return max(DELIMITERS, key=fitness)


def _ahead(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The same pieces, each made in a thread while the one before is used."""
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, pieces, None)
        while (piece := waiting.result()) is not None:
            waiting = pool.submit(next, pieces, None)
            yield piece


def _cells(column: list[str] | pa.Array) -> Cells:
    return column if isinstance(column, list) else from_arrow(column)


def _as_list(column: list[str] | pa.Array) -> list[str]:
    return as_list(_cells(column))


def _is_blank(column: list[str] | pa.Array) -> bool:
    return not any(column) if isinstance(column, list) else is_blank(column)


def _join(cells: tuple[str, ...]) -> str:
    """A text and the cells it was cut into, without the empty ones at the end."""
    length = next((n for n in range(len(cells), 1, -1) if cells[n - 1]), 1)
    return ",".join(cells[:length])
