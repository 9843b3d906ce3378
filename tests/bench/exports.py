"""Large exports of the Revenue API."""

from __future__ import annotations

from rich.table import Table

from tests.bench.measuring import console, measure, show
from tests.clari.conftest import revenue_config
from tests.running import Tap
from tests.sandbox.revenue import RevenueSandbox


def show_exports(sizes: list[int]) -> None:
    """Read exports of activities, each in one job."""
    table = Table(title="activities of one export")
    for column in ("activities", "MB", "seconds", "records/s", "peak MiB", "1st half", "2nd half"):
        table.add_column(column, justify="right")
    table.add_column("jobs spent", justify="right")
    for size in sizes:
        with (
            console.status(f"Reading an export of {size:,} activities ..."),
            RevenueSandbox() as sandbox,
        ):
            sandbox.account.large_activities(size)
            sandbox.exports.seconds = 0
            taken = measure(Tap("tap-clari", revenue_config(sandbox)), ["activities"])
            jobs = sandbox.exports.started
            # After the run, so that making the file a second time takes nothing from the tap.
            length = sum(len(chunk) for chunk in jobs[0].chunks())
        table.add_row(
            f"{taken.records:,}",
            f"{length / 1e6:,.0f}",
            f"{taken.seconds:.1f}",
            f"{taken.records / taken.seconds:,.0f}",
            f"{taken.peak:.0f}",
            f"{taken.peak_of(slice(0, 50)):.0f}",
            f"{taken.peak_of(slice(50, 100)):.0f}",
            str(len(jobs)),
        )
    show(table)
