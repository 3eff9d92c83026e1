"""A table of texts, in any form -> blocks of rows.

Streamed: memory does not grow with the table. Every row of the file comes out, or is reported with its line: it stops
the reading, or is counted and listed. The files themselves are read in ``embed.reading``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

from embed.reading.cells import Cells, as_coded, as_list
from embed.reading.format import BadRow, Batch, TableFile
from embed.tables.columns import Columns
from embed.tables.label_notes import notes_on_labels
from embed.tables.labels import LabelRule, Labels
from embed.tables.rows import Rows
from stores.shared.errors import InputError
from stores.shared.fingerprint import canonical_json, digest_bytes
from stores.shared.html_table import html_table

SHOWN = 8  # rows, in a notebook


@dataclass(frozen=True, repr=False)
class Table:
    """A table that has been looked at once from end to end, and can be read in blocks.

    Attributes:
        name: what people call it.
        stem: its name without folders and endings, for the names of files made from it.
        files: its files, one after the other.
        columns: which columns are used, and why.
        rule: how the cells of label columns become labels.
        bad_rows: ``error`` (stop at the first), ``skip``, or the path of a file that lists them, if there are any, as
            JSON lines: file, line, why, advice, and the beginning of the row.
        notes: what the reader of a report should know about the reading, one line each.
    """

    name: str
    stem: str
    files: list[TableFile]
    columns: Columns
    rule: LabelRule
    bad_rows: str
    notes: list[str]

    def __repr__(self) -> str:
        texts = self.columns.text if len(self.columns.texts) == 1 else list(self.columns.texts)
        return f"Table({self.name!r}, text={texts!r}, labels={self.columns.labels!r})"

    def _repr_html_(self) -> str:
        try:
            rows = next(self.blocks(SHOWN))
        except InputError as error:  # a broken row: that is what there is to be seen
            return html_table([], [[str(error)]], f"Table {self.name}")
        cells = zip(rows.line.tolist(), rows.labels, rows.texts, strict=True)
        label = ", ".join(self.columns.labels) or "label"
        shown = [[line, "" if name is None else str(name), text[:100]] for line, name, text in list(cells)[:SHOWN]]
        note = "; ".join([*self.notes, *self.columns.reasons])
        return html_table(["line", label, self.columns.text], shown, f"Table {self.name}", note)

    @property
    def most_rows(self) -> int:
        """How many rows there are at most."""
        return sum(form.most_rows for form in self.files)

    def blocks(self, rows: int, tokens: int | None = None) -> Iterator[Rows]:
        """All rows in the order of the files, ``rows`` at a time (the last block may be shorter).

        Args:
            rows: of a block, at most.
            tokens: likewise, by ``Rows.tokens``; a row with more is a block by itself. None: they are not counted.

        Raises:
            InputError: naming the line, for a broken row if these are errors; or if no row is left.
        """
        waiting: list[Rows] = []
        bad: list[BadRow] = []
        count = size = 0
        for part in self._parts():
            bad += part.bad
            waiting.append(part)
            count += len(part)
            size += int(part.tokens.sum()) if tokens else 0
            if count <= rows and size <= (tokens or size):
                continue  # with more than a block there will be rows for broken ones at the end to go with
            whole = Rows.concat(waiting, [])
            ends = whole.ends_of_blocks(rows, tokens)
            for start, end in pairwise([0, *ends]):
                yield replace(whole[start:end], bad=bad)
                bad = []
            waiting = [whole[ends[-1] if ends else 0 :]]
            count, size = len(waiting[0]), int(waiting[0].tokens.sum()) if tokens else 0
        if not count:
            raise InputError(f"{self.name} has no row that could be used; {len(bad):,} are broken; see `bad_rows`")
        yield Rows.concat(waiting, bad)

    def parts(self) -> Iterator[Rows]:
        """All rows as the files hand them out, those of a stream as they come; a part may have no rows but broken ones.

        Raises:
            InputError: naming the line, for a broken row if these are errors.
        """
        return self._parts()

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
        bad_rows = "error" if self.bad_rows == "error" else "skip"
        whole = {"files": files, "columns": self.columns.as_dict(), "label_map": self.rule.label_map}
        whole |= {"labels": self.rule.as_dict(), "bad_rows": bad_rows}
        return {"file": Path(self.name).name, "digest": digest_bytes([canonical_json(whole).encode()]), **whole}

    def listing_bad_rows(self, path: Path) -> Table:
        """The same table, whose broken rows, if they were to be skipped, are listed in a file as well."""
        return replace(self, bad_rows=str(path)) if self.bad_rows == "skip" else self

    def bad_row(self, line: int, text: str, why: str, advice: str) -> BadRow:
        """A row that was read well, and turns out not to be usable; ``line`` counts as in ``Rows``."""
        for form in self.files:
            if line <= form.lines or form is self.files[-1]:
                break
            line -= form.lines
        return BadRow(form.name, line, why, advice, text[:1000], form.unit)

    def list_bad_rows(self, bad: Sequence[BadRow], mode: str) -> None:
        """Write broken rows to the file that lists them, if there is one; mode ``w`` begins it, ``a`` goes on."""
        if not bad or self.bad_rows in ("error", "skip"):
            return
        Path(self.bad_rows).parent.mkdir(parents=True, exist_ok=True)
        if mode == "w" and not _is_listing(Path(self.bad_rows)):
            raise InputError(f"`bad_rows={self.bad_rows!r}`: that file is there already, and lists no broken rows")
        with open(self.bad_rows, mode, encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in bad)

    def _parts(self) -> Iterator[Rows]:
        """The batches of all files as rows; a broken row is an error, or counted and listed."""
        before, mode = 0, "w"
        for form in self.files:
            for batch in form.batches(self.columns.all, self.columns.texts[-1]):
                part = self._rows(form, batch, before)
                if part.bad and self.bad_rows == "error":
                    raise InputError(str(part.bad[0]))
                self.list_bad_rows(part.bad, mode)
                mode = "a" if part.bad else mode
                yield part
            before += form.lines

    def _rows(self, form: TableFile, batch: Batch, before: int) -> Rows:
        labels, wrong = self.rule.read([batch.cells[name] for name in self.columns.labels])
        texts = self._texts(batch)
        if not self.columns.labels:
            labels = [None] * len(texts)
        splits = None
        if self.columns.split:
            splits = list(map(str.strip, as_coded(batch.cells[self.columns.split]).as_list()))
        ids = batch.cells[self.columns.id] if self.columns.id else None
        wrong |= self._repeats_header(labels, texts)
        rows = Rows(batch.line + before, texts, labels, splits, ids, self.rule.names, batch.bad)
        return _without(rows, wrong, form, before) if wrong else rows

    def _texts(self, batch: Batch) -> Cells:
        """The texts of a batch; of several columns their cells that are not empty, with the separator between them."""
        columns = [batch.cells[name] for name in self.columns.texts]
        if len(columns) == 1:
            return columns[0]
        rows = zip(*map(as_list, columns), strict=True)
        return [self.columns.separator.join(filter(None, row)) for row in rows]

    def _repeats_header(self, labels: Labels, texts: Cells) -> dict[int, str]:
        """Rows that hold the names of the columns, as where files were put together with their headers."""
        if self.rule.names or not self.columns.labels or len(self.columns.texts) > 1:
            return {}
        name = self.columns.labels[0]
        places = [row for row, label in enumerate(labels) if label == name] if name in self.rule.seen else []
        text = self.columns.text
        return {row: "it repeats the header" for row in places if str(texts[row]).strip() == text}

    def late_notes(self) -> list[str]:
        """What the user should know about labels that the first rows did not show; once all rows have been read."""
        if self.rule.names or not self.columns.labels:
            return []
        found = notes_on_labels(self.name, self.rule, self.rule.seen)
        return [note for note in found if note not in self.notes]


def _without(rows: Rows, wrong: dict[int, str], form: TableFile, before: int) -> Rows:
    """The rows but those whose labels are wrong, which are broken ones."""
    advice = "correct it, name another column in `label_columns`, or give `bad_rows='skip'`"
    lines = {row: int(rows.line[row]) - before for row in wrong}
    bad = [BadRow(form.name, lines[row], why, advice, rows.texts[row][:1000], form.unit) for row, why in wrong.items()]
    ordered = sorted([*rows.bad, *bad], key=lambda row: row.line)
    return rows.take([row for row in range(len(rows)) if row not in wrong], ordered)


def _is_listing(path: Path) -> bool:
    """Whether a file may be replaced by a list of broken rows: an earlier one, an empty one, or none at all."""
    if not path.is_file():
        return True  # not there, or a device or pipe that is written through
    with open(path, encoding="utf-8", errors="replace") as file:
        first = file.readline(1 << 16)
    return not first or first.startswith('{"file": ')
