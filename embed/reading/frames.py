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
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from embed.reading.arrow import ArrowTable
from embed.reading.cells import as_list
from embed.reading.files import Source, source_of
from embed.reading.format import TableFile
from embed.reading.frame_columns import (
    MISSING,
    as_column,
    is_arrow_array,
    of_dataset,
    of_mapping,
    of_splits,
    plain,
    readable,
)
from embed.reading.records import Json
from embed.reading.row_table import as_cell, unique_names
from stores.shared.errors import InputError
from stores.shared.fingerprint import canonical_json, digest_bytes

if TYPE_CHECKING:
    import pyarrow as pa

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
        return FrameTable(name, readable(columns))
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
    return one_axis or is_arrow_array(data)


def _texts(name: str, texts: Any, labels: Any) -> FrameTable:  # noqa: ANN401
    """The table of a list of texts, with the column ``label`` if there are labels."""
    import pyarrow as pa

    if isinstance(texts, list | tuple) or str(getattr(texts, "dtype", "")) == "object":
        for row, text in enumerate(texts):
            if not isinstance(text, str) and type(text).__name__ not in MISSING and text == text:
                raise InputError(f"`data`: item {row} is of type {type(text).__name__}, not a text")
    column = as_column(texts)
    if not len(column):
        raise InputError(f"`data`: this {name} is empty")
    if not pa.types.is_null(column.type) and not _is_text(column.type):
        raise InputError(f"`data`: this {name} holds values of type {column.type}, not texts")
    table = {"text": column}
    if labels is not None:
        table["label"] = as_column(labels)
        if len(table["label"]) != len(column):
            raise InputError(f"`labels` are {len(table['label']):,}, but there are {len(column):,} texts")
    return FrameTable("texts", readable(pa.table(table)))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow.types as types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)


def _columns(data: Any) -> pa.Table | None:  # noqa: ANN401
    """The columns of what has some; None if it has not."""
    import pyarrow as pa

    module = type(data).__module__.partition(".")[0]
    if isinstance(data, Mapping):
        return of_splits(data) if module == "datasets" else of_mapping(data)
    if module == "datasets" and hasattr(data, "with_format") and hasattr(data, "num_rows"):
        return of_dataset(data)
    if module == "pandas" and hasattr(data, "columns"):
        names = unique_names([str(name) for name in data.columns])
        return pa.table({name: as_column(data.iloc[:, i]) for i, name in enumerate(names)})
    if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
        try:
            return pa.table(data)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise InputError(f"`data`: this {type(data).__name__} gives no Arrow table ({error})") from error
    if hasattr(data, "collect") and not isinstance(data, Iterable):
        raise InputError(f"`data`: this {type(data).__name__} holds no rows yet; give what its collect() returns")
    return None


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
                file.write(json.dumps(plain(record), default=as_cell) + "\n")
        table = Json(source_of(path, f"{name}"), None)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    table.unit = "record"
    weakref.finalize(table, shutil.rmtree, folder, ignore_errors=True)
    return table
