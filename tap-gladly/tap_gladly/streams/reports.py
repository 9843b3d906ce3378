"""The reports of the setting `reports`."""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import timedelta

from singer_sdk.exceptions import FatalAPIError

from tap_gladly.client import REPORTS, missing_settings
from tap_gladly.kit.conformance import hash_of
from tap_gladly.kit.errors import ApiFaultError
from tap_gladly.kit.times import format_time
from tap_gladly.reports.columns import column_schema, snake_case
from tap_gladly.reports.config import reports_of
from tap_gladly.reports.layout import layout_of
from tap_gladly.reports.sessions import ended_sessions
from tap_gladly.reports.table import TableReceiver
from tap_gladly.reports.windows import DAY, DateRange, bucket_days, fixed_windows, last_day
from tap_gladly.streams.csv_reports import CSVStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Record

    from tap_gladly.reports.columns import Schema
    from tap_gladly.reports.config import Report
    from tap_gladly.reports.layout import Layout
    from tap_gladly.reports.table import Table
    from tap_gladly.run import GladlyRun


DISCOVERY_TRIES = 3
"""Tries of a report that is asked for its columns only."""


class ReportStream(CSVStream):
    """A report of the setting `reports` (`/reports`).

    Args:
        tap: The tap.
        run: What the streams of a run share.
        report: The report.
        layout: Its columns and keys.
    """

    path = REPORTS
    # Set on the instance before the SDK's own properties are first read.
    primary_keys: tuple[str, ...] = ()
    replication_key: str | None = None

    def __init__(self, tap: Tap, run: GladlyRun, report: Report, layout: Layout) -> None:
        self.report = report
        self.name = report.name
        self.zone = report.zone
        self.primary_keys = layout.primary_keys
        self.replication_key = self.time_column = layout.replication_key
        self.tap_added_properties = layout.added
        self.known_names = layout.known_names
        self._columns = layout.schema
        super().__init__(tap, run)

    @property
    def schema(self) -> dict[str, t.Any]:  # type: ignore[override]
        """The columns, which differ from account to account."""
        return self._columns

    @property
    def lookback(self) -> timedelta:
        """How far before its bookmark the stream reads again: the rows of most reports change."""
        days = self.config["report_lookback_days"] if self.report.known.rows_change else 0
        return timedelta(days=days)

    def body(self, days: DateRange) -> dict[str, t.Any]:
        """The body of a request for these days."""
        return self.report.body(days, self.run_started_at)

    def windows(self, days: DateRange) -> Iterator[tuple[DateRange, Iterable[Record]]]:
        """The windows of these days; rows that only their place identifies need fixed ones."""
        if self.report.known.anchor:
            yield from super().windows(days)
            return
        for window in fixed_windows(days, self.report.aggregation_level):
            yield window, self.with_window(window, self._numbered(window, days))

    def fewest_reports(self, days: DateRange) -> int:
        """How many reports these days take at least; fixed windows take one or more each."""
        if self.report.known.anchor:
            return super().fewest_reports(days)
        windows = fixed_windows(days, self.report.aggregation_level)
        return sum(super(ReportStream, self).fewest_reports(_until(each, days)) for each in windows)

    def records_of(self, window: DateRange, table: Table) -> Iterable[Record]:  # noqa: ARG002
        """The rows, which have a key, or a hash for one."""
        if self.report.known.is_of_sessions:
            return map(self.typed, ended_sessions(table.records()))
        return map(self.typed, table.records()) if self.report.known.key else self._hashed(table)

    def _hashed(self, table: Table) -> Iterator[Record]:
        """The rows with a hash of the cells that do not change. Equal rows are counted.

        Equal rows have the same time, so they come in the same window in every run.
        """
        hash_columns = frozenset(map(snake_case, self.report.known.hash_columns))
        if table.headers and self.replication_key not in table.names:
            hash_columns = frozenset(table.names)
            self.warn_once(
                f"The report of {self.name} has no column {self.replication_key!r}: its rows are "
                "told apart by all that they hold, and one that changes comes twice. Please report "
                "it as a bug of tap-gladly."
            )
        counts: dict[str, int] = {}
        for row in table.records():
            cells = {name: cell for name, cell in row.items() if name in hash_columns and cell}
            row_hash = hash_of(cells)
            earlier = counts[row_hash] = counts.get(row_hash, -1) + 1
            if earlier:
                row_hash = hash_of({"row": row_hash, "earlier": earlier})
            yield {**self.typed(row), "row_hash": row_hash}

    def _numbered(self, window: DateRange, days: DateRange) -> Iterator[Record]:
        """The rows with their place in a fixed window, of which no more than these days is read."""
        bucket = bucket_days(window, self.report.aggregation_level)
        number, read_at = 0, format_time(self.run_started_at)
        has_time = "read_at" in self.effective_schema["properties"]
        for _, table in self.tables(_until(window, days), bucket=bucket):
            for row in table.records():
                number += 1
                record = {**self.typed(row), "row_number": number}
                # An older catalog does not have it.
                yield {**record, "read_at": read_at} if has_time else record


def _until(window: DateRange, days: DateRange) -> DateRange:
    """A fixed window, of which no more than these days is there."""
    return replace(window, last=min(window.last, days.last))


def report_streams(tap: Tap, run: GladlyRun, *, is_discovering: bool) -> Iterator[ReportStream]:
    """The streams of the setting `reports`.

    A catalog has the columns of the account's own reports. Without one, discovery asks for them
    where not all are known, so that a column which is in a table stays there; and so does a run for
    a report of which none is known.
    """
    for report in reports_of(tap.config["reports"]):
        if entry := tap.input_catalog and tap.input_catalog.get_stream(report.name):
            columns = entry.schema.to_dict().get("properties", {})
        elif not missing_settings(tap.config) and (
            not report.known.headers or (is_discovering and not report.known.has_all_columns)
        ):
            columns = _account_columns(tap, run, report)
        else:
            columns = {}
        yield ReportStream(tap, run, report, layout_of(report.known, columns))


def _account_columns(tap: Tap, run: GladlyRun, report: Report) -> dict[str, Schema]:
    """The columns of the account's own report: of yesterday, or of a month where that is empty."""
    layout = layout_of(report.known, {})
    yesterday = last_day(run.started_at, report.zone) - DAY
    for length in (1, 31):
        days = DateRange(yesterday - (length - 1) * DAY, yesterday, report.zone)
        receive = TableReceiver(layout.known_names, layout.added)
        try:
            body = report.body(days, run.started_at)
            table = run.client.report(REPORTS, body, receive, tries=DISCOVERY_TRIES)
        except ApiFaultError:
            raise
        except FatalAPIError as error:
            # Of this report alone: a catalog without its own columns is better than none.
            tap.logger.warning("The columns of %s are not known: %s", report.name, error)
            break
        table.close()
        if table.headers:
            headers = dict(zip(table.names, table.headers, strict=True))
            return {name: column_schema(name, header) for name, header in headers.items()}
    return {}
