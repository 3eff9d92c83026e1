"""Values of records as people write them: no braces, brackets and quotes of Python."""

from __future__ import annotations

from collections.abc import Mapping


def worded(value: object) -> str:
    """``{'file': 'a.csv', 'lines': 12000}`` -> ``file a.csv, lines 12,000``; in a list or another one in brackets."""
    if isinstance(value, Mapping):
        there = {key: part for key, part in value.items() if part not in (None, {}, [], ())}
        return ", ".join(f"{key} {_inside(part)}" for key, part in there.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_inside, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _inside(value: object) -> str:
    many = isinstance(value, Mapping) or (isinstance(value, list | tuple) and len(value) > 1)
    return f"({worded(value)})" if many else worded(value)
