"""Scores as a table for a terminal of 80 columns: too many columns become several tables, one below the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Group

TERMINAL = 80  # columns of text
NAME, NUMBER = 24, 16  # characters of the longest name, and of a column of numbers
GAP = 2  # between columns: the space of a cell and the one that parts it from the next


def shorten(name: str, characters: int = NAME) -> str:
    """A name that is too long, without its middle: ``tweets.minilm.bil…patience=3``."""
    if len(name) <= characters:
        return name
    room = characters - 1
    return f"{name[: room - room // 2]}\u2026{name[len(name) - room // 2 :]}"


def grid(names: Sequence[str], titles: Sequence[str], rows: Sequence[tuple[Sequence[str], Sequence[str]]]) -> Group:
    """Tables of the same rows, each as wide as fits.

    Args:
        names: headers of the columns that say what a row is; they stand in every table.
        titles: headers of the columns of numbers.
        rows: for each the cells under ``names`` and those under ``titles``; a cell may have two lines.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Group
    from rich.table import Column, Table
    from rich.text import Text

    longest = min(NAME, (TERMINAL - NUMBER) // len(names) - GAP)
    left = [[shorten(cell, longest) for cell in cells] for cells, _ in rows]
    width = sum(max(map(len, (name, *(cells[i] for cells in left)))) + GAP for i, name in enumerate(names))
    blocks: list[list[int]] = [[]]
    used = width
    for i, title in enumerate(titles):
        lines = [line for _, cells in rows for line in cells[i].split("\n")]
        wide = max(map(len, (title, *lines))) + GAP
        if blocks[-1] and used + wide - GAP > TERMINAL:
            blocks.append([])
            used = width
        blocks[-1].append(i)
        used += wide
    parts: list[object] = []
    for block in blocks:
        columns = [*(Column(name, no_wrap=True) for name in names),
                   *(Column(titles[i], justify="right", no_wrap=True) for i in block)]  # fmt: skip
        table = Table(*columns, box=SIMPLE_HEAD, padding=(0, GAP - 1, 0, 0), show_edge=False, pad_edge=False)
        for labels, (_, cells) in zip(left, rows, strict=True):
            table.add_row(*map(Text, labels), *(Text(cells[i]) for i in block))
        parts += ["", table] if parts else [table]
    return Group(*parts)  # type: ignore[arg-type]
