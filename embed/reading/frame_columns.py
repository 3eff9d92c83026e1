"""Columns that Python holds, as Arrow columns: of mappings, of datasets, of arrays and lists of any values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.reading.records import SURROGATES
from embed.reading.row_table import as_cell
from stores.shared.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

MISSING = ("NoneType", "NAType")  # no text, as Python and pandas write it; NaN is one, too


def of_mapping(data: Mapping[str, Any]) -> pa.Table:
    """Of a mapping from names to columns; ``InputError`` if these are none, or not equally long."""
    import pyarrow as pa

    for name, values in data.items():
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InputError(
                f"`data`: a mapping holds columns, and {str(name)!r} holds a single value; give a list of it, or a "
                "list of mappings, one a row"
            )
    columns = {str(name): as_column(values) for name, values in data.items()}
    if len({len(column) for column in columns.values()}) > 1:
        lengths = ", ".join(f"{name} {len(column):,}" for name, column in columns.items())
        raise InputError(f"`data`: its columns are not equally long: {lengths}")
    return pa.table(columns)


def of_dataset(data: Any) -> pa.Table:  # noqa: ANN401
    """Of a ``datasets.Dataset``, with the names of its classes."""
    table = data.with_format("arrow")[:]
    return table.replace_schema_metadata(data.features.arrow_schema.metadata)


def of_splits(data: Mapping[str, Any]) -> pa.Table:
    """Of a ``datasets.DatasetDict``: all splits, one after the other, with the name of each in the column ``split``."""
    import pyarrow as pa

    tables = [of_dataset(part) for part in data.values()]
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


def as_column(values: Any) -> pa.ChunkedArray:  # noqa: ANN401
    """One column; values of several types become the text that their cells would hold in a file."""
    import pyarrow as pa

    try:
        if type(values).__module__.startswith("pandas"):
            found = pa.array(values, from_pandas=True)
        elif hasattr(values, "__arrow_c_stream__"):
            found = pa.chunked_array(values)
        elif is_arrow_array(values):
            found = values
        else:
            values = values if hasattr(values, "dtype") else list(values)
            found = pa.array(values, from_pandas=True)  # a NaN is no value
    except (pa.ArrowException, TypeError, ValueError, UnicodeEncodeError):
        items = values.tolist() if hasattr(values, "tolist") else list(values)
        found = pa.array([SURROGATES.sub("\ufffd", as_cell(plain(item))) for item in items], pa.string())
    return found if isinstance(found, pa.ChunkedArray) else pa.chunked_array([found])


def readable(table: pa.Table) -> pa.Table:
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


def is_arrow_array(data: object) -> bool:
    """Whether this is a column of Arrow, and no table."""
    return type(data).__module__.startswith("pyarrow") and hasattr(data, "to_pylist") and not hasattr(data, "schema")


def plain(value: Any) -> Any:  # noqa: ANN401
    """A value of NumPy or pandas as Python's; what is no number or time is nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(item) for item in value]
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
