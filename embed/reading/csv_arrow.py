"""Whole rows of CSV through pyarrow, where it is certain to read them as Python's csv module does.

The bytes get one more row behind them that no table holds. If it comes out whole, if every row has as many cells as the
header, and if the line ends in the cells and between the rows make up those of the bytes, then both parsers agree, and
every row's line is known. Elsewhere (unclosed quotes, too many or too few cells, empty lines, NUL bytes) it is for the
csv module to read.
"""

from __future__ import annotations

from secrets import token_hex
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

    from embed.reading.csv_chunks import Dialect

END = token_hex(16)  # no table holds it; as part of a longer row it shows that a quote was never closed


class Regular:
    """Bytes that may be whole rows.

    Args:
        data: UTF-8, from the beginning of a row to what may be the end of one.
        dialect: how they are written.
    """

    def __init__(self, data: bytes, dialect: Dialect) -> None:
        self.data, self._dialect = data, dialect

    def read(self) -> pa.Table | None:
        """What pyarrow makes of it and the one row more; or None."""
        import pyarrow as pa
        from pyarrow import csv

        if not self.data or self.data.endswith(b"\r") or b"\0" in self.data:
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
        rows = table.num_rows - 1 if table else 0
        if rows < 1 or table.column(0).num_chunks != 1 or table.column(0)[-1].as_py() != END:
            return None
        returns = b"\r" in self.data
        ends = _is_line_end(np.frombuffer(self.data, np.uint8), returns)
        lines = int(np.count_nonzero(ends)) + (not self.data.endswith(b"\n"))
        columns = [column.chunk(0).slice(0, rows) for column in table.columns]
        starts = _row_starts(columns, rows, lines, returns)
        return None if starts is None else (columns, starts, lines)


def last_row_end(data: bytes, quotes: bool) -> int:
    """Where the last whole row ends, if quotes come in pairs; 0 if there is none."""
    cut = data.rfind(b"\n") + 1
    odd = quotes and np.count_nonzero(np.frombuffer(data, np.uint8, cut) == ord('"')) % 2
    while cut and odd:
        line = data.rfind(b"\n", 0, cut - 1) + 1
        odd ^= data.count(b'"', line, cut) % 2
        cut = line
    return cut


def is_blank(column: pa.Array) -> bool:
    """Whether all cells are empty."""
    offsets = np.frombuffer(column.buffers()[1], np.int32, len(column) + 1)
    return bool(offsets[0] == offsets[-1])


def _row_starts(columns: list[pa.Array], rows: int, lines: int, returns: bool) -> np.ndarray | None:
    """Line of each row, int64 ``[rows]`` from 0; None if the rows do not make up so many lines.

    No line is counted twice, so when all are found, the columns that are left (the short ones) hold none.
    """
    spans, found = np.ones(rows, np.int64), rows
    for column in sorted(columns, key=lambda column: -column.nbytes):
        if found >= lines:
            break
        _, offsets, values = column.buffers()
        ends = np.flatnonzero(_is_line_end(np.frombuffer(values or b"", np.uint8), returns))
        cells = np.searchsorted(np.frombuffer(offsets, np.int32, rows), ends, "right") - 1
        spans += np.bincount(cells, minlength=rows)
        found += len(ends)
    return np.cumsum(spans) - spans if found == lines else None


def _is_line_end(values: np.ndarray, returns: bool) -> np.ndarray:
    """Bool ``[n]``: bytes that end a line: line feeds and, if there are any, carriage returns with none behind them."""
    ends = values == ord("\n")
    if returns:
        places = np.flatnonzero(values == ord("\r"))
        following = values[np.minimum(places + 1, len(values) - 1)]  # of the last byte the byte itself
        ends[places[following != ord("\n")]] = True
    return ends
