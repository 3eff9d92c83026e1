"""The cells of label columns -> labels: names, or a matrix of 0 and 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from embed.reading.cells import Cells, as_coded
from stores.shared.errors import InputError

LONGEST_LABEL = 200  # characters: what is longer, or has several lines, is a text that came into the wrong column
BITS = {
    "0": 0, "0.0": 0, "false": 0, "no": 0, "1": 1, "1.0": 1, "true": 1, "yes": 1, "": -1, "-1": -1, "-1.0": -1,
}  # fmt: skip
Labels = list[str | None] | np.ndarray  # a name a row, None where there is none; or int8 [n, L], -1 where unknown


def parse_label_map(text: str | None) -> dict[str, str]:
    """``spam=1,ham=0`` as a mapping; what comes after ``=`` may be empty: no label.

    Raises:
        InputError: if it has another form.
    """
    pairs = [part.split("=") for part in (text or "").split(",") if part]
    if any(len(pair) != 2 or not pair[0].strip() for pair in pairs):
        raise InputError(f"--label-map {text}: give it as OLD=NEW,OLD=NEW")
    return {old.strip(): new.strip() for old, new in pairs}


def read_labels(cells: Sequence[Cells], names: list[str], label_map: dict[str, str]) -> tuple[Labels, dict]:
    """The labels of some rows.

    One column holds names: blanks around them are dropped, their case is kept, an empty cell is no label. Several
    columns hold 0 and 1 (or true and false, yes and no, in any case); empty or -1 is unknown, as in the labels of
    Kaggle's toxic comments.

    Args:
        cells: of each label column, in the order of ``names``.
        names: of these columns; none if the rows have no labels.
        label_map: what stands in the cells -> the label that is meant; all labels must be in it if it is not empty.

    Returns:
        one label a row, or int8 ``[n, L]``; and row -> why its label cannot be used.
    """
    if not names:
        return [], {}
    columns = [as_coded(column) for column in cells]
    if len(names) == 1:
        kinds, codes = columns[0]
        values = [(cell or "").strip() for cell in kinds]
        meant = np.array([label_map.get(value, value) or None for value in values], object)
        return meant[codes].tolist(), _wrong_rows([_wrong(value, label_map) for value in values], codes)
    bad: dict[int, str] = {}
    matrix = np.empty((len(columns[0].codes), len(names)), np.int8)
    for i, (name, (kinds, codes)) in enumerate(zip(names, columns, strict=True)):
        bits = [BITS.get(_mapped(cell, label_map)) for cell in kinds]
        matrix[:, i] = np.array([-1 if bit is None else bit for bit in bits], np.int8)[codes]
        why = [f"label {name} is {(cell or '')[:50]!r}, neither 0 nor 1" for cell in kinds]
        bad |= _wrong_rows([text if bit is None else "" for text, bit in zip(why, bits, strict=True)], codes)
    return matrix, bad


def _wrong_rows(why: list[str], codes: np.ndarray) -> dict[int, str]:
    """Row -> what is wrong with it, from what is wrong with each of the different cells."""
    if not any(why):
        return {}
    return {row: why[codes[row]] for row in np.flatnonzero(np.array(list(map(bool, why)))[codes]).tolist()}


def _mapped(cell: str | None, label_map: dict[str, str]) -> str:
    value = (cell or "").strip()
    return label_map.get(value, value).lower()


def _wrong(value: str, label_map: dict[str, str]) -> str:
    if len(value) > LONGEST_LABEL or "\n" in value:
        return f"a label of {len(value):,} characters: a text stands in the label column"
    if value and label_map and value not in label_map:
        return f"label {value!r} is not in --label-map"
    return ""
