"""Strings from strangers (texts, labels, ids) in files that spreadsheets open."""

from __future__ import annotations

FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what begins so, a spreadsheet computes (OWASP, CSV injection)


def spreadsheet_safe(cell: str) -> str:
    """``cell`` for a spreadsheet: an apostrophe before what would be computed as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell
