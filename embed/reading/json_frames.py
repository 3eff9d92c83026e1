"""One JSON object that is a whole table, as pandas and others write it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from embed.reading.column_names import is_usual
from embed.reading.decode import scan, utf8_blocks
from embed.reading.files import Source
from embed.reading.row_table import RowTable, unique_names
from stores.shared.errors import InputError


class JsonFrame(RowTable):
    """A table in one object (or an array of arrays), read whole. See ``TableFile``.

    These are the orientations of ``DataFrame.to_json``: ``columns`` (its default), ``index``, ``split``, ``table`` and
    ``values``; also columns as lists, and an object that holds one list of objects.

    Raises:
        InputError: if it is none of these.
    """

    unit = "row"

    def __init__(self, source: Source, encoding: str | None) -> None:
        super().__init__(source)
        found = scan(source, encoding)
        self.notes = list(found.notes)
        text = b"".join(utf8_blocks(source, found.encoding)).decode()
        try:
            value = json.loads(text, parse_float=str, parse_int=str, parse_constant=lambda name: None)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.name} is no JSON: {error}; correct it") from error
        form, names, self._rows = self._table(value)
        self.header = unique_names(names)
        self.most_rows = self.lines = len(self._rows)
        self.how = {"format": "json", "encoding": found.encoding, "orientation": form}
        self.notes.append(f"{self.name} is one JSON {'array' if form == 'values' else 'object'} with {form}")

    def rows(self) -> Iterator[tuple[int, Sequence[object]]]:
        """See ``RowTable``."""
        return enumerate(self._rows, 1)

    def _table(self, value: Any) -> tuple[str, list[str], list[list[Any]]]:  # noqa: ANN401
        """What the form is called, the names of the columns, and the rows."""
        if isinstance(value, list):
            width = max((len(row) for row in value if isinstance(row, list)), default=0)
            return "values", [str(i + 1) for i in range(width)], [[*row, *[None] * (width - len(row))] for row in value]
        if {"columns", "data"} <= value.keys() and isinstance(value["data"], list):
            return "split", list(map(str, value["columns"])), value["data"]
        if isinstance(value.get("schema"), dict) and isinstance(value.get("data"), list):
            index = value["schema"].get("primaryKey", [])
            names = [name for name in _keys(value["data"]) if name not in index or len(_keys(value["data"])) == 1]
            return "a schema", names, [[row.get(name) for name in names] for row in value["data"]]
        parts = list(value.values())
        if parts and all(isinstance(part, dict) for part in parts):
            return self._of_objects(value)
        if len(parts) > 1 and all(isinstance(part, list) for part in parts) and len(set(map(len, parts))) == 1:
            if not any(isinstance(cell, dict) for part in parts for cell in part):
                return "columns as lists", list(value), [list(row) for row in zip(*parts, strict=True)]
        records = [part for part in parts if isinstance(part, list) and part and all(isinstance(r, dict) for r in part)]
        if len(records) == 1:
            names = _keys(records[0])
            return "one list of objects", names, [[row.get(name) for name in names] for row in records[0]]
        raise InputError(f"{self.name} is one JSON object, but no table; give objects one a line, or in an array")

    def _of_objects(self, value: dict[str, dict[str, Any]]) -> tuple[str, list[str], list[list[Any]]]:
        """Columns of cells by row (``columns``), or rows of cells by column (``index``)."""
        outer, inner = list(value), list(dict.fromkeys(chain.from_iterable(value.values())))
        if all(key.isdigit() for key in outer) and not all(key.isdigit() for key in inner):
            by_rows = True
        elif all(key.isdigit() for key in inner) or (_are_names(outer) and not _are_names(inner)):
            by_rows = False
        elif _are_names(inner) and not _are_names(outer):
            by_rows = True
        elif len(outer) == len(inner):
            raise InputError(
                f"{self.name}: {', '.join(outer[:3])} and {', '.join(inner[:3])} may both be the names of its columns; "
                "give objects one a line, or in an array"
            )
        else:  # neither is numbered: there are more rows than columns
            by_rows = len(outer) > len(inner)
        if by_rows:
            return "rows by index", inner, [[row.get(name) for name in inner] for row in value.values()]
        return "columns by index", outer, [[value[name].get(key) for name in outer] for key in inner]


def is_frame(text: str) -> bool:
    """Whether a text that begins with a brace is one object for a whole table, not objects one a line."""
    first, _, rest = text.strip().partition("\n")
    value, following = _object(first), _object(rest.strip().partition("\n")[0])
    if value is None:  # an object over several lines, unless the next line is an object
        return following is None
    parts = list(value.values())
    if len(parts) > 1 and not rest.strip() and not _are_names(list(value)):
        return True
    wraps = any(isinstance(part, list) and part and isinstance(part[0], dict) for part in parts)
    return not rest.strip() and bool(parts) and (wraps or all(isinstance(part, dict | list) for part in parts))


def _are_names(keys: list[str]) -> bool:
    """Whether some of these are usual names of columns."""
    return any(map(is_usual, keys))


def _object(line: str) -> dict | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _keys(records: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(records)))
