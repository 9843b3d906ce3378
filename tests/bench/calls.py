"""Lists of calls, and their details, of the Copilot API."""

from __future__ import annotations

import math

from rich.table import Table

from tests.bench.measuring import console, measure
from tests.clari.conftest import config
from tests.running import Tap
from tests.sandbox.copilot import CopilotSandbox


def show_lists(sizes: list[int]) -> None:
    """Read lists of calls, without a limit to the rate."""
    table = Table(title="calls, without a rate limit")
    for column in ("calls", "seconds", "records/s", "peak MiB", "1st half", "2nd half"):
        table.add_column(column, justify="right")
    table.add_column("requests", justify="right")
    table.add_column("of which needed", justify="right")
    for size in sizes:
        with (
            console.status(f"Reading a list of {size:,} calls ..."),
            CopilotSandbox(calls=size, requests_per_second=None, weekly_quota=None) as sandbox,
        ):
            taken = measure(
                Tap("tap-clari", config(sandbox)), ["calls"], requests_per_second=10_000
            )
            requests = sandbox.traffic.count()
        needed = math.ceil(taken.records / 100)
        table.add_row(
            f"{taken.records:,}",
            f"{taken.seconds:.1f}",
            f"{taken.records / taken.seconds:,.0f}",
            f"{taken.peak:.0f}",
            f"{taken.peak_of(slice(0, 50)):.0f}",
            f"{taken.peak_of(slice(50, 100)):.0f}",
            f"{requests:,}",
            f"{needed / requests:.1%}",
        )
    console.print(table)


def show_rate(calls: int, latency: float) -> None:
    """Read details at the rate that the API allows."""
    with (
        console.status(f"Reading the details of {calls} calls at 10 requests a second ..."),
        CopilotSandbox(calls=calls, latency=latency) as sandbox,
    ):
        taken = measure(Tap("tap-clari", config(sandbox)), ["call_details"], requests_per_second=10)
        traffic = sandbox.traffic
        table = Table(title=f"call_details, every answer takes {latency * 1000:.0f} ms")
        for column in ("records", "seconds", "requests/s", "of 10", "busiest second", "refused"):
            table.add_column(column, justify="right")
        # The details alone: the list before them is a handful of requests, one after the other.
        asked = [exchange.arrived for exchange in traffic.exchanges("/call-details")]
        rate = (len(asked) - 1) / (asked[-1] - asked[0])
        table.add_row(
            f"{taken.records:,}",
            f"{taken.seconds:.1f}",
            f"{rate:.2f}",
            f"{rate / 10:.1%}",
            str(traffic.busiest_second()),
            str(traffic.count(status=429)),
        )
    console.print(table)
