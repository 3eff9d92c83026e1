"""Suggestions for a misspelt name."""

from __future__ import annotations

import re
from collections.abc import Iterable

DIGITS = re.compile(r"\d+")


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A question to be put behind the message that there is no ``name``; empty if nothing is like it.

    Case aside, and with ``_`` as good as ``-`` and a blank. What differs in a number alone (``float64``, ``float16``)
    is another thing, not a slip.
    """
    from difflib import get_close_matches

    plain = {_plain(other): other for other in reversed(list(names))}
    matches = get_close_matches(_plain(name), plain)
    meant = next((other for other in matches if DIGITS.sub("", other) != DIGITS.sub("", _plain(name))), None)
    meant = _plain(name) if _plain(name) in plain else meant
    return f"; did you mean {plain[meant]!r}?" if meant else ""


def listing(name: str | None, names: Iterable[str]) -> str:
    """All ``names``, and which of them may have been meant by ``name``, which is none of them."""
    names = list(names)
    return ", ".join(names) + did_you_mean(name or "", names)


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")
