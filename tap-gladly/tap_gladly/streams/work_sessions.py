"""Work sessions: who worked on which contact, and how long."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tap_gladly.reports.sessions import ended_sessions
from tap_gladly.streams.csv_reports import CSVStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Record

    from tap_gladly.reports.table import Table
    from tap_gladly.reports.windows import DateRange


class WorkSessionEventsStream(CSVStream):
    """Who worked on which contact, and how long (`/reports/work-session-events`).

    A row belongs to the time at which its contact ended, or else was created: so it moves to a
    later window, in which it is read again, and goes on changing for some time.
    """

    name = "report_work_session_events"
    path = "/reports/work-session-events"
    primary_keys = ("contact_session_id", "agent_id")
    replication_key = "window_start"
    time_column = "contact_session_ended_at"
    tap_added_properties = ("window_start", "window_end")
    known_names = frozenset({"contact_session_id"})

    @property
    def lookback(self) -> timedelta:
        """How far before its bookmark the stream reads again."""
        return timedelta(days=self.config["report_lookback_days"])

    def records_of(self, window: DateRange, table: Table) -> Iterable[Record]:  # noqa: ARG002
        """The rows of contacts that have ended."""
        return map(self.typed, ended_sessions(table.records()))
