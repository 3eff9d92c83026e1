"""How a CSV file is written: what separates its cells, and what its quotes mean."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from secrets import token_hex
from typing import Literal, Protocol

from embed.reading.format import BadRow

# Each stands for something that the csv module would misunderstand, or shows where the data end; no table holds them.
NUL = token_hex(16)  # U+0000, which csv refuses before Python 3.11
ESCAPED_QUOTE = token_hex(16)  # a quote behind a backslash
UNCLOSED = "unexpected end of data"  # what the csv module says of a quote that is open at the end
END = token_hex(16)  # one more row; as part of a longer one it shows that a quote was never closed
BACKSLASHED = re.compile(r'(?<!\\)((?:\\\\)*)\\"')
QUOTINGS = ("double", "backslash", "single", "none")
QUOTE = (
    "put quotes around cells that hold a delimiter or line break, or give `bad_rows='skip'`, "
    "or `quoting='none'` if quotes are part of the texts"
)


class RowReader(Protocol):
    """What ``csv.reader`` gives."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]:
        """The rows."""
        ...

    def __next__(self) -> list[str]:
        """The next row."""
        ...


@dataclass(frozen=True)
class Dialect:
    """How a file is written.

    Attributes:
        name: the file's, for messages.
        delimiter: one character.
        quoting: ``double`` (quotes around cells, doubled inside), ``backslash`` (a backslash before each inside),
            ``single`` (apostrophes around cells, doubled inside), or ``none`` (a quote is a character like any other).
        blanks: whether blanks behind a delimiter are passed over.
        newline: what ends a line: a line feed (perhaps behind a carriage return), or in old files a carriage return.
        width: cells a row.
        swallows: whether quoted cells over several lines, each of which could be a row, are refused.
    """

    name: str
    delimiter: str
    quoting: str = "double"
    blanks: bool = False
    newline: Literal["\n", "\r"] = "\n"
    width: int = 0
    swallows: bool = False

    @property
    def quotes(self) -> bool:
        """Whether quotes mean anything."""
        return self.quoting != "none"

    @property
    def mark(self) -> bytes:
        """What opens and closes a quoted cell."""
        return b"'" if self.quoting == "single" else b'"'

    @property
    def is_plain(self) -> bool:
        """Whether pyarrow reads it too."""
        return self.quoting in ("double", "none") and not self.blanks and self.newline == "\n"

    def lines(self, text: str) -> io.StringIO:
        """The lines of a text; in a file of carriage returns line feeds end lines as well."""
        return io.StringIO(text, newline="\n" if self.newline == "\n" else "")

    def reader(self, lines: Iterable[str]) -> RowReader:
        """The csv module's; ``csv.Error`` where a closing quote is followed by anything but a delimiter or line end."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quoting=csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE,
            quotechar="'" if self.quoting == "single" else '"',
            skipinitialspace=self.blanks,
            strict=True,
        )

    def mask(self, text: str) -> str:
        """The text without what the csv module would misunderstand."""
        text = text.replace("\0", NUL)
        return BACKSLASHED.sub(rf"\g<1>{ESCAPED_QUOTE}", text) if self.quoting == "backslash" else text

    def unmask(self, text: str) -> str:
        """What was masked."""
        return text.replace(NUL, "\0").replace(ESCAPED_QUOTE, '\\"')

    def cells(self, row: list[str]) -> list[str]:
        """The cells of a row that was read from a masked text."""
        return [cell.replace(ESCAPED_QUOTE, '"') for cell in row] if self.quoting == "backslash" else row

    def bad(self, line: int, why: str, row: str, advice: str = QUOTE) -> BadRow:
        """What is wrong with the row on this line."""
        return BadRow(self.name, line, why, advice, self.unmask(row.rstrip("\r\n"))[:1000])
