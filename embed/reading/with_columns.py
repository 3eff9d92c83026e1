"""A file with columns that say the same in all its rows: its class or split, known from its name."""

from __future__ import annotations

from collections.abc import Iterator

from embed.reading.format import Batch, TableFile


class WithColumns(TableFile):
    """Another file with some more columns. See ``TableFile``.

    Args:
        form: the file.
        columns: name -> what stands in each row.
    """

    def __init__(self, form: TableFile, columns: dict[str, str]) -> None:
        super().__init__(form.source)
        self._form, self._columns = form, columns
        self.header = [*form.header, *columns]
        self.most_rows, self.lines, self.notes, self.places = form.most_rows, form.lines, form.notes, form.places
        self.nested, self.lists, self.classes, self.unit = form.nested, form.lists, form.classes, form.unit
        self.how = {**form.how, "constant": columns}

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        cells = self._form.sample()
        rows = max(map(len, cells.values()), default=0)
        return cells | {name: [value] * rows for name, value in self._columns.items()}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``."""
        own = [name for name in columns if name not in self._columns]
        for batch in self._form.batches(own, text):
            more = {name: [self._columns[name]] * len(batch.line) for name in columns if name in self._columns}
            yield Batch(batch.line, batch.cells | more, batch.bad)
