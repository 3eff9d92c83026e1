"""A table of texts -> blocks of rows.

CSV and TSV, plain or gzip, streamed: memory does not grow with the file. Bytes are UTF-8 (a byte-order mark is
dropped) or, where they are not, Windows-1252; nothing else is guessed. Every row of the file comes out, or the
reading stops with the line number of the row that is broken.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

import numpy as np

from embed.columns import Columns, choose_columns
from stores.errors import InputError
from stores.identity import digest_file

SAMPLE_ROWS = 1000  # what the choice of the columns looks at
DELIMITERS = ",\t;|"


@dataclass(frozen=True)
class Rows:
    """Some consecutive rows of a table.

    Attributes:
        line: int64 ``[n]``, line of the file on which each row starts, from 1.
        texts: the texts as they stand in the file.
        labels: the labels, None where the cell is empty or there is no label column.
    """

    line: np.ndarray
    texts: list[str]
    labels: list[str | None]


@dataclass(frozen=True)
class Table:
    """A table that has been looked at once from end to end, and can be read in blocks.

    Attributes:
        path: the file.
        digest: BLAKE2b-128 of its bytes, as stored.
        encoding: ``utf-8-sig``, ``cp1252`` or what was asked for.
        delimiter: one character.
        lines: how many lines the file has, the header included: more than it has rows.
        columns: which columns hold the text and the label, and why.
        notes: what the reader of a report should know about the reading, one line each.
    """

    path: Path
    digest: str
    encoding: str
    delimiter: str
    lines: int
    columns: Columns
    notes: list[str] = field(default_factory=list)

    def blocks(self, rows: int) -> Iterator[Rows]:
        """All rows in the order of the file, ``rows`` at a time (the last block may be shorter).

        Raises:
            InputError: naming the line, for a row whose cells do not fit the header, or that never ends.
        """
        cells = _rows(self.path, self.encoding, self.delimiter)
        next(cells)  # the header
        while block := list(islice(cells, rows)):
            texts, labels = zip(*(self.columns.pick(row, line, self.path) for line, row in block), strict=True)
            yield Rows(np.array([line for line, _ in block], np.int64), list(texts), list(labels))

    def source(self) -> dict:
        """How the rows are read, as a JSON-able mapping; with the same mapping the same rows come out."""
        text, label = self.columns.text, self.columns.label
        read = {"encoding": self.encoding, "delimiter": self.delimiter, "text_column": text, "label_column": label}
        return {"file": self.path.name, "digest": self.digest, **read}


def read_table(
    path: str | Path,
    *,
    text_column: str | None = None,
    label_column: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Table:
    """Look at a table: its bytes, encoding, delimiter and columns.

    Args:
        path: a CSV or TSV file, or one of these with ``.gz`` after its name.
        text_column: name of the text column; found by name and content if None.
        label_column: name of the label column; likewise.
        encoding: a Python codec name; UTF-8, then Windows-1252 if None.
        delimiter: one character; found in the header if None.

    Raises:
        InputError: if there is no such file, it is empty, not text, or lacks a column that was asked for.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder; give a CSV or TSV file" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {what}")
    _check_encoding(encoding)
    digest = digest_file(path)
    lines, bad = _scan(path, check_utf8=encoding is None)
    notes = []
    if bad is not None:
        where = f"byte 0x{bad.byte:02X} on line {bad.line}"
        notes.append(f"{path} is not UTF-8 ({where}); read as Windows-1252, --encoding decides")
    encoding = encoding or ("utf-8-sig" if bad is None else "cp1252")
    delimiter = delimiter or _find_delimiter(path, encoding)
    rows = _rows(path, encoding, delimiter)
    header = next(rows, (1, []))[1]
    if not any(cell.strip() for cell in header):
        raise InputError(f"{path} is empty; its first line must name the columns")
    sample = [row for _, row in islice(rows, SAMPLE_ROWS)]
    if not sample:
        raise InputError(f"{path} has a header but no rows")
    columns = choose_columns(path, header, sample, text_column, label_column)
    return Table(path, digest, encoding, delimiter, lines, columns, notes)


@dataclass(frozen=True)
class _BadByte:
    byte: int
    line: int


def _scan(path: Path, check_utf8: bool) -> tuple[int, _BadByte | None]:
    """How many lines the file has, and the first byte of its content that is not UTF-8."""
    decoder, lines, ended, bad = codecs.getincrementaldecoder("utf-8")(), 0, True, None
    with _open(path) as file:
        while True:
            block = _read(file, path)
            if check_utf8 and b"\0" in block:
                raise InputError(f"{path} holds NUL bytes: no table of text, unless it is UTF-16 (--encoding utf-16)")
            if check_utf8 and bad is None:
                waiting = decoder.getstate()[0]  # the start of a character that the block before broke off
                try:
                    decoder.decode(block, final=not block)
                except UnicodeDecodeError as error:
                    data = waiting + block
                    bad = _BadByte(data[error.start], lines + data.count(b"\n", 0, error.start) + 1)
            if not block:
                return lines + (not ended), bad
            lines, ended = lines + block.count(b"\n"), block.endswith(b"\n")


def _open(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb")  # type: ignore[return-value]


def _read(file: BinaryIO, path: Path) -> bytes:
    try:
        return file.read(1 << 20)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path} is damaged: {error}; fetch it again") from error


def _rows(path: Path, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which the row starts, cells) of every row; lines that are empty are no rows."""
    csv.field_size_limit(sys.maxsize if sys.maxsize < 2**31 else 2**31 - 1)
    last_line = token_hex(16)  # no table holds it; as part of a longer row it shows that a quote was never closed
    errors = "tk-c1" if encoding == "cp1252" else "strict"
    with io.TextIOWrapper(_open(path), encoding, errors, newline="") as file:
        reader = csv.reader(chain(file, [last_line]), delimiter=delimiter)
        start = 1
        try:
            for row in reader:
                if row and row[-1].endswith(last_line):
                    if row != [last_line]:
                        raise InputError(f"{path}, line {start}: a quote opens in this row and never closes; mend it")
                    return
                if row:
                    yield start, row
                start = reader.line_num + 1
        except csv.Error as error:
            raise InputError(f"{path}, line {start}: {error}") from error
        except UnicodeError as error:
            raise InputError(f"{path} is not {encoding}: {error}; give another --encoding") from error
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InputError(f"{path} is damaged: {error}; fetch it again") from error


def _find_delimiter(path: Path, encoding: str) -> str:
    """The delimiter that cuts the header into the most cells; the comma on a tie."""
    return max(DELIMITERS, key=lambda delimiter: len(next(_rows(path, encoding, delimiter), (1, []))[1]))


def _check_encoding(encoding: str | None) -> None:
    try:
        codecs.lookup(encoding or "utf-8")
    except LookupError:
        raise InputError(f"--encoding {encoding}: Python knows no such encoding; try utf-8, cp1252 or utf-16") from None


def _c1(error: UnicodeError) -> tuple[str, int]:
    """The five bytes that Windows-1252 leaves open become U+0081 ... U+009D, as browsers read them (WHATWG)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error("tk-c1", _c1)
