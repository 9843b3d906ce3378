"""The events of the last 24 hours: asked for once in a run, however many read them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

from tap_gladly.kit.errors import RefusedError
from tap_gladly.kit.jsonlines import JSONLines, JSONLinesReceiver
from tap_gladly.kit.times import format_second

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from singer_sdk.helpers.types import Record

    from tap_gladly.client import GladlyClient
    from tap_gladly.kit.spool import Spool

EVENTS = "/events"

KEPT = timedelta(hours=24)
"""How long Gladly keeps an event."""

MARGINS = (
    timedelta(seconds=2),
    timedelta(seconds=20),
    timedelta(minutes=2),
    timedelta(minutes=15),
    timedelta(hours=1),
)
"""How much less is asked for, the next where Gladly refuses: its clock may be ahead of ours."""

LATE = timedelta(seconds=30)
"""Events come up to 15 seconds late; the rest is for the two clocks."""

OVERLAP = timedelta(seconds=60)
"""What is read again, since it is not said which bounds belong to a window."""


class Reader(t.Protocol):
    """Who reads events."""

    @property
    def selected(self) -> bool:
        """Whether the run needs them."""

    @property
    def event_entities(self) -> Collection[str]:
        """Of what it reads events."""

    def events_from(self) -> datetime | None:
        """From when on; none for as far back as Gladly goes."""


@dataclass(frozen=True)
class ReceivedEvents:
    """The events of a window, ascending.

    Args:
        start: Where the window begins.
        entities: Of what they are.
        file: The answer, a record a line.
    """

    start: datetime
    entities: frozenset[str]
    file: Spool

    def records(self, lines: JSONLines) -> Iterator[Record]:
        """Read them from the first on; one reader at a time."""
        return lines.records(self.file, EVENTS)


class EventsWindow:
    """The events of a run: of one window and of all entities that anybody needs.

    Args:
        client: Makes the request.
        run_started_at: When the run began.

    Attributes:
        end: Where the window ends: what is younger may yet come.
        received: The events; `None` if nobody needs them, or their window is empty.
    """

    def __init__(self, client: GladlyClient, run_started_at: datetime) -> None:
        self._client = client
        self.end = (run_started_at - LATE).replace(microsecond=0)
        self.received: ReceivedEvents | None = None
        self._readers: list[Reader] = []
        self._is_asked = False

    def register(self, reader: Reader) -> None:
        """Let it be known who will read them, if it is selected."""
        self._readers.append(reader)

    def ask_once(self) -> None:
        """Ask for them, once in a run: every second takes some of the oldest away."""
        if self._is_asked:
            return
        self._is_asked = True
        if readers := [reader for reader in self._readers if reader.selected]:
            self.received = _receive(self._client, self.end, readers)


def _receive(client: GladlyClient, end: datetime, readers: list[Reader]) -> ReceivedEvents | None:
    """Ask for the window, and for less where Gladly's clock says that it begins too early."""
    entities = list(dict.fromkeys(each for reader in readers for each in reader.event_entities))
    refusal: RefusedError | None = None
    for margin in MARGINS:
        # By the clock of now: what came before this request may have taken its time.
        oldest = (datetime.now(timezone.utc) - KEPT + margin).replace(microsecond=0)
        start = max(oldest, min(reader.events_from() or oldest for reader in readers))
        if start >= end:
            return None
        if refusal and start > oldest:
            # The same question would get the same answer, if not by another clock.
            continue
        params: dict[str, str | list[str]] = {
            "startAt": format_second(start),
            "endAt": format_second(end),
            "entities": entities,
        }
        try:
            file = client.download(EVENTS, JSONLinesReceiver(), params)
        except RefusedError as error:
            if error.status != HTTPStatus.BAD_REQUEST or start > oldest + MARGINS[-1]:
                raise
            refusal = error
        else:
            return ReceivedEvents(start, frozenset(entities), file)
    # With no refusal, the loop would not have come to its end.
    raise t.cast("RefusedError", refusal)
