"""What is read as CSV by windows of days, each as long as Gladly's row cap allows."""

from __future__ import annotations

import typing as t
from datetime import date, datetime, timedelta, timezone, tzinfo
from functools import partial

from tap_gladly.kit.times import format_time
from tap_gladly.reports.columns import typed
from tap_gladly.reports.table import Table
from tap_gladly.reports.windows import BEHIND, FIRST, Days, read_windows
from tap_gladly.run import GladlyStream

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk.helpers.types import Record

HISTORY = timedelta(days=365)
"""How far back a report begins that has neither a bookmark nor a `start_date`."""

ADVICE = "filters in the setting reports can part it"
"""What to do about a report that is cut."""


class CSVStream(GladlyStream):
    """What is read as CSV by windows of days."""

    lookback = timedelta(0)
    """How far before its bookmark the stream reads again."""

    zone: tzinfo = timezone.utc
    """The zone of its days, and of times that come without one."""

    known_names: frozenset[str] = frozenset()
    """The columns that are known, of which a report has some."""

    def days(self) -> Days | None:
        """From the bookmark, less the look-back, to today; none if that is nothing."""
        bookmark, start_date = self.bookmark(), self.start_date()
        start = start_date or self.run_started_at - HISTORY
        if self.is_test:
            # A test of the connection takes one request, and not a window after the other.
            start = max(start, self.run_started_at - timedelta(days=FIRST - 1))
        if bookmark is not None:
            start = max(bookmark - self.lookback, start_date or bookmark - self.lookback)
        days = Days(start.astimezone(self.zone).date(), self.today, self.zone)
        return days if len(days) else None

    @property
    def today(self) -> date:
        """The day on which the run began; a day of which not a minute is over is none."""
        return (self.run_started_at - timedelta(minutes=1)).astimezone(self.zone).date()

    def tables(self, days: Days, **lengths: int) -> Iterator[tuple[Days, Table]]:
        """The reports of these days; one that is cut and cannot be made shorter is named."""
        return read_windows(days, self.table_of, self.name, self.log, ADVICE, **lengths)

    def table_of(self, days: Days) -> Table:
        """Have the report of these days made."""
        receive = partial(Table.receive, known=self.known_names, taken=self.tap_added_properties)
        return self.client.report(self.path, self.body(days), receive)

    def body(self, days: Days) -> dict[str, t.Any]:
        """What asks for these days, as a range of times: to the minute, and not into the future."""
        return {
            "startAtTime": _minute(days.start),
            "endAtTime": _minute(min(days.end, self.run_started_at)),
        }

    def settled(self, days: Days) -> datetime:
        """Up to when the rows of these days will not become more."""
        return min(days.end, self.run_started_at - BEHIND)

    def bounds(self, window: Days) -> dict[str, str]:
        """A window, as columns of the rows in it."""
        return {
            "window_start": format_time(window.start),
            "window_end": format_time(min(window.end, self.run_started_at)),
        }

    def typed(self, row: dict[str, str | None]) -> Record:
        """The row, with cells that the types of their columns can take."""
        columns = self.schema["properties"]
        return {
            name: typed(name, cell, self.zone) if name in columns else cell
            for name, cell in row.items()
        }


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%MZ}"
