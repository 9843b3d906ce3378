"""How a change index is filled: from events, and from reports for what is older.

Gladly keeps events for 24 hours, and timestamp reports for ever. So events say what changed in that
time, which is all that a run needs that comes sooner, and reports what changed before: after an
outage, or in a first sync from a `start_date` on.
"""

from __future__ import annotations

import logging
import typing as t
from datetime import timedelta
from functools import partial

from singer_sdk.exceptions import FatalAPIError

from tap_gladly.changes.events_window import is_at_or_after
from tap_gladly.changes.facts import (
    COLUMNS,
    NEEDED_COLUMNS,
    REPORTS,
    TIME_COLUMNS,
    facts_from_event,
    facts_from_report_row,
)
from tap_gladly.client import REPORTS as PATH
from tap_gladly.kit.jsonlines import JSONLines
from tap_gladly.kit.times import format_time
from tap_gladly.reports.table import TableReceiver
from tap_gladly.reports.windows import REPORT_LAG, DateRange, adaptive_windows

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from tap_gladly.changes.events_window import ReceivedEvents
    from tap_gladly.changes.facts import Fact
    from tap_gladly.client import GladlyClient
    from tap_gladly.kit.jsonlines import Log
    from tap_gladly.reports.table import Table

ADVICE = "conversations, customers and tasks that changed then are read when they change again"
"""What to say of a report that is cut."""


KNOWN = ("timestamp", *COLUMNS)
"""The columns of which each of these reports has some, and nothing else has."""


class ReportWindow(t.NamedTuple):
    """The days of a report that are asked for.

    Args:
        metric_set: The report.
        kinds: The kinds of which it names changes.
        days: The days.
    """

    metric_set: str
    kinds: tuple[str, ...]
    days: DateRange


def report_windows(
    since: Mapping[str, datetime], until: datetime, end: datetime
) -> Iterator[ReportWindow]:
    """The reports that say what changed before the events.

    Args:
        since: The time from which changes are of interest, by kind.
        until: Where the events begin. Reports reach some hours into them, being late.
        end: Where the index ends.
    """
    last = (min(until + REPORT_LAG, end) - timedelta.resolution).date()
    older = {kind: start for kind, start in since.items() if start < until}
    for metric_set in dict.fromkeys(each for kind in sorted(older) for each in REPORTS[kind]):
        kinds = tuple(kind for kind in older if metric_set in REPORTS[kind])
        first = min(older[kind] for kind in kinds).date()
        yield ReportWindow(metric_set, kinds, DateRange(first, last))


def facts_from_reports(
    client: GladlyClient, log: Log, window: ReportWindow, end: str, end_date: datetime | None
) -> Iterator[Fact]:
    """The facts in the rows of a report.

    Args:
        client: Makes the requests.
        log: Logs what is read.
        window: The report and its days.
        end: Where the index ends.
        end_date: The setting `end_date`: what changed then or later belongs to another run.

    Raises:
        FatalAPIError: If the report cannot be had.
    """
    metric_set = window.metric_set
    columns = NEEDED_COLUMNS[metric_set]
    needed = [column for kind, column in columns.items() if kind in window.kinds]
    needed = [TIME_COLUMNS.get(metric_set, "timestamp"), *needed]
    ask = partial(_table_of, client, metric_set)
    for days, table in adaptive_windows(
        window.days, ask, metric_set, log, ADVICE, doubted=window.days
    ):
        log(
            "%s tells what changed from %s to %s (%s rows)",
            metric_set,
            days.first,
            days.last,
            f"{table.rows:,}",
        )
        missing = [name for name in needed if name not in table.names]
        if table.headers and missing:
            columns_missing = f"the columns {', '.join(missing)}"
            path = f"{PATH} ({metric_set})"
            raise FatalAPIError(client.errors.unexpected(path, columns_missing))
        window_end = min(format_time(days.end), end)
        for row in table.records():
            time = row.get(needed[0])
            if not is_at_or_after(time, end_date):
                yield from facts_from_report_row({"timestamp": time, **row}, window_end)


def facts_from_events(events: ReceivedEvents, log: Log, end: str) -> Iterator[Fact]:
    """The facts in the events; `end` is where the index ends."""
    lines, nameless = JSONLines(), 0
    for event in events.records(lines):
        facts = list(facts_from_event(event, end))
        nameless += not facts and not str(event.get("type")).startswith("AGENT_")
        yield from facts
    lines.log_bad_lines(log)
    if nameless:
        log(
            "%d events name no conversation, customer or task, so that what changed with them is "
            "not known: it is read when it changes again. Ask Gladly support about them",
            nameless,
            level=logging.WARNING,
        )


def _table_of(client: GladlyClient, metric_set: str, days: DateRange) -> Table:
    body = {
        "metricSet": metric_set,
        "startAt": days.first.isoformat(),
        "endAt": days.last.isoformat(),
        "timezone": "UTC",
    }
    return client.report(PATH, body, TableReceiver(KNOWN))
