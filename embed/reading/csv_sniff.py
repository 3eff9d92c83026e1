"""How a CSV file is written, found in its first rows: the delimiter, what quotes mean, what ends a line."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from embed.reading.csv_dialect import NUL, UNCLOSED, Dialect
from embed.reading.header import MOST_ABOVE, are_names, rows_above
from stores.shared.errors import InputError

DELIMITERS = ",\t;|"
SAMPLE_BYTES = 1 << 17
SNIFF_ROWS = 200
FEW_ROWS, LONGEST_CLASS = 4, 40
CONTROL = re.compile(f"[\1-\x08\x0e-\x1f]|{NUL}")
FIRST_LINE = re.compile(r'(?:"(?:[^"]|"")*"|[^"\r\n]|"(?![^"]*"))*+')
SEP_LINE = re.compile(r'[ \t]*"?sep=(?P<sep>\\t|[^\r\n"])"?[ \t]*(?P<rest>[,;\t|]*)(?:\r\n?|\n)', re.IGNORECASE)


@dataclass
class Trial:
    """What the first rows are with a dialect.

    Attributes:
        dialect: which one.
        rows: the rows that it can read.
        broken: rows that it cannot.
        spans: whether a row goes over several lines.
        quoted: whether a quote has opened a cell.
    """

    dialect: Dialect
    rows: list[list[str]] = field(default_factory=list)
    broken: int = 0
    spans: bool = False
    quoted: bool = False
    found: list[int] = field(default_factory=list)

    @property
    def widths(self) -> list[int]:
        """Cells of each row; of a broken one those of its first line."""
        return self.found or [0]

    @property
    def is_regular(self) -> bool:
        """Whether every row can be read, and all but perhaps the first have as many cells."""
        return not self.broken and len(set(self.widths[1:] or self.widths)) == 1 and self.widths[-1] > 1


def separator_line(text: str) -> tuple[str, int] | None:
    """The delimiter that Excel's first line ``sep=;`` names and the length of that line, if there is one."""
    found = SEP_LINE.match(text)
    return found and ("\t" if found["sep"] == r"\t" else found["sep"], found.end())


def lines_above(text: str, delimiter: str | None) -> int:
    """How many lines are titles and remarks above the header; 0 if the first line may be the header."""
    newline = line_end(text)
    lines = [line.rstrip("\r") for line in text[:SAMPLE_BYTES].split(newline)[:SNIFF_ROWS]]
    for mark in delimiter or DELIMITERS:
        if not any(are_names(_split(line, mark)) for line in lines[1 : MOST_ABOVE + 1]):
            continue
        if above := rows_above([_split(line, mark) for line in lines]):
            return above
    return 0


def _split(line: str, delimiter: str) -> list[str]:
    """The cells of a line in which no cell holds a delimiter, as in a header."""
    return [cell.strip().strip('"') for cell in line.split(delimiter)]


def line_end(text: str) -> Literal["\n", "\r"]:
    """What ends the first line: a line feed, or a carriage return without one; quoted cells are passed over."""
    end = next(FIRST_LINE.finditer(text)).end()
    following = text[end : end + 2]
    return "\r" if following.startswith("\r") and following != "\r\n" else "\n"


def sniff(name: str, text: str, whole: bool, delimiter: str | None, quoting: str | None) -> tuple[Trial, str]:
    """Find how a table is written, and what the user should know about it.

    Args:
        name: the file's.
        text: its beginning.
        whole: whether that is all.
        delimiter, quoting: what was asked for; found if None.
    """
    newline = line_end(text)
    if not whole or len(text) > SAMPLE_BYTES:
        cut = text.rfind(newline, 0, SAMPLE_BYTES) + 1 or text.find(newline) + 1 or len(text)
        text, whole = text[:cut], whole and cut == len(text)
    base = Dialect(name, delimiter or ",", quoting or "double", newline=newline)
    trials = [_try(replace(base, delimiter=mark), text, whole) for mark in delimiter or DELIMITERS]
    best = max(trials, key=_fitness)
    if quoting:
        return best, ""
    for other, note in _alternatives(best, text):
        trial = _try(other, text, whole)
        if trial.is_regular and (trial.quoted or other.quoting == "none") and trial.widths[-1] >= best.widths[0] > 1:
            return trial, f"{name}: {note}; `quoting={best.dialect.quoting!r}` decides otherwise"
    swallows = best.dialect.delimiter == "\t"
    return replace(best, dialect=replace(best.dialect, swallows=swallows)), ""


def _fitness(trial: Trial) -> tuple[int, int, bool]:
    """The delimiter that cuts most of the first rows into as many cells as the first one, the more the better.

    (Or into one more: a header may lack the name of the first column.) Then that which gives a column of classes.
    """
    widths = trial.widths
    like_first = widths.count(widths[0]) if widths[0] > 1 else 0
    more = 0 if len(widths) < 3 else widths[1:].count(widths[0] + 1)
    return max(like_first, more), widths[0], has_classes(trial.rows)


def has_classes(rows: list[list[str]]) -> bool:
    """Whether a column repeats a few short values, in the first row too or below it."""
    if len(rows) < FEW_ROWS or len(set(map(len, rows))) > 1:
        return False
    columns = list(zip(*rows, strict=True))
    return any(len(set(column)) <= len(rows) // 2 and max(map(len, column)) <= LONGEST_CLASS for column in columns)


def _alternatives(best: Trial, text: str) -> list[tuple[Dialect, str]]:
    """Other meanings of the quotes that the first rows suggest, each with what is to be said about it."""
    dialect, found = best.dialect, []
    trouble = not best.is_regular and best.broken > 0
    if '\\"' in text and trouble:
        found.append((replace(dialect, quoting="backslash"), r"\" in a cell is read as a quote"))
    behind_blanks = (cell for row in best.rows for cell in row if re.match(' +"', cell))
    if any(dialect.delimiter + cell in text for cell in behind_blanks):
        found.append((replace(dialect, blanks=True), "blanks between a delimiter and a quote are passed over"))
    if dialect.delimiter == "\t" and (trouble or best.spans):
        found.append((replace(dialect, quoting="none"), "quotes are part of the texts, for they do not enclose cells"))
    cells = [[cell for cell in row if len(cell) > 1 and cell[0] == cell[-1] == "'"] for row in best.rows[1:]]
    if cells and all(cells) and not best.quoted:
        found.append((replace(dialect, quoting="single"), "apostrophes around cells are read as quotes"))
    return found


def _try(dialect: Dialect, text: str, whole: bool) -> Trial:
    trial = Trial(dialect)
    masked = dialect.mask(text)
    stream = dialect.lines(masked)
    reader, mark = dialect.reader(stream), dialect.mark.decode()
    line = end = 0
    while len(trial.rows) + trial.broken < SNIFF_ROWS:
        row: list[str] = []
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            if str(error) == UNCLOSED and not whole:  # the text ends in a row
                trial.spans |= reader.line_num - line > 1
                break
            trial.broken += 1
            trial.found.append(masked.count(dialect.delimiter, end, masked.find(dialect.newline, end) + 1) + 1)
        if row:
            trial.rows.append(dialect.cells(row))
            trial.found.append(len(row))
            trial.spans |= reader.line_num - line > 1
            trial.quoted |= masked.count(mark, end, stream.tell()) > sum(cell.count(mark) for cell in row)
        line, end = reader.line_num, stream.tell()
    return trial


def usual_width(rows: list[list[str]]) -> int:
    """How many cells most rows have."""
    return Counter(map(len, rows)).most_common(1)[0][0] if rows else 0


@dataclass(frozen=True)
class Start:
    """The beginning of a file.

    Attributes:
        trial: its first rows, and how they are written.
        size, lines: bytes and lines before the first row: a line ``sep=;``, titles above the header.
        above: how many of these lines are such titles.
        notes: what the user should know.
    """

    trial: Trial
    size: int
    lines: int
    above: int
    notes: list[str]

    @classmethod
    def of(
        cls, name: str, block: bytes, whole: bool, delimiter: str | None, quoting: str | None, skip: int | None = None
    ) -> Start:
        """Look at the first block of a file, or at the whole of it; ``skip`` lines of it are no rows, found if None.

        Raises:
            InputError: if it does not begin with a row of text.
        """
        text = block.decode("utf-8", "ignore")
        separator, notes = separator_line(text), []
        before = lines = 0
        if separator:
            notes.append(f"{name}: its first line names the delimiter, {separator[0]!r}, and is no row")
            before, lines, delimiter = separator[1], 1, delimiter or separator[0]
        above = lines_above(text[before:], delimiter) if skip is None else max(0, skip - lines)
        if above:
            newline = line_end(text)
            title, lines = text[before:].partition(newline)[0].strip(), lines + above
            before += sum(len(line) + 1 for line in text[before:].split(newline)[:above])
            if skip is None:
                notes.append(
                    f"{name}: the names of the columns are on line {lines + 1}; what stands above ({title[:50]}) is "
                    "left out, `skip_rows=0` decides otherwise"
                )
            elif before >= len(text):
                raise InputError(
                    f"`skip_rows={skip}`: {name} has no more than that, or they are too long for titles; give fewer"
                )
        trial, note = sniff(name, text[before:], whole, delimiter, quoting)
        first = trial.rows[0] if trial.rows else []
        if not first and trial.broken:
            raise InputError(f"{name}, line 1: a quote opens in the first row and never closes; delete it")
        if any(CONTROL.search(cell) for cell in first):
            raise InputError(
                f"{name} begins with NUL bytes or control characters; delete them, or give a table of text"
            )
        if not any(cell.strip() for row in trial.rows for cell in row):
            raise InputError(f"{name} is empty; its first line must name the columns")
        return cls(trial, len(text[:before].encode()), lines, above, [*notes, *filter(None, [note])])

    def lines_above(self, block: bytes, filled: int) -> int:
        """How many lines of the file stand above the first one with so many cells that are not empty."""
        dialect = self.trial.dialect
        lines = block[self.size :].decode("utf-8", "ignore").split(dialect.newline)[:SNIFF_ROWS]
        counts = [len(list(filter(None, _split(line, dialect.delimiter)))) for line in lines]
        return self.lines + next((i for i, count in enumerate(counts) if count >= filled), 1)

    def after_row(self, block: bytes) -> tuple[int, int]:
        """Bytes and lines up to the end of the first row."""
        dialect = self.trial.dialect
        text = dialect.mask(block[self.size :].decode("utf-8", "ignore"))
        stream = dialect.lines(text)
        reader = dialect.reader(stream)
        next(filter(None, reader))
        row = len(dialect.unmask(text[: stream.tell()]).encode())
        return self.size + row, self.lines + reader.line_num
