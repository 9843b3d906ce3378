"""Reports: CSV by windows of days, each cut as short as Gladly's row cap asks for."""

from __future__ import annotations

import logging
import typing as t
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import partial

import backoff

from tap_gladly.bookmarks import BookmarkedStream
from tap_gladly.conform import hash_of
from tap_gladly.reports.columns import (
    column_names,
    column_schema,
    report_schema,
    snake_case,
    typed,
)
from tap_gladly.reports.known import BY_TIME, KNOWN, SUMMARY_HEADERS
from tap_gladly.reports.table import Table
from tap_gladly.reports.windows import FIRST, FULL, Days, adaptive, aligned, kept_together
from tap_gladly.times import format_time

if t.TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.reports.entries import Report
    from tap_gladly.run import SharedRun

HISTORY = timedelta(days=365)
"""How far back a report begins that has neither a bookmark nor a `start_date`."""

BEHIND = timedelta(hours=2)
"""What is so young is not taken for complete: reports are about an hour behind."""

LONGEST_BACKOFF = 30.0
"""Seconds."""


class CSVStream(BookmarkedStream):
    """What is read as CSV by windows of days."""

    lookback = timedelta(0)
    """How far before its bookmark the stream reads again."""

    zone: tzinfo = timezone.utc
    """The zone of its days, and of times that come without one."""

    known_names: frozenset[str] = frozenset()
    """The columns that are known, of which a report has some."""

    def backoff_wait_generator(self) -> Generator[float, t.Any, None]:
        """Wait 5, 10, 20, 30 and 30 seconds: longer than other requests, since reports are fewer.

        Somebody else may have used up a minute's reports: the fifth try comes after that minute.
        """
        return backoff.expo(factor=5, max_value=LONGEST_BACKOFF)

    def days(self) -> Days | None:
        """From the bookmark, less the look-back, to today; none if that is nothing."""
        bookmark, start_date = self.bookmark(), self.start_date()
        start = start_date or self.run_began - HISTORY
        if self.ABORT_AT_RECORD_COUNT is not None:
            # A test of the connection takes one request, and not a window after the other.
            start = max(start, self.run_began - timedelta(days=FIRST - 1))
        if bookmark is not None:
            start = max(bookmark - self.lookback, start_date or bookmark - self.lookback)
        days = Days(start.astimezone(self.zone).date(), self._today, self.zone)
        return days if len(days) else None

    @property
    def _today(self) -> date:
        """The day on which the run began; a day of which not a minute is over is none."""
        return (self.run_began - timedelta(minutes=1)).astimezone(self.zone).date()

    def tables(self, days: Days, **lengths: int) -> Iterator[tuple[Days, Table]]:
        """The reports of these days; one that is cut and cannot be made shorter is named."""
        for window, table in adaptive(days, self._table_of, **lengths):
            if table.rows >= FULL:
                self.log(
                    "%s has %d rows from %s to %s: Gladly gives about 100,000 and no more, so "
                    "that rows of this time may be missing. Filters in the setting reports can "
                    "part it",
                    self.name,
                    table.rows,
                    window.first,
                    window.last,
                    level=logging.WARNING,
                )
            try:
                yield window, table
            finally:
                table.close()

    def _table_of(self, days: Days) -> Table:
        receive = partial(Table.receive, known=self.known_names, taken=self.added)
        return self.report(self.path, self.body(days), receive)

    def body(self, days: Days) -> dict[str, t.Any]:
        """What asks for these days, as a range of times: to the minute, and not into the future."""
        return {
            "startAtTime": _minute(days.start),
            "endAtTime": _minute(min(days.end, self.run_began)),
        }

    def settled(self, days: Days) -> datetime:
        """Up to when the rows of these days will not become more."""
        return min(days.end, self.run_began - BEHIND)

    def typed(self, row: dict[str, str | None]) -> Record:
        """The row, with cells that the types of their columns can take."""
        columns = self.schema["properties"]
        return {
            name: typed(name, cell, self.zone) if name in columns else cell
            for name, cell in row.items()
        }


class WorkSessionEventsStream(CSVStream):
    """Who worked on which contact, and how long (`/reports/work-session-events`).

    A row belongs to the time at which its contact ended, or else was created: so it moves to a
    later window, in which it is read again, and goes on changing for some time.
    """

    name = "report_work_session_events"
    path = "/reports/work-session-events"
    primary_keys = ("contact_session_id", "agent_id")
    replication_key = "window_start"
    added = ("window_start", "window_end")
    known_names = frozenset({"contact_session_id"})

    @property
    def lookback(self) -> timedelta:  # type: ignore[override]
        """How far before its bookmark the stream reads again."""
        return timedelta(days=self.config["report_lookback_days"])

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read window by window."""
        days = self.days()
        for window, table in self.tables(days) if days else ():
            bounds = _bounds(window, self.run_began)
            for row in table.records():
                # Empty where nobody handled the contact: a part of the key all the same.
                yield {**self.typed(row), "agent_id": row.get("agent_id") or "", **bounds}
            self.move_bookmark(self.settled(window))
            self.keep_state()


class ReportStream(CSVStream):
    """A report of the setting `reports` (`/reports`).

    Args:
        tap: The tap.
        run: What the streams of a run share.
        report: The report.
        others: Columns besides those that are known, by name.
    """

    path = "/reports"
    # Of the instance, and not the SDK's properties, which come too late for the first look.
    primary_keys: tuple[str, ...] = ()
    replication_key: str | None = None

    def __init__(
        self, tap: Tap, run: SharedRun, report: Report, others: dict[str, t.Any] | None = None
    ) -> None:
        self.entry = report
        self.known = KNOWN.get(report.metric_set)
        self.zone = report.zone
        headers: tuple[str, ...]
        if self.known is None:
            headers = SUMMARY_HEADERS.get(report.metric_set, ())
            self.primary_keys = ("window_start", "row_number")
            self.replication_key = "window_start"
            self.added = ("window_start", "row_number", "window_end")
        else:
            headers = self.known.headers
            self._anchor = self.replication_key = snake_case(self.known.anchor)
            if self.known.key:
                self.primary_keys = tuple(map(snake_case, self.known.key))
            else:
                self.primary_keys = self.added = ("row_hash",)
        self.known_names = frozenset(column_names(headers, self.added))
        self.name = report.name
        self._columns = report_schema(self.added, self.primary_keys, headers, others or {})
        super().__init__(tap, run)

    @property
    def schema(self) -> dict[str, t.Any]:  # type: ignore[override]
        """The columns, which differ from account to account."""
        return self._columns

    @property
    def lookback(self) -> timedelta:  # type: ignore[override]
        """How far before its bookmark the stream reads again: rows of most reports restate."""
        restates = self.known is None or self.known.restates
        return timedelta(days=self.config["report_lookback_days"] if restates else 0)

    def body(self, days: Days) -> dict[str, t.Any]:
        """What asks for these days."""
        entry = self.entry
        if entry.metric_set in BY_TIME:
            window = super().body(days)
        else:
            window = {
                "startAt": days.first.isoformat(),
                "endAt": days.last.isoformat(),
                "timezone": entry.timezone,
            }
        wanted = {"aggregationLevel": entry.aggregation_level, "filters": entry.filters}
        return {
            "metricSet": entry.metric_set,
            **window,
            **{name: each for name, each in wanted.items() if each},
        }

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read window by window."""
        days = self.days()
        if days is None:
            return
        yield from self._rows(days) if self.known else self._placed_rows(days)

    def _rows(self, days: Days) -> Iterator[Record]:
        """Rows that can be told apart, by a key or by what is in them."""
        identity = frozenset(map(snake_case, self.known.identity)) if self.known else frozenset()
        for window, table in self.tables(days):
            if identity:
                yield from self._hashed(table, identity)
            else:
                yield from map(self.typed, table.records())
            self.move_bookmark(self.settled(window))
            self.keep_state()

    def _hashed(self, table: Table, identity: frozenset[str]) -> Iterator[Record]:
        """The rows with a hash of what stays as it is; of equal rows, each is one all the same.

        Equal rows have the same time, and so come in the same window in every run.
        """
        if table.headers and self._anchor not in table.names:
            identity = frozenset(table.names)
            self.warn_once(
                f"The report of {self.name} has no column {self._anchor!r}: its rows are told "
                "apart by all that they hold, and one that changes comes twice. Please report it "
                "as a bug of tap-gladly."
            )
        met: dict[str, int] = {}
        for row in table.records():
            same = hash_of({name: cell for name, cell in row.items() if name in identity and cell})
            earlier = met[same] = met.get(same, -1) + 1
            row_hash = hash_of({"row": same, "earlier": earlier}) if earlier else same
            yield {**self.typed(row), "row_hash": row_hash}

    def _placed_rows(self, days: Days) -> Iterator[Record]:
        """Rows that have nothing to tell them apart but their place in a window."""
        for window in aligned(days.first, days.last, self.zone, self.entry.aggregation_level):
            bounds = _bounds(window, self.run_began)
            number = 0
            until_today = window.from_on(window.first, (days.last - window.first).days + 1)
            shortest = kept_together(window, self.entry.aggregation_level)
            for _, table in self.tables(until_today, length=len(window), shortest=shortest):
                for row in table.records():
                    number += 1
                    yield {**self.typed(row), **bounds, "row_number": number}
            self.move_bookmark(self.settled(window))
            self.keep_state()

    def columns_of_the_account(self) -> dict[str, t.Any]:
        """The columns that the account's own report has besides those that are known, by name.

        A report of one day tells; where that is empty, one of a month.
        """
        yesterday = self._today - timedelta(days=1)
        for first in (yesterday, yesterday - timedelta(days=30)):
            table = self._table_of(Days(first, yesterday, self.zone))
            table.close()
            if table.headers:
                return {
                    name: column_schema(name, header)
                    for name, header in zip(table.names, table.headers, strict=True)
                    if name not in self.known_names
                }
        return {}


def _bounds(window: Days, now: datetime) -> dict[str, str]:
    return {
        "window_start": format_time(window.start),
        "window_end": format_time(min(window.end, now)),
    }


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"
