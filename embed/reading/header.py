"""Whether the first row of a table names the columns, or is a row like the others.

Column by column the first cell is compared with those below it: a number over numbers, a class that occurs again, or a
cell as long as a text is data; a word over numbers, a usual name, or a short cell over long texts names a column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embed.reading.cells import is_number
from embed.reading.column_names import is_usual, label_tier, text_rank

SURE = 2  # by so much one side must outweigh the other
LONG = 40  # characters that a name of a column seldom has
MOST_ABOVE = 20  # rows above a header
SHOWN = 60  # characters of the first row that messages show


@dataclass(frozen=True)
class Verdict:
    """What the first row is.

    Attributes:
        header: True, False, or None where both readings are likely.
        why: the strongest reason for it; where both are likely, the strongest of each.
    """

    header: bool | None
    why: str


def rows_above(rows: Sequence[Sequence[str]]) -> int:
    """How many of the first rows are titles and remarks above the header; 0 if the first row may be the header.

    The header below is a row of names, some of them usual and none a value of its column, that has more cells with
    content than each row above it; or in which both the texts and the labels have usual names.
    """
    if not rows or any(map(is_usual, rows[0])):
        return 0
    for number, row in enumerate(rows[1 : MOST_ABOVE + 1], 1):
        names = [cell.strip() for cell in row if cell.strip()]
        below = rows[number + 1 :]
        if not below or not are_names(names):
            continue
        others = [*rows[:number], *below]
        if any(cell.strip() and cell == other[i] for i, cell in enumerate(row) for other in others if i < len(other)):
            continue
        fuller = all(sum(bool(cell.strip()) for cell in above) < len(names) for above in rows[:number])
        known = [any(rank(name) is not None for name in names) for rank in (text_rank, label_tier)]
        if fuller or all(known):
            return number
    return 0


def are_names(cells: Sequence[str]) -> bool:
    """Whether these may be the names of columns: two or more, all short and different, and one at least usual."""
    return 1 < len(cells) == len(set(cells)) and all(map(_is_identifier, cells)) and any(map(is_usual, cells))


def is_title(rows: Sequence[Sequence[str]]) -> int:
    """If the first row has far fewer cells with content than those below it, how many these have; else 0.

    (One may be empty: that of a column that numbers the rows.)
    """
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    usual = int(np.median(filled[1:])) if len(filled) > 1 else 0
    numbered = filled[0] == usual - 1 and not rows[0][0].strip()
    return usual if filled[0] <= usual / 2 and not numbered else 0


def judge_first_row(first: Sequence[str], below: Sequence[Sequence[str]]) -> Verdict:
    """Compare the first row with those below it, all of the same width."""
    if not below:
        named = [f"{cell!r} is a usual name" for cell in first if is_usual(cell)]
        return Verdict(bool(named) or None, named[0] if named else "there is no other row to compare with")
    columns = [[row[i].strip() for row in below if row[i].strip()] for i in range(len(first))]
    if _counts_columns(first, columns):
        return Verdict(True, "it counts the columns, as pandas does")
    votes = [vote for i, cell in enumerate(first) for vote in _votes(i + 1, cell.strip(), columns[i])]
    names = [cell.strip() for cell in first if cell.strip()]
    if len(names) > 1 and len(set(names)) == len(names) and all(_is_identifier(name) for name in names):
        votes.append((1, "its cells are short and all different"))
    pros = sorted((vote for vote in votes if vote[0] > 0), key=lambda vote: -vote[0])
    cons = sorted((vote for vote in votes if vote[0] < 0), key=lambda vote: vote[0])
    score = sum(weight for weight, _ in votes)
    if score >= SURE and not (cons and cons[0][0] <= -4):
        return Verdict(True, pros[0][1])
    if score <= -SURE and not (pros and pros[0][0] >= 4):
        return Verdict(False, cons[0][1])
    return Verdict(None, " but ".join(side[0][1] for side in (pros, cons) if side) or "it is like the others")


def show_row(cells: Sequence[str]) -> str:
    """The beginning of a row, for messages."""
    row = " | ".join(" ".join(cell.split()) for cell in cells)
    return row if len(row) <= SHOWN else row[: SHOWN - 3] + "..."


def _votes(number: int, cell: str, below: list[str]) -> list[tuple[int, str]]:
    """What one column says: weights, positive for a header, and reasons."""
    if not cell or not below:
        return [(3, f"{cell!r} is a usual name")] if cell and is_usual(cell) else []
    repeated = len(set(below)) <= max(1, len(below) // 2)
    if all(map(is_number, below)):
        if is_number(cell):
            return [(-4 if repeated and cell in below else -3, f"{cell!r} is a number like those below it")]
        return [(4 if is_usual(cell) else 3, f"{cell!r} stands over numbers")]
    if cell in below and (repeated or len(below) < 4):
        return [(-5 if repeated else -3, f"{cell!r} in column {number} occurs again below")]
    if is_usual(cell):
        return [(3, f"{cell!r} is a usual name")]
    return _vote_of_form(number, cell, below, repeated)


def _vote_of_form(number: int, cell: str, below: list[str], repeated: bool) -> list[tuple[int, str]]:
    """What the length and the characters of a cell say, compared with those below it."""
    lengths = [len(value) for value in below]
    words = np.median([len(value.split()) for value in below])
    if words >= 3 and len(cell.split()) >= 3 and len(cell) >= min(np.median(lengths) / 3, LONG):
        return [(-2, f"column {number} begins with a text like those below it")]
    if repeated and len(below) >= 4:
        return [(2 if len(below) >= 20 else 1, f"{cell!r} is no value of its column")]
    if _has_digits(below):
        if _has_digits([cell]):
            return [(-2, f"{cell!r} has digits like the cells below it")]
        return [(2, f"{cell!r} stands over cells with digits")]
    if words >= 3 and len(cell.split()) < 3 and len(cell) <= LONG:
        return [(2 if len(cell) < min(lengths) else 1, f"{cell!r} is shorter than the texts below it")]
    return []


def _counts_columns(first: Sequence[str], columns: list[list[str]]) -> bool:
    """Whether the first row is ``0, 1, ...`` over cells that are not all numbers."""
    cells = [cell.strip() for cell in first]
    named = cells[1:] if not cells[0] else cells
    return (
        named == [str(i) for i in range(len(named))]
        and any(not is_number(value) for column in columns for value in column[:100])
        and (len(named) > 1 or not cells[0])
    )


def _has_digits(cells: Sequence[str]) -> bool:
    """Whether all are short and have a digit, as dates and keys have."""
    return all(len(cell) <= LONG and any(map(str.isdigit, cell)) for cell in cells)


def _is_identifier(cell: str) -> bool:
    return len(cell) <= LONG and len(cell.split()) <= 3 and not is_number(cell)
