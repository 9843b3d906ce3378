"""The events of the last day, each there only once it is late enough."""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.sandbox.gladly.errors import invalid
from tests.sandbox.gladly.event_types import EventContents, entity_of
from tests.sandbox.gladly.timestamps import (
    DAY,
    HOUR,
    SECOND,
    json_of,
    nanos,
    now,
    of,
    stamp,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tests.sandbox.gladly.account import Account
    from tests.sandbox.gladly.query import EventsQuery

    Record = dict[str, Any]

_OLDEST = 24 * HOUR - 165 * SECOND
"""How old the events are at most that are kept of what happened before the start."""
_INITIATORS = ("AGENT", "CUSTOMER", "SYSTEM", "API", "AUTOMATION")


class _Entry(NamedTuple):
    at: int
    known: int
    entity: str
    event: Record


class Events:
    """The events of an organization, safe to add to while the server answers.

    Args:
        seed: Seed of all records.
        account: The account whose agents, inboxes and topics they name.
        present: When the start is; None for now.

    Attributes:
        as_of: When it is for events; None for now.
    """

    def __init__(self, seed: int, account: Account, present: datetime | None = None) -> None:
        self.as_of = present
        self._contents = EventContents(Random(f"events {seed}"), account)
        self._entries: list[_Entry] = []

    @property
    def all(self) -> list[Record]:
        """Every event by its timestamp, also those that are not there yet or no longer."""
        return [entry.event for entry in list(self._entries)]

    def add(
        self,
        type: str,  # noqa: A002 - the vendor's name of it
        *,
        timestamp: datetime | None = None,
        content: Record | None = None,
        late: float = 0.0,
        id: str | None = None,  # noqa: A002 - the vendor's name of it
    ) -> Record:
        """Add an event.

        Args:
            type: Its type; with a content, any.
            timestamp: When it was recorded; now by default.
            content: Its content; one with every member by default.
            late: How many seconds after its timestamp it is there.
            id: Its id; a new one by default.

        Returns:
            The event, as it is served.
        """
        at = now(self.as_of) if timestamp is None else of(timestamp)
        text = stamp(at, self._contents.digits())
        at = nanos(text)
        initiator = _INITIATORS[len(self._entries) % len(_INITIATORS)]
        event: Record = {
            "id": id or self._contents.new_id(),
            "type": type,
            "timestamp": text,
            "initiator": {
                "id": "" if initiator == "SYSTEM" else self._contents.new_id(),
                "type": initiator,
            },
            "content": self._contents.make(type, at) if content is None else content,
        }
        entry = _Entry(at, at + int(late * SECOND), entity_of(type), event)
        insort(self._entries, entry, key=attrgetter("at"))
        return event

    def record(self, event: Record) -> None:
        """Add an event exactly as it is given; it is there from its timestamp on."""
        at = nanos(event["timestamp"])
        entry = _Entry(at, at, entity_of(event["type"]), event)
        insort(self._entries, entry, key=attrgetter("at"))

    def clear(self) -> None:
        """Forget every event."""
        self._entries.clear()

    def forget_old(self) -> None:
        """Forget those that will soon be no longer served."""
        oldest = now(self.as_of) - _OLDEST
        self._entries = [entry for entry in self._entries if entry.at >= oldest]

    def lines(self, wanted: EventsQuery) -> Iterator[bytes]:
        """Return the events that a query asks for, line by line and the oldest first.

        Raises:
            BadRequestError: The query asks for what the vendor does not have.
        """
        present = now(self.as_of)
        start, entities = wanted.start_at, {*wanted.entities}
        if not present - DAY <= start <= now():
            raise invalid(attr="startAt", detail="startAt must be within the last 24 hours")
        # Who plays the past has a clock that is further on.
        end = now() if wanted.end_at is None else wanted.end_at
        if end <= start:
            raise invalid(attr="startAt", detail="endAt must come after startAt")
        return (
            json_of(entry.event) + b"\n"
            for entry in list(self._entries)
            if start <= entry.at < end and entry.known <= present and entry.entity in entities
        )
