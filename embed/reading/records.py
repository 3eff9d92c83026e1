"""JSON lines, and a JSON array of objects."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

import numpy as np

from embed.reading.decode import scan, utf8_blocks
from embed.reading.files import Source
from embed.reading.format import BATCH_ROWS, LONGEST_ROW, SAMPLE_ROWS, BadRow, Batch, TableFile
from embed.reading.lines import split_lines
from stores.shared.errors import InputError

SURROGATES = re.compile("[\ud800-\udfff]")
NEXT = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
Row = tuple[int, dict | str, str]  # line or number, the record or why there is none, what stands there


class Json(TableFile):
    """A file of JSON objects: one a line, or the elements of one array. See ``TableFile``.

    Numbers stay as they are written (``1e5``, ``007`` is no JSON), true and false become these words, null an empty
    cell. A lone surrogate, which no file in UTF-8 can hold, becomes U+FFFD.
    """

    def __init__(self, source: Source, encoding: str | None) -> None:
        found = scan(source, encoding)
        super().__init__(source)
        self.notes = list(found.notes)
        self.most_rows = braces = sum(block.count(b"{") for block in utf8_blocks(source, found.encoding))
        start = next(filter(None, utf8_blocks(source, found.encoding)), b"").lstrip()
        if not start:
            raise InputError(f"{source.name} is empty; give JSON objects, one a line or in an array")
        self._is_array = start.startswith(b"[")
        self.lines = braces if self._is_array else found.lines
        self.places = None if self._is_array else found.places
        self.unit = "element" if self._is_array else "line"
        self._encoding = found.encoding
        self.how = {"encoding": found.encoding, "format": "json"}
        first = [record for _, record, _ in islice(self._records(), SAMPLE_ROWS) if isinstance(record, dict)]
        if not first:
            raise InputError(
                f"{source.name} has no JSON object in its first rows; give one a line, or an array of them"
            )
        values = [(name, value) for row in first for name, value in row.items()]
        objects = {name for name, value in values if isinstance(value, dict) and value}
        self.header = [name for name in dict.fromkeys(chain.from_iterable(first)) if name not in objects]
        self.nested = {name for name in self.header if any(name.startswith(f"{outer}.") for outer in objects)}
        self.lists = {name for name, value in values if isinstance(value, list)} - {
            name for name, value in values if isinstance(value, str)
        }
        self._first = first

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        return {name: [cell(record.get(name)) for record in self._first] for name in self.header}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``."""
        return batches_of(self._records(), columns, text, self.name, self.unit)

    def _records(self) -> Iterator[Row]:
        encoding = self._encoding
        return _array(self.source, encoding) if self._is_array else _json_lines(split_lines(self.source, encoding))


def batches_of(
    rows: Iterator[Row], columns: list[str], text: str, name: str, unit: str, size: int = BATCH_ROWS
) -> Iterator[Batch]:
    """The rows column by column, ``size`` records at a time, broken ones among them."""
    while taken := list(islice(rows, size)):
        good, bad = [], []
        for line, record, row in taken:
            why = record if isinstance(record, str) else _no_text(record, text)
            if isinstance(record, str) or why:
                bad.append(BadRow(name, line, why, "correct it, or give `bad_rows='skip'`", row[:1000], unit))
            else:
                good.append((line, record))
        cells = {column: [cell(record.get(column)) for _, record in good] for column in columns}
        yield Batch(np.array([line for line, _ in good], np.int64), cells, bad)


def _json_lines(lines: Iterable[tuple[int, bytes]]) -> Iterator[Row]:
    load = json_decoder().decode
    for number, line in lines:
        if not line.isspace() and line:
            row = line.decode()
            record = flat_record(load, row)
            yield number, record, row


def flat_record(load: Callable, row: str) -> dict | str:
    """The object that stands in a line, with the fields of objects inside it; or why there is none."""
    try:
        record = load(row)
    except (ValueError, RecursionError) as error:
        return f"no JSON ({getattr(error, 'msg', error)})"
    return _flat(record) if isinstance(record, dict) else "no JSON object"


def _array(source: Source, encoding: str) -> Iterator[Row]:
    """The elements of an array, each as soon as it is whole."""
    decode, buffer, at, number, line, why = json_decoder().raw_decode, "", -1, 0, 1, None
    blocks = chain(codecs.iterdecode(utf8_blocks(source, encoding), "utf-8"), [""])
    for block in blocks:
        buffer, at = (buffer[at:] + block, 0) if at >= 0 else (block, block.index("[") + 1)
        while True:
            start = next(NEXT.finditer(buffer, at)).end()
            if buffer.startswith("]", start):
                if any(part.strip() for part in chain([buffer[start + 1 :]], blocks)):
                    advice = "give one array, or objects one a line"
                    raise InputError(
                        f"{source.name}, line {line} or after: something stands behind the array; {advice}"
                    )
                return
            try:
                record, end = decode(buffer, start)
            except (ValueError, RecursionError) as error:
                why = getattr(error, "msg", error)
                break
            if end == len(buffer) and block:
                break  # it may go on
            number += 1
            yield number, _flat(record) if isinstance(record, dict) else "no JSON object", buffer[start:end]
            line, at = line + buffer.count("\n", at, end), end
        if len(buffer) - at > LONGEST_ROW:
            break
    raise InputError(f"{source.name}, line {line} or after: the array breaks off or is no JSON ({why}); correct it")


def json_decoder() -> json.JSONDecoder:
    """Of numbers as they are written."""
    return json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def _no_text(record: dict, text: str) -> str:
    """What is wrong with the text of a record, if anything."""
    value = record.get(text)
    return f"{text} holds no text but a {type(value).__name__}" if isinstance(value, list | dict) else ""


def _flat(record: dict, before: str = "") -> dict:
    """The record with each field of an object inside it as ``outer.inner`` too."""
    found = {f"{before}{name}": value for name, value in record.items()}
    for name, value in record.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{name}.")
    return found


def cell(value: object) -> str:
    """A value as a cell of a table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    return text if text.isascii() else SURROGATES.sub("\ufffd", text)
