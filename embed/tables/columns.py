"""Which column is the text, which are labels, split and id, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stores.shared.errors import InputError

TEXT_NAMES = (
    "text", "message", "sms", "comment_text", "comment", "review", "tweet", "sentence", "content", "body", "email",
    "v2",
)  # fmt: skip
LABEL_NAMES = ("label", "labels", "target", "class", "category", "spam", "is_spam", "sentiment", "y", "v1", "toxic")
ID_NAMES = ("id", "ids", "uuid", "guid", "textid", "text_id", "comment_id", "tweet_id", "message_id", "review_id")
SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"}
MOST_CLASSES = 50  # a column with more different values than this is no label unless it is named
Cells = dict[str, list[str | None]]


@dataclass(frozen=True)
class Columns:
    """The columns that are used.

    Attributes:
        text: name of the text column.
        labels: names of the label columns: none, one with the names of classes, or several with 0 and 1.
        split: name of the column that says which rows are for training and which for testing, or None.
        id: name of the column that identifies the rows, or None.
        reasons: one line each, why these.
    """

    text: str
    labels: list[str]
    split: str | None
    id: str | None
    reasons: list[str]

    @property
    def all(self) -> list[str]:
        """Every column that is used, each once."""
        return list(dict.fromkeys(filter(None, [self.text, *self.labels, self.split, self.id])))


def choose_columns(
    file: str,
    sample: Cells,
    text: str | None = None,
    labels: Sequence[str] | None = None,
    split: str | None = None,
    id: str | None = None,
) -> Columns:
    """Take the columns that are named, find the others.

    Args:
        file: name of the table, for messages.
        sample: its columns with their first cells.
        text, split, id: a column that was asked for, or None.
        labels: those that were asked for; none are wanted if it is empty, they are found if it is None.

    Raises:
        InputError: if a named column is not there, or no text column can be found.
    """
    asked = [("--text-column", text), *(("--label-column", name) for name in labels or ()), ("--split-column", split),
             ("--id-column", id)]  # fmt: skip
    for option, name in asked:
        if name is not None and name not in sample:
            raise InputError(f"{file} has no column {name!r} ({option}); it has: {', '.join(sample)}")
    free = {name: [cell or "" for cell in cells] for name, cells in sample.items()}
    for _, name in asked:
        free.pop(name, None)
    text, why_text = (text, "as asked") if text else _find_text(file, free)
    free.pop(text, None)
    split, why_split = (split, "as asked") if split else _find_split(free)
    free.pop(split, None)
    id, why_id = (id, "as asked") if id else _find_id(free)
    free.pop(id, None)
    labels, why_labels = (list(labels), "as asked") if labels is not None else _find_labels(free)
    reasons = [f"text column {text!r} ({why_text})"]
    if labels:
        names = ", ".join(map(repr, labels))
        reasons.append(f"label column{'s' * (len(labels) > 1)} {names} ({why_labels})")
    elif why_labels != "as asked":
        reasons.append(f"no label column: {why_labels}")
    reasons += [f"split column {split!r} ({why_split})"] if split else []
    reasons += [f"id column {id!r} ({why_id})"] if id else []
    return Columns(text, labels, split, id, reasons)


def _find_text(file: str, free: Cells) -> tuple[str, str]:
    named = _by_name(free, TEXT_NAMES)
    if named:
        return named, "by its name"
    if not free:
        raise InputError(f"{file} has no column left for the text; name one with --text-column")
    longest = max(free, key=lambda name: _mean_length(free[name]))
    return longest, f"the longest cells, {_mean_length(free[longest]):.0f} characters on average"


def _find_split(free: Cells) -> tuple[str | None, str]:
    """By its values: all of them are words for the parts of a data set."""
    for name, cells in free.items():
        values = set(filter(None, cells))
        if values and {value.strip().lower() for value in values} <= SPLITS:
            return name, f"its values in the first rows are {', '.join(sorted(values))}"
    return None, ""


def _find_id(free: Cells) -> tuple[str | None, str]:
    """By its name, if its values are all different."""
    for name in ID_NAMES:
        found = _by_name(free, (name,))
        if found and len(set(free[found])) == len(free[found]):
            return found, "by its name; its values are all different in the first rows"
    return None, ""


def _find_labels(free: Cells) -> tuple[list[str], str]:
    """A label column repeats few values; its name alone is not enough."""
    kinds = {name: len(set(filter(None, cells))) for name, cells in free.items()}
    few = {name: n for name, n in kinds.items() if 1 <= n <= MOST_CLASSES}
    bits = [name for name in few if set(free[name]) <= {"0", "1", "-1", ""}]
    named = _by_name(few, LABEL_NAMES)
    if len(bits) > 1 and (named is None or (named in bits and named.lower() == "toxic")):
        return bits, "several columns of 0 and 1: a row may have several labels"
    if named:
        return [named], f"by its name; {few[named]} different value{'s' * (few[named] != 1)} in the first rows"
    few = {name: n for name, n in few.items() if 2 <= n <= len(free[name]) // 2}
    if few:
        fewest = min(few, key=few.__getitem__)
        return [fewest], f"{few[fewest]} different values in the first rows, the fewest of all columns"
    return [], "none has a usual name or few different values (--label-column names one)"


def _by_name(columns: Sequence[str] | dict, names: Sequence[str]) -> str | None:
    """The column whose name, case aside, comes first in ``names``."""
    lower = {column.lower(): column for column in reversed(list(columns))}
    return next((lower[name] for name in names if name in lower), None)


def _mean_length(cells: list[str]) -> float:
    return sum(map(len, cells)) / max(1, len(cells))
