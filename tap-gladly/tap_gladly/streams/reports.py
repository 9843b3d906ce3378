"""The reports of the setting `reports`."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tap_gladly.kit.conformance import hash_of
from tap_gladly.reports.columns import column_names, column_schema, report_schema, snake_case
from tap_gladly.reports.metric_sets import BY_TIME, KNOWN, SUMMARY_HEADERS
from tap_gladly.reports.windows import Days, aligned, kept_together
from tap_gladly.streams.csv_reports import CSVStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.reports.config import Report
    from tap_gladly.reports.table import Table
    from tap_gladly.run import GladlyRun


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
        self, tap: Tap, run: GladlyRun, report: Report, others: dict[str, t.Any] | None = None
    ) -> None:
        self.entry = report
        self.known = KNOWN.get(report.metric_set)
        self.zone = report.zone
        headers: tuple[str, ...]
        if self.known is None:
            headers = SUMMARY_HEADERS.get(report.metric_set, ())
            self.primary_keys = ("window_start", "row_number")
            self.replication_key = "window_start"
            self.tap_added_properties = ("window_start", "row_number", "window_end")
        else:
            headers = self.known.headers
            self._anchor = self.replication_key = snake_case(self.known.anchor)
            if self.known.key:
                self.primary_keys = tuple(map(snake_case, self.known.key))
            else:
                self.primary_keys = self.tap_added_properties = ("row_hash",)
        self.known_names = frozenset(column_names(headers, self.tap_added_properties))
        self.name = report.name
        self._columns = report_schema(
            self.tap_added_properties, self.primary_keys, headers, others or {}
        )
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
            self.write_state()

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
            bounds = self.bounds(window)
            number = 0
            until_today = window.from_on(window.first, (days.last - window.first).days + 1)
            shortest = kept_together(window, self.entry.aggregation_level)
            for _, table in self.tables(until_today, length=len(window), shortest=shortest):
                for row in table.records():
                    number += 1
                    yield {**self.typed(row), **bounds, "row_number": number}
            self.move_bookmark(self.settled(window))
            self.write_state()

    def columns_of_the_account(self) -> dict[str, t.Any]:
        """The columns that the account's own report has besides those that are known, by name.

        A report of one day tells; where that is empty, one of a month.
        """
        yesterday = self.today - timedelta(days=1)
        for first in (yesterday, yesterday - timedelta(days=30)):
            table = self.table_of(Days(first, yesterday, self.zone))
            table.close()
            if table.headers:
                return {
                    name: column_schema(name, header)
                    for name, header in zip(table.names, table.headers, strict=True)
                    if name not in self.known_names
                }
        return {}
