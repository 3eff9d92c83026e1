"""The cells of label columns -> labels: names, or a matrix of 0 and 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np

from embed.reading.cells import Cells, as_coded
from embed.tables.label_cells import (
    MISSING,
    as_number,
    clean_label,
    is_missing,
    parse_list,
    parse_names,
    parse_pairs,
    split_labels,
)
from stores.shared.errors import InputError

LONGEST_LABEL = 200  # characters: what is longer, or has several lines, is a text that came into the wrong column
MOST_NUMBERS = 50  # different whole numbers with gaps between them: more are no classes
OTHERS = "*"  # in a label map: all that it does not name
BITS = {"0": 0, "false": 0, "no": 0, "1": 1, "true": 1, "yes": 1, "-1": -1}
Labels: TypeAlias = "list[str | None] | np.ndarray"  # a name or None a row; or int8 [n, L], -1 where unknown


@dataclass(frozen=True)
class LabelRule:
    """How cells become labels.

    Attributes:
        columns: the label columns; none if the rows have no labels.
        classes: of cells that hold several labels each, what these are; else None.
        separator: what stands between the labels of such a cell; None: the cells are lists.
        vectors: whether such a cell is a list of 0 and 1, one for each class.
        listed: whether each cell is a list that holds one label, the row's.
        label_map: label as it stands in the table -> the one that is meant.
        missing: what stands for no label.
        threshold: labels are numbers, and at least this much is ``1``, less ``0``; None: they are names.
        seen: the different labels that have been read, with one column of names.
    """

    columns: list[str]
    classes: list[str] | None = None
    separator: str | None = None
    vectors: bool = False
    listed: bool = False
    label_map: dict[str, str] = field(default_factory=dict)
    missing: frozenset[str] = MISSING
    threshold: float | None = None
    seen: Counter[str] = field(default_factory=Counter, compare=False)

    @classmethod
    def of(cls, columns: list[str], label_map: str | None, missing: str | None, threshold: float | None) -> LabelRule:
        """The rule that was asked for; what stands in the map is a label, even if it looks like a missing one.

        Raises:
            InputError: if ``label_map`` has another form than OLD=NEW,OLD=NEW.
        """
        mapping = parse_label_map(label_map)
        markers = MISSING if missing is None else frozenset(map(clean_label, parse_names(missing)))
        return cls(columns, label_map=mapping, missing=markers - set(mapping), threshold=threshold)

    @property
    def names(self) -> list[str] | None:
        """The names of several labels a row; None if there is one, or none."""
        return self.classes if self.classes is not None else self.columns if len(self.columns) > 1 else None

    def as_dict(self) -> dict[str, object]:
        """The rule as a store keeps it; with the same the same labels come out."""
        made: dict[str, object] = {"version": 2}
        if self.classes is not None:
            made |= {"classes": self.classes, "separator": self.separator, "vectors": self.vectors}
        if self.listed:
            made["listed"] = True
        if self.missing != MISSING:
            made["missing"] = sorted(self.missing)
        if self.threshold is not None:
            made["threshold"] = self.threshold
        return made

    def read(self, cells: Sequence[Cells]) -> tuple[Labels, dict[int, str]]:
        """The labels of some rows.

        Args:
            cells: of each label column, in their order.

        Returns:
            one label a row, or int8 ``[n, L]``; and row -> why its label cannot be used.
        """
        if not self.columns:
            return [], {}
        columns = [as_coded(column) for column in cells]
        if self.classes is not None:
            kinds, codes = columns[0]
            rows = [self._bits_of(cell) for cell in kinds]
            matrix = np.array([row[0] for row in rows], np.int8).reshape(len(rows), len(self.classes))[codes]
            return matrix, _wrong_rows([row[1] for row in rows], codes)
        if len(self.columns) == 1:
            kinds, codes = columns[0]
            kinds = unlisted(kinds) if self.listed else kinds
            names, why = [], []
            for kind, count in zip(kinds, np.bincount(codes, minlength=len(kinds)).tolist(), strict=True):
                name, wrong = self._name_of(kind)
                names.append(name)
                why.append(wrong)
                self.seen[clean_label(kind) if len(kind) <= LONGEST_LABEL else ""] += count
            return np.array(names, object)[codes].tolist(), _wrong_rows(why, codes)
        bad: dict[int, str] = {}
        matrix = np.empty((len(columns[0].codes), len(columns)), np.int8)
        for i, (name, (kinds, codes)) in enumerate(zip(self.columns, columns, strict=True)):
            bits = [self._bit_of(cell) for cell in kinds]
            matrix[:, i] = np.array([-1 if bit is None else bit for bit in bits], np.int8)[codes]
            why = [f"label {name} is {cell[:50]!r}, neither 0 nor 1" for cell in kinds]
            bad |= _wrong_rows([text if bit is None else "" for text, bit in zip(why, bits, strict=True)], codes)
        return matrix, bad

    def _name_of(self, cell: str) -> tuple[str | None, str]:
        """The label in a cell, and what is wrong with it."""
        stripped = cell.strip()
        if len(stripped) > LONGEST_LABEL or "\n" in stripped:
            return None, f"a label of {len(stripped):,} characters: a text stands in the label column"
        label = clean_label(cell)
        if is_missing(label, self.missing):
            return None, ""
        if self.threshold is not None:
            number = as_number(label)
            if number is None or np.isnan(number):
                return None, f"label {label!r} is no number, which `label_threshold` needs"
            return str(int(number >= self.threshold)), ""
        return self._meant(label)

    def _meant(self, label: str) -> tuple[str | None, str]:
        """What a label is called, and what is wrong with it."""
        if not self.label_map:
            return label, ""
        meant = self.label_map.get(label, self.label_map.get(OTHERS))
        if meant is None:
            return None, f"label {label!r} is not in `label_map`"
        return (label if meant == OTHERS else meant) or None, ""

    def _bit_of(self, cell: str) -> int | None:
        label = clean_label(cell)
        label = self.label_map.get(label, label).lower()
        return -1 if is_missing(label, self.missing) or is_missing(clean_label(cell), self.missing) else BITS.get(label)

    def _bits_of(self, cell: str) -> tuple[list[int], str]:
        """Of a cell with several labels 0 or 1 for each class; an empty list is no label at all, not an unknown one."""
        classes = self.classes or []
        unknown = [-1] * len(classes)
        if is_missing(clean_label(cell), self.missing):
            return unknown, ""
        found = split_labels(cell, self.separator)
        if self.vectors:
            return self._vector_of(cell)
        wrong = [self._meant(label)[1] for label in found]
        meant = {self._meant(label)[0] for label in found}
        if any(wrong):
            return unknown, next(filter(None, wrong))
        return [int(name in meant) for name in classes], ""

    def _vector_of(self, cell: str) -> tuple[list[int], str]:
        classes = self.classes or []
        items = [BITS.get(clean_label(item)) for item in parse_list(cell) or []]
        if len(items) != len(classes) or None in items:
            return [-1] * len(classes), f"{cell[:50]!r} is no list of {len(classes)} times 0 or 1"
        return [int(item or 0) for item in items], ""

    def all_labels(self, cells: Iterable[str]) -> list[str]:
        """The labels that cells with several of them hold, in the order of numbers, or else of the alphabet."""
        found: set[str] = set()
        for cell in cells:
            if not is_missing(clean_label(cell), self.missing):
                found |= {name for label in split_labels(cell, self.separator) if (name := self._meant(label)[0])}
        if all(label.lstrip("+-").isdigit() for label in found):
            return sorted(found, key=int)
        return sorted(found)

    def with_classes(self, classes: list[str]) -> LabelRule:
        """The same for cells with several labels, which are these."""
        return replace(self, classes=classes)


def parse_label_map(text: str | None) -> dict[str, str]:
    """``spam=1,ham=0`` as a mapping; what comes after ``=`` may be empty: no label. ``*`` is what is not named.

    Raises:
        InputError: if it has another form.
    """
    try:
        pairs = parse_pairs(text)
    except ValueError:
        form = "give it as OLD=NEW,OLD=NEW, names with = or , in double quotes"
        raise InputError(f"`label_map={text!r}`: {form}") from None
    return {clean_label(old): " ".join(new.split()) for old, new in pairs.items()}


def unlisted(cells: Iterable[str]) -> list[str]:
    """Of cells that are lists of one label this label; others as they are."""
    return [items[0] if (items := parse_list(cell)) and len(items) == 1 else cell for cell in cells]


def is_numeric_target(labels: Iterable[str]) -> bool:
    """Whether these are numbers that are no classes: fractions, or very many with gaps between them."""
    numbers = [as_number(label) for label in labels]
    if len(numbers) < 2 or None in numbers:
        return False
    values = [number for number in numbers if number is not None]
    if any(value != int(value) for value in values if np.isfinite(value)):
        return True
    return len(values) > MOST_NUMBERS and max(values) - min(values) + 1 > 1.5 * len(values)


def _wrong_rows(why: list[str], codes: np.ndarray) -> dict[int, str]:
    """Row -> what is wrong with it, from what is wrong with each of the different cells."""
    if not any(why):
        return {}
    return {row: why[codes[row]] for row in np.flatnonzero(np.array(list(map(bool, why)))[codes]).tolist()}
