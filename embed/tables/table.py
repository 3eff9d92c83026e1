"""A table of texts, in any form -> blocks of rows.

Streamed: memory does not grow with the table. Every row of the file comes out, or is reported with its line: it stops
the reading, or is counted and listed. The files themselves are read in ``embed.reading``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from embed.reading.cells import as_coded
from embed.reading.detect import ReadingOptions, open_files
from embed.reading.format import BadRow, Batch, TableFile
from embed.tables.columns import Columns, choose_columns
from embed.tables.labels import parse_label_map, read_labels
from embed.tables.like import text_columns_like
from embed.tables.rows import Rows
from stores.shared.errors import InputError
from stores.shared.fingerprint import canonical_json, digest_bytes


@dataclass(frozen=True)
class Table:
    """A table that has been looked at once from end to end, and can be read in blocks.

    Attributes:
        name: what people call it.
        stem: its name without folders and endings, for the names of files made from it.
        files: its files, one after the other.
        columns: which columns are used, and why.
        label_map: label in the table -> label that is meant; empty if they are the same.
        bad_rows: ``error`` (stop at the first), ``skip``, or the path of a file that lists them, if there are any, as
            JSON lines: file, line, why, cure, and the beginning of the row.
        notes: what the reader of a report should know about the reading, one line each.
    """

    name: str
    stem: str
    files: list[TableFile]
    columns: Columns
    label_map: dict[str, str]
    bad_rows: str
    notes: list[str]

    @property
    def most_rows(self) -> int:
        """How many rows there are at most."""
        return sum(form.most_rows for form in self.files)

    def blocks(self, rows: int) -> Iterator[Rows]:
        """All rows in the order of the files, ``rows`` at a time (the last block may be shorter).

        Raises:
            InputError: naming the line, for a broken row if these are errors; or if no row is left.
        """
        waiting: list[Rows] = []
        bad: list[BadRow] = []
        count = 0
        for part in self._parts():
            bad += part.bad
            waiting.append(part)
            count += len(part)
            if count <= rows:  # with more than a block there will be rows for broken ones at the end to go with
                continue
            whole = Rows.concat(waiting, [])
            for start in range(0, count - rows, rows):
                yield replace(whole[start : start + rows], bad=bad)
                bad = []
            waiting = [whole[start + rows :]]
            count = len(waiting[0])
        if not count:
            raise InputError(f"{self.name} has no row that could be used; {len(bad):,} are broken; see --bad-rows")
        yield Rows.concat(waiting, bad)

    def share(self, line: int) -> float:
        """How much of the table there is up to a line, 0 to 1: by bytes where these are known, else by rows."""
        whole = [form.bytes_before(form.lines) for form in self.files]
        before = 0.0
        for form, size in zip(self.files, whole, strict=True):
            if line <= form.lines:
                return min(1.0, (before + form.bytes_before(line)) / max(sum(whole), 1.0))
            before, line = before + size, line - form.lines
        return 1.0

    def source(self) -> dict:
        """How the rows are read, as a JSON-able mapping; with the same mapping the same rows come out."""
        files = [
            {"file": Path(form.name).name, "digest": form.digest(), "lines": form.lines, **form.how}
            for form in self.files
        ]
        used = {
            "text": self.columns.text,
            "labels": self.columns.labels,
            "split": self.columns.split,
            "id": self.columns.id,
        }
        bad_rows = "error" if self.bad_rows == "error" else "skip"
        whole = {"files": files, "columns": used, "label_map": self.label_map, "bad_rows": bad_rows}
        return {"file": Path(self.name).name, "digest": digest_bytes([canonical_json(whole).encode()]), **whole}

    def listing_bad_rows(self, path: Path) -> Table:
        """The same table, whose broken rows, if they were to be skipped, are listed in a file as well."""
        return replace(self, bad_rows=str(path)) if self.bad_rows == "skip" else self

    def bad_row(self, line: int, text: str, why: str, cure: str) -> BadRow:
        """A row that was read well, and turns out not to be usable; ``line`` counts as in ``Rows``."""
        for form in self.files:
            if line <= form.lines or form is self.files[-1]:
                break
            line -= form.lines
        return BadRow(form.name, line, why, cure, text[:1000], form.unit)

    def list_bad_rows(self, bad: Sequence[BadRow], mode: str) -> None:
        """Write broken rows to the file that lists them, if there is one: anew with mode ``w``, behind with ``a``."""
        if not bad or self.bad_rows in ("error", "skip"):
            return
        Path(self.bad_rows).parent.mkdir(parents=True, exist_ok=True)
        with open(self.bad_rows, mode, encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in bad)

    def _parts(self) -> Iterator[Rows]:
        """The batches of all files as rows; a broken row is an error, or counted and listed."""
        before, mode = 0, "w"
        for form in self.files:
            for batch in form.batches(self.columns.all, self.columns.text):
                part = self._rows(form, batch, before)
                if part.bad and self.bad_rows == "error":
                    raise InputError(str(part.bad[0]))
                self.list_bad_rows(part.bad, mode)
                mode = "a" if part.bad else mode
                yield part
            before += form.lines

    def _rows(self, form: TableFile, batch: Batch, before: int) -> Rows:
        labels, wrong = read_labels(
            [batch.cells[name] for name in self.columns.labels], self.columns.labels, self.label_map
        )
        texts = batch.cells[self.columns.text]
        if not self.columns.labels:
            labels = [None] * len(texts)
        splits = as_coded(batch.cells[self.columns.split]).as_list() if self.columns.split else None
        ids = batch.cells[self.columns.id] if self.columns.id else None
        names = self.columns.labels if len(self.columns.labels) > 1 else None
        rows = Rows(batch.line + before, texts, labels, splits, ids, names, batch.bad)
        return _without(rows, wrong, form, before) if wrong else rows


def read_table(
    data: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    quoting: str | None = None,
    header: bool | None = None,
    follow_links: bool = False,
    text_column: str | None = None,
    label_columns: Sequence[str] | None = None,
    split_column: str | None = None,
    id_column: str | None = None,
    label_map: str | None = None,
    bad_rows: str = "error",
    like: dict[str, Any] | None = None,
) -> Table:
    """Look at a table: its bytes, encodings, delimiter and columns.

    Args:
        data: a file, a pattern, a folder of class folders or a tar archive of one, ``-`` for stdin; or several of
            these, which are read one after the other.
        format: one of ``embed.reading.detect.FORMATS``; by the name of the file, else its first bytes, if None.
        encoding: a Python codec name; by the byte-order mark, else UTF-8, else Windows-1252 if None.
        delimiter: of CSV, one character; found in the first rows if None.
        quoting: of CSV, one of ``embed.reading.csv_dialect.QUOTINGS``; found in the first rows if None.
        header: of CSV, whether the first row names the columns; else they are called ``1``, ``2``, ...; found by
            comparing it with the rows below if None.
        follow_links: whether links inside a folder of texts are followed; else they are passed over, with a note.
        text_column, split_column, id_column: names of columns; found by name and content if None.
        label_columns: likewise; several hold 0 and 1 each; none are wanted if it is empty.
        label_map: as ``embed.tables.labels.parse_label_map``.
        bad_rows: see ``Table``.
        like: how another table was read, as a store keeps it in ``source``: without ``text_column``, the columns in
            which that table had its texts are taken.

    Raises:
        InputError: if there is no such file, it is empty, not text, or lacks a column that was asked for.
    """
    given = [data] if isinstance(data, str | Path) else data
    asked = ReadingOptions(format, encoding, delimiter, quoting, header, follow_links)
    files = [form for item in given for form in open_files(str(item), asked)]
    sample = files[0].sample()
    if not any(sample.values()):
        raise InputError(_why_no_rows(files[0]))
    if like is not None and text_column is None:
        text_column = next(iter(text_columns_like(files[0], like).names), None)
    columns = choose_columns(files[0].name, sample, text_column, label_columns, split_column, id_column)
    for form in files[1:]:
        missing = [name for name in columns.all if name not in form.header]
        if missing:
            raise InputError(
                f"{form.name} has no column {missing[0]!r}, which {files[0].name} has; give one command each"
            )
    notes = [note for form in files for note in form.notes]
    more = f"-and-{len(files) - 1}-more" if len(files) > 1 else ""
    return Table(
        files[0].name + more, files[0].stem + more, files, columns, parse_label_map(label_map), bad_rows, notes
    )


def _why_no_rows(form: TableFile) -> str:
    bad = next((row for batch in form.batches(form.header[:1], form.header[0]) for row in batch.bad), None)
    return str(bad) if bad else f"{form.name} has a header but no rows"


def _without(rows: Rows, wrong: dict[int, str], form: TableFile, before: int) -> Rows:
    """The rows but those whose labels are wrong, which are broken ones."""
    cure = "mend it, choose another --label-column, or give --bad-rows skip"
    lines = {row: int(rows.line[row]) - before for row in wrong}
    bad = [BadRow(form.name, lines[row], why, cure, rows.texts[row][:1000], form.unit) for row, why in wrong.items()]
    ordered = sorted([*rows.bad, *bad], key=lambda row: row.line)
    return rows.take([row for row in range(len(rows)) if row not in wrong], ordered)
