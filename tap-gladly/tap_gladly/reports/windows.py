"""The windows by which a report is asked for.

Gladly cuts a report silently at about 100,000 rows, and makes ten reports a minute. So a window is
as long as it can be without being cut. That length depends on how busy the account is.
"""

from __future__ import annotations

import logging
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

from tap_gladly.client import CONCURRENT_REPORTS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_gladly.reports.table import Table

ROW_CAP_SUSPECTED = 95_000
"""Rows. A report with so many may have been cut."""

TARGET_ROWS = 70_000
"""Rows. Days differ, so a window aims at fewer rows than would be cut."""

REPORT_LAG = timedelta(hours=2)
"""How young rows may still be missing from a report: reports are about an hour behind."""

FIRST_LENGTH = 31
"""Days of the first window. In a quiet account, a look-back of a month is one request."""

LONGEST = 366
"""Days of the longest window."""

GROWTH = 8
"""How many times longer than the one before it a window may be."""

DAY = timedelta(days=1)


@dataclass(frozen=True)
class DateRange:
    """Whole days of a zone; `last` is included."""

    first: date
    last: date
    zone: tzinfo = timezone.utc

    def __len__(self) -> int:
        return max(0, (self.last - self.first).days + 1)

    @property
    def start(self) -> datetime:
        """When the first day begins, in UTC."""
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """When the last day is over, in UTC."""
        return _midnight(self.last + DAY, self.zone)

    def days_from(self, first: date, length: int) -> DateRange:
        """At most `length` of these days, from `first` on."""
        return DateRange(first, min(first + (length - 1) * DAY, self.last), self.zone)

    def overlaps(self, other: DateRange) -> bool:
        """Whether some days are in both."""
        return max(self.first, other.first) <= min(self.last, other.last)

    def times(self, now: datetime) -> dict[str, str]:
        """The members of a request that takes times: to the minute, and not later than `now`."""
        return {
            "startAtTime": f"{self.start:%Y-%m-%dT%H:%MZ}",
            "endAtTime": f"{min(self.end, now):%Y-%m-%dT%H:%MZ}",
        }


def fewest_reports(days: DateRange) -> int:
    """How many reports these days take at least: as many as in an account where none is cut."""
    left, length, count = len(days), FIRST_LENGTH, 0
    while left > 0:
        left, length, count = left - length, min(length * GROWTH, LONGEST), count + 1
    return count


def last_day(now: datetime, zone: tzinfo) -> date:
    """Today in a zone; yesterday in the first minute of a day, of which no report can be asked."""
    return (now - timedelta(minutes=1)).astimezone(zone).date()


def adaptive_windows(  # noqa: PLR0913 - each is needed
    days: DateRange,
    ask: Callable[[DateRange], Table],
    name: str,
    log: Callable[..., None],
    advice: str,
    *,
    bucket: int = 1,
    doubted: DateRange,
    had_rows: bool = True,
) -> Iterator[tuple[DateRange, Table]]:
    """Ask for these days in windows that are not cut, and yield the reports in their order.

    The first report shows how busy the account is. From then on, the next report is under way while
    one is read: Gladly makes two at a time. A report of the shortest length may be cut, which is
    logged as a warning. Each report is closed once it was read.

    An entirely empty answer is how a window without rows may come. After a window that had rows it
    is believed when it comes twice, if rows could be lost by it.

    Args:
        days: The days.
        ask: Asks for the report of some days.
        name: The report's name in the warning.
        log: Where the warning goes.
        advice: The end of the warning, which says what to do.
        bucket: How many days belong together. Each window has a multiple of them.
        doubted: The days that no other run reads.
        had_rows: Whether there were rows before these days, as far as is known.
    """

    def rounded(length: int) -> int:
        return max(bucket, length // bucket * bucket)

    length = rounded(FIRST_LENGTH)
    is_known = False
    first = days.first
    pending: deque[tuple[DateRange, Future[Table]]] = deque()
    pool = ThreadPoolExecutor(CONCURRENT_REPORTS, thread_name_prefix="reports")
    try:
        while pending or first <= days.last:
            while first <= days.last and len(pending) < (CONCURRENT_REPORTS if is_known else 1):
                window = days.days_from(first, length)
                pending.append((window, pool.submit(ask, window)))
                first = window.last + DAY
            window, future = pending.popleft()
            table = future.result()
            if not table.headers and had_rows and window.overlaps(doubted):
                table.close()
                log("%s: an empty answer, %s to %s; asking again", name, window.first, window.last)
                table = ask(window)
            had_rows = table.rows > 0
            with closing(table):
                is_known = table.rows < ROW_CAP_SUSPECTED or len(window) <= bucket
                if not is_known:
                    # The other report under way is as long, and likely to be cut as well.
                    _drop(pending)
                    first, length = window.first, rounded(len(window) // 2)
                    continue
                if table.rows >= ROW_CAP_SUSPECTED:
                    log(
                        "%s has %d rows from %s to %s: Gladly gives about 100,000 and no more, so "
                        "that rows of this time may be missing: %s",
                        name,
                        table.rows,
                        window.first,
                        window.last,
                        advice,
                        level=logging.WARNING,
                    )
                longest = min(len(window) * GROWTH, LONGEST)
                length = rounded(min(longest, TARGET_ROWS * len(window) // max(1, table.rows)))
                yield window, table
    finally:
        _drop(pending)
        pool.shutdown(wait=True, cancel_futures=True)


def _drop(pending: deque[tuple[DateRange, Future[Table]]]) -> None:
    """Give up the reports under way, and close those that arrive all the same."""

    def close(future: Future[Table]) -> None:
        if not future.cancelled() and not future.exception():
            future.result().close()

    for _, future in pending:
        future.cancel()
        future.add_done_callback(close)
    pending.clear()


def bucket_days(window: DateRange, level: str | None) -> int:
    """How many days of a window belong together: those of a bucket of the aggregation level."""
    if level in {"monthly", "quarterly"}:
        return len(window)
    return 7 if level == "weekly" else 1


def fixed_windows(days: DateRange, level: str | None) -> Iterator[DateRange]:
    """Windows that hold all of these days, and whole buckets of an aggregation level.

    They are the same in every run, so that a row keeps its place in its window. Quarterly buckets
    have windows of a quarter, weekly ones of four weeks, and all others of a calendar month. The
    first window may begin before these days, and the last one may end after them.
    """
    start = _window_start(days.first, level)
    while start <= days.last:
        # Longer than one window, and shorter than two.
        following = _window_start(start + (92 if level == "quarterly" else 31) * DAY, level)
        yield DateRange(start, following - DAY, days.zone)
        start = following


def _window_start(day: date, level: str | None) -> date:
    if level == "weekly":
        # Day 1 of the proleptic calendar is a Monday.
        return date.fromordinal((day.toordinal() - 1) // 28 * 28 + 1)
    if level == "quarterly":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(day=1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    moment = datetime(day.year, day.month, day.day, tzinfo=zone)
    return moment.astimezone(timezone.utc)
