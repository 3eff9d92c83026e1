"""The bytes of CSV -> rows exactly as Python's csv module reads them; regular stretches of large files by pyarrow."""

from __future__ import annotations

import csv
import io
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, pairwise
from secrets import token_hex
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embed.reading.csv_arrow import END, Regular, last_row_end
from embed.reading.format import LONGEST_ROW, BadRow
from stores.shared.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

NUL = token_hex(16)  # stands for U+0000, which csv refuses before Python 3.11
QUOTE = "put quotes around cells that hold a delimiter or line break, or give --quoting none or --bad-rows skip"
AHEAD = 2  # stretches that are being parsed or wait to be used
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
Stretch = tuple[bytes, bool, Future | None]  # bytes, whether they are the last, pyarrow's rows of them when it is ready


class Piece(NamedTuple):
    """Rows of one stretch: their lines int64 ``[n]``, all columns, the broken rows, bytes and lines used up."""

    line: np.ndarray
    columns: list[list[str] | pa.Array]
    bad: list[BadRow]
    bytes: int
    lines: int


@dataclass(frozen=True)
class Dialect:
    """How a file is written: its name for messages, delimiter, quoting of the csv module, cells a row."""

    name: str
    delimiter: str
    quoting: int
    width: int = 0

    def pieces(self, blocks: Iterable[bytes], line: int, fast: bool) -> Iterator[Piece]:
        """All rows, in pieces of about one block; a row that a block breaks off waits for the next.

        Args:
            blocks: UTF-8, from the beginning of a row, which is on line ``line``.
            fast: whether pyarrow is asked first, in a thread that runs ahead.
        """
        rest = b""
        for data, final, table in self._ahead(blocks) if fast else self._as_they_are(blocks):
            piece = None
            if table and not rest:  # else it begins with the end of a row, or so it seems
                piece = self._piece(Regular(data, self), table.result(), line)
            data = rest + data
            if not piece and fast and rest:
                end = len(data) if final else last_row_end(data, self.quotes)
                regular = Regular(data[:end], self)
                piece = self._piece(regular, regular.read(), line)
            piece = piece or self._parse_slow(data, line, final)
            rest, line = data[piece.bytes :], line + piece.lines
            yield piece

    @property
    def quotes(self) -> bool:
        """Whether quotes mean anything."""
        return self.quoting != csv.QUOTE_NONE

    def reader(self, lines: Iterable[str]) -> csv.reader:
        """The csv module's."""
        return csv.reader(lines, delimiter=self.delimiter, quoting=self.quoting)

    def bad(self, line: int, why: str, row: str, cure: str = QUOTE) -> BadRow:
        """What is wrong with the row on this line."""
        return BadRow(self.name, line, why, cure, row.rstrip("\r\n").replace(NUL, "\0")[:1000])

    def _as_they_are(self, blocks: Iterable[bytes]) -> Iterator[Stretch]:
        for block, following in pairwise(chain(blocks, [None])):
            yield block, following is None, None

    def _ahead(self, blocks: Iterable[bytes]) -> Iterator[Stretch]:
        """The bytes in stretches of whole rows, if quotes come in pairs, each given to pyarrow some time before.

        subtle: the thread does nothing but parse, without the interpreter's lock, and finds the next stretch ready: to
        get the lock it would have to wait until the one that uses the rows has nothing to do. A second did not help.
        """
        waiting: deque[Stretch] = deque()
        with ThreadPoolExecutor(1) as pool:
            for data, final in self._stretches(blocks):
                waiting.append((data, final, pool.submit(Regular(data, self).read)))
                if len(waiting) == AHEAD:
                    yield waiting.popleft()
            yield from waiting

    def _stretches(self, blocks: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
        rest = b""
        for block, final, _ in self._as_they_are(blocks):
            rest += block
            end = len(rest) if final or len(rest) > LONGEST_ROW else last_row_end(rest, self.quotes)
            if end:
                yield rest[:end], final
                rest = rest[end:]

    def _piece(self, regular: Regular, table: pa.Table | None, line: int) -> Piece | None:
        found = regular.rows(table)
        return found and Piece(found[1] + line, found[0], [], len(regular.data), found[2])

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
                bad.append(self.bad(line + at, "a quote opens in this row and never closes", lines[at]))
                at += 1
        used = cut - len("".join(lines[at:]).replace(NUL, "\0").encode())
        columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(self.width)]
        return Piece(np.array(starts, np.int64) + line, columns, bad, used, at)

    def _whole_rows(self, lines: list[str], at: int, line: int, rows: list, starts: list, bad: list) -> int:
        """Add the rows from line ``at`` on; where the first begins that does not end (or how many lines there are)."""
        reader, first = self.reader(chain(lines[at:], [END])), at
        for row in reader:
            if row and row[-1].endswith(END):
                break
            if not row:
                pass
            elif len(row) != self.width:
                found = f"{len(row)} cell{'s' * (len(row) != 1)} where the header has {self.width}"
                bad.append(self.bad(line + at, found, lines[at]))
            elif any(NUL in cell for cell in row):
                bad.append(self.bad(line + at, "a NUL byte", lines[at], "delete it, or give --bad-rows skip"))
            else:
                rows.append(row)
                starts.append(at)
            at = first + reader.line_num
        return at
