"""Parquet, Feather and Arrow files, through pyarrow, a batch of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embed.reading.cells import as_list
from embed.reading.files import Source, damage_is_one_line
from embed.reading.format import BATCH_ROWS, SAMPLE_ROWS, Batch, TableFile
from stores.shared.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa


class ArrowTable(TableFile):
    """A Parquet file, or an Arrow file or stream (Feather is Arrow). See ``TableFile``.

    A row's line is its number, from 1. Numbers and booleans become text (``1``, ``2.5``, ``true``), null an
    empty cell. Columns of lists or structures are left out.
    """

    unit = "row"

    def __init__(self, source: Source, form: str) -> None:
        super().__init__(source)
        self._form = form
        with self._open() as (schema, rows, _):
            self.lines = self.most_rows = rows
            names = [field.name for field in schema]
            flat = [field.name for field in schema if not _is_nested(field.type)]
        self.header = [name for name in dict.fromkeys(flat) if flat.count(name) == 1]
        left = [name for name in names if name not in self.header]
        self.notes = [f"{source.name}: nested or repeated columns are left out: {', '.join(left)}"] if left else []
        if not self.header:
            raise InputError(f"{source.name} has no column of texts or numbers; nested columns hold no text")
        self.how = {"format": form}

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        first = next(self._read(self.header, SAMPLE_ROWS), None)
        return {name: as_list(_as_text(first.column(i))) if first else [] for i, name in enumerate(self.header)}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``."""
        row = 1
        for batch in self._read(columns, BATCH_ROWS):
            cells = {name: _as_text(batch.column(i)) for i, name in enumerate(columns)}
            yield Batch(np.arange(row, row + batch.num_rows), cells)
            row += batch.num_rows

    def _read(self, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        """Batches of the columns, in this order, of at most so many rows."""
        with self._open() as (_, _, batches):
            for batch in batches(columns):
                batch = batch.select(columns)
                batch.validate(full=True)  # subtle: pyarrow trusts the offsets in an Arrow file, and would crash
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)

    @contextmanager
    def _open(self) -> Iterator[tuple]:
        """Schema, number of rows, and a function that gives batches of some columns."""
        import pyarrow as pa

        reader = _parquet if self._form == "parquet" else _ipc
        try:
            with damage_is_one_line(self.name), self.source.on_disk() as path, reader(path) as opened:
                yield opened
        except pa.ArrowMemoryError as error:  # what a damaged file claims to hold is seldom little
            raise InputError(f"{self.name} is damaged, or too large a batch for this memory: {error}") from error


@contextmanager
def _parquet(path: Path) -> Iterator[tuple]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path, pre_buffer=False) as file:
        yield (
            file.schema_arrow,
            file.metadata.num_rows,
            lambda columns: file.iter_batches(BATCH_ROWS, columns=columns, use_threads=False),
        )


@contextmanager
def _ipc(path: Path) -> Iterator[tuple]:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        if file.read(6) == b"ARROW1":
            reader = pa.ipc.open_file(file)
            batches = lambda: (reader.get_batch(i) for i in range(reader.num_record_batches))  # noqa: E731
        else:
            file.seek(0)
            reader = pa.ipc.open_stream(file)
            batches = lambda: reader  # noqa: E731
        yield reader.schema, _count_rows(path, reader.schema), lambda columns: batches()


def _count_rows(path: Path, schema: pa.Schema) -> int:
    """Rows of an Arrow file or stream; of the batches only the first column is unpacked."""
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions(included_fields=[0] if schema.names else [])
    with pa.memory_map(str(path)) as file:
        if file.read(6) == b"ARROW1":
            reader = pa.ipc.open_file(file, options=options)
            return sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))
        file.seek(0)
        return sum(batch.num_rows for batch in pa.ipc.open_stream(file, options=options))


def _is_nested(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    return types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind)


def _as_text(column: pa.Array) -> pa.StringArray:
    """The cells of a column as text; a missing one is empty."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string()).fill_null("")
