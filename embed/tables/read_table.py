"""From what was asked for to a table: its files, columns and labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from embed.reading.cells import as_list
from embed.reading.detect import ReadingOptions, open_files
from embed.reading.format import TableFile
from embed.reading.frames import ArrowStream, is_in_memory, open_frame
from embed.tables.columns import SEPARATOR, Asked, Columns, Sample, choose_columns
from embed.tables.label_forms import settle_labels
from embed.tables.labels import LabelRule
from embed.tables.like import label_separator_like, text_columns_like
from embed.tables.table import Table
from stores.shared.errors import InputError

TableData: TypeAlias = "str | Path | TableFile | Sequence[Any] | Mapping[str, Any] | ArrowStream | Iterable[Any]"


def read_table(
    data: TableData,
    *,
    labels: Iterable[Any] | None = None,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    quoting: str | None = None,
    header: bool | None = None,
    skip_rows: int | None = None,
    follow_links: bool = False,
    sheet: str | None = None,
    table: str | None = None,
    query: str | None = None,
    text_column: str | Sequence[str] | None = None,
    text_separator: str | None = None,
    label_columns: Sequence[str] | None = None,
    split_column: str | None = None,
    id_column: str | None = None,
    label_map: str | None = None,
    label_separator: str | None = None,
    label_threshold: float | None = None,
    missing: str | None = None,
    bad_rows: str = "error",
    like: dict[str, Any] | None = None,
) -> Table:
    """Look at a table: its bytes, encodings, delimiter and columns.

    Args:
        data: a file, a pattern, a folder of class folders or a tar archive of one, ``-`` for stdin; or several of
            these, which are read one after the other. Or a table that Python holds: a frame of pandas or polars, an
            Arrow table or what gives one (``__arrow_c_stream__``; not copied), a ``datasets.Dataset`` or
            ``DatasetDict``, a mapping of columns, a list, array or Series of texts, or records (mappings), which a
            generator may give. A list of strings is one of texts, unless each is the name of a file or looks like it.
        labels: of a list of texts, one each; None or NaN where there is none.
        format: one of ``embed.reading.detect.FORMATS``; by the name of the file, else its first bytes, if None.
        encoding: a Python codec name; by the byte-order mark, else UTF-8, else Windows-1252 if None.
        delimiter: of CSV, one character; found in the first rows if None.
        quoting: of CSV, one of ``embed.reading.csv_dialect.QUOTINGS``; found in the first rows if None.
        header: of CSV, whether the first row names the columns; else they are called ``1``, ``2``, ...; found by
            comparing it with the rows below if None.
        skip_rows: of CSV how many lines, of a workbook how many rows stand above the table; found if None.
        follow_links: whether links inside a folder of texts are followed; else they are passed over, with a note.
        sheet: of a workbook, the name of the sheet; the only one with cells if None.
        table, query: of an SQLite database, a table or view, or a SELECT; the only table if both are None.
        text_column: one column, or several, whose cells are joined; found by name and content if None.
        text_separator: what is put between the cells of several text columns; a line break if None.
        split_column, id_column: names of columns; found by name and content if None.
        label_columns: likewise; several hold 0 and 1 each; none are wanted if it is empty.
        label_map: ``OLD=NEW,OLD=NEW``, names with ``=`` or ``,`` in double quotes; ``*`` is what is not named.
        label_separator: what stands between the labels of one cell; ``none``: each cell is one label; found if None.
        label_threshold: labels are numbers, and at least this much is ``1``, less ``0``.
        missing: what stands for no label, with commas between; what pandas takes for it if None.
        bad_rows: see ``Table``.
        like: how another table was read, as a store keeps it in ``source``: without ``text_column``, the columns in
            which that table had its texts are taken; if its cells held several labels, these do too.

    Raises:
        InputError: if there is no such file, it is empty, not text, or lacks a column that was asked for; or where
            two readings are likely.
    """
    asked = ReadingOptions(format, encoding, delimiter, quoting, header, skip_rows, follow_links, sheet, table, query)
    files = _opened(data, labels, asked)
    first = files[0]
    cells = first.sample()
    if not any(cells.values()):
        raise InputError(_why_no_rows(first))
    texts = [text_column] if isinstance(text_column, str) else text_column
    if like is not None and not texts:
        known = text_columns_like(first, like)
        texts, text_separator = list(known.names), known.separator
    separator = SEPARATOR if text_separator is None else text_separator
    sample = Sample(first.name, cells, first.nested, first.lists, first.sample_all)
    columns = choose_columns(sample, Asked(texts or None, label_columns, split_column, id_column, separator))
    if in_lists := [name for name in columns.texts if name in first.lists]:
        raise InputError(f"{first.name}: column {in_lists[0]!r} holds lists, no texts; name another in `text_column`")
    for form in files[1:]:
        missing_columns = [name for name in columns.all if name not in form.header]
        if missing_columns:
            raise InputError(
                f"{form.name} has no column {missing_columns[0]!r}, which {first.name} has; give one command each"
            )
    rule = LabelRule.of(columns.labels, label_map, missing, label_threshold)
    notes = [note for form in files for note in form.notes]
    if len(columns.labels) == 1:
        found = label_columns is None
        sampled = cells[columns.labels[0]]
        every = partial(_label_cells, files, columns)
        label_separator = label_separator or label_separator_like(like or {})
        rule, more = settle_labels(first.name, rule, sampled, label_separator, found, every)
        notes += more
        if rule.classes is not None:
            rule = rule.with_classes(_classes(files, columns, rule))
    name = f"-and-{len(files) - 1}-more" if len(files) > 1 else ""
    return Table(first.name + name, first.stem + name, files, columns, rule, bad_rows, notes)


def _opened(data: TableData, labels: Iterable[Any] | None, asked: ReadingOptions) -> list[TableFile]:
    """The files that ``data`` names, or the table that it is."""
    if isinstance(data, TableFile):  # a stream
        return [data]
    if is_in_memory(data):
        if given := [name for name, value in vars(asked).items() if value or (name == "header" and value is not None)]:
            raise InputError(f"`{given[0]}` is for files, and this is a {type(data).__name__}")
        return [open_frame(data, labels)]
    if labels is not None:
        raise InputError("`labels` are for a list of texts; a file has its labels in a column")
    names: Any = [data] if isinstance(data, str | Path) else data
    return open_files(list(map(str, names)), asked)


def _classes(files: list[TableFile], columns: Columns, rule: LabelRule) -> list[str]:
    """The names of several labels a row: those that the file declares, else all that stand in the column."""
    column = columns.labels[0]
    declared = files[0].classes.get(column)
    if rule.vectors:
        one = next(cell for cell in files[0].sample()[column] if cell.strip())
        count = one.count(",") + 1 if "," in one else len(one.split())
        return declared if declared and len(declared) == count else [f"{column}.{i}" for i in range(count)]
    if declared and not rule.label_map:
        return declared
    return rule.all_labels(_label_cells(files, columns))


def _label_cells(files: list[TableFile], columns: Columns) -> set[str]:
    """The different cells of the label column."""
    column, text = columns.labels[0], columns.texts[-1]
    cells: set[str] = set()
    for form in files:
        for batch in form.batches(list(dict.fromkeys([column, text])), text):
            cells.update(as_list(batch.cells[column]))
    return cells


def _why_no_rows(form: TableFile) -> str:
    bad = next((row for batch in form.batches(form.header[:1], form.header[0]) for row in batch.bad), None)
    return str(bad) if bad else f"{form.name} has a header but no rows"
