"""The change index: on disk, since a first sync of years names more ids than memory should hold."""

from __future__ import annotations

import typing as t
from itertools import islice

from tap_gladly.changes.facts import (
    Attribute,
    Change,
    Deletion,
    Merge,
    MergedConversation,
    Part,
)
from tap_gladly.kit.database import TemporaryDatabase
from tap_gladly.kit.times import format_time

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tap_gladly.changes.facts import Fact

TABLES = """
CREATE TABLE changes (kind TEXT, id TEXT, at TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE INDEX in_order ON changes (kind, at, id);
CREATE TABLE parts (whole TEXT, id TEXT, PRIMARY KEY (whole, id)) WITHOUT ROWID;
CREATE TABLE merges (customer TEXT PRIMARY KEY, at TEXT, is_gone INTEGER) WITHOUT ROWID;
CREATE TABLE merged_conversations (id TEXT PRIMARY KEY, at TEXT) WITHOUT ROWID;
CREATE TABLE deletions (customer TEXT PRIMARY KEY, at TEXT) WITHOUT ROWID;
CREATE TABLE attributes (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""

# The newest counts: who changed often is read once. What the conflict is about is said, since
# SQLite before 3.35 does not do without.
KEEP: dict[type, str] = {
    Change: "INSERT INTO changes VALUES (?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET"
    " at = max(at, excluded.at)",
    Part: "INSERT OR IGNORE INTO parts VALUES (?, ?)",
    Merge: "INSERT INTO merges VALUES (?, ?, ?) ON CONFLICT (customer) DO UPDATE SET"
    " at = max(at, excluded.at), is_gone = max(is_gone, excluded.is_gone)",
    MergedConversation: "INSERT INTO merged_conversations VALUES (?, ?) ON CONFLICT (id) DO UPDATE"
    " SET at = max(at, excluded.at)",
    Deletion: "INSERT INTO deletions VALUES (?, ?) ON CONFLICT (customer) DO UPDATE SET"
    " at = max(at, excluded.at)",
    Attribute: "INSERT OR IGNORE INTO attributes VALUES (?)",
}

AT_ONCE = 5000
"""How much is kept, or looked up, in one step."""


class ChangeIndex:
    """Which conversations, customers and tasks changed in a window, and when each last did.

    Times are texts in the tap's form, which sort as the times do.

    Args:
        end: Where its window ends.
    """

    def __init__(self, end: datetime) -> None:
        self.end = end
        self._database = TemporaryDatabase(TABLES)

    def add(self, facts: Iterable[Fact]) -> None:
        """Keep facts."""
        rest = iter(facts)
        while step := list(islice(rest, AT_ONCE)):
            by_type: dict[type, set[Fact]] = {}
            for each in step:
                by_type.setdefault(type(each), set()).add(each)
            self._database.insert_many((KEEP[kind], found) for kind, found in by_type.items())

    def changed(self, kind: str, since: datetime) -> Iterator[Change]:
        """What changed at this time or later, each once, in the order of its newest change."""
        at, last = format_time(since), ""
        query = (
            "SELECT id, at FROM changes WHERE kind = ? AND (at, id) > (?, ?)"
            " ORDER BY at, id LIMIT ?"
        )
        # Step by step: what reads it may change the index meanwhile.
        while found := list(self._database.rows(query, kind, at, last, AT_ONCE)):
            for last, at in found:
                yield Change(kind, last, at)

    def count(self, kind: str, since: datetime) -> int:
        """How many changed at this time or later."""
        query = "SELECT count(*) FROM changes WHERE kind = ? AND at >= ?"
        [(count,)] = self._database.rows(query, kind, format_time(since))
        return int(count)

    def has(self, kind: str, id: str, since: datetime) -> bool:  # noqa: A002 - what it is
        """Whether this one changed at this time or later."""
        query = "SELECT 1 FROM changes WHERE kind = ? AND id = ? AND at >= ?"
        return any(self._database.rows(query, kind, id, format_time(since)))

    def forget(self, change: Change) -> None:
        """Leave out what is not there any more, so that no other stream asks for it."""
        query = "DELETE FROM changes WHERE kind = ? AND id = ?"
        self._database.execute(query, change.kind, change.id)

    def parts(self, whole: str) -> list[str]:
        """The items of a conversation, or comments of a task, that events name."""
        return self._database.column("SELECT id FROM parts WHERE whole = ?", whole)

    def attributes(self) -> list[str]:
        """The custom attributes that events name."""
        return self._database.column("SELECT id FROM attributes")

    def deleted_at(self, customer: str) -> str | None:
        """When a customer was deleted; none if no event tells of it."""
        query = "SELECT at FROM deletions WHERE customer = ?"
        return next(iter(self._database.column(query, customer)), None)

    def merges(self, since: datetime) -> dict[str, str]:
        """The customers who may be left of a merge at this time or later, and when it was."""
        query = (
            "SELECT customer, at FROM merges WHERE NOT is_gone AND at >= ? ORDER BY at, customer"
        )
        return dict(self._database.rows(query, format_time(since)))

    def merged_conversations(self, since: datetime) -> Iterator[tuple[str, str]]:
        """The conversations that were merged into others at this time or later, and when."""
        query = "SELECT id, at FROM merged_conversations WHERE at >= ? ORDER BY at, id"
        yield from self._database.rows(query, format_time(since))
