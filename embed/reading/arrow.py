"""Parquet, Feather and Arrow files, through pyarrow, a batch of rows at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from embed.reading.cells import Cells, as_list
from embed.reading.files import Source, damage_is_one_line
from embed.reading.format import BATCH_ROWS, SAMPLE_ROWS, Batch, TableFile
from embed.reading.row_table import as_cell
from stores.shared.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

MOST_UNFOLDED = 1 << 30  # bytes of texts in one batch; more is believed of large files only
MOST_RATIO = 1000  # bytes for each byte on disk
MOST_ROWS = 100  # rows for each byte on disk
MOST_FOOTER = 1 << 24  # bytes: 10,000 columns in 10 row groups
SMALL = 1 << 24  # bytes of a file


class ArrowTable(TableFile):
    """A Parquet file, or an Arrow file or stream (Feather is Arrow). See ``TableFile``.

    A row's line is its number, from 1. Numbers and booleans become text (``1``, ``2.5``, ``true``), null an
    empty cell, lists JSON. A field inside another is a column ``outer.inner``. Numbers that Hugging Face's
    ``ClassLabel`` names become these names. Columns of bytes are left out.
    """

    unit = "row"

    def __init__(self, source: Source, form: str) -> None:
        super().__init__(source)
        self._form = form
        with self._open() as (schema, rows, _):
            self.lines = self.most_rows = rows
            places = [place for field in schema for place in _places(field, ())]
            metadata = (schema.metadata or {}).get(b"huggingface")
        names = [".".join(path) for path, _ in places]
        self._paths = {".".join(path): path for path, kind in places if names.count(".".join(path)) == 1 and kind}
        self.header = list(self._paths)
        self.lists = {".".join(path) for path, kind in places if kind == "list"}
        self.nested = {name for name, path in self._paths.items() if len(path) > 1}
        self.classes = _class_names(metadata) if metadata else {}
        left = [name for name in dict.fromkeys(names) if name not in self.header]
        self.notes = (
            [f"{source.name}: columns of bytes, and repeated ones, are left out: {', '.join(left)}"] if left else []
        )
        if named := [name for name in self.classes if name in self.header]:
            self.notes.append(f"{source.name} names the classes of {', '.join(map(repr, named))}")
        if not self.header:
            raise InputError(f"{source.name} has no column of texts or numbers; columns of bytes hold no text")
        self.how = {"format": form}

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        first = next(self._read(self.header, SAMPLE_ROWS), None)
        return {name: as_list(self._cells(first, name)) if first else [] for name in self.header}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``."""
        row = 1
        for batch in self._read(columns, BATCH_ROWS):
            cells = {name: self._cells(batch, name) for name in columns}
            yield Batch(np.arange(row, row + batch.num_rows), cells)
            row += batch.num_rows

    def _cells(self, batch: pa.RecordBatch, name: str) -> Cells:
        """The cells of a column as text."""
        outer, *inner = self._paths[name]
        column = batch.column(outer)
        for key in inner:
            import pyarrow.compute as pc

            column = pc.struct_field(column, key)
        classes = self.classes.get(name)
        if name not in self.lists and classes is None:
            return _as_text(column)
        return [_as_cell(value, classes) for value in column.to_pylist()]

    def _read(self, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
        """Batches with the columns, of at most so many rows."""
        with self._open() as (_, _, batches):
            outer = list(dict.fromkeys(self._paths[name][0] for name in columns))
            for batch in batches(outer):
                batch = batch.select(outer)
                self._refuse_bomb(_unfolded(batch), batch.num_rows)
                batch.validate(full=True)  # subtle: pyarrow trusts the offsets in an Arrow file, and would crash
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)

    def _refuse_bomb(self, unfolded: int, rows: int) -> None:
        """Refuse rows that are far more in memory than on disk, before they are unfolded."""
        size = self.source.path.stat().st_size
        if unfolded > max(MOST_UNFOLDED, MOST_RATIO * size):
            raise InputError(
                f"{self.name}: {rows:,} of its rows would unfold from {size:,} bytes on disk to {unfolded:,} in "
                "memory; that is no table of texts"
            )

    @contextmanager
    def _open(self) -> Iterator[tuple]:
        """Schema, number of rows, and a function that gives batches of some columns."""
        import pyarrow as pa

        reader = _parquet if self._form == "parquet" else _ipc
        try:
            with damage_is_one_line(self.name), self.source.on_disk() as path, reader(path) as opened:
                yield opened
        except _Bomb as found:
            raise InputError(f"{self.name} {found}; that is no table of texts") from None
        except pa.ArrowMemoryError as error:  # what a damaged file claims to hold is seldom little
            raise InputError(f"{self.name} is damaged, or too large a batch for this memory: {error}") from error


class _Bomb(InputError):
    """What a file promises that it can hardly hold."""


def _unfolded(batch: pa.RecordBatch) -> int:
    """Bytes of the texts of a batch whose columns are numbers of few different texts, once they are written out."""
    import pyarrow as pa
    import pyarrow.compute as pc

    size = 0
    for column in batch.columns:
        if pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type):
            lengths = pc.binary_length(column.dictionary).cast(pa.int64())
            size += pc.sum(lengths.take(column.indices)).as_py() or 0
    return size


@contextmanager
def _parquet(path: Path) -> Iterator[tuple]:
    """Small files are read as numbers of their different texts, which are few, but may be long and come often."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    size = path.stat().st_size
    with open(path, "rb") as raw:
        raw.seek(max(0, size - 8))
        footer = int.from_bytes(raw.read(4), "little")
    if MOST_FOOTER < footer <= size:
        raise _Bomb(f"has a footer of {footer:,} bytes, more than {MOST_FOOTER:,}")
    metadata = pq.read_metadata(path)
    if metadata.num_rows > MOST_ROWS * size:
        raise _Bomb(f"promises {metadata.num_rows:,} rows in {size:,} bytes")
    texts = [field.name for field in metadata.schema.to_arrow_schema() if pa.types.is_string(field.type)]
    with pq.ParquetFile(path, pre_buffer=False, read_dictionary=texts if size < SMALL else None) as file:
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


def _places(field: pa.Field, before: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The path of each cell in a field, and what it is: ``flat``, ``list``, or empty for what holds no text."""
    import pyarrow.types as types

    path, kind = (*before, field.name), field.type
    if types.is_struct(kind):
        for inner in kind:
            yield from _places(inner, path)
    elif types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        flat = not types.is_nested(kind.value_type)
        yield path, "list" if flat else ""
    else:
        yield path, "" if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind) else "flat"


def _class_names(metadata: bytes) -> dict[str, list[str]]:
    """Column -> names of its classes, as Hugging Face's datasets declare them, of one label or of a list of them."""
    try:
        features = json.loads(metadata)["info"]["features"]
        found = {name: _names_of(feature) for name, feature in features.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    return {name: names for name, names in found.items() if names}


def _names_of(feature: object) -> list[str]:
    if isinstance(feature, list):
        feature = feature[0] if feature else {}
    if not isinstance(feature, dict):
        return []
    if feature.get("_type") == "ClassLabel":
        return list(map(str, feature.get("names", [])))
    return _names_of(feature.get("feature"))


def _as_cell(value: object, classes: list[str] | None) -> str:
    """A value, or a list of them, as text; numbers of classes by their names, those below 0 are missing."""
    if isinstance(value, list):
        items = [_as_cell(item, classes) for item in value]
        return json.dumps(items, ensure_ascii=False)
    if classes and isinstance(value, int) and not isinstance(value, bool):
        return "" if value < 0 else classes[value] if value < len(classes) else str(value)
    return as_cell(value)


def _as_text(column: pa.Array) -> pa.StringArray:
    """The cells of a column as text; a missing one is empty."""
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string()).fill_null("")
