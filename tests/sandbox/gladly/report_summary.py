"""Adds the days of a summary up to other buckets of time."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from tests.sandbox.gladly.report_request import day_begin
from tests.sandbox.gladly.timestamps import MINUTE, moment_of, nanos, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo


def aggregate(
    columns: list[str], rows: Iterator[list[str]], level: str, zone: ZoneInfo
) -> Iterator[list[str]]:
    """Yield one row for each bucket and name: numbers are added up, other cells the first ones.

    The rows are those of days. All of a day happened in its first half hour.
    """
    begin, end, name = (
        columns.index(header) for header in ("Bucket Beginning", "Bucket End", "Name")
    )
    sums: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        first, last = _bucket(nanos(row[begin]), level, zone)
        found = sums.get((first, row[name]))
        if found is None:
            sums[first, row[name]] = [*row]
            found = sums[first, row[name]]
            found[begin], found[end] = stamp(first, 0), stamp(last, 3)
            continue
        for index, cell in enumerate(row):
            if cell.isdecimal() and found[index].isdecimal():
                found[index] = str(int(found[index]) + int(cell))
    yield from sums.values()


def _bucket(at: int, level: str, zone: ZoneInfo) -> tuple[int, int]:
    if level == "halfHourly":
        first = at // (30 * MINUTE) * 30 * MINUTE
        return first, first + 30 * MINUTE
    day = datetime.astimezone(moment_of(at), zone).date()
    if level == "weekly":
        monday = day - timedelta(days=day.weekday())
        return day_begin(monday, zone), day_begin(monday + timedelta(days=7), zone)
    length = 1 if level == "monthly" else 3
    month = day.year * 12 + (day.month - 1) // length * length
    starts = [date(one // 12, one % 12 + 1, 1) for one in (month, month + length)]
    return day_begin(starts[0], zone), day_begin(starts[1], zone)
