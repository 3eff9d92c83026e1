"""Rows of a table whose texts are alike: equal but for case, blanks, digits, links, mentions and punctuation.

No split of ``tk classify`` parts them, and scores that do are too good: who knows this before counts on fewer texts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from embed.tables.table import Table

LARGEST = 3


@dataclass(frozen=True)
class AlikeTexts:
    """A group of rows with texts alike: how many, the line of the first, and how its text begins."""

    rows: int
    line: int
    beginning: str


def group_sizes(hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each group its size, and the number of its first row.

    Args:
        hashes: ``[n]``, of the normal forms, see ``stores.shared.likeness``.
    """
    _, first, sizes = np.unique(hashes, return_index=True, return_counts=True)
    return sizes, first


def largest_groups(table: Table, sizes: np.ndarray, first: np.ndarray, block: int, characters: int) -> list[AlikeTexts]:
    """The largest groups of at least two rows; the table is read again, as far as the last of their first rows.

    Args:
        table: from which the rows came.
        sizes, first: see ``group_sizes``.
        block: rows that are read at a time.
        characters: how much of a text is kept.
    """
    order = np.lexsort((first, -sizes))[:LARGEST]
    wanted = {int(first[i]): int(sizes[i]) for i in order if sizes[i] > 1}
    found: dict[int, AlikeTexts] = {}
    start = 0
    for rows in table.blocks(block) if wanted else ():
        for row in wanted:
            if start <= row < start + len(rows):
                text, line = rows.texts[row - start], int(rows.line[row - start])
                found[row] = AlikeTexts(wanted[row], line, text[:characters])
        start += len(rows)
        if len(found) == len(wanted):
            break
    return [found[row] for row in wanted]
