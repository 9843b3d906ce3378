"""Which calls the conversations have whose items were listed: so that they are listed once."""

from __future__ import annotations

import typing as t

from tap_gladly.kit.database import TemporaryDatabase

if t.TYPE_CHECKING:
    from collections.abc import Iterable

TABLES = """
CREATE TABLE listed (conversation TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE calls (conversation TEXT, id TEXT, PRIMARY KEY (conversation, id)) WITHOUT ROWID;
"""


class ListedCalls:
    """The calls and voicemails of the conversations that a run has listed the items of."""

    def __init__(self) -> None:
        self._database = TemporaryDatabase(TABLES)

    def keep(self, conversation: str, calls: Iterable[str]) -> None:
        """Keep which calls a conversation has."""
        self._database.insert_many(
            [
                ("INSERT OR IGNORE INTO listed VALUES (?)", [(conversation,)]),
                (
                    "INSERT OR IGNORE INTO calls VALUES (?, ?)",
                    [(conversation, call) for call in calls],
                ),
            ]
        )

    def of(self, conversation: str) -> list[str] | None:
        """The calls of a conversation; none if its items were not listed in this run."""
        if not any(
            self._database.rows("SELECT 1 FROM listed WHERE conversation = ?", conversation)
        ):
            return None
        query = "SELECT id FROM calls WHERE conversation = ? ORDER BY id"
        return self._database.column(query, conversation)
