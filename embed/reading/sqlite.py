"""Tables of SQLite databases, and what a query selects from them; nothing is ever written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from embed.reading.files import Source
from embed.reading.row_table import RowTable, unique_names
from stores.shared.errors import InputError
from stores.shared.fingerprint import digest_file

if TYPE_CHECKING:
    import sqlite3

MAGIC = b"SQLite format 3\0"
SUFFIXES = (".db", ".sqlite", ".sqlite3", ".db3")
ALLOWED = {"SQLITE_SELECT", "SQLITE_READ", "SQLITE_FUNCTION"}  # and SQLITE_RECURSIVE
RECURSIVE = 33  # what sqlite3 has no name for


class Database(RowTable):
    """One table or view of a database, or the rows of a query. See ``TableFile``.

    Args:
        source: the file.
        table: name of a table or view; the only one if None.
        query: a SELECT, instead.

    Raises:
        InputError: if there are several tables and none is named, or the query is none or does not only read.
    """

    def __init__(self, source: Source, table: str | None, query: str | None) -> None:
        super().__init__(source)
        if table and query:
            raise InputError("`table` and `query` were both given; give one of them")
        if source.packing != "none":
            raise InputError(f"{self.name}: a database is read where it lies; unpack it first")
        with closing(self._connect()) as connection, self._says():
            if not query:
                table = self._only_table(connection) if table is None else table
                query = f"select * from {_quoted(table)}"  # noqa: S608  (the name is quoted)
            cursor = connection.execute(query)
            if cursor.description is None:
                raise InputError(f"`query={query!r}` selects nothing; give a SELECT")
            self.header = unique_names([column[0] for column in cursor.description])
            self.most_rows = self.lines = sum(1 for _ in cursor)
        self._query = query
        self.how = {"format": "sqlite", **({"table": table} if table else {"query": query})}

    def rows(self) -> Iterator[tuple[int, Sequence[object]]]:
        """See ``RowTable``; in the order in which the database gives them."""
        with closing(self._connect()) as connection, self._says():
            yield from enumerate(connection.execute(self._query), 1)

    def digest(self) -> str:
        """That of the file, and of what waits beside it to be written into it."""
        waiting = Path(f"{self.source.path}-wal")
        both = digest_file(waiting) if waiting.exists() and waiting.stat().st_size else ""
        return self.source.digest() + both

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        allowed = {getattr(sqlite3, name) for name in ALLOWED} | {RECURSIVE}
        path = self.source.path.resolve().as_uri()
        connection = sqlite3.connect(f"{path}?mode=ro", uri=True)
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY)
        return connection

    def _only_table(self, connection: sqlite3.Connection) -> str:
        rows = connection.execute("select name from sqlite_master where type in ('table', 'view') order by name")
        names = [name for (name,) in rows if not name.startswith("sqlite_")]
        if not names:
            raise InputError(f"{self.name} has no tables")
        if len(names) > 1:
            listing = ", ".join(map(repr, names))
            raise InputError(f"{self.name} has several tables: {listing}; give `table={names[0]!r}` or a `query`")
        return str(names[0])

    def _says(self) -> _Said:
        return _Said(self.name)


class _Said:
    """Turns errors of the database into one line."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import sqlite3

        if isinstance(error, sqlite3.Error | sqlite3.Warning):
            denied = "not authorized" in str(error) or "prohibited" in str(error)
            what = "only a SELECT is allowed" if denied else str(error)
            raise InputError(f"{self._name}: {what}") from error


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
