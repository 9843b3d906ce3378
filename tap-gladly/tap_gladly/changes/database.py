"""A database in a temporary file without a name: gone with the process, however that ends."""

from __future__ import annotations

import contextlib
import sqlite3
import typing as t

from tap_gladly.errors import StorageError

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Value = str | int


class TemporaryDatabase:
    """What a run keeps that may be more than memory should hold; for one thread.

    Args:
        tables: The statements that make its tables.
    """

    def __init__(self, tables: str) -> None:
        with _on_disk():
            self._connection = sqlite3.connect("", isolation_level=None)
            # What is lost with the process needs no care against its end.
            self._connection.executescript(f"PRAGMA journal_mode = OFF; {tables}")

    def keep(self, rows: Iterable[tuple[str, Iterable[tuple[Value, ...]]]]) -> None:
        """Run statements, each with many rows, in one step."""
        with _on_disk(), self._connection:
            self._connection.execute("BEGIN")
            for statement, values in rows:
                self._connection.executemany(statement, values)

    def rows(self, query: str, *values: Value) -> list[tuple[t.Any, ...]]:
        """What a query finds."""
        with _on_disk():
            return self._connection.execute(query, values).fetchall()

    def column(self, query: str, *values: Value) -> list[str]:
        """What a query of one column finds."""
        return [row[0] for row in self.rows(query, *values)]


@contextlib.contextmanager
def _on_disk() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(str(error)) from error
