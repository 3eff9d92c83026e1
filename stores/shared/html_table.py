"""A small table in HTML, as notebooks show it; whatever stands in a cell is text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

NUMBER = ' style="text-align: right"'


def html_table(header: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "", note: str = "") -> str:
    """A table with a caption above and a note below; numbers stand at the right.

    Args:
        header: names of the columns; none if empty.
        rows: their cells.
        caption, note: plain text.
    """
    parts = ["<table>"]
    if caption:
        parts.append(f'<caption style="text-align: left"><b>{escape(caption)}</b></caption>')
    if header:
        parts.append("<thead><tr>" + "".join(f"<th>{escape(name)}</th>" for name in header) + "</tr></thead>")
    parts.append("<tbody>")
    for row in rows:
        parts.append("<tr>" + "".join(f"<td{_style(cell)}>{escape(_shown(cell))}</td>" for cell in row) + "</tr>")
    parts.append("</tbody></table>")
    if note:
        parts.append(f"<p>{escape(note)}</p>")
    return "".join(parts)


def _style(cell: object) -> str:
    return NUMBER if isinstance(cell, int | float) or str(cell)[:1].isdigit() else ""


def _shown(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)
