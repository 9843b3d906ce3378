"""The change index of a run: one for all streams that read what changed."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from datetime import timedelta
from http import HTTPStatus
from itertools import chain

from tap_gladly.changes.events_window import EventsReader
from tap_gladly.changes.facts import CUSTOMER, ENTITIES, STAND_INS
from tap_gladly.changes.index import ChangeIndex
from tap_gladly.changes.merges import LISTS, moved_by_merges
from tap_gladly.changes.sources import (
    ReportWindow,
    facts_from_events,
    facts_from_reports,
    report_windows,
)
from tap_gladly.kit.errors import ApiFaultError, PersistentServerError, RefusedError
from tap_gladly.kit.once import Once
from tap_gladly.kit.times import format_second, format_time
from tap_gladly.reports.windows import fewest_reports

if t.TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence
    from datetime import datetime

    from tap_gladly.changes.events_window import EventsWindow
    from tap_gladly.changes.unread_reports import UnreadReports
    from tap_gladly.client import GladlyClient
    from tap_gladly.kit.jsonlines import Log


class ChangesReader(ABC):
    """A stream that reads what changed."""

    kind: str
    """What it asks for: conversations, customers or tasks."""

    @property
    @abstractmethod
    def unread_reports(self) -> UnreadReports:
        """The reports that earlier runs could not read."""

    @abstractmethod
    def bookmark(self) -> datetime | None:
        """The time up to which earlier runs have read."""

    @abstractmethod
    def changed_since(self) -> datetime:
        """The time from which it asks what changed."""

    @abstractmethod
    def events_from(self) -> datetime:
        """The time from which it needs events."""

    @abstractmethod
    def requests_of(self, index: ChangeIndex) -> int:
        """How many requests it takes, at least."""


class ChangeIndexBuilder(EventsReader):
    """Builds the index when it is first asked for, from the oldest bookmark of all readers on.

    Args:
        client: Makes the requests.
        events: The events of the run.
        readers: The streams of the run that read what changed.
        keep_attributes: Keeps the ids of custom attributes.
        log: Logs what is read.
        warn_once: Logs a warning.

    Attributes:
        index: Asks what changed, once in a run.
        unread: The reports that could not be read in this run.
    """

    def __init__(  # noqa: PLR0913 - each is needed, and named
        self,
        *,
        client: GladlyClient,
        events: Callable[[], EventsWindow],
        readers: Callable[[], Sequence[ChangesReader]],
        keep_attributes: Callable[[Iterable[str]], None],
        log: Log,
        warn_once: Callable[[str], None],
    ) -> None:
        self._client = client
        self._events = events
        self._readers = readers
        self._keep_attributes = keep_attributes
        self._log = log
        self._warn_once = warn_once
        self.index = Once(self._build)
        self.unread: list[ReportWindow] = []

    # As a reader of events

    @property
    def event_entities(self) -> Collection[str]:
        """The entities whose events name what is asked for."""
        return sorted({each for reader in self._readers() for each in ENTITIES[reader.kind]})

    def events_from(self) -> datetime:
        """The oldest time from which a stream needs events."""
        return min(reader.events_from() for reader in self._readers())

    # The index

    def _since(self) -> dict[str, datetime]:
        """The time from which it is asked what changed, by kind."""
        readers = self._readers()
        return {
            kind: min(reader.changed_since() for reader in readers if reader.kind == kind)
            for kind in sorted({reader.kind for reader in readers})
        }

    def _build(self) -> ChangeIndex:
        window = self._events()
        index = ChangeIndex(window.end)
        since = self._since()
        if min(since.values()) >= index.end:
            return index
        events = window.received()
        events_begin = events.start if events else index.end
        end = format_time(index.end)
        if min(since.values()) < events_begin:
            self._name_gap(events_begin)
        for report in self._report_windows(since, events_begin):
            self._add_report(index, report)
        if events:
            # The stream `events` reads them from the same file, before this or after it.
            index.add(facts_from_events(events, self._log, end))
        self._keep_attributes(index.attributes())
        # What merges moved in the days of a report that an earlier run missed, as well.
        for reader in self._readers():
            if missed_since := reader.unread_reports.start():
                since[reader.kind] = min(since[reader.kind], missed_since)
        self._look_up_merges(index, since)
        return index

    def reports_ahead(self) -> int:
        """How many reports the index takes, at least, of what events do not tell."""
        since, end = self._since(), self._events().end
        if min(since.values()) >= end:
            return 0
        events = self._events().received()
        windows = self._report_windows(since, events.start if events else end)
        return sum(fewest_reports(each.days) for each in windows)

    def _report_windows(
        self, since: dict[str, datetime], events_begin: datetime
    ) -> list[ReportWindow]:
        """The reports to ask for: those that earlier runs missed, and of what events lack."""
        unread = (reader.unread_reports.windows() for reader in self._readers())
        older = report_windows(since, events_begin, self._events().end)
        return [*dict.fromkeys(chain.from_iterable(unread)), *older]

    def _add_report(self, index: ChangeIndex, report: ReportWindow) -> None:
        """Add what a report tells; where it cannot be had, do without it and say so."""
        end = format_time(index.end)
        try:
            end_date = self._events().end_date
            index.add(facts_from_reports(self._client, self._log, report, end, end_date))
        except ApiFaultError:
            raise
        except (PersistentServerError, RefusedError) as error:
            if isinstance(error, RefusedError) and error.status != HTTPStatus.BAD_REQUEST:
                raise
            self.unread.append(report)
            self._warn_once(
                f"The report {report.metric_set} cannot be read. Of what changed from "
                f"{report.days.first} to {report.days.last}, {_list_of(report.kinds)} that no "
                "other report or event names are not known; the next run asks for the report "
                f"again. {error}"
            )
            if stand_in := STAND_INS.get(report.metric_set):
                self._add_report(index, report._replace(metric_set=stand_in))

    def _look_up_merges(self, index: ChangeIndex, since: dict[str, datetime]) -> None:
        """Add what merges moved, and say how much there is to do before it is done."""
        merges = {kind: index.merges(start) for kind, start in since.items() if kind in LISTS}
        counts = "; ".join(
            f"{kind}s: {index.count(kind, start):,} since {format_second(start)}"
            for kind, start in since.items()
        )
        look_ups = sum(map(len, merges.values()))
        requests = look_ups + sum(reader.requests_of(index) for reader in self._readers())
        rate = self._client.requests_per_second
        self._log(
            "What changed: %s. This takes %s requests or some more (%s to look up merges), and %s "
            "(h:mm:ss) or longer at %g a second",
            counts,
            f"{requests:,}",
            f"{look_ups:,}",
            timedelta(seconds=round(requests / rate)),
            rate,
        )
        index.add(moved_by_merges(self._client, self._warn_once, merges))

    def _name_gap(self, start: datetime) -> None:
        """Name the changes that no report tells of: of profiles, only events tell."""
        for reader in self._readers():
            bookmark = reader.bookmark()
            if reader.kind == CUSTOMER and bookmark and bookmark < start:
                self._warn_once(
                    "Customers whose profile was changed or deleted from "
                    f"{format_second(bookmark)} to {format_second(start)}, and of whom nothing "
                    "else is reported, are not known: Gladly tells of that for 24 hours only. Run "
                    "more often than once in 24 hours."
                )


def _list_of(kinds: Iterable[str]) -> str:
    return " and ".join(f"{kind}s" for kind in kinds)
