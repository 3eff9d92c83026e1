"""Which column is the text, which are labels, split and id, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from embed.reading.cells import is_number
from embed.reading.column_names import IDS, simple, text_rank
from embed.tables.label_columns import find_labels
from stores.shared.errors import InputError
from stores.shared.suggest import listing

SPLITS = {"train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval"}
SEPARATOR = "\n"
FEW_WORDS = 3  # what has fewer on average is no text beside the text
Cells = dict[str, list[str]]


@dataclass(frozen=True)
class Columns:
    """The columns that are used.

    Attributes:
        texts: names of the text columns, of which each row's cells are joined.
        labels: names of the label columns: none, one with the names of classes, or several with 0 and 1.
        split: name of the column that says which rows are for training and which for testing, or None.
        id: name of the column that identifies the rows, or None.
        reasons: one line each, why these.
        separator: what is put between the cells of several text columns.
    """

    texts: tuple[str, ...]
    labels: list[str]
    split: str | None
    id: str | None
    reasons: list[str]
    separator: str = SEPARATOR

    @property
    def text(self) -> str:
        """The text column, or the first of several."""
        return self.texts[0]

    @property
    def joined(self) -> tuple[int, str] | None:
        """How many columns a text is put together from, and the separator; None of one column."""
        return (len(self.texts), self.separator) if len(self.texts) > 1 else None

    @property
    def all(self) -> list[str]:
        """Every column that is used, each once."""
        named = [*self.texts, *self.labels, *[name for name in (self.split, self.id) if name]]
        return list(dict.fromkeys(named))

    def as_dict(self) -> dict[str, object]:
        """The columns as a store keeps them."""
        texts: dict[str, object] = {"text": self.texts[0]}
        if len(self.texts) > 1:
            texts = {"text": list(self.texts), "separator": self.separator}
        return {**texts, "labels": self.labels, "split": self.split, "id": self.id}


@dataclass(frozen=True)
class Asked:
    """The columns that were asked for; None where they are to be found, no labels are wanted if these are empty."""

    texts: Sequence[str] | None = None
    labels: Sequence[str] | None = None
    split: str | None = None
    id: str | None = None
    separator: str = SEPARATOR

    def named(self) -> list[tuple[str, str]]:
        """Parameter and column, each."""
        several = [("text_column", self.texts), ("label_columns", self.labels)]
        pairs = [(parameter, name) for parameter, names in several for name in names or ()]
        return pairs + [(f"{name}_column", str(getattr(self, name))) for name in ("split", "id") if getattr(self, name)]


@dataclass(frozen=True)
class Sample:
    """The columns of a table with cells of some of its rows.

    Attributes:
        file: name of the table, for messages.
        cells: column -> its cells in the first rows.
        nested: columns that are fields inside others, which are used for the text only if they are asked for.
        lists: columns of lists, which hold no texts.
        more: gives cells from all over the table, asked for where the first rows leave the labels open.
    """

    file: str
    cells: Cells
    nested: Collection[str] = ()
    lists: Collection[str] = ()
    more: Callable[[], Cells] = field(default=dict)


def choose_columns(sample: Sample, asked: Asked) -> Columns:
    """Take the columns that are named, find the others.

    Raises:
        InputError: if a named column is not there, no text column can be found, or two columns may be the label.
    """
    free = dict(sample.cells)
    for parameter, name in asked.named():
        if name not in sample.cells:
            raise InputError(
                f"{sample.file} has no column {name!r} (`{parameter}`); it has: {listing(name, sample.cells)}"
            )
        free.pop(name, None)
    texts, why_text = (tuple(asked.texts), "as asked") if asked.texts else _find_text(sample, free)
    for name in texts:
        free.pop(name, None)
    split, why_split = (asked.split, "as asked") if asked.split else _find_split(free)
    free.pop(split or "", None)
    id, why_id = (asked.id, "as asked") if asked.id else _find_id(free)
    free.pop(id or "", None)
    if asked.labels is not None:
        labels, why_labels = list(asked.labels), "as asked"
    else:
        labels, why_labels = find_labels(sample.file, free, sample.more)
    names = " and ".join(map(repr, texts))
    joined = f"; joined by {asked.separator!r}" if len(texts) > 1 else ""
    reasons = [f"text column{'s' * (len(texts) > 1)} {names} ({why_text}{joined})"]
    if labels:
        named = ", ".join(map(repr, labels))
        reasons.append(f"label column{'s' * (len(labels) > 1)} {named} ({why_labels})")
    elif why_labels != "as asked":
        reasons.append(f"no label column: {why_labels}")
    reasons += [f"split column {split!r} ({why_split})"] if split else []
    reasons += [f"id column {id!r} ({why_id})"] if id else []
    return Columns(texts, labels, split, id, reasons, asked.separator)


def _find_text(sample: Sample, free: Cells) -> tuple[tuple[str, ...], str]:
    """A column with the usual name of one, else that with the longest cells; never one of nothing but numbers."""
    free = {name: cells for name, cells in free.items() if name not in sample.lists}
    worded = {name: cells for name, cells in free.items() if not all(is_number(cell) for cell in cells if cell.strip())}
    if not worded and len(free) == 1 and not any(cell.strip() for cells in free.values() for cell in cells):
        worded = free  # texts that are all empty are texts
    if not worded:
        named = f"; {', '.join(free)} hold numbers" if free else ""
        raise InputError(f"{sample.file} has no column left for the text{named}; name one in `text_column`")
    ranks = {name: rank for name in worded if (rank := text_rank(name)) is not None}
    top = {name: rank for name, rank in ranks.items() if name not in sample.nested} or ranks
    longest = max(worded, key=lambda name: _mean_length(worded[name]))
    best, why = longest, f"the longest cells, {_mean_length(worded[longest]):.0f} characters on average"
    if top and (longest not in sample.nested or min(ranks.values()) == min(top.values())):
        best, why = min(top, key=top.__getitem__), "by its name"
    if best in sample.nested:
        raise InputError(
            f"{sample.file}: the texts seem to be in the field {best!r} inside another; give `text_column={best!r}`"
        )
    others = [name for name in worded if name != best and _is_text(name, worded[name], name in ranks)]
    if others:
        both = [name for name in worded if name in (best, others[0])]
        named = " and ".join(map(repr, others[:3]))
        why += f"; {named} hold{'s' * (len(others) == 1)} text too: `text_column={both!r}` joins them"
    return (best,), why


def _find_split(free: Cells) -> tuple[str | None, str]:
    """By its values: all of them are words for the parts of a data set."""
    for name, cells in free.items():
        values = set(filter(None, cells))
        if values and {value.strip().lower() for value in values} <= SPLITS:
            return name, f"its values in the first rows are {', '.join(sorted(values))}"
    return None, ""


def _find_id(free: Cells) -> tuple[str | None, str]:
    """By its name, if its values are all different."""
    places = {name: IDS.index(simple(name)) for name in free if simple(name) in IDS}
    for name in sorted(places, key=places.__getitem__):
        if len(set(free[name])) == len(free[name]):
            return name, "by its name; its values are all different in the first rows"
    return None, ""


def _is_text(name: str, cells: list[str], usual: bool) -> bool:
    """Whether a column holds texts as well: by its name with some words, else by many."""
    words = sum(len(cell.split()) for cell in cells) / max(1, len(cells))
    return words >= (FEW_WORDS if usual or name.isdigit() else 3 * FEW_WORDS) and len(set(cells)) > len(cells) / 2


def _mean_length(cells: list[str]) -> float:
    return sum(map(len, cells)) / max(1, len(cells))
