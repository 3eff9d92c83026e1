"""Workbooks of Excel and LibreOffice: .xlsx, .xlsm, .xlsb, .xls and .ods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embed.reading.files import Source, damage_is_one_line
from embed.reading.header import is_title, judge_first_row, rows_above, show_row
from embed.reading.row_table import RowTable, as_cell, unique_names
from stores.shared.errors import InputError

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
JUDGED_ROWS = 200


class Workbook(RowTable):
    """One sheet of a workbook. See ``TableFile``; a row's line is its number on the sheet.

    Args:
        source: the file.
        sheet: its name; the only sheet with cells if None.
        has_header: whether the first row names the columns; found if None.
        skip_rows: how many rows of the sheet stand above it; found if None.

    Raises:
        InputError: if several sheets hold cells and none is named, or there is no such sheet.
    """

    def __init__(
        self, source: Source, sheet: str | None, has_header: bool | None, skip_rows: int | None = None
    ) -> None:
        super().__init__(source)
        from python_calamine import CalamineWorkbook

        with damage_is_one_line(self.name), source.on_disk() as path:
            book = CalamineWorkbook.from_path(str(path))
            names = book.sheet_names
            if sheet is not None and sheet not in names:
                raise InputError(f"{self.name} has no sheet {sheet!r}; it has: {', '.join(names)}")
            found = {name: _cells(book, name) for name in ([sheet] if sheet else names)}
        filled = {name: rows for name, rows in found.items() if rows}
        if not filled:
            raise InputError(f"{self.name} has no cells; its first row must name the columns")
        if len(filled) > 1:
            listing = ", ".join(map(repr, filled))
            one = next(iter(filled))
            raise InputError(f"{self.name} has several sheets with cells: {listing}; give `sheet={one!r}`")
        (name, rows), *_ = filled.items()
        self.stem = source.stem
        width = max(len(row) for _, row in rows)
        self._rows = [(number, [*row, *[None] * (width - len(row))]) for number, row in rows]
        above = self._above(has_header, skip_rows)
        self._rows = self._rows[above:]
        header = self._judge() if has_header is None else has_header
        first = list(map(as_cell, self._rows[0][1]))
        names = unique_names(first) if header else [str(i + 1) for i in range(width)]
        self._rows = self._rows[header:]
        self._kept = [i for i in range(width) if not self._is_index(i, names[i], first[i] if header else "x")]
        self.header = [names[i] for i in self._kept]
        self.most_rows = len(self._rows)
        self.lines = rows[-1][0]
        self.how = {"format": "excel", "sheet": name, "header": header} | ({"skipped": above} if above else {})

    def rows(self) -> Iterator[tuple[int, Sequence[object]]]:
        """See ``RowTable``."""
        return ((number, [row[i] for i in self._kept]) for number, row in self._rows)

    def _above(self, has_header: bool | None, skip_rows: int | None) -> int:
        """How many rows with cells stand above the table."""
        if skip_rows is not None:
            above = sum(number <= skip_rows for number, _ in self._rows)
            if above == len(self._rows):
                raise InputError(
                    f"`skip_rows={skip_rows}`: {self.name} has {self._rows[-1][0]} rows, no more; give fewer"
                )
            return above
        if has_header is False:
            return 0
        cells = [list(map(as_cell, row)) for _, row in self._rows[:JUDGED_ROWS]]
        above = rows_above(cells)
        if above:
            self.notes.append(
                f"{self.name}: the names of the columns are in row {self._rows[above][0]}; what stands above "
                f"({show_row(cells[0])}) is left out, `skip_rows=0` decides otherwise"
            )
        return above

    def _judge(self) -> bool:
        first, *below = [list(map(as_cell, row)) for _, row in self._rows[:JUDGED_ROWS]]
        if usual := is_title([first, *below]):
            raise InputError(
                f"{self.name}: the first row ({show_row(first)}) names {sum(map(bool, first))} of {usual} columns; "
                f"give `skip_rows={self._fullest(usual)}` if what stands above is a title, or `header=True`"
            )
        verdict = judge_first_row(first, below)
        if verdict.header is None:
            raise InputError(
                f"{self.name}: the first row ({show_row(first)}) may name the columns or be data: {verdict.why}; "
                f"give `header=True` or `header=False`"
            )
        if not verdict.header:
            self.notes.append(f"{self.name} has no header: {verdict.why}; `header=True` decides otherwise")
        return verdict.header

    def _fullest(self, usual: int) -> int:
        """How many rows of the sheet stand above the first one with so many cells."""
        rows = ((number, sum(bool(as_cell(value).strip()) for value in row)) for number, row in self._rows)
        return next(number for number, filled in rows if filled >= usual) - 1

    def _is_index(self, place: int, name: str, written: str) -> bool:
        """Whether a column in front numbers the rows, as pandas writes it."""
        if place or (written and not name.startswith("Unnamed: ")):
            return False
        cells = [as_cell(row[0]) for _, row in self._rows]
        if len(set(cells)) < len(cells) or not all(map(str.isdigit, cells)):
            return False
        self.notes.append(f"{self.name}: column 1 numbers the rows and is left out")
        return True


def _cells(book: object, name: str) -> list[tuple[int, list[object]]]:
    """Number and values of the rows of a sheet that are not empty."""
    sheet = book.get_sheet_by_name(name)  # type: ignore[attr-defined]
    start = sheet.start or (0, 0)
    rows = enumerate(sheet.to_python(skip_empty_area=True), start[0] + 1)
    return [(number, row) for number, row in rows if any(value not in (None, "") for value in row)]
