"""The events of the last 24 hours: asked for once in a run, however many read them."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

from tap_gladly.kit.errors import RefusedError
from tap_gladly.kit.jsonlines import JSONLines, JSONLinesReceiver
from tap_gladly.kit.once import Once
from tap_gladly.kit.times import format_second, time_or_none

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from singer_sdk.helpers.types import Record

    from tap_gladly.client import GladlyClient
    from tap_gladly.kit.spool import Spool

EVENTS = "/events"

RETENTION = timedelta(hours=24)
"""How long Gladly keeps an event."""

CLOCK_MARGINS = (
    timedelta(seconds=2),
    timedelta(seconds=20),
    timedelta(minutes=2),
    timedelta(minutes=15),
    timedelta(hours=1),
)
"""How much less is asked for, the next where Gladly refuses: its clock may be ahead of ours."""

EVENT_DELAY = timedelta(seconds=30)
"""Events come up to 15 seconds late; the rest is for the two clocks."""

SECOND = timedelta(seconds=1)

OVERLAP = timedelta(seconds=60)
"""What is read again, since it is not said which bounds belong to a window."""


class EventsReader(ABC):
    """A stream that reads events."""

    @property
    @abstractmethod
    def event_entities(self) -> Collection[str]:
        """The entities whose events it reads."""

    @abstractmethod
    def events_from(self) -> datetime | None:
        """The time from which it reads them; `None` for as far back as Gladly goes."""


@dataclass(frozen=True)
class ReceivedEvents:
    """The events of a window, ascending.

    Args:
        start: Where the window begins.
        before: The setting `end_date`: what is of this time or later belongs to another run.
        entities: Of what they are.
        file: The answer, a record a line.
    """

    start: datetime
    before: datetime | None
    entities: frozenset[str]
    file: Spool

    def records(self, lines: JSONLines) -> Iterator[Record]:
        """Read them from the first on; one reader at a time."""
        for record in lines.records(self.file, EVENTS):
            if not is_at_or_after(record.get("timestamp"), self.before):
                yield record


class EventsWindow:
    """The events of a run: one window, with all entities that a stream of the run reads.

    Args:
        client: Makes the request.
        run_started_at: When the run began.
        end_date: The setting `end_date`.
        readers: The streams of the run that read events.

    Attributes:
        end_date: As given.
        end: Where the window ends. Younger events may yet come.
        received: Asks for the events, once in a run. `None` if no stream reads them, or their
            window is empty.
    """

    def __init__(
        self,
        client: GladlyClient,
        run_started_at: datetime,
        end_date: datetime | None,
        readers: Callable[[], Sequence[EventsReader]],
    ) -> None:
        self._client = client
        self._readers = readers
        self.end_date = end_date
        youngest = (run_started_at - EVENT_DELAY).replace(microsecond=0)
        self.end = min(youngest, end_date or youngest)
        self.received = Once(self._receive)

    def _receive(self) -> ReceivedEvents | None:
        readers = self._readers()
        return _receive(self._client, self.end, self.end_date, readers) if readers else None


def is_at_or_after(time: object, end_date: datetime | None) -> bool:
    """Whether something is of a time that belongs to another run, by the setting `end_date`."""
    moment = time_or_none(time) if end_date else None
    return bool(moment and end_date and moment >= end_date)


def _receive(
    client: GladlyClient,
    end: datetime,
    end_date: datetime | None,
    readers: Sequence[EventsReader],
) -> ReceivedEvents | None:
    """Ask for the window, and for less where Gladly's clock says that it begins too early."""
    entities = list(dict.fromkeys(each for reader in readers for each in reader.event_entities))
    refusal: RefusedError | None = None
    # One for all: an answer that comes empty of a shorter window too is believed.
    receive = JSONLinesReceiver()
    for margin in CLOCK_MARGINS:
        # By the clock of now: what came before this request may have taken its time.
        oldest = (datetime.now(timezone.utc) - RETENTION + margin).replace(microsecond=0)
        start = max(oldest, min(reader.events_from() or oldest for reader in readers))
        if start >= end:
            return None
        if refusal and start > oldest:
            # The same question would get the same answer, if not by another clock.
            continue
        params: dict[str, str | list[str]] = {
            "startAt": format_second(start),
            # In whole seconds, of which the last may begin before `end_date`.
            "endAt": format_second(end + SECOND if end == end_date else end),
            "entities": entities,
        }
        try:
            file = client.download(EVENTS, receive, params)
        except RefusedError as error:
            if error.status != HTTPStatus.BAD_REQUEST or start > oldest + CLOCK_MARGINS[-1]:
                raise
            refusal = error
        else:
            return ReceivedEvents(start, end_date, frozenset(entities), file)
    # With no refusal, the loop would not have come to its end.
    raise t.cast("RefusedError", refusal)
