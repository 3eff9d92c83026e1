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

END = token_hex(16)  # no table holds it; as part of a longer row it shows that a quote was never closed


def parse_regular(
    data: bytes, end: int, width: int, delimiter: str, quotes: bool
) -> tuple[list[pa.Array], np.ndarray, int] | None:
    """The cells of whole rows.

    Args:
        data: UTF-8, from the beginning of a row.
        end: up to what may be the end of one.
        width: how many cells a row has.
        delimiter: between them.
        quotes: whether quotes mean anything.

    Returns:
        the columns, the line of each row (int64 ``[n]``, from 0) and how many lines there are; or None where the csv
        module is to be asked.
    """
    import pyarrow as pa
    from pyarrow import csv

    last = data[end - 1 : end]
    if last in (b"", b"\r") or data.find(b"\0", 0, end) >= 0:
        return None
    returns = data.find(b"\r", 0, end) >= 0
    lines = int(np.count_nonzero(_is_break(np.frombuffer(data, np.uint8, end), returns))) + (last != b"\n")
    names = [str(i) for i in range(width)]
    sentinel = b"\n" * (last != b"\n") + (END + delimiter * (width - 1) + "\n").encode()
    whole = b"".join((memoryview(data)[:end], sentinel))
    try:
        table = csv.read_csv(
            pa.py_buffer(whole),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=len(whole) + 1),
            csv.ParseOptions(delimiter=delimiter, quote_char='"' if quotes else False, newlines_in_values=True),
            csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), check_utf8=False),  # it was looked at
        )
    except pa.ArrowInvalid:
        return None
    rows = table.num_rows - 1
    if rows < 1 or table.column(0).num_chunks != 1 or table.column(0)[-1].as_py() != END:
        return None
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
    """Line of each row, int64 ``[rows]`` from 0; None if the rows do not make up so many lines."""
    spans = np.ones(rows, np.int64)
    if lines != rows:
        for column in columns:
            _, offsets, values = column.buffers()
            breaks = np.flatnonzero(_is_break(np.frombuffer(values or b"", np.uint8), returns))
            if len(breaks):
                spans += np.diff(np.searchsorted(breaks, np.frombuffer(offsets, np.int32, rows + 1)))
    ends = np.cumsum(spans)
    return ends - spans if ends[-1] == lines else None


def _is_break(values: np.ndarray, returns: bool) -> np.ndarray:
    """Bool ``[n]``: bytes that end a line: line feeds and, if there are any, carriage returns with none behind them."""
    breaks = values == ord("\n")
    if returns:
        places = np.flatnonzero(values == ord("\r"))
        breaks[places[~np.append(breaks, False)[places + 1]]] = True
    return breaks
