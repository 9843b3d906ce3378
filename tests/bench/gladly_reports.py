"""Reports of Gladly that are cut at a number of rows, and those of a quiet account."""

from __future__ import annotations

import typing as t
from datetime import date, datetime, timedelta, timezone

from rich.table import Table

from tests.bench.measuring import console, measure, show
from tests.gladly.conftest import config
from tests.running import Tap
from tests.sandbox.gladly import GladlySandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.gladly.reports import Reports

METRIC_SET, STREAM = "ContactExportReportV3", "report_contact_export_v3"


class Account(t.NamedTuple):
    """How busy an account is.

    Args:
        what: What it is called.
        days: How many days its report reaches back.
        rows_per_day: How many rows each day has.
    """

    what: str
    days: int
    rows_per_day: int


ACCOUNTS = (
    Account("busy", 40, 10_000),
    Account("quiet", 730, 20),
)


def show_reports() -> None:
    """Read a report from its begin on, at the vendor's limits."""
    table = Table(title="one report from its begin on, cut at 100,000 rows, 10 a minute")
    table.add_column("account")
    for column in ("days", "rows", "read", "requests", "cut windows", "seconds", "peak MiB"):
        table.add_column(column, justify="right")
    for account in ACCOUNTS:
        with (
            console.status(f"Reading the report of a {account.what} account ..."),
            GladlySandbox(history_days=0, requests_per_second=10, reports_per_minute=10) as sandbox,
        ):
            yesterday = datetime.now(timezone.utc).date() - timedelta(days=1)
            days = [yesterday - timedelta(days=ago) for ago in reversed(range(account.days))]
            per_day = dict.fromkeys(days, account.rows_per_day)
            sandbox.reports.fill(METRIC_SET, per_day)
            taken = measure(
                Tap("tap-gladly", config(sandbox, start_date=f"{days[0]}")),
                [STREAM],
                requests_per_second=10,
            )
            cut = sum(rows > sandbox.reports.row_cap for rows in _asked(sandbox.reports, per_day))
            requests = sandbox.traffic.count()
        table.add_row(
            account.what,
            str(account.days),
            f"{sum(per_day.values()):,}",
            f"{taken.records:,}",
            str(requests),
            str(cut),
            f"{taken.seconds:.1f}",
            f"{taken.peak:.0f}",
        )
    show(table)


def _asked(reports: Reports, per_day: dict[date, int]) -> Iterator[int]:
    """How many rows each window has that was asked for."""
    for body in reports.asked:
        first, last = (date.fromisoformat(body[name]) for name in ("startAt", "endAt"))
        yield sum(rows for day, rows in per_day.items() if first <= day <= last)
