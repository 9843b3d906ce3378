"""A database in a temporary file without a name: gone with the process, however that ends."""

from __future__ import annotations

import contextlib
import sqlite3
import typing as t

from .errors import StorageError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Value = str | int | bytes


class TemporaryDatabase:
    """Keeps what a run collects and memory should not hold; for one thread.

    SQLite's database without a name is a temporary file.

    Args:
        tables: The statements that make its tables.
    """

    def __init__(self, tables: str) -> None:
        with _disk_errors():
            self._connection = sqlite3.connect("", isolation_level=None)
            # The file is lost with the process anyway, so it needs no journal.
            self._connection.executescript(f"PRAGMA journal_mode = OFF; {tables}")

    def execute(self, statement: str, *values: Value) -> int:
        """Run a statement; returns how many rows it changed."""
        # Without `_disk_errors`, which takes as long as the statement.
        try:
            return self._connection.execute(statement, values).rowcount
        except sqlite3.Error as error:
            raise StorageError(str(error)) from error

    def insert_many(self, rows: Iterable[tuple[str, Iterable[tuple[Value, ...]]]]) -> None:
        """Run statements, each with many rows, in one transaction."""
        with _disk_errors(), self._connection:
            self._connection.execute("BEGIN")
            for statement, values in rows:
                self._connection.executemany(statement, values)

    def rows(self, query: str, *values: Value) -> Iterator[tuple[t.Any, ...]]:
        """Yield the rows of a query as they are read."""
        with _disk_errors():
            cursor = self._connection.execute(query, values)
        while True:
            with _disk_errors():
                row = cursor.fetchone()
            if row is None:
                return
            yield row

    def column(self, query: str, *values: Value) -> list[str]:
        """The values of a query of one column."""
        return [row[0] for row in self.rows(query, *values)]


@contextlib.contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(str(error)) from error
