"""Tables that Python holds already: data frames, Arrow tables, datasets, columns, lists of texts, records.

All become Arrow columns, which are read as those of a Parquet file are, or, for records, a file of JSON lines. So the
rules for columns, labels and cells are those of files, and the same rows have the same features.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from embed.reading.arrow import ArrowTable
from embed.reading.cells import as_list
from embed.reading.files import Source, source_of
from embed.reading.format import TableFile
from embed.reading.records import SURROGATES, Json
from embed.reading.row_table import as_cell, unique_names
from stores.shared.errors import InputError
from stores.shared.fingerprint import canonical_json, digest_bytes

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = ("NoneType", "NAType")  # no text, as pandas and Python write it; NaN is one, too
FILE_NAME = re.compile(r"\S*\.[A-Za-z][A-Za-z0-9]{1,7}")


class ArrowStream(Protocol):
    """What gives its rows to others without a copy: frames of pandas and polars, Arrow's tables, DuckDB's relations."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A capsule, see Arrow's PyCapsule interface."""


class FrameTable(ArrowTable):
    """A table in memory. See ``TableFile``.

    Args:
        name: what people call it.
        table: its columns; they are not copied.
    """

    def __init__(self, name: str, table: pa.Table) -> None:
        self._table = table
        super().__init__(Source(Path(name), name, "none"), "frame")

    def digest(self) -> str:
        """That of the cells of all columns as text, however they lie in memory."""
        pieces = [[canonical_json(self.header).encode()]]
        for name in self.header:
            cells = (as_list(batch.cells[name]) for batch in self.batches([name], name))
            pieces.append([canonical_json(some)[1:-1].encode() + b"," for some in cells])
        return digest_bytes(chain.from_iterable(pieces))

    def _refuse_bomb(self, unfolded: int, rows: int) -> None:
        """The caller has made the table, and holds it."""

    @contextmanager
    def _open(self) -> Iterator[tuple]:
        table = self._table
        yield table.schema, table.num_rows, lambda columns: table.select(columns).to_batches()


def is_in_memory(data: object) -> bool:
    """Whether this is a table itself and not the name of one, or several names.

    A list of strings is one of texts, unless each of them is the name of a file or looks like one.
    """
    if isinstance(data, str | Path):
        return False
    if isinstance(data, list | tuple) and all(isinstance(name, str | Path) for name in data) and data:
        return not any(isinstance(name, Path) for name in data) and not all(map(_names_file, data))
    return True


def open_frame(data: Any, labels: Any = None) -> TableFile:  # noqa: ANN401
    """A table that Python holds, to be read like a file.

    Args:
        data: a frame, a table, a dataset, or a mapping of its splits; a mapping of columns; texts; or records.
        labels: one for each of the texts, if ``data`` are texts; None where there is none.

    Raises:
        InputError: if it is nothing of that kind, or has no rows.
    """
    name = type(data).__name__
    columns = None if _is_texts(data) else _columns(data)
    if columns is not None:
        if labels is not None:
            raise InputError(f"`labels` are for a list of texts; this {name} has columns: name one in `label_columns`")
        return FrameTable(name, _readable(columns))
    if _is_texts(data):
        return _texts(name, data, labels)
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise InputError(f"`data` is of type {name}; give a path, a table, a list of texts or records (dicts)")
    items = iter(data)
    first = next(items, None)
    if first is None:
        raise InputError(f"`data`: this {name} is empty")
    whole = chain([first], items)
    if isinstance(first, str):
        return _texts(name, list(whole), labels)
    if labels is not None:
        raise InputError("`labels` are for a list of texts; name the key of the label in `label_columns`")
    return _records(name, whole)


def _names_file(name: str) -> bool:
    if name == "-" or FILE_NAME.fullmatch(name):
        return True
    try:
        return len(name) < 1000 and Path(name).exists()
    except (OSError, ValueError):  # too long, or with a byte 0
        return False


def _is_texts(data: Any) -> bool:  # noqa: ANN401
    """Whether this is one column: a Series, an array with one axis, a list whose first item is a text or missing."""
    if isinstance(data, list | tuple):
        return bool(data) and isinstance(next((item for item in data if item is not None), ""), str)
    one_axis = hasattr(data, "dtype") and len(getattr(data, "shape", ())) == 1
    return one_axis or _is_arrow_array(data)


def _is_arrow_array(data: object) -> bool:
    return type(data).__module__.startswith("pyarrow") and hasattr(data, "to_pylist") and not hasattr(data, "schema")


def _texts(name: str, texts: Any, labels: Any) -> FrameTable:  # noqa: ANN401
    """The table of a list of texts, with the column ``label`` if there are labels."""
    import pyarrow as pa

    if isinstance(texts, list | tuple) or str(getattr(texts, "dtype", "")) == "object":
        for row, text in enumerate(texts):
            if not isinstance(text, str) and type(text).__name__ not in MISSING and text == text:
                raise InputError(f"`data`: item {row} is of type {type(text).__name__}, not a text")
    column = _column(texts)
    if not len(column):
        raise InputError(f"`data`: this {name} is empty")
    if not pa.types.is_null(column.type) and not _is_text(column.type):
        raise InputError(f"`data`: this {name} holds values of type {column.type}, not texts")
    table = {"text": column}
    if labels is not None:
        table["label"] = _column(labels)
        if len(table["label"]) != len(column):
            raise InputError(f"`labels` are {len(table['label']):,}, but there are {len(column):,} texts")
    return FrameTable("texts", _readable(pa.table(table)))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _columns(data: Any) -> pa.Table | None:  # noqa: ANN401
    """The columns of what has some; None if it has not."""
    import pyarrow as pa

    module = type(data).__module__.partition(".")[0]
    if isinstance(data, Mapping):
        return _of_splits(data) if module == "datasets" else _of_mapping(data)
    if module == "datasets" and hasattr(data, "with_format") and hasattr(data, "num_rows"):
        return _of_dataset(data)
    if module == "pandas" and hasattr(data, "columns"):
        names = unique_names([str(name) for name in data.columns])
        return pa.table({name: _column(data.iloc[:, i]) for i, name in enumerate(names)})
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        try:
            return pa.table(data)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise InputError(f"`data`: this {type(data).__name__} gives no Arrow table ({error})") from error
    if hasattr(data, "collect") and not isinstance(data, Iterable):
        raise InputError(f"`data`: this {type(data).__name__} holds no rows yet; give what its collect() returns")
    return None


def _of_mapping(data: Mapping[str, Any]) -> pa.Table:
    import pyarrow as pa

    for name, values in data.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InputError(
                f"`data`: a mapping holds columns, and {str(name)!r} holds a single value; give a list of it, or a "
                "list of mappings, one a row"
            )
    columns = {str(name): _column(values) for name, values in data.items()}
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column):,}" for name, column in columns.items())
        raise InputError(f"`data`: its columns are not equally long: {lengths}")
    return pa.table(columns)


def _of_dataset(data: Any) -> pa.Table:  # noqa: ANN401
    """Of a ``datasets.Dataset``, with the names of its classes."""
    table = data.with_format("arrow")[:]
    return table.replace_schema_metadata(data.features.arrow_schema.metadata)


def _of_splits(data: Mapping[str, Any]) -> pa.Table:
    """Of a ``datasets.DatasetDict``: all splits, one after the other, with the name of each in the column ``split``."""
    import pyarrow as pa

    tables = [_of_dataset(part) for part in data.values()]
    metadata = tables[0].schema.metadata
    for name, table in zip(data, tables, strict=True):
        if table.column_names != tables[0].column_names:
            raise InputError(
                f"`data`: the split {name!r} has other columns than {next(iter(data))!r}; give one of them"
            )
    named = [
        table if "split" in table.column_names else table.append_column("split", pa.array([str(name)] * len(table)))
        for name, table in zip(data, tables, strict=True)
    ]
    return pa.concat_tables(named, promote_options="permissive").replace_schema_metadata(metadata)


def _column(values: Any) -> pa.ChunkedArray:  # noqa: ANN401
    """One column; values of several types become the text that their cells would hold in a file."""
    import pyarrow as pa

    try:
        if type(values).__module__.startswith("pandas"):
            found = pa.array(values, from_pandas=True)
        elif hasattr(values, "__arrow_c_stream__"):
            found = pa.chunked_array(values)
        elif _is_arrow_array(values):
            found = values
        else:
            values = values if hasattr(values, "dtype") else list(values)
            found = pa.array(values, from_pandas=True)  # a NaN is no value
    except (pa.ArrowException, TypeError, ValueError, UnicodeEncodeError):
        items = values.tolist() if hasattr(values, "tolist") else list(values)
        found = pa.array([SURROGATES.sub("\ufffd", as_cell(_plain(item))) for item in items], pa.string())
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def _readable(table: pa.Table) -> pa.Table:
    """The table with types that all readers know: polars' views of strings are none of them in a dictionary."""
    import pyarrow as pa

    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type) and pa.types.is_string_view(field.type.value_type):
            chunks = [
                pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary.cast(pa.string()))
                for chunk in table.column(place).chunks
            ]
            column = pa.chunked_array(chunks, pa.dictionary(field.type.index_type, pa.string()))
            table = table.set_column(place, field.name, column)
    return table


def _records(name: str, records: Iterable[Any]) -> TableFile:
    """Mappings, one a row, as a file of JSON lines, so that a generator is asked once; the file goes with the table."""
    folder = Path(tempfile.mkdtemp(prefix="tk-"))
    path = folder / "records.jsonl"
    try:
        with open(path, "w", encoding="utf-8", errors="surrogatepass") as file:
            for row, record in enumerate(records):
                if not isinstance(record, Mapping):
                    what = type(record).__name__
                    raise InputError(f"`data`: item {row} is of type {what}; give texts alone, or mappings alone")
                file.write(json.dumps(_plain(record), default=as_cell) + "\n")
        table = Json(source_of(path, f"{name}"), None)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    table.unit = "record"
    weakref.finalize(table, shutil.rmtree, folder, ignore_errors=True)
    return table


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A value of NumPy or pandas as Python's; what is no number or time is nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_plain(item) for item in value]
    value = value.tolist() if hasattr(value, "tolist") else value
    return None if value != value else value  # NaN, NaT


def list_of_texts(data: Any) -> list[str]:  # noqa: ANN401
    """Texts in any form, as a list: a list, an array, a Series, a frame with one column; a missing one is empty.

    Raises:
        InputError: for a single text, several columns, or what is no text.
    """
    if isinstance(data, str | bytes):
        raise InputError(f"this is a single text; give a list of texts: [{str(data)[:20]!r}]")
    if isinstance(data, list) and all(isinstance(text, str) for text in data):
        return data
    if len(getattr(data, "shape", ())) == 2:
        if data.shape[1] != 1:
            raise InputError(f"`X` has {data.shape[1]} columns; give the one with the texts, such as X['text']")
        data = data.iloc[:, 0] if hasattr(data, "iloc") else data.to_series() if hasattr(data, "to_series") else data
        data = data.ravel() if isinstance(data, np.ndarray) else data
    if not isinstance(data, list | tuple) and hasattr(data, "to_pylist"):
        data = data.to_pylist()
    return [_text(row, text) for row, text in enumerate(data)]


def _text(row: int, text: Any) -> str:  # noqa: ANN401
    if isinstance(text, str):
        return str(text)
    if type(text).__name__ in MISSING or text != text:
        return ""
    raise InputError(f"`X`: item {row} is of type {type(text).__name__}, not a text")
