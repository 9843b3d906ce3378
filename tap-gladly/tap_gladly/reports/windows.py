"""By which windows a report is asked for.

Gladly cuts a report silently at some 100,000 rows, and makes ten of them a minute. So a window is
as long as it can be without being cut, which depends on how busy the account is.
"""

from __future__ import annotations

import logging
import typing as t
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone, tzinfo

from tap_gladly.client import CONCURRENT_REPORTS

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_gladly.reports.table import Table

Log = t.Callable[..., None]

FULL = 95_000
"""Rows. A report that has so many may have been cut."""

AIMED_AT = 70_000
"""Rows. Days differ, so a window aims at less than what would be cut."""

BEHIND = timedelta(hours=2)
"""What is so young is not taken for complete: reports are about an hour behind."""

FIRST = 31
"""Days. A look-back of a month is one request, where the account is quiet."""

LONGEST = 366
"""Days."""

GROWTH = 8
"""How much longer than the one before it a window may be."""

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Days:
    """Whole days of a zone, the last one included."""

    first: date
    last: date
    zone: tzinfo = timezone.utc

    def __len__(self) -> int:
        return max(0, (self.last - self.first).days + 1)

    @property
    def start(self) -> datetime:
        """When the first day begins."""
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """When the last day is over."""
        return _midnight(self.last + DAY, self.zone)

    def from_on(self, first: date, length: int) -> Days:
        """So many of these days from one of them on."""
        return Days(first, min(first + (length - 1) * DAY, self.last), self.zone)


def adaptive(
    days: Days, ask: Callable[[Days], Table], *, length: int = FIRST, shortest: int = 1
) -> Iterator[tuple[Days, Table]]:
    """Ask for these days, in windows that are not cut, and yield the reports in their order.

    A report of the shortest length comes as it is, be it cut or not. Once it is known how busy the
    account is, the next report is under way while one is read: two at a time, as Gladly has it.

    Args:
        days: The days.
        ask: Asks for some of them.
        length: How many days the first window has.
        shortest: How many days belong together; every window has a multiple of them.
    """
    is_known = False
    first = days.first
    pending: deque[tuple[Days, Future[Table]]] = deque()
    pool = ThreadPoolExecutor(CONCURRENT_REPORTS, thread_name_prefix="reports")
    try:
        while pending or first <= days.last:
            while first <= days.last and len(pending) < (CONCURRENT_REPORTS if is_known else 1):
                window = days.from_on(first, length)
                pending.append((window, pool.submit(ask, window)))
                first = window.last + DAY
            window, future = pending.popleft()
            table = future.result()
            if table.rows >= FULL and len(window) > shortest:
                table.close()
                # What was asked for meanwhile is as long, and likely to be cut as well.
                _drop(pending)
                first, is_known = window.first, False
                length = _whole(len(window) // 2, shortest)
                continue
            is_known = True
            length = _whole(_next_length(len(window), table.rows), shortest)
            yield window, table
    finally:
        _drop(pending)
        pool.shutdown(wait=True, cancel_futures=True)


def read_windows(
    days: Days, ask: Callable[[Days], Table], name: str, log: Log, advice: str, **lengths: int
) -> Iterator[tuple[Days, Table]]:
    """As `adaptive`, with each report closed once it is read.

    A report that is cut, and cannot be had for less, is named.

    Args:
        days: The days.
        ask: Asks for some of them.
        name: What the report is called in a warning.
        log: Where the warning goes.
        advice: What the warning says to be done.
        lengths: As of `adaptive`.
    """
    for window, table in adaptive(days, ask, **lengths):
        if table.rows >= FULL:
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
        try:
            yield window, table
        finally:
            table.close()


def _next_length(days: int, rows: int) -> int:
    longest = min(days * GROWTH, LONGEST)
    return min(longest, AIMED_AT * days // rows) if rows else longest


def _whole(length: int, shortest: int) -> int:
    return max(shortest, length // shortest * shortest)


def _drop(pending: deque[tuple[Days, Future[Table]]]) -> None:
    """Give up what is under way, and what it will leave on disk."""

    def close(future: Future[Table]) -> None:
        if not future.cancelled() and not future.exception():
            future.result().close()

    for _, future in pending:
        future.cancel()
        future.add_done_callback(close)
    pending.clear()


def kept_together(window: Days, level: str | None) -> int:
    """How many days of a window belong together: those of a bucket of the level."""
    if level in {"monthly", "quarterly"}:
        return len(window)
    return 7 if level == "weekly" else 1


def aligned(first: date, last: date, zone: tzinfo, level: str | None) -> Iterator[Days]:
    """Windows from the one of the first day to the one of the last, whole buckets of a level each.

    They are the same in every run, so that a row keeps its place in its window: calendar months,
    but quarters and blocks of four weeks for what is reported by the quarter or week.
    """
    start = _begin(first, level)
    while start <= last:
        # Longer than any of them, and shorter than any two.
        following = _begin(start + (31 if level != "quarterly" else 92) * DAY, level)
        yield Days(start, following - DAY, zone)
        start = following


def _begin(day: date, level: str | None) -> date:
    if level == "weekly":
        # The first of all days is a Monday.
        return date.fromordinal((day.toordinal() - 1) // 28 * 28 + 1)
    if level == "quarterly":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(day=1)


def _midnight(day: date, zone: tzinfo) -> datetime:
    moment = datetime(day.year, day.month, day.day, tzinfo=zone)
    return moment.astimezone(timezone.utc)
