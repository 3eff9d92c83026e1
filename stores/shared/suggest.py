"""What somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A question to be put behind the message that there is no ``name``; empty if nothing is like it.

    Case aside, and with ``_`` as good as ``-`` and a blank.
    """
    plain = {_plain(other): other for other in reversed(list(names))}
    found = get_close_matches(_plain(name), plain, n=1)
    return f"; did you mean {plain[found[0]]!r}?" if found else ""


def listing(name: str | None, names: Iterable[str]) -> str:
    """All ``names``, and which of them may have been meant by ``name``, which is none of them."""
    names = list(names)
    return ", ".join(names) + did_you_mean(name or "", names)


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")
