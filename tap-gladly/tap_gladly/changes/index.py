"""The change index: on disk, since a first sync of years names more ids than memory should hold."""

from __future__ import annotations

import contextlib
import sqlite3
import typing as t
from itertools import islice

from tap_gladly.changes.told import Attribute, Change, Deletion, Merge, Part
from tap_gladly.errors import StorageError
from tap_gladly.times import format_time

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from tap_gladly.changes.told import Told

TABLES = """
CREATE TABLE changes (kind TEXT, id TEXT, at TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE INDEX in_order ON changes (kind, at, id);
CREATE TABLE parts (whole TEXT, id TEXT, PRIMARY KEY (whole, id)) WITHOUT ROWID;
CREATE TABLE merges (customer TEXT PRIMARY KEY, at TEXT, is_gone INTEGER) WITHOUT ROWID;
CREATE TABLE deletions (customer TEXT PRIMARY KEY, at TEXT) WITHOUT ROWID;
CREATE TABLE attributes (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE listed (conversation TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE calls (conversation TEXT, id TEXT, PRIMARY KEY (conversation, id)) WITHOUT ROWID;
"""

# The newest counts: who changed often is read once.
KEEP: dict[type, str] = {
    Change: "INSERT INTO changes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
    " at = max(at, excluded.at)",
    Part: "INSERT OR IGNORE INTO parts VALUES (?, ?)",
    Merge: "INSERT INTO merges VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET"
    " at = max(at, excluded.at), is_gone = max(is_gone, excluded.is_gone)",
    Deletion: "INSERT INTO deletions VALUES (?, ?) ON CONFLICT DO UPDATE SET"
    " at = max(at, excluded.at)",
    Attribute: "INSERT OR IGNORE INTO attributes VALUES (?)",
}

AT_ONCE = 5000
"""How much is kept, or looked up, in one step."""


class ChangeIndex:
    """Which conversations, customers and tasks changed in a window, and when each last did.

    It is a database in a temporary file without a name, which is gone with the process. Times are
    texts in the tap's form, which sort as the times do.

    Args:
        end: Where its window ends.
    """

    def __init__(self, end: datetime) -> None:
        self.end = end
        with _kept_on_disk():
            self._database = sqlite3.connect("", isolation_level=None)
            # What is lost with the process needs no care against its end.
            self._database.executescript(f"PRAGMA journal_mode = OFF; {TABLES}")

    def add(self, told: Iterable[Told]) -> None:
        """Keep what was told."""
        rest = iter(told)
        while step := list(islice(rest, AT_ONCE)):
            by_type: dict[type, set[Told]] = {}
            for each in step:
                by_type.setdefault(type(each), set()).add(each)
            with _kept_on_disk(), self._database:
                self._database.execute("BEGIN")
                for kind, found in by_type.items():
                    self._database.executemany(KEEP[kind], found)

    def changed(self, kind: str, since: datetime) -> Iterator[Change]:
        """What changed at this time or later, each once, in the order of its newest change."""
        at, last = format_time(since), ""
        query = (
            "SELECT id, at FROM changes WHERE kind = ? AND (at, id) > (?, ?)"
            " ORDER BY at, id LIMIT ?"
        )
        # Step by step: what reads it may add to the index meanwhile.
        while found := self._rows(query, kind, at, last, AT_ONCE):
            for last, at in found:
                yield Change(kind, last, at)

    def count(self, kind: str, since: datetime) -> int:
        """How many changed at this time or later."""
        query = "SELECT count(*) FROM changes WHERE kind = ? AND at >= ?"
        return int(self._rows(query, kind, format_time(since))[0][0])

    def has(self, kind: str, id: str, since: datetime) -> bool:  # noqa: A002 - what it is
        """Whether this one changed at this time or later."""
        query = "SELECT 1 FROM changes WHERE kind = ? AND id = ? AND at >= ?"
        return bool(self._rows(query, kind, id, format_time(since)))

    def forget(self, change: Change) -> None:
        """Leave out what is not there any more, so that no other stream asks for it."""
        with _kept_on_disk():
            query = "DELETE FROM changes WHERE kind = ? AND id = ?"
            self._database.execute(query, (change.kind, change.id))

    def parts(self, whole: str) -> list[str]:
        """The items of a conversation, or comments of a task, that events name."""
        return self._ids("SELECT id FROM parts WHERE whole = ?", whole)

    def attributes(self) -> list[str]:
        """The custom attributes that events name."""
        return self._ids("SELECT id FROM attributes")

    def deleted_at(self, customer: str) -> str | None:
        """When a customer was deleted; none if no event tells of it."""
        return next(iter(self._ids("SELECT at FROM deletions WHERE customer = ?", customer)), None)

    def merges(self) -> list[tuple[str, str]]:
        """Those who may be left of a merge, and when it was."""
        return self._rows("SELECT customer, at FROM merges WHERE NOT is_gone ORDER BY at, customer")

    def keep_calls(self, conversation: str, calls: Iterable[str]) -> None:
        """Keep which calls a conversation has, so that its items are not listed once more."""
        with _kept_on_disk():
            self._database.execute("INSERT OR IGNORE INTO listed VALUES (?)", (conversation,))
            self._database.executemany(
                "INSERT OR IGNORE INTO calls VALUES (?, ?)",
                ((conversation, each) for each in calls),
            )

    def calls(self, conversation: str) -> list[str] | None:
        """The calls of a conversation; none if its items were not listed in this run."""
        if not self._rows("SELECT 1 FROM listed WHERE conversation = ?", conversation):
            return None
        return self._ids("SELECT id FROM calls WHERE conversation = ? ORDER BY id", conversation)

    def _ids(self, query: str, *values: str) -> list[str]:
        return [row[0] for row in self._rows(query, *values)]

    def _rows(self, query: str, *values: str | int) -> list[tuple[t.Any, ...]]:
        with _kept_on_disk():
            return self._database.execute(query, values).fetchall()


@contextlib.contextmanager
def _kept_on_disk() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StorageError(str(error)) from error
