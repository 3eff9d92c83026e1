"""CSV and TSV: the first row, the names of the columns, and which of them belong to the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from embed.reading.cells import Cells, as_list
from embed.reading.column_names import is_usual
from embed.reading.csv_arrow import is_blank
from embed.reading.csv_chunks import ChunkReader, Piece
from embed.reading.csv_sniff import Start, Trial, usual_width
from embed.reading.decode import scan, utf8_blocks
from embed.reading.files import Source
from embed.reading.format import SAMPLE_ROWS, Batch, TableFile
from embed.reading.header import is_title, judge_first_row, show_row
from stores.shared.errors import InputError

FAST_FROM = 1 << 22  # bytes: below, importing pyarrow takes longer than it saves
FIRST = 1 << 16  # bytes: who looks at the first rows only need not wait until a whole block is parsed
ENOUGH = 1 << 19  # bytes of rows that show what is in the columns, however few: half a block, so that one will do
MOST_BROKEN = 1000  # rows at the beginning of which none can be used: this is no table
INDEX_NAME = re.compile(r"(?:Unnamed: \d+(?:\.\d+)?)?")


class Delimited(TableFile):
    """One file of rows and delimiters; see ``TableFile``.

    Args:
        source: the file.
        encoding: a Python codec name; found if None.
        delimiter: one character; that which cuts the first rows into equally many cells if None.
        quoting: one of ``csv_dialect.QUOTINGS``; found in the first rows if None.
        has_header: whether the first row names the columns; else they are called ``1``, ``2``, ...; found if None.
        skip_rows: how many lines stand above the first row; found if None.

    Raises:
        InputError: if there is no first row, it is not of text, or may as well be a header as data.
    """

    def __init__(
        self,
        source: Source,
        encoding: str | None,
        delimiter: str | None,
        quoting: str | None,
        has_header: bool | None,
        skip_rows: int | None = None,
    ) -> None:
        found = scan(source, encoding)
        super().__init__(source)
        self.encoding, self.notes = found.encoding, list(found.notes)
        self.places, self.lines = found.places, found.lines
        blocks = filter(None, utf8_blocks(source, found.encoding))
        first, more = next(blocks, b""), next(blocks, b"")
        skip = skip_rows or 0 if has_header is False else skip_rows
        start = Start.of(source.name, first, not more, delimiter, quoting, skip)
        self.notes += start.notes
        trial = start.trial
        header = has_header
        if header is None:
            header = self._judge(start, first)
        names, self._skipped_bytes, self._skipped_lines = self._names(trial, header), start.size, start.lines
        if header:
            self._skipped_bytes, self._skipped_lines = start.after_row(first)
        self.most_rows = max(0, found.lines - self._skipped_lines)
        self._dialect = replace(trial.dialect, width=len(names))
        self._first_rows = [row for row in trial.rows[header:] if len(row) == len(names)]
        self._unnamed = self._nameless(names)
        self._places = self._name(names)
        self.header = list(self._places)
        self.how = {"encoding": found.encoding, "delimiter": trial.dialect.delimiter, "quoting": trial.dialect.quoting}
        self.how["header"] = header
        if start.above:
            self.how["skipped"] = start.above
        if trial.dialect.blanks:
            self.how["blanks"] = True

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        found: dict[str, list[str]] = {name: [] for name in self._places}
        rows = broken = size = 0
        for piece in self._pieces(fast=False):
            rows, broken, size = rows + len(piece.line), broken + len(piece.bad), size + piece.bytes
            for name, i in self._places.items():
                found[name] += as_list(piece.columns[i])[: SAMPLE_ROWS - len(found[name])]
            if broken >= MOST_BROKEN or rows >= SAMPLE_ROWS or (rows and size >= ENOUGH):
                break
        return found

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``; cells under unnamed columns right after the text are part of the text.

        (They come from commas in texts that somebody wrote without quotes: the SMS spam table has 50 such rows.)
        Cells with content under other unnamed columns make a row a broken one.
        """
        spill = self._spill_of(text)
        beyond = [i for i in self._unnamed if i not in spill]
        for piece in self._pieces(fast=self.source.path.stat().st_size >= FAST_FROM):
            cells = {name: piece.columns[self._places[name]] for name in columns}
            spilled = [as_list(piece.columns[i]) for i in spill if not _is_blank(piece.columns[i])]
            if spilled:
                delimiter = self._dialect.delimiter
                cells[text] = [_join(row, delimiter) for row in zip(as_list(cells[text]), *spilled, strict=True)]
            used = [as_list(piece.columns[i]) for i in beyond if not _is_blank(piece.columns[i])]
            if used:
                yield self._without_beyond(piece, cells, used)
            else:
                yield Batch(piece.line, cells, piece.bad)

    def _judge(self, start: Start, block: bytes) -> bool:
        """Whether the first row names the columns; what was found is a note, unless the names are usual ones."""
        rows = start.trial.rows
        first = rows[0]
        below = [row for row in rows[1:] if row != first]  # a header may come again where files were put together
        width = usual_width(below)
        numbered = width == len(first) + 1 and _is_index([row[0] for row in below if len(row) == width])
        aligned = [""] * numbered + first
        if usual := is_title([aligned, *below]):
            decides = " if it is a title, or `header=True`" * (width == len(first))
            raise InputError(
                f"{self.name}: the first row ({show_row(first)}) names {sum(map(bool, first))} of {usual} columns; "
                f"give `skip_rows={start.lines_above(block, usual)}`{decides}"
            )
        verdict = judge_first_row(aligned, [row for row in below if len(row) == len(aligned)])
        if verdict.header is None:
            raise InputError(
                f"{self.name}: the first row ({show_row(first)}) may name the columns or be data: {verdict.why}; "
                f"give `header=True` or `header=False`"
            )
        if not verdict.header:
            self.notes.append(
                f"{self.name} has no header: {verdict.why}; columns are called 1 to {len(first)}; "
                f"`header=True` decides otherwise"
            )
        elif not any(map(is_usual, first)):
            self.notes.append(f"{self.name} has a header: {verdict.why}; `header=False` decides otherwise")
        return verdict.header

    def _names(self, trial: Trial, header: bool) -> list[str]:
        """What the columns are called, empty where that is not known; one for each cell of most rows."""
        first, below = trial.rows[0], trial.rows[1:]
        if not header:
            return [str(i + 1) for i in range(max(usual_width(below), len(first)))]
        names = list(map(str.strip, first))
        width = usual_width(below)
        aligned = [row for row in below if len(row) == width]
        if width == len(names) - 1 and not names[-1]:  # the header alone ends with a delimiter
            return names[:-1]
        if width == len(names) + 1 and len(aligned) == len(below):
            if not any(row[-1] for row in aligned):  # all rows end with a delimiter
                return [*names, ""]
            if _is_index([row[0] for row in aligned]):  # numbers of the rows, as R writes them
                return ["", *names]
        return names

    def _nameless(self, names: list[str]) -> list[int]:
        """Places of the columns without a name; those that most rows fill get one, unless they number the rows."""
        nameless = []
        for i, name in enumerate(names):
            if not INDEX_NAME.fullmatch(name):
                continue
            cells = [row[i].strip() for row in self._first_rows]
            filled = [cell for cell in cells if cell]
            if all(not names[k] or INDEX_NAME.fullmatch(names[k]) for k in range(i)) and _is_index(filled):
                called = repr(name) if name else "without a name"
                self.notes.append(f"{self.name}: column {i + 1} ({called}) numbers the rows and is left out")
                names[i] = ""
            elif not name and 2 * len(filled) > len(cells):
                names[i] = f"Unnamed: {i}"
                self.notes.append(f"{self.name}: column {i + 1} has no name; it is called {names[i]!r}")
            elif not name:
                nameless.append(i)
        return nameless

    def _name(self, names: list[str]) -> dict[str, int]:
        """Place of each named column; the second of two equal names gets a number."""
        places: dict[str, int] = {}
        for i, name in enumerate(names):
            unique, number = name, 2
            while unique in places:
                unique, number = f"{name}.{number}", number + 1
            if unique != name and name:
                self.notes.append(f"{self.name} has several columns {name!r}; column {i + 1} is called {unique!r}")
            if name:
                places[unique] = i
        return places

    def _spill_of(self, text: str) -> list[int]:
        """Places of the unnamed columns right after the text."""
        after = range(self._places[text] + 1, self._dialect.width)
        return list(after[: next((n for n, i in enumerate(after) if i not in self._unnamed), len(after))])

    def _without_beyond(self, piece: Piece, cells: dict, used: list[list[str]]) -> Batch:
        bad = list(piece.bad)
        keep = []
        for row, beyond in enumerate(zip(*used, strict=True)):
            if any(beyond):
                why = f"{sum(map(bool, beyond))} cells with content in columns that have no name"
                first = next(filter(None, beyond))
                bad.append(self._dialect.bad(int(piece.line[row]), why, first))
            else:
                keep.append(row)
        lists = {name: as_list(values) for name, values in cells.items()}
        kept = {name: [values[row] for row in keep] for name, values in lists.items()}
        return Batch(piece.line[keep], kept, sorted(bad, key=lambda row: row.line))

    def _pieces(self, fast: bool) -> Iterator[Piece]:
        blocks = _skip(utf8_blocks(self.source, self.encoding), self._skipped_bytes)
        blocks = blocks if fast else _first_apart(blocks)
        return ChunkReader(self._dialect, self._skipped_lines + 1).pieces(blocks, fast)


def _skip(blocks: Iterator[bytes], count: int) -> Iterator[bytes]:
    """The blocks without so many bytes at the beginning."""
    for block in blocks:
        if len(block) > count:
            yield block[count:]
        count = max(0, count - len(block))


def _first_apart(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks, of which the first comes in two pieces if it is large."""
    for block in blocks:
        yield from filter(None, (block[:FIRST], block[FIRST:]))
        yield from blocks


def _is_blank(column: Cells) -> bool:
    return not any(column) if isinstance(column, list) else is_blank(column)


def _join(cells: tuple[str, ...], delimiter: str) -> str:
    """A text and the cells it was cut into, without the empty ones at the end."""
    length = next((n for n in range(len(cells), 1, -1) if cells[n - 1]), 1)
    return delimiter.join(cells[:length])


def _is_index(cells: list[str]) -> bool:
    """Whether these are whole numbers, each once, as those that number rows."""
    return bool(cells) and len(set(cells)) == len(cells) and all(map(str.isdigit, cells))
