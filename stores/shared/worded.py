"""Values as people write them: records without braces, brackets and quotes of Python, and sizes."""

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


def size_in_words(size: float) -> str:
    """Bytes as people say them: ``7 kB``, ``1.3 MB``, ``2.1 GB`` (a thousand of each)."""
    if size < 100_000:
        return f"{size / 1e3:,.0f} kB" if size >= 1000 else f"{size:,.0f} bytes"
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.1f} GB"


def _inside(value: object) -> str:
    many = isinstance(value, Mapping) or (isinstance(value, list | tuple) and len(value) > 1)
    return f"({worded(value)})" if many else worded(value)
