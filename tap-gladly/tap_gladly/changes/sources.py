"""How a change index is filled: from events, and from reports for what is older.

Gladly keeps events for 24 hours, and timestamp reports for ever. So events say what changed in that
time, which is all that a run needs that comes sooner, and reports what changed before: after an
outage, or in a first sync from a `start_date` on.
"""

from __future__ import annotations

import typing as t
from functools import partial

from tap_gladly.changes.facts import (
    COLUMNS,
    NEEDED_COLUMNS,
    REPORTS,
    told_by_event,
    told_by_row,
)
from tap_gladly.kit.errors import UnexpectedResponseError
from tap_gladly.kit.jsonlines import JSONLines
from tap_gladly.kit.times import format_time
from tap_gladly.reports.table import Table
from tap_gladly.reports.windows import REPORT_LAG, DateRange, adaptive_windows

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from tap_gladly.changes.events_window import ReceivedEvents
    from tap_gladly.changes.facts import Told
    from tap_gladly.changes.index import ChangeIndex
    from tap_gladly.run import GladlyStream

PATH = "/reports"

ADVICE = "conversations, customers and tasks that changed then are read when they change again"
"""What to say of a report that is cut."""


KNOWN = ("timestamp", *COLUMNS)
"""The columns by which such a report is told from something else."""


def add_reports(
    index: ChangeIndex, stream: GladlyStream, since: Mapping[str, datetime], until: datetime
) -> None:
    """Add what reports tell.

    Args:
        index: The index.
        stream: By which they are asked for.
        since: From when on it is of interest what changed, by kind.
        until: Where the events take over; reports reach some hours into them, being late.
    """
    last = min(until + REPORT_LAG, index.end).date()
    older = {kind: start for kind, start in since.items() if start < until}
    for metric_set in dict.fromkeys(each for kind in sorted(older) for each in REPORTS[kind]):
        kinds = [kind for kind in older if metric_set in REPORTS[kind]]
        days = DateRange(min(older[kind] for kind in kinds).date(), last)
        columns = NEEDED_COLUMNS[metric_set]
        needed = ("timestamp", *(column for kind, column in columns.items() if kind in kinds))
        index.add(_told_by_report(stream, metric_set, needed, days, format_time(index.end)))


def add_events(index: ChangeIndex, stream: GladlyStream, events: ReceivedEvents) -> None:
    """Add what events tell."""
    lines = JSONLines()
    end = format_time(index.end)
    index.add(told for event in events.records(lines) for told in told_by_event(event, end))
    lines.log_bad_lines(stream.log)


def _told_by_report(
    stream: GladlyStream, metric_set: str, needed: Collection[str], days: DateRange, end: str
) -> Iterator[Told]:
    ask = partial(_table_of, stream, metric_set)
    for window, table in adaptive_windows(days, ask, metric_set, stream.log, ADVICE):
        stream.log(
            "%s tells what changed from %s to %s (%s rows)",
            metric_set,
            window.first,
            window.last,
            f"{table.rows:,}",
        )
        missing = [name for name in needed if name not in table.names]
        if table.headers and missing:
            path = f"{PATH} ({metric_set})"
            raise UnexpectedResponseError(path, f"the columns {', '.join(missing)}")
        window_end = min(format_time(window.end), end)
        for row in table.records():
            yield from told_by_row(row, window_end)


def _table_of(stream: GladlyStream, metric_set: str, days: DateRange) -> Table:
    body = {
        "metricSet": metric_set,
        "startAt": days.first.isoformat(),
        "endAt": days.last.isoformat(),
        "timezone": "UTC",
    }
    return stream.client.report(PATH, body, partial(Table.receive, known=KNOWN, taken=()))
