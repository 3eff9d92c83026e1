"""Which column is the text, which the label, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stores.errors import InputError

TEXT_NAMES = (
    "text", "message", "sms", "comment_text", "comment", "review", "tweet", "sentence", "content", "body", "email",
    "v2",
)  # fmt: skip
LABEL_NAMES = ("label", "labels", "target", "class", "category", "spam", "is_spam", "sentiment", "toxic", "y", "v1")
MOST_CLASSES = 50  # a column with more different values than this is no label unless it is named


@dataclass(frozen=True)
class Columns:
    """The columns that are used.

    Attributes:
        header: all names, in order; unnamed ones are empty.
        text: name of the text column.
        label: name of the label column, None if there is none.
        reasons: one line each, why these.
    """

    header: list[str]
    text: str
    label: str | None
    reasons: list[str]

    def pick(self, row: list[str], line: int, path: Path) -> tuple[str, str | None]:
        """Text and label of one row; cells under unnamed columns right after the text are part of the text.

        (They come from commas in texts that somebody wrote without quotes: the SMS spam table has 50 such rows.)

        Raises:
            InputError: naming the line, if the row has more or fewer cells than the header.
        """
        if len(row) != len(self.header):
            found = f"{len(row)} cell{'s' * (len(row) != 1)} where the header has {len(self.header)}"
            cure = "put quotes around cells that hold a delimiter or line break"
            raise InputError(f"{path}, line {line}: {found}; {cure}")
        at = self.header.index(self.text)
        spilled = row[at + 1 : at + 1 + self._unnamed_after(at)]
        while spilled and not spilled[-1]:
            spilled.pop()
        text = ",".join([row[at], *spilled])
        label = row[self.header.index(self.label)].strip() if self.label is not None else ""
        return text, label or None

    def _unnamed_after(self, at: int) -> int:
        after = self.header[at + 1 :]
        return next((i for i, name in enumerate(after) if name), len(after))


def choose_columns(
    path: Path, header: list[str], sample: list[list[str]], text: str | None, label: str | None
) -> Columns:
    """Take the columns that are named, find the others.

    Args:
        path: the table, for messages.
        header: its column names.
        sample: its first rows.
        text, label: column names that were asked for, or None.

    Raises:
        InputError: if a named column is not there, or no text column can be found.
    """
    header = [name.strip() for name in header]
    for option, name in (("--text-column", text), ("--label-column", label)):
        if name is not None and name not in header:
            raise InputError(f"{path} has no column {name!r} ({option}); it has: {', '.join(filter(None, header))}")
    values = {name: [row[i] for row in sample if i < len(row)] for i, name in enumerate(header) if name}
    text, why_text = (text, "as asked") if text else _find_text(path, values, taken=label)
    label, why_label = (label, "as asked") if label else _find_label(values, taken=text)
    if label is None:
        return Columns(header, text, None, [f"text column {text!r} ({why_text})", f"no label column: {why_label}"])
    reasons = [f"text column {text!r} ({why_text})", f"label column {label!r} ({why_label})"]
    return Columns(header, text, label, reasons)


def _find_text(path: Path, values: dict[str, list[str]], taken: str | None) -> tuple[str, str]:
    free = {name: cells for name, cells in values.items() if name != taken}
    named = _by_name(free, TEXT_NAMES)
    if named:
        return named, "by its name"
    if not free:
        raise InputError(f"{path} has no column for the text; it has: {', '.join(values)}")
    longest = max(free, key=lambda name: _mean_length(free[name]))
    return longest, f"the longest cells, {_mean_length(free[longest]):.0f} characters on average"


def _find_label(values: dict[str, list[str]], taken: str) -> tuple[str | None, str]:
    """A label column repeats few values; its name alone is not enough."""
    kinds = {name: len(set(filter(None, cells))) for name, cells in values.items() if name != taken}
    few = {name: n for name, n in kinds.items() if 1 <= n <= MOST_CLASSES}
    named = _by_name(few, LABEL_NAMES)
    if named:
        return named, f"by its name; {few[named]} different value{'s' * (few[named] != 1)} in the first rows"
    few = {name: n for name, n in few.items() if 2 <= n <= len(values[name]) // 2}
    if few:
        fewest = min(few, key=few.__getitem__)
        return fewest, f"{few[fewest]} different values in the first rows, the fewest of all columns"
    return None, "none has a usual name or few different values (--label-column names one)"


def _by_name(columns: Sequence[str] | dict, names: Sequence[str]) -> str | None:
    """The column whose name, case aside, comes first in ``names``."""
    lower = {column.lower(): column for column in reversed(list(columns))}
    return next((lower[name] for name in names if name in lower), None)


def _mean_length(cells: list[str]) -> float:
    return sum(map(len, cells)) / max(1, len(cells))
