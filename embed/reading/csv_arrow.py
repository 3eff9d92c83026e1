"""Whole rows of CSV through pyarrow, where it is certain to read them as Python's csv module does.

The bytes get one more row behind them that no table holds. If it comes out whole, if every row has as many cells as the
header, if every quote opens or closes a cell, and if the line ends in the cells and between the rows make up those of
the bytes, then both parsers agree, and every row's line is known. Elsewhere (unclosed quotes, too many or too few
cells, empty lines, carriage returns outside quotes, NUL bytes) it is for the csv module to read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from embed.reading.csv_dialect import END, Dialect
from embed.reading.files import BLOCK

if TYPE_CHECKING:
    import pyarrow as pa


COUNTED_AT_ONCE = 1 << 17  # bytes; what is made of more does not stay in a core's cache


class Regular:
    """Bytes that may be whole rows.

    Args:
        data: UTF-8, from the beginning of a row to what may be the end of one.
        quotes: places of the quotes in them, int64 ``[q]``; none if these mean nothing.
        dialect: how they are written.
    """

    def __init__(self, data: bytes, quotes: np.ndarray, dialect: Dialect) -> None:
        self.data, self._quotes, self._dialect = data, quotes, dialect

    @classmethod
    def of(cls, data: bytes, dialect: Dialect, final: bool) -> Regular:
        """The rows at the beginning of some bytes, if their quotes come in pairs; all bytes, if they are the last."""
        quotes = _places(data, ord('"')) if dialect.quotes else np.empty(0, np.int64)
        end = len(data) if final else _last_row_end(data, quotes)
        if not end and len(data) > 2 * BLOCK:  # a quoted cell goes on for long, or one quote never closes
            end = len(data)
        return cls(data[:end], quotes[: np.searchsorted(quotes, end)], dialect)

    def read(self) -> pa.Table | None:
        """What pyarrow makes of it and the one row more; or None."""
        import pyarrow as pa
        from pyarrow import csv

        if not self.data or b"\0" in self.data:
            return None
        names = [str(i) for i in range(self._dialect.width)]
        texts = dict.fromkeys(names, pa.string())
        delimiter = self._dialect.delimiter
        more = (END + delimiter * (len(names) - 1) + "\n").encode()
        whole = b"".join((self.data, b"" if self.data.endswith(b"\n") else b"\n", more))
        quote = '"' if self._dialect.quotes else False
        try:
            return csv.read_csv(
                pa.py_buffer(whole),
                csv.ReadOptions(column_names=names, use_threads=False, block_size=len(whole) + 1),
                csv.ParseOptions(delimiter=delimiter, quote_char=quote, newlines_in_values=True),
                csv.ConvertOptions(column_types=texts, check_utf8=False),  # it was looked at
            )
        except pa.ArrowInvalid:
            return None

    def rows(self, table: pa.Table | None) -> tuple[list[pa.Array], np.ndarray, int] | None:
        """The rows in what ``read`` gave.

        Returns:
            the columns, the line of each row (int64 ``[n]``, from 0) and how many lines there are; or None where the
            csv module is to be asked.
        """
        rows = table.num_rows - 1 if table is not None else 0
        if table is None or rows < 1 or table.column(0).num_chunks != 1 or table.column(0)[-1].as_py() != END:
            return None
        values = np.frombuffer(self.data, np.uint8)
        if not _quotes_are_whole(values, self._quotes, ord(self._dialect.delimiter)):
            return None
        lines = _count(values, ord("\n")) + (not self.data.endswith(b"\n"))
        columns = [column.chunk(0).slice(0, rows) for column in table.columns]
        if self._dialect.swallows and lines != rows:
            return None
        returns = _bare_returns(values) if b"\r" in self.data else 0
        if returns and returns != sum(_bare_returns(_values(column)) for column in columns):
            return None  # one of them ends a row for pyarrow
        starts = _row_starts(columns, rows, lines)
        return None if starts is None else (columns, starts, lines)


def _last_row_end(data: bytes, quotes: np.ndarray) -> int:
    """Where the last row ends that has an even number of quotes before its end; 0 if there is none."""
    cut = data.rfind(b"\n") + 1
    before = int(np.searchsorted(quotes, cut))
    while cut and before % 2:
        cut = data.rfind(b"\n", 0, int(quotes[before - 1])) + 1  # where the last of the quotes stands
        before = int(np.searchsorted(quotes, cut))
    return cut


def _places(data: bytes, byte: int) -> np.ndarray:
    """Where a byte is, int64 ``[n]``."""
    values = np.frombuffer(data, np.uint8)
    starts = range(0, len(values), COUNTED_AT_ONCE)
    found = [np.flatnonzero(values[start : start + COUNTED_AT_ONCE] == byte) + start for start in starts]
    return np.concatenate([np.empty(0, np.int64), *found])


def _count(values: np.ndarray, byte: int) -> int:
    """How often a byte is there; ``values`` is uint8."""
    starts = range(0, len(values), COUNTED_AT_ONCE)
    return sum(int(np.count_nonzero(values[start : start + COUNTED_AT_ONCE] == byte)) for start in starts)


def is_blank(column: pa.Array) -> bool:
    """Whether all cells are empty."""
    offsets = np.frombuffer(column.buffers()[1], np.int32, len(column) + 1)
    return bool(offsets[0] == offsets[-1])


def _row_starts(columns: list[pa.Array], rows: int, lines: int) -> np.ndarray | None:
    """Line of each row, int64 ``[rows]`` from 0; None if the rows do not make up so many lines.

    No line is counted twice, so when all are found, the columns that are left (the short ones) hold none.
    """
    if rows == lines:
        return np.arange(rows)
    spans, found = np.ones(rows, np.int64), rows
    buffers = [column.buffers()[1:] for column in columns]
    for offsets, values in sorted(buffers, key=lambda both: -(both[1].size if both[1] else 0)):
        if found >= lines:
            break
        ends = _places(values or b"", ord("\n"))
        cells = np.searchsorted(np.frombuffer(offsets, np.int32, rows), ends, "right") - 1
        spans += np.bincount(cells, minlength=rows)
        found += len(ends)
    return np.cumsum(spans) - spans if found == lines else None


def _bare_returns(values: np.ndarray) -> int:
    """How many carriage returns have no line feed behind them; ``values`` is uint8."""
    returns = values == ord("\r")
    followed = returns[:-1] & (values[1:] == ord("\n"))
    return int(np.count_nonzero(returns) - np.count_nonzero(followed))


def _values(column: pa.Array) -> np.ndarray:
    """The bytes of all cells, uint8."""
    return np.frombuffer(column.buffers()[2] or b"", np.uint8)


def _quotes_are_whole(values: np.ndarray, places: np.ndarray, delimiter: int) -> bool:
    """Whether the 1st, 3rd, ... quote opens a cell and the 2nd, 4th, ... closes one, two in a row aside.

    Then no quote stands in a cell without quotes, and no cell goes on where its quote has closed.

    Args:
        values: the bytes, uint8.
        places: where quotes are, int64 ``[q]``.
        delimiter: what stands between cells.
    """
    if not len(places):
        return True
    if len(places) % 2:
        return False
    opening, closing = places[::2], places[1::2]
    outside = np.zeros(256, bool)
    outside[[delimiter, ord("\n"), ord("\r")]] = True
    opens = outside.take(values.take(opening - 1, mode="wrap"))
    closes = outside.take(values.take(closing + 1, mode="clip"))
    opens[0] |= opening[0] == 0
    closes[-1] |= closing[-1] == len(values) - 1
    if opens.all() and closes.all():
        return True
    doubled = closing[:-1] + 1 == opening[1:]  # a quote in a quoted cell: it closes, and opens again at once
    opens[1:] |= doubled
    closes[:-1] |= doubled
    return bool(opens.all() and closes.all())
