"""A table of texts, in any form -> blocks of rows.

Streamed: memory does not grow with the table. Every row of the file comes out, or is reported with its line: it stops
the reading, or is counted and listed. The forms themselves are read in ``embed.reading``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np

from embed.columns import Columns, choose_columns
from embed.labels import Labels, parse_label_map, read_labels
from embed.reading.arrow import ArrowTable
from embed.reading.delimited import Delimited
from embed.reading.files import Source, find_sources
from embed.reading.folders import TAR_SUFFIXES, Folder
from embed.reading.form import BadRow, Batch, Form
from embed.reading.records import Json, Lines
from stores.errors import InputError
from stores.identity import canonical_json, digest_bytes

FORMATS = ("csv", "tsv", "json", "jsonl", "lines", "parquet", "arrow")
SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "lines", ".json": "json", ".jsonl": "json",
    ".ndjson": "json", ".parquet": "parquet", ".pq": "parquet", ".feather": "arrow", ".arrow": "arrow", ".ipc": "arrow",
}  # fmt: skip
QUOTINGS = ("double", "none")
MOJIBAKE = re.compile("[\x80-\x9f]")  # controls that no one types: other characters, decoded wrongly on the way


@dataclass(frozen=True)
class Rows:
    """Some consecutive rows of a table.

    Attributes:
        line: int64 ``[n]``, line on which each row starts, from 1; of several files, as if they were one.
        texts: the texts as they stand in the table; empty where there is none.
        labels: a name a row, None where there is none; with several label columns int8 ``[n, L]``, -1 where unknown.
        splits: for each row the part of the data set that it belongs to, empty where none is given; None without a
            split column.
        ids: likewise, what identifies the row.
        label_names: names of the ``L`` label columns, None if there is one or none.
        bad: rows that could not be used and are not among the n; those that come before them, in order.
    """

    line: np.ndarray
    texts: list[str]
    labels: Labels
    splits: list[str] | None = None
    ids: list[str] | None = None
    label_names: list[str] | None = None
    bad: list[BadRow] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, rows: slice) -> Rows:
        splits = None if self.splits is None else self.splits[rows]
        ids = None if self.ids is None else self.ids[rows]
        return Rows(self.line[rows], self.texts[rows], self.labels[rows], splits, ids, self.label_names)

    @property
    def unlabelled(self) -> np.ndarray:
        """Bool ``[n]``: rows whose label, or one of whose labels, is not known."""
        if self.label_names:
            return (self.labels < 0).any(1)
        return np.array([label is None for label in self.labels], bool)

    @classmethod
    def concat(cls, parts: Sequence[Rows], bad: list[BadRow]) -> Rows:
        """All rows of ``parts`` (at least one), with these broken rows."""

        def joined(lists: list[list | None]) -> list | None:
            return None if lists[0] is None else list(chain.from_iterable(lists))

        labels = [part.labels for part in parts]
        return cls(
            np.concatenate([part.line for part in parts]),
            joined([part.texts for part in parts]),
            np.concatenate(labels) if isinstance(labels[0], np.ndarray) else joined(labels),
            joined([part.splits for part in parts]),
            joined([part.ids for part in parts]),
            parts[0].label_names,
            bad,
        )


@dataclass(frozen=True)
class Table:
    """A table that has been looked at once from end to end, and can be read in blocks.

    Attributes:
        name: what people call it.
        stem: its name without folders and endings, for the names of files made from it.
        forms: its files, one after the other.
        columns: which columns are used, and why.
        label_map: label in the table -> label that is meant; empty if they are the same.
        bad_rows: ``error`` (stop at the first), ``skip``, or the path of a file that lists them, if there are any, as
            JSON lines: file, line, why, cure, and the beginning of the row.
        notes: what the reader of a report should know about the reading, one line each.
    """

    name: str
    stem: str
    forms: list[Form]
    columns: Columns
    label_map: dict[str, str]
    bad_rows: str
    notes: list[str]

    @property
    def most_rows(self) -> int:
        """How many rows there are at most."""
        return sum(form.most_rows for form in self.forms)

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

    def source(self) -> dict:
        """How the rows are read, as a JSON-able mapping; with the same mapping the same rows come out."""
        files = [
            {"file": Path(form.name).name, "digest": form.digest(), "lines": form.lines, **form.how}
            for form in self.forms
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

    def _parts(self) -> Iterator[Rows]:
        """The batches of all files as rows; a broken row is an error, or counted and listed."""
        before, mode = 0, "w"
        for form in self.forms:
            for batch in form.batches(self.columns.all, self.columns.text):
                part = self._rows(form, batch, before)
                if part.bad and self.bad_rows == "error":
                    raise InputError(str(part.bad[0]))
                if part.bad and self.bad_rows != "skip":
                    Path(self.bad_rows).parent.mkdir(parents=True, exist_ok=True)
                    with open(self.bad_rows, mode, encoding="utf-8") as file:
                        file.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in part.bad)
                    mode = "a"
                yield part
            before += form.lines

    def _rows(self, form: Form, batch: Batch, before: int) -> Rows:
        labels, wrong = read_labels(
            [batch.cells[name] for name in self.columns.labels], self.columns.labels, self.label_map
        )
        texts = _without_none(batch.cells[self.columns.text])
        if not self.columns.labels:
            labels = [None] * len(texts)
        splits = _without_none(batch.cells[self.columns.split]) if self.columns.split else None
        ids = _without_none(batch.cells[self.columns.id]) if self.columns.id else None
        names = self.columns.labels if len(self.columns.labels) > 1 else None
        rows = Rows(batch.line + before, texts, labels, splits, ids, names, batch.bad)
        return _without(rows, wrong, form, before) if wrong else rows


def read_table(
    data: str | Path | Sequence[str | Path],
    *,
    format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    quoting: str = "double",
    header: bool = True,
    text_column: str | None = None,
    label_columns: Sequence[str] | None = None,
    split_column: str | None = None,
    id_column: str | None = None,
    label_map: str | None = None,
    bad_rows: str = "error",
) -> Table:
    """Look at a table: its bytes, encodings, delimiter and columns.

    Args:
        data: a file, a pattern, a folder of class folders or a tar archive of one, ``-`` for stdin; or several of
            these, which are read one after the other.
        format: one of ``FORMATS``; said by the name of the file, or else found in its first bytes, if None.
        encoding: a Python codec name; by the byte-order mark, else UTF-8, else Windows-1252 if None.
        delimiter: of CSV, one character; found in the first rows if None.
        quoting: of CSV, ``double`` or ``none``.
        header: of CSV, whether the first row names the columns; else they are called ``1``, ``2``, ...
        text_column, split_column, id_column: names of columns; found by name and content if None.
        label_columns: likewise; several hold 0 and 1 each; none are wanted if it is empty.
        label_map: as ``embed.labels.parse_label_map``.
        bad_rows: see ``Table``.

    Raises:
        InputError: if there is no such file, it is empty, not text, or lacks a column that was asked for.
    """
    if format not in (None, *FORMATS):
        raise InputError(f"--format {format}: choose one of {', '.join(FORMATS)}")
    if quoting not in QUOTINGS:
        raise InputError(f"--quoting {quoting}: choose one of {', '.join(QUOTINGS)}")
    csv_options = {"delimiter": _delimiter(delimiter), "quoting": quoting, "has_header": header}
    given = [str(data)] if isinstance(data, str | Path) else list(map(str, data))
    forms = [form for item in given for form in _open(item, format, encoding, csv_options)]
    sample = forms[0].sample()
    if not any(sample.values()):
        raise InputError(_why_no_rows(forms[0]))
    columns = choose_columns(forms[0].name, sample, text_column, label_columns, split_column, id_column)
    for form in forms[1:]:
        missing = [name for name in columns.all if name not in form.header]
        if missing:
            raise InputError(
                f"{form.name} has no column {missing[0]!r}, which {forms[0].name} has; give one command each"
            )
    notes = [note for form in forms for note in form.notes]
    more = f"-and-{len(forms) - 1}-more" if len(forms) > 1 else ""
    return Table(
        forms[0].name + more, forms[0].stem + more, forms, columns, parse_label_map(label_map), bad_rows, notes
    )


def _open(data: str, format: str | None, encoding: str | None, csv_options: dict) -> Iterator[Form]:
    path = Path(data)
    if format is None and (path.is_dir() or (path.is_file() and data.lower().endswith(TAR_SUFFIXES))):
        yield Folder(path, encoding)
        return
    for source in find_sources(data):
        form = format or _guess_format(source)
        if form in ("csv", "tsv"):
            yield Delimited(
                source,
                encoding,
                **csv_options | ({"delimiter": csv_options["delimiter"] or "\t"} if form == "tsv" else {}),
            )
        elif form in ("json", "jsonl"):
            yield Json(source, encoding)
        elif form == "lines":
            yield Lines(source, encoding)
        else:
            yield ArrowTable(source, form)


def _why_no_rows(form: Form) -> str:
    bad = [row for batch in form.batches(form.header[:1], form.header[0]) for row in batch.bad]
    return str(bad[0]) if bad else f"{form.name} has a header but no rows"


def _guess_format(source: Source) -> str:
    """By the ending of the name, else by the first bytes."""
    by_name = SUFFIXES.get(source.unpacked_name.suffix.lower())
    if by_name:
        return by_name
    start = source.start()[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    magic = {b"PAR1": "parquet", b"ARROW1": "arrow", b"{": "json", b"[": "json"}
    return next((form for mark, form in magic.items() if start.startswith(mark)), "csv")


def _delimiter(delimiter: str | None) -> str | None:
    delimiter = {"tab": "\t", r"\t": "\t"}.get(delimiter, delimiter)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii()):
        raise InputError(f"--delimiter {delimiter!r}: give one character, or tab")
    return delimiter


def _without_none(cells: list[str | None]) -> list[str]:
    return [cell or "" for cell in cells] if None in cells else cells


def _without(rows: Rows, wrong: dict[int, str], form: Form, before: int) -> Rows:
    """The rows but those whose labels are wrong, which are broken ones."""
    cure = "mend it, choose another --label-column, or give --bad-rows skip"
    bad = [
        BadRow(form.name, int(rows.line[row]) - before, why, cure, rows.texts[row][:1000]) for row, why in wrong.items()
    ]
    keep = [row for row in range(len(rows)) if row not in wrong]
    labels = rows.labels[keep] if isinstance(rows.labels, np.ndarray) else [rows.labels[row] for row in keep]
    pick = lambda cells: None if cells is None else [cells[row] for row in keep]  # noqa: E731
    ordered = sorted([*rows.bad, *bad], key=lambda row: row.line)
    return Rows(rows.line[keep], pick(rows.texts), labels, pick(rows.splits), pick(rows.ids), rows.label_names, ordered)
