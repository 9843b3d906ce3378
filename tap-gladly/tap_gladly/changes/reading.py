"""How the change index of a run is filled: from events, and from reports for what is older.

Gladly keeps events for 24 hours, and timestamp reports for ever. So events say what changed since
yesterday, which is all that a daily run needs, and reports what changed before: after an outage, or
in a first sync from a `start_date` on.
"""

from __future__ import annotations

import typing as t
from datetime import timedelta
from functools import partial

from tap_gladly.changes.index import ChangeIndex
from tap_gladly.changes.told import (
    CONVERSATION,
    CUSTOMER,
    ENTITIES,
    NEEDED_COLUMNS,
    REPORTS,
    TASK,
    Change,
    told_by_event,
    told_by_row,
)
from tap_gladly.errors import MovedError, NotFoundError
from tap_gladly.lines import JSONLines
from tap_gladly.recent import end_of_events
from tap_gladly.reports.table import Table
from tap_gladly.reports.windows import Days, read_windows
from tap_gladly.times import format_second, format_time
from tap_gladly.wire import Answer, UnexpectedShapeError, listed

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from tap_gladly.changes.told import Told
    from tap_gladly.recent import ReceivedEvents
    from tap_gladly.streams.changed import ChangedStream

REPORTS_PATH = "/reports"

BEHIND = timedelta(hours=2)
"""How far reports reach into the time of the events: they are about an hour behind."""

MOVED_WITH = {
    CONVERSATION: "/customers/{customerId}/conversations",
    TASK: "/customers/{customerId}/tasks",
}
"""What a merge hands on to the customer who is left, and where it is listed."""


class Changes:
    """The change index of a run, made when it is first asked for, from the oldest bookmark on."""

    def __init__(self) -> None:
        self._readers: list[ChangedStream] = []
        self._index: ChangeIndex | None = None

    def register(self, reader: ChangedStream) -> None:
        """Let it be known who will ask what changed, if it is selected."""
        self._readers.append(reader)

    # As a reader of events

    @property
    def selected(self) -> bool:
        """Whether anybody will ask."""
        return any(reader.selected for reader in self._readers)

    @property
    def event_entities(self) -> Collection[str]:
        """The entities whose events name what is asked for."""
        return sorted({each for kind in self._kinds() for each in ENTITIES[kind]})

    def events_from(self) -> datetime:
        """The oldest time that anybody asks for."""
        return min(reader.changed_since() for reader in self._asking())

    # The index

    def index(self, stream: ChangedStream) -> ChangeIndex:
        """What changed since the oldest bookmark.

        Args:
            stream: By which it is read, should it not have been.
        """
        if self._index is None:
            if not stream.selected:
                # A test of the connection asks in the name of all streams.
                self._readers = [stream]
            self._index = self._read(stream)
        return self._index

    def _asking(self) -> list[ChangedStream]:
        selected = [reader for reader in self._readers if reader.selected]
        return selected or self._readers

    def _kinds(self) -> set[str]:
        return {reader.kind for reader in self._asking()}

    def _read(self, stream: ChangedStream) -> ChangeIndex:
        index = ChangeIndex(end_of_events(stream))
        since = self.events_from()
        # First the events, of which every second takes some away.
        events = stream.run.events.received(stream, self) if since < index.end else None
        if events is None:
            return index
        if since < events.start:
            self._name_gap(stream, events.start)
            days = Days(since.date(), min(events.start + BEHIND, index.end).date())
            for metric_set in dict.fromkeys(
                each for kind in sorted(self._kinds()) for each in REPORTS[kind]
            ):
                index.add(_told_by_report(stream, metric_set, days, index.end))
        index.add(_told_by_events(stream, events, index.end))
        index.add(self._moved(stream, index))
        stream.run.attributes.meet(index.attributes())
        self._say_how_much(stream, index)
        return index

    def _name_gap(self, stream: ChangedStream, start: datetime) -> None:
        """Say what no report tells of: of profiles, only events say that they changed."""
        for reader in self._asking():
            bookmark = reader.bookmark()
            if reader.kind == CUSTOMER and bookmark and bookmark < start:
                stream.warn_once(
                    "Customers whose profile was changed or deleted from "
                    f"{format_second(bookmark)} to {format_second(start)}, and of whom nothing "
                    "else is reported, are not known: Gladly tells of that for 24 hours only. Run "
                    "more often than once in 24 hours."
                )

    def _moved(self, stream: ChangedStream, index: ChangeIndex) -> Iterator[Told]:
        """What came to a customer by a merge, which no event names: now it has another customer."""
        for kind in sorted(self._kinds() & set(MOVED_WITH)):
            merges = dict(index.merges())
            lists = stream.concurrently(merges, partial(_list_of, stream, MOVED_WITH[kind]))
            for customer, answer in lists:
                if answer is None:
                    continue
                records = listed(answer)
                for record in records:
                    if isinstance(changed := record.get("id"), str):
                        yield Change(kind, changed, merges[customer])
                if answer.is_limited:
                    stream.warn_once(
                        f"Gladly lists {len(records)} {kind}s of the customer {customer} "
                        "and no more: others that a merge moved there keep the id of the customer "
                        "they had before (customer_profiles.mergedIntoId leads from the one to "
                        "the other)."
                    )

    def _say_how_much(self, stream: ChangedStream, index: ChangeIndex) -> None:
        """Say what is to be done, before it is begun."""
        since = self.events_from()
        counts = ", ".join(
            f"{index.count(kind, since):,} {kind}s" for kind in sorted(self._kinds())
        )
        requests = sum(reader.requests_of(index) for reader in self._asking())
        rate = float(stream.config["requests_per_second"])
        stream.log(
            "Changed since %s: %s. To read them takes %s requests, and about %s (h:mm:ss) at %g a "
            "second",
            format_second(since),
            counts,
            f"{requests:,}",
            timedelta(seconds=round(requests / rate)),
            rate,
        )


def _told_by_events(stream: ChangedStream, events: ReceivedEvents, end: datetime) -> Iterator[Told]:
    lines = JSONLines()
    for event in events.records(lines):
        yield from told_by_event(event, otherwise=format_time(end))
    lines.name_bad_ones(stream.log)


def _told_by_report(
    stream: ChangedStream, metric_set: str, days: Days, end: datetime
) -> Iterator[Told]:
    needed = NEEDED_COLUMNS[metric_set]
    for window, table in read_windows(
        days, partial(_table_of, stream, metric_set), metric_set, stream.log
    ):
        stream.log(
            "%s tells what changed from %s to %s (%s rows)",
            metric_set,
            window.first,
            window.last,
            f"{table.rows:,}",
        )
        missing = [name for name in needed if name not in table.names]
        if table.headers and missing:
            path = f"{REPORTS_PATH} ({metric_set})"
            raise UnexpectedShapeError(path, f"the columns {', '.join(missing)}")
        otherwise = format_time(min(window.end, end))
        for row in table.records():
            yield from told_by_row(row, otherwise)


def _table_of(stream: ChangedStream, metric_set: str, days: Days) -> Table:
    body = {
        "metricSet": metric_set,
        "startAt": days.first.isoformat(),
        "endAt": days.last.isoformat(),
        "timezone": "UTC",
    }
    known = NEEDED_COLUMNS[metric_set]
    return stream.report(REPORTS_PATH, body, partial(Table.receive, known=known, taken=()))


def _list_of(stream: ChangedStream, path: str, customer: str) -> Answer | None:
    """The list of a customer; none if there is no such customer any more."""
    try:
        return stream.fetch(path, ids={"customerId": customer})
    except (MovedError, NotFoundError):
        # Whoever that one was merged into is asked as well.
        return None
