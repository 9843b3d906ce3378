"""The base of streams that are read as CSV, by windows that Gladly's row cap leaves whole."""

from __future__ import annotations

import typing as t
from datetime import timedelta, timezone, tzinfo

from tap_gladly.client import REPORTS_PER_MINUTE
from tap_gladly.kit.estimate import Estimate
from tap_gladly.kit.progress import ProgressLog
from tap_gladly.kit.times import format_time, time_or_none
from tap_gladly.reports.columns import typed
from tap_gladly.reports.table import TableReceiver
from tap_gladly.reports.windows import (
    DAY,
    FIRST_LENGTH,
    REPORT_LAG,
    DateRange,
    adaptive_windows,
    fewest_reports,
    last_day,
)
from tap_gladly.run import GladlyStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.reports.table import Table

HISTORY = timedelta(days=365)
"""How far back a report begins that has neither a bookmark nor a `start_date`."""

BESIDE = 2 * DAY
"""How far around the times that are wanted there may be rows: days are asked for whole."""

ADVICE = "filters in the setting reports can part it"
"""What to do about a report that is cut."""


class CSVStream(GladlyStream):
    """A stream that is read as CSV, by windows of days."""

    zone: tzinfo = timezone.utc
    """The zone of its days, and of times that are written without one."""

    time_column: str
    """The column of the time by which a row belongs to a window."""

    known_names: frozenset[str] = frozenset()
    """The columns that are known. A report has at least one of them."""

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read window by window, and keep in the state up to where all is read."""
        days = self.days()
        if not days:
            return
        self._doubted, self._had_rows = self._unread(days), self.bookmark() is not None
        progress = ProgressLog(self.log, f"{self.name}, in days", len(days))
        for window, records in self.windows(days):
            yield from records
            # Rows of the youngest hours may still come.
            self.move_bookmark(min(window.end, self.run_started_at - REPORT_LAG))
            self.write_state()
            progress.count(len(window))

    def needed(self) -> Estimate:
        """Reports, at their own pace."""
        days = self.days()
        if not days:
            return Estimate()
        reports = self.fewest_reports(days)
        seconds = 60 * reports / REPORTS_PER_MINUTE
        return Estimate(0, {"reports": reports}, seconds, f"{days.first} to {days.last}")

    def fewest_reports(self, days: DateRange) -> int:
        """How many reports these days take at least."""
        return fewest_reports(days)

    def windows(self, days: DateRange) -> Iterator[tuple[DateRange, Iterable[Record]]]:
        """The windows of these days, each with its records."""
        for window, table in self.tables(days):
            yield window, self.with_window(window, self._own(self.records_of(window, table)))

    def _own(self, records: Iterable[Record]) -> Iterable[Record]:
        """The records between `start_date` and `end_date`, if both are set: days come whole."""
        if self.end_date() is None:
            return records
        return (
            record
            for record in records
            if not self.is_of_other_run(time_or_none(record.get(self.time_column)), BESIDE)
        )

    def records_of(self, window: DateRange, table: Table) -> Iterable[Record]:
        """The records of a window's report."""
        raise NotImplementedError

    def with_window(self, window: DateRange, records: Iterable[Record]) -> Iterator[Record]:
        """The records with the window that they were read with.

        Without what an older catalog does not have: it would be taken for something of Gladly's.
        """
        bounds = {
            "window_start": format_time(window.start),
            "window_end": format_time(min(window.end, self.run_started_at)),
        }
        columns = self.effective_schema["properties"]
        bounds = {name: each for name, each in bounds.items() if name in columns}
        return ({**record, **bounds} for record in records)

    def days(self) -> DateRange:
        """The days from the bookmark, less the look-back, to today; may be empty."""
        bookmark, start_date = self.bookmark(), self.start_date()
        end = self.window_end()
        start = start_date or end - HISTORY
        if self.is_test:
            # A test of the connection takes one request, and not one for each window.
            start = max(start, self.run_started_at - (FIRST_LENGTH - 1) * DAY)
        if bookmark is not None:
            start = max(bookmark - self.lookback, start_date or bookmark - self.lookback)
        last = last_day(self.run_started_at, self.zone)
        last = min(last, (end - timedelta.resolution).astimezone(self.zone).date())
        return DateRange(start.astimezone(self.zone).date(), last, self.zone)

    def tables(self, days: DateRange, *, bucket: int = 1) -> Iterator[tuple[DateRange, Table]]:
        """The reports of these days; `bucket` says how many days belong together."""
        for window, table in adaptive_windows(
            days,
            self.table_of,
            self.name,
            self.log,
            ADVICE,
            bucket=bucket,
            doubted=self._doubted,
            had_rows=self._had_rows,
        ):
            self._had_rows = table.rows > 0
            yield window, table

    def _unread(self, days: DateRange) -> DateRange:
        """Those of these days that no run before has read, and that the next one will not read."""
        bookmark = self.bookmark()
        first = bookmark.astimezone(self.zone).date() if bookmark else days.first
        following = self.run_started_at - REPORT_LAG - self.lookback
        return DateRange(first, following.astimezone(self.zone).date() - DAY, self.zone)

    def table_of(self, days: DateRange) -> Table:
        """Ask for the report of these days."""
        receive = TableReceiver(self.known_names, self.tap_added_properties)
        return self.client.report(self.path, self.body(days), receive)

    def body(self, days: DateRange) -> dict[str, t.Any]:
        """The body of a request for these days."""
        return days.times(self.run_started_at)

    def typed(self, row: dict[str, str | None]) -> Record:
        """The row, each cell in the form of its column's type."""
        columns = self.schema["properties"]
        return {
            name: typed(name, cell, self.zone) if name in columns else cell
            for name, cell in row.items()
        }
