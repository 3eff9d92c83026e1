"""The columns of another table, used again: new texts are read from where those of a run were, never guessed."""

from __future__ import annotations

from typing import Any, NamedTuple

from embed.reading.format import TableFile
from stores.shared.errors import InputError
from stores.shared.suggest import did_you_mean

OWN_NAMES = ("folder", "lines", "labelled", "trees")  # formats whose columns are always called alike, the text ``text``


class TextColumns(NamedTuple):
    """The columns that make up a text, and what is put between them; no names: the form's own column."""

    names: tuple[str, ...]
    separator: str | None = None


def text_columns_like(form: TableFile, source: dict[str, Any]) -> TextColumns:
    """The text columns of a table in which those of another table are.

    Args:
        form: the table.
        source: of the other table, as a store keeps it; of several tables in a store of merged ones.

    Raises:
        InputError: if ``form`` lacks the columns, or ``source`` does not say which they were.
    """
    if form.how.get("format") in OWN_NAMES:
        return TextColumns(())
    advice = "name the column with the texts in `text_column`"
    known = list(dict.fromkeys(_text_columns(source)))
    if not known:
        if len(form.header) == 1:
            return TextColumns((form.header[0],))
        raise InputError(f"{form.name}: the run does not say which column its texts were in; {advice}")
    fitting = [columns for columns in known if set(columns.names) <= set(form.header)]
    if len(fitting) == 1:
        return fitting[0]
    names = " or ".join(", ".join(map(repr, columns.names)) for columns in known)
    if fitting:
        raise InputError(f"{form.name} has several columns in which texts of the run were: {names}; {advice}")
    header = ", ".join(form.header)
    advice += _about_header(form, known)
    meant = did_you_mean(known[0].names[0], form.header) if len(known) == 1 else ""
    raise InputError(
        f"{form.name} has no column {names}, in which the texts of the run were; it has: {header}{meant}; {advice}"
    )


def label_separator_like(source: dict[str, Any]) -> str | None:
    """What stands between the labels of a cell, if there were several in that table's; else None.

    So that a table in which each row happens to have one label is read like that one.
    """
    rule = source.get("labels", {})
    if rule.get("classes") is None or rule.get("vectors"):
        return None
    return rule.get("separator") or ","  # lists are read as lists, whatever the separator


def _text_columns(source: dict[str, Any]) -> list[TextColumns]:
    if "stores" in source:
        return [columns for each in source["stores"] for columns in _text_columns(each)]
    columns = source.get("columns", {})
    if not columns.get("text"):
        return []
    names = columns["text"]
    return [TextColumns((names,) if isinstance(names, str) else tuple(names), columns.get("separator"))]


def _about_header(form: TableFile, known: list[TextColumns]) -> str:
    """What to do if the first row was taken for what it is not; empty where this cannot be the reason."""
    numbered = all(name.isdigit() for columns in known for name in columns.names)
    if form.how.get("header") is True and numbered:
        return ", or give `header=False` if its first row is data, as it was in the table of the run"
    if form.how.get("header") is False and not numbered:
        return ", or give `header=True` if its first row names the columns"
    return ""
