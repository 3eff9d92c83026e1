"""JSON lines from a stream, read once and as they come: neither memory nor disk holds more than some rows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO

from embed.reading.files import BLOCK, STDIN, Source
from embed.reading.format import LONGEST_ROW, SAMPLE_ROWS, Batch, TableFile
from embed.reading.json_frames import is_frame
from embed.reading.records import Row, batches_of, cell, flat_record, json_decoder
from stores.shared.errors import InputError

MANY = 1 << 40  # lines that a stream may have
BOM = b"\xef\xbb\xbf"


class JsonStream(TableFile):
    """JSON objects in UTF-8, one a line; the rows can be asked for once. See ``TableFile``.

    Args:
        stream: of bytes.
        rows: lines of a batch, which is handed out when they have come; the columns are found in the first one.
        name: of the stream, in messages.

    Raises:
        InputError: if there is no JSON object in the first batch.
    """

    def __init__(self, stream: BinaryIO, rows: int, name: str = STDIN) -> None:
        super().__init__(Source(Path(name), name, "none"))
        self.notes, self.how = [], {"encoding": "utf-8", "format": "json"}
        self.most_rows, self.lines = 0, MANY
        self._rows, self._records = rows, _records(stream, name)
        self._first = list(islice(self._records, min(rows, SAMPLE_ROWS)))
        objects = [record for _, record, _ in self._first if isinstance(record, dict)]
        if not objects:
            raise InputError(f"{name} has no JSON object in its first rows; give one a line")
        values = [(key, value) for record in objects for key, value in record.items()]
        outer = {key for key, value in values if isinstance(value, dict) and value}
        self.header = [key for key in dict.fromkeys(chain.from_iterable(objects)) if key not in outer]
        self.nested = {key for key in self.header if any(key.startswith(f"{name}.") for name in outer)}
        texts = {key for key, value in values if isinstance(value, str)}
        self.lists = {key for key, value in values if isinstance(value, list)} - texts
        self._objects = objects

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        return {name: [cell(record.get(name)) for record in self._objects] for name in self.header}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``; a batch is of ``rows`` lines."""
        rows = chain(self._first, self._records)
        self._first, self._objects = [], []
        return batches_of(rows, columns, text, self.name, self.unit, self._rows)


def holds_json_lines(stream: BinaryIO) -> bool:
    """Whether a stream begins with JSON objects, one a line; nothing is taken from it."""
    if hasattr(stream, "peek"):
        start = stream.peek(1)
    else:  # in memory
        start = stream.read(BLOCK)
        stream.seek(-len(start), 1)
    text = start.removeprefix(BOM).decode("utf-8", "replace").lstrip()
    first = text.partition("\n")[0]
    return text.startswith("{") and first.rstrip() != "{" and not is_frame(text)


def _records(stream: BinaryIO, name: str) -> Iterator[Row]:
    load, number, rest = json_decoder().decode, 0, b""
    read = getattr(stream, "read1", stream.read)  # what is there, without waiting for more
    while True:
        block = read(BLOCK)
        *whole, rest = (rest + block).split(b"\n")
        if not block and rest:
            whole, rest = [rest], b""
        for line in whole:
            number += 1
            if number == 1:
                line = line.removeprefix(BOM)
            if line.strip():
                yield number, *_record(load, line)
        if not block:
            return
        if len(rest) > LONGEST_ROW:
            raise InputError(f"{name}, line {number + 1} has more than {LONGEST_ROW:,} bytes: no table of text")


def _record(load: object, line: bytes) -> tuple[dict | str, str]:
    """The record of a line, or why there is none; and what stands there."""
    try:
        row = line.decode()
    except UnicodeDecodeError:
        return "no UTF-8", line.decode("utf-8", "backslashreplace")
    return flat_record(load, row), row  # type: ignore[arg-type]
