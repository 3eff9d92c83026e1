"""Whether the cells of a label column hold one label, several, or numbers that are no labels."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from embed.tables.label_cells import clean_label, is_missing, parse_list, split_labels
from embed.tables.label_notes import notes_on_labels
from embed.tables.labels import BITS, LabelRule, is_numeric_target, unlisted
from stores.shared.errors import InputError

SEPARATORS = "|;,"
DECIMAL = re.compile(r"[+-]?\d+,\d+")
ALONE = 0.75  # this share of the labels in cells with several stands alone elsewhere: then these are several labels


def settle_labels(
    file: str,
    rule: LabelRule,
    cells: Sequence[str],
    separator: str | None,
    found: bool,
    every: Callable[[], Iterable[str]],
) -> tuple[LabelRule, list[str]]:
    """The rule for one label column after a look at some of its cells, and what the user should know.

    Args:
        file: name of the table, for messages.
        rule: the rule so far.
        cells: of the first rows.
        separator: what stands between the labels of a cell if that was asked for; ``none``: every cell is one label.
        found: whether the column was found, not asked for.
        every: gives the different cells of all rows.

    Raises:
        InputError: if the cells may as well hold several labels as one, or numbers that are no classes.
    """
    column = rule.columns[0]
    labels = Counter(clean_label(cell) for cell in cells)
    kinds = [label for label in labels if not is_missing(label, rule.missing)]
    if separator == "none":
        return rule, notes_on_labels(file, rule, labels)
    if separator:
        return replace(rule, separator=separator, classes=[]), []
    lists = [parse_list(kind) for kind in kinds]
    if kinds and None not in lists and _hold_one(rule, kinds) and _hold_one(rule, every()):
        note = f"{file}: the cells of {column!r} are lists of one label: it is the row's"
        labels = Counter(map(clean_label, unlisted(cells)))
        notes = [f"{note}; `label_separator=','` decides otherwise", *notes_on_labels(file, rule, labels)]
        return replace(rule, listed=True), notes
    if kinds and None not in lists:
        vectors = _are_vectors([items for items in lists if items is not None])
        what = "lists of 0 and 1, one for each label" if vectors else "lists"
        note = f"{file}: the cells of {column!r} are {what}: a row may have several labels"
        return replace(rule, classes=[], vectors=vectors), [f"{note}; `label_separator='none'` decides otherwise"]
    mark = _separator(file, column, kinds)
    if mark:
        note = f"{file}: cells of {column!r} hold several labels with {mark!r} between them"
        return replace(rule, separator=mark, classes=[]), [f"{note}; `label_separator='none'` decides otherwise"]
    notes = notes_on_labels(file, rule, labels)
    if rule.threshold is None and not rule.label_map and is_numeric_target(kinds):
        some = ", ".join(sorted(kinds)[:3])
        numbers = f"{file}: {column!r} holds numbers ({some}, ...), which are no classes"
        why = f"{numbers}; `label_threshold=0.5` makes two of them"
        if found:
            raise InputError(
                f"{why} (at least that much, or less), `label_columns=({column!r},)` a class of each number"
            )
        notes.append(f"{why}; as it is, each number is a class")
    return rule, notes


def _hold_one(rule: LabelRule, cells: Iterable[str]) -> bool:
    """Whether each cell is a list with exactly one label, or says that there is none."""
    kinds = [cell for cell in cells if not is_missing(clean_label(cell), rule.missing)]
    return all(len(parse_list(kind) or []) == 1 for kind in kinds)


def _are_vectors(lists: list[list[str]]) -> bool:
    """Whether the lists are equally long and hold 0 and 1: a place for each label."""
    lengths = {len(items) for items in lists}
    values = {clean_label(item) for items in lists for item in items}
    return len(lists) > 1 and len(lengths) == 1 and max(lengths) > 1 and {BITS.get(value) for value in values} <= {0, 1}


def _separator(file: str, column: str, kinds: list[str]) -> str:
    """What stands between several labels of a cell; empty if each cell is one label."""
    for mark in SEPARATORS:
        several = [kind for kind in kinds if mark in kind]
        if not several or (mark == "," and all(map(DECIMAL.fullmatch, kinds))):
            continue
        parts = Counter(part for kind in several for part in set(split_labels(kind, mark)))
        single = {kind for kind in kinds if mark not in kind}
        alone = sum(part in single for part in parts) / max(1, len(parts))
        again = sum(count > 1 for count in parts.values()) / max(1, len(parts))
        if (len(several) > 1 and alone >= ALONE) or (mark == "|" and (alone or again >= ALONE)):
            return mark
        numbers = mark == "," and all(part.isdigit() for part in parts) and all(kind.isdigit() for kind in single)
        if numbers or alone or mark == "|":
            other = "numbers with a decimal comma" if numbers else "names of classes"
            raise InputError(
                f"{file}: cells of {column!r} such as {several[0]!r} may be several labels or {other}; "
                f"give `label_separator={mark!r}` or `label_separator='none'`"
            )
    return ""
