"""What stands in the cells of label columns: one label, several, a number, or a sign that there is none."""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Iterable

# As pandas has them: what programs write where a value is missing. ``NONE`` and ``none`` are classes that people use.
MISSING = frozenset(
    "#N/A;#N/A N/A;#NA;-1.#IND;-1.#QNAN;-NaN;-nan;1.#IND;1.#QNAN;<NA>;N/A;NA;NULL;NaN;None;n/a;nan;null;NaT".split(";")
)
BIT_STYLES = (frozenset(("0", "1", "-1")), frozenset(("true", "false")), frozenset(("yes", "no")))
# Characters that nobody sees: soft hyphens, joiners, marks of direction; a joiner in a label may belong to an emoji.
INVISIBLE = re.compile("[\u00ad\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
WHOLE_NUMBER = re.compile(r"([+-]?\d+)[.,]0+")
ITEM = re.compile(
    r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|([^\s,;'"\[\](){}]+(?:[ \t]+[^\s,;'"\[\](){}]+)*))\s*,?"""
)
BARE_LIST = re.compile(r"[\[({][^'\"]*[\])}]")


def clean_label(cell: str) -> str:
    """A label without what differs by chance: blanks, invisible characters, ways to write an accent (Unicode's NFC).

    ``1.0`` is ``1``, ``True`` is ``true``.
    """
    label = " ".join(INVISIBLE.sub("", cell).strip("\u200c\u200d").split())
    label = label if label.isascii() else unicodedata.normalize("NFC", label)
    if label.lower() in ("true", "false"):
        return label.lower()
    whole = WHOLE_NUMBER.fullmatch(label)
    return whole[1] if whole else label


def is_missing(label: str, markers: frozenset[str] = MISSING) -> bool:
    """Whether a label says that there is none."""
    return not label or label in markers


def as_number(label: str) -> float | None:
    """The number in a cell, with a decimal point or comma; None if it is no number."""
    try:
        return float(label.replace(",", "."))
    except ValueError:
        return None


def parse_list(cell: str) -> list[str] | None:
    """The items of ``["a", "b"]``, ``['a' 'b']`` or ``[0 1]``, as JSON, Python and numpy write it; None of no list."""
    cell = cell.strip()
    if len(cell) < 2 or cell[0] + cell[-1] not in ("[]", "()", "{}"):
        return None
    try:
        items = json.loads(cell)
        if isinstance(items, list) and not any(isinstance(item, list | dict) for item in items):
            return ["" if item is None else item if isinstance(item, str) else json.dumps(item) for item in items]
    except ValueError:
        pass
    body, items, at = cell[1:-1].strip(), [], 0
    if body and "," not in body and BARE_LIST.fullmatch(cell):
        return body.split()
    while at < len(body):
        found = ITEM.match(body, at)
        if not found or found.end() == at:
            return None
        quoted = found[1] if found[1] is not None else found[2]
        items.append(found[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = found.end()
    return items


def split_labels(cell: str, separator: str | None) -> list[str]:
    """The labels in a cell: the items of a list, or what a separator cuts it into; each once, cleaned."""
    items = parse_list(cell)
    if items is None:
        items = cell.split(separator) if separator else [cell]
    return list(dict.fromkeys(label for item in items if (label := clean_label(item))))


def parse_pairs(text: str | None) -> dict[str, str]:
    """``OLD=NEW,OLD=NEW``; what holds ``=`` or ``,`` goes in double quotes.

    Raises:
        ValueError: if it has another form.
    """
    pairs: dict[str, str] = {}
    name = r'\s*(?:"((?:[^"]|"")*)"|([^=,"]*))\s*'
    pattern, at = re.compile(name + "=" + name + "(,|$)"), 0
    text = text or ""
    while at < len(text):
        found = pattern.match(text, at)
        old, new = _either(found, 1) if found else "", _either(found, 3) if found else ""
        if not found or not old:
            raise ValueError(text)
        pairs[old], at = new, found.end()
    return pairs


def write_pairs(pairs: Iterable[tuple[str, str]]) -> str:
    """What ``parse_pairs`` reads."""
    return ",".join(f"{_quoted(old)}={_quoted(new)}" for old, new in pairs)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"' if set(name) & set('=,"') else name


def parse_names(text: str) -> list[str]:
    """``a,b,"c,d"``: names with a comma in double quotes."""
    return [name.strip() for name in next(csv.reader([text], skipinitialspace=True), []) if name.strip()]


def _either(found: re.Match | None, group: int) -> str:
    if found is None:
        return ""
    quoted = found[group]
    return found[group + 1].strip() if quoted is None else quoted.replace('""', '"')
