"""The events of the last day, each there only once it is late enough."""

from __future__ import annotations

from bisect import insort
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.sandbox.gladly.errors import invalid
from tests.sandbox.gladly.event_types import MEMBERS, EventContents, entity_of
from tests.sandbox.gladly.timestamps import (
    DAY,
    HOUR,
    MINUTE,
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
    from tests.sandbox.gladly.helpdesk.initial import Cast
    from tests.sandbox.gladly.query import EventsQuery

    Record = dict[str, Any]

_NEWEST, _OLDEST = MINUTE + SECOND, 24 * HOUR - 165 * SECOND
"""How old the events are at the start: at least, and at most."""
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
        cast: The customers, conversations and tasks that they name.
        number: How many there are at the start, the oldest almost a day old.
        present: When the start is; None for now.

    Attributes:
        as_of: When it is for events; None for now.
    """

    def __init__(
        self,
        seed: int,
        account: Account,
        cast: Cast,
        number: int,
        present: datetime | None = None,
    ) -> None:
        self.as_of = present
        self._cast = cast
        self._contents = EventContents(seed, account, cast)
        self._entries: list[_Entry] = []
        if number:
            self._begin(seed, account, number)

    def _begin(self, seed: int, account: Account, number: int) -> None:
        """Put the first events; each has its number, and with it all else, by its time alone."""
        step, kinds = (_OLDEST - _NEWEST) // number, list(MEMBERS)
        # With all of them older than a minute, none is still to come.
        newest = (now(self.as_of) - _NEWEST) // step
        added = self._contents
        for index in range(newest - number + 1, newest + 1):
            self._contents = EventContents(f"{seed} {index}", account, self._cast, index)
            # Odd nanoseconds, so that the digits which are written make a difference.
            at = index * step + index * 7_001_013 % min(step, SECOND)
            kind, whole = kinds[index * 7 % len(kinds)], index // len(kinds) % 2 == 0
            self._put(kind, at, whole=whole, late=index % 16, number=index)
        self._contents = added

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
        return self._put(type, at, whole=True, late=late, content=content, id_=id)

    def record(self, kind: str, timestamp: str, content: Record, initiator: Record) -> Record:
        """Add an event exactly as it is given; it is there from its timestamp on."""
        event: Record = {
            "id": self._contents.new_id(),
            "type": kind,
            "timestamp": timestamp,
            "initiator": initiator,
            "content": content,
        }
        at = nanos(timestamp)
        insort(self._entries, _Entry(at, at, entity_of(kind), event), key=attrgetter("at"))
        return event

    def clear(self) -> None:
        """Forget every event."""
        self._entries.clear()

    def _put(  # noqa: PLR0913 - all by keyword
        self,
        kind: str,
        at: int,
        *,
        whole: bool,
        late: float,
        content: Record | None = None,
        id_: str | None = None,
        number: int | None = None,
    ) -> Record:
        text = stamp(at, self._contents.digits())
        at = nanos(text)
        number = len(self._entries) if number is None else number
        initiator = _INITIATORS[number % len(_INITIATORS)]
        event: Record = {
            "id": id_ or self._contents.new_id(),
            "type": kind,
            "timestamp": text,
            "initiator": {
                "id": "" if initiator == "SYSTEM" else self._contents.new_id(),
                "type": initiator,
            },
            "content": self._contents.make(kind, at, whole=whole) if content is None else content,
        }
        entry = _Entry(at, at + int(late * SECOND), entity_of(kind), event)
        insort(self._entries, entry, key=attrgetter("at"))
        return event

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
