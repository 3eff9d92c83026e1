"""JSON <-> dataclasses: the one edge where the mappings of a run's files become typed records, and back.

A value of another type than its field is refused with its place (``rows.labelled``), so that a damaged or foreign file
is one line and never a traceback somewhere else. Keys that no field
knows are kept in the field ``more``, if there is one.
"""

from __future__ import annotations

import math
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

T = TypeVar("T")


class Jsonable:
    """A dataclass that is written as JSON: ``as_dict`` gives mappings, lists, texts and numbers."""

    def as_dict(self) -> dict[str, Any]:
        """Fields by name, without those that have their default; NaN and infinity become None (JSON has neither)."""
        return as_json(self)


def as_json(value: Any) -> Any:  # noqa: ANN401
    """Dataclasses as mappings, arrays as lists, numpy's numbers as Python's, and what is no number as None."""
    if is_dataclass(value) and not isinstance(value, type):
        given = {f.name: getattr(value, f.name) for f in fields(value) if f.name != "more"}
        written = {f.name: given[f.name] for f in fields(value) if f.name in given and given[f.name] != _default(f)}
        return as_json(written | getattr(value, "more", {}))
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [as_json(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_json(kind: type[T], value: Any, where: str = "") -> T:  # noqa: ANN401
    """A record of type ``kind`` from what ``json.loads`` gave.

    Args:
        kind: a dataclass.
        value: a mapping with a key for each field that has no default.
        where: of the value in its file, for messages.

    Raises:
        ValueError: naming the place of a value that is missing or of another type.
    """
    return _read(kind, value, where)


def _read(kind: Any, value: Any, where: str) -> Any:  # noqa: ANN401
    origin, args = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        if value is None and NoneType in args:
            return None
        (kind,) = (arg for arg in args if arg is not NoneType)
        return _read(kind, value, where)
    if kind is Any or kind is object:
        return value
    if is_dataclass(kind):
        return _read_record(kind, _checked(dict, value, where), where)
    if origin is list:
        items = _checked(list, value, where)
        return [_read(args[0], item, f"{where}[{number}]") for number, item in enumerate(items)]
    if origin is dict:
        return {key: _read(args[1], item, f"{where}.{key}") for key, item in _checked(dict, value, where).items()}
    return _checked(kind, value, where)


def _read_record(kind: Any, value: dict, where: str) -> Any:  # noqa: ANN401
    hints, given = _hints(kind), {}
    for field in fields(kind):
        place = f"{where}.{field.name}" if where else field.name
        if field.name in value and field.name != "more":
            given[field.name] = _read(hints[field.name], value[field.name], place)
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{place} is missing")
    if "more" in hints:
        given["more"] = {key: item for key, item in value.items() if key not in given}
    return kind(**given)


def _checked(kind: type, value: Any, where: str) -> Any:  # noqa: ANN401
    """``value``, if it is of this type; a whole number is a number, and true is none."""
    wanted = (int, float) if kind is float else kind
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{where or 'the whole'} is {_brief(value)}, not {NAMES.get(kind, kind.__name__)}")
    return value


NAMES: dict[type, str] = {
    dict: "a mapping", list: "a list", str: "a text", int: "a whole number", float: "a number", bool: "true or false"
}  # fmt: skip


def _brief(value: Any) -> str:  # noqa: ANN401
    text = ascii(value)
    return text if len(text) <= 40 else text[:37] + "..."


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _default(field: Field) -> Any:  # noqa: ANN401
    """What a field is when nobody gave it; a value that nothing equals for a field that must be given."""
    if field.default_factory is not MISSING:
        return field.default_factory()
    return _GIVEN if field.default is MISSING else field.default


_GIVEN = object()
