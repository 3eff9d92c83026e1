"""Whole rows of CSV by Python's csv module, with their lines, and those that are broken."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from itertools import chain

from embed.reading.csv_dialect import END, NUL, UNCLOSED, Dialect
from embed.reading.format import BadRow

MOST_BAD = 10_000  # broken rows of one piece: a file of nothing else must not fill the memory
SWALLOWED = "swallowed"
CR_ADVICE = "put quotes around the cell, or give `bad_rows='skip'`"


@dataclass
class FoundRows:
    """The whole rows at the beginning of a text.

    Attributes:
        cells, starts: of each good row its cells, and its line, from 0.
        bad: the broken ones.
        end, lines: characters and lines up to the first row that is not whole, or where there were too many bad ones.
        doubtful: whether the last rows may be the rest of a row with a broken quote.
        has_nul: whether there is any NUL byte.
    """

    doubtful: bool
    has_nul: bool
    cells: list[list[str]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    end: int = 0
    lines: int = 0


def find_rows(dialect: Dialect, text: str, line: int, doubtful: bool) -> FoundRows:
    """The whole rows of a masked text whose first line is number ``line``.

    Behind a line with a broken quote reading goes on with the next line. What follows may be the rest of the same
    row, so a row with a quote that opens no cell is broken as well, until one has come without.
    """
    found = FoundRows(doubtful, NUL in text)
    stream = dialect.lines(text)
    while found.end < len(text) and len(found.bad) < MOST_BAD:
        stream.seek(found.end)
        reader, first = dialect.reader(chain(stream, [END])), found.lines
        try:
            for row in reader:
                if row == [END]:
                    return found
                end = stream.tell()
                spans = first + reader.line_num - found.lines
                if spans > 1 and dialect.swallows and _is_lines(dialect, text[found.end : end]):
                    raise csv.Error(SWALLOWED)
                if row:
                    _take(dialect, found, row, text, end, line)
                found.end, found.lines = end, first + reader.line_num
                if len(found.bad) >= MOST_BAD:
                    break
        except csv.Error as error:
            if str(error) == UNCLOSED:
                return found
            _skip_line(dialect, found, text, line, str(error))
    return found


def _take(dialect: Dialect, found: FoundRows, row: list[str], text: str, end: int, line: int) -> None:
    """Add a row, which ends at ``end``, to the good or the broken ones."""
    why, advice = "", {}
    if len(row) != dialect.width:
        why = f"{len(row)} cell{'s' * (len(row) != 1)} where the header has {dialect.width}"
    elif found.has_nul and any(NUL in cell for cell in row):
        why, advice = "a NUL byte", {"advice": "delete it, or give `bad_rows='skip'`"}
    elif found.doubtful:
        mark = dialect.mark.decode()
        found.doubtful = text.count(mark, found.end, end) == sum(cell.count(mark) for cell in row) > 0
        why = "it has a quote that opens no cell, after a row whose quote does not close" if found.doubtful else ""
    if why:
        found.bad.append(dialect.bad(line + found.lines, why, _first_line(dialect, text, found.end), **advice))
    else:
        found.cells.append(dialect.cells(row))
        found.starts.append(found.lines)


def _skip_line(dialect: Dialect, found: FoundRows, text: str, line: int, error: str) -> None:
    """Count the line on which a row begins that cannot be read as a broken one."""
    row = _first_line(dialect, text, found.end)
    advice = {}
    if error.startswith("new-line"):
        why, advice = "a carriage return stands in a cell without quotes", {"advice": CR_ADVICE}
    elif error == SWALLOWED:
        why = "a quoted cell goes over several lines, each of which could be a row"
    else:
        why, found.doubtful = "a quote opens in this row, and where it closes the cell goes on", True
    found.bad.append(dialect.bad(line + found.lines, why, row, **advice))
    found.end += len(row)
    found.lines += 1


def _first_line(dialect: Dialect, text: str, start: int) -> str:
    ends = [text.find(end, start) + 1 for end in {dialect.newline, "\n"}]
    return text[start : min(filter(None, ends), default=len(text))]


def _is_lines(dialect: Dialect, row: str) -> bool:
    """Whether each line of a row has as many cells as a row has."""
    lines = row.rstrip("\r\n").split(dialect.newline)
    return len(lines) > 1 and all(line.count(dialect.delimiter) == dialect.width - 1 for line in lines)
