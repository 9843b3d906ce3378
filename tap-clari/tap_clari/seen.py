"""Which ids a run has met already, in a memory that does not grow with their number."""

from __future__ import annotations

import sqlite3
import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class SeenIds:
    """A set of ids on disk.

    SQLite's database without a name is a temporary file that is gone when it is closed; a set in
    memory would take a hundred megabytes for a million ids.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.execute("CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID")
        self._database.execute("BEGIN")

    def add(self, identifier: str) -> bool:
        """Remember an id, and say whether it was new."""
        inserted = self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", (identifier,))
        return inserted.rowcount == 1

    def __iter__(self) -> Iterator[str]:
        """The ids, in their own order."""
        for (identifier,) in self._database.execute("SELECT id FROM seen ORDER BY id"):
            yield identifier

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM seen").fetchone()[0])
