"""The bytes of CSV -> rows exactly as Python's csv module reads them; regular stretches of large files by pyarrow."""

from __future__ import annotations

import csv
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from embed.reading.cells import Cells
from embed.reading.csv_arrow import Regular
from embed.reading.csv_dialect import Dialect
from embed.reading.csv_rows import MOST_BAD, find_rows
from embed.reading.files import BLOCK
from embed.reading.format import LONGEST_ROW, BadRow
from stores.shared.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

AHEAD = 2  # stretches that are being parsed or wait to be used
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
Stretch = tuple[Regular, bool, Future]  # bytes, whether they are the last, pyarrow's rows of them when it is ready


class Piece(NamedTuple):
    """Rows of one stretch: their lines int64 ``[n]``, all columns, the broken rows, bytes and lines used up."""

    line: np.ndarray
    columns: list[Cells]
    bad: list[BadRow]
    bytes: int
    lines: int


class ChunkReader:
    """The rows of a file that comes in blocks of bytes.

    Args:
        dialect: how it is written.
        line: the line on which its first row stands.
    """

    def __init__(self, dialect: Dialect, line: int) -> None:
        self._dialect, self._line = dialect, line
        self._held: list[bytes] = []  # bytes from the beginning of a row that is not whole yet
        self._size = self._tried = 0  # how many they are, and how many they were when rows were last looked for
        self._open = self._marked = False  # whether the row is in a quoted cell, and a quote has come since
        self._doubtful = False  # whether a broken quote may have left the end of its row behind

    def pieces(self, blocks: Iterable[bytes], fast: bool) -> Iterator[Piece]:
        """All rows, in pieces of about one block; a row that a block breaks off waits for the next.

        Args:
            blocks: UTF-8, from the beginning of a row.
            fast: whether pyarrow is asked first, in a thread that runs ahead.
        """
        if not (fast and self._dialect.is_plain):
            for block, following in pairwise(chain(blocks, [None])):
                yield from self._slow(block or b"", following is None)
            return
        for stretch, final, table in self._ahead(blocks):
            data, piece = stretch.data, None
            if not self._held:  # else it begins with the end of a row, or so it seems
                piece = self._piece(stretch, table.result())
            elif not self._open:
                data = b"".join([*self._held, data])
                self._hold(b"")
                stretch = Regular.of(data, self._dialect, final)
                piece = self._piece(stretch, stretch.read())
            if piece:
                yield self._counted(piece)
                self._hold(data[piece.bytes :])
            else:
                yield from self._slow(data, final)

    def _ahead(self, blocks: Iterable[bytes]) -> Iterator[Stretch]:
        """The bytes in stretches of whole rows, if quotes come in pairs, each given to pyarrow some time before.

        subtle: the thread does nothing but parse, without the interpreter's lock, and finds the next stretch ready: to
        get the lock it would have to wait until the one that uses the rows has nothing to do. A second did not help.
        """
        waiting: deque[Stretch] = deque()
        with ThreadPoolExecutor(1) as pool:
            for stretch, final in self._stretches(blocks):
                waiting.append((stretch, final, pool.submit(stretch.read)))
                if len(waiting) == AHEAD:
                    yield waiting.popleft()
            yield from waiting

    def _stretches(self, blocks: Iterable[bytes]) -> Iterator[tuple[Regular, bool]]:
        rest = b""
        for block, following in pairwise(chain(blocks, [None])):
            rest += block or b""
            final = following is None
            stretch = Regular.of(rest, self._dialect, final)
            if stretch.data:
                yield stretch, final
                rest = rest[len(stretch.data) :]

    def _piece(self, regular: Regular, table: pa.Table | None) -> Piece | None:
        found = regular.rows(table)
        return found and Piece(found[1] + self._line, found[0], [], len(regular.data), found[2])

    def _counted(self, piece: Piece) -> Piece:
        self._line += piece.lines
        return piece

    def _hold(self, rest: bytes) -> None:
        """Keep the beginning of a row for later."""
        self._held, self._size, self._tried = [rest] if rest else [], len(rest), len(rest)
        self._open = self._marked = False

    def _slow(self, data: bytes, final: bool) -> Iterator[Piece]:
        """The rows that are whole with these bytes, by Python's csv module.

        Each byte is parsed about twice at most, however long a quoted cell goes on: where no quote has come none can
        have closed, and else the next attempt waits until there are twice as many bytes.
        """
        queue = deque([(data, final)])
        while queue:
            data, final = queue.popleft()
            self._held.append(data)
            self._size += len(data)
            self._marked |= self._dialect.mark in data
            enough = final or self._size > LONGEST_ROW
            if self._open and not enough and (not self._marked or self._size < 2 * self._tried):
                continue
            whole, never_closes = b"".join(self._held), self._open and not self._marked
            if not never_closes:
                piece, open_quote = self._parse(whole, final)
                stopped = len(piece.bad) >= MOST_BAD
                whole = whole[piece.bytes :]
                yield self._counted(piece)
                self._hold(whole)
                self._open, self._marked = open_quote
                if stopped:
                    self._hold(b"")
                    queue.appendleft((whole, final))
                    continue
            if whole and self._open and (final or len(whole) > LONGEST_ROW):
                piece = self._give_up(whole)
                yield self._counted(piece)
                self._hold(b"")
                starts = range(piece.bytes, len(whole), BLOCK)
                again = [(whole[at : at + BLOCK], final and at + BLOCK >= len(whole)) for at in starts]
                queue.extendleft(reversed(again))

    def _parse(self, data: bytes, final: bool) -> tuple[Piece, tuple[bool, bool]]:
        """The whole rows at the beginning of ``data``.

        And whether a quote is open in the row behind them, and whether there is another on its last line.
        """
        newline = self._dialect.newline.encode()
        cut = len(data) if final else data.rfind(newline) + 1
        if not cut and len(data) > LONGEST_ROW:
            raise InputError(
                f"{self._dialect.name}, line {self._line} has more than {LONGEST_ROW:,} bytes: no table of text"
            )
        text = self._dialect.mask(data[:cut].decode())
        rows = find_rows(self._dialect, text, self._line, self._doubtful)
        self._doubtful = rows.doubtful
        used = cut - len(self._dialect.unmask(text[rows.end :]).encode())
        columns = [list(column) for column in zip(*rows.cells, strict=True)]
        columns = columns or [[] for _ in range(self._dialect.width)]
        piece = Piece(np.array(rows.starts, np.int64) + self._line, columns, rows.bad, used, rows.lines)
        return piece, (rows.end < len(text), self._dialect.mark in data[cut:])

    def _give_up(self, data: bytes) -> Piece:
        """The line on which a quote opens that never closes, as a broken row."""
        end = data.find(self._dialect.newline.encode()) + 1 or len(data)
        bad = self._dialect.bad(self._line, "a quote opens in this row and never closes", data[:end].decode())
        self._doubtful = True
        return Piece(np.empty(0, np.int64), [[] for _ in range(self._dialect.width)], [bad], end, 1)
