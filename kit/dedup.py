"""Which ids a run has met already, in a memory that does not grow with their number."""

from __future__ import annotations

import typing as t

from .database import TemporaryDatabase

if t.TYPE_CHECKING:
    from collections.abc import Iterator

_TABLES = "CREATE TABLE seen (id TEXT PRIMARY KEY) WITHOUT ROWID; BEGIN"


class SeenIds:
    """A set of ids on disk: a million of them would take a hundred megabytes of memory."""

    def __init__(self) -> None:
        self._database = TemporaryDatabase(_TABLES)

    def add(self, identifier: str) -> bool:
        """Remember an id; returns whether it was new."""
        return self._database.execute("INSERT OR IGNORE INTO seen VALUES (?)", identifier) == 1

    def __iter__(self) -> Iterator[str]:
        """The ids, sorted."""
        for (identifier,) in self._database.rows("SELECT id FROM seen ORDER BY id"):
            yield identifier

    def __len__(self) -> int:
        [(count,)] = self._database.rows("SELECT count(*) FROM seen")
        return int(count)
