"""Lists of calls, and their details, of the Copilot API."""

from __future__ import annotations

import math
import typing as t
from concurrent.futures import ThreadPoolExecutor

from rich.table import Table

from tests.bench.measuring import console, measure, show
from tests.clari.conftest import config
from tests.running import Tap
from tests.sandbox.copilot import CopilotSandbox

if t.TYPE_CHECKING:
    from collections.abc import Sequence


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
    show(table)


def show_rate(calls: int, latencies: Sequence[float]) -> None:
    """Read details at the rate that the API allows, by how long an answer takes; then two taps."""
    table = Table(title=f"call_details of {calls} calls, 10 requests a second allowed")
    for column in (
        "seconds an answer",
        "taps",
        "requests/s",
        "of the middle",
        "busiest",
        "refused",
    ):
        table.add_column(column, justify="right")
    for latency, taps in [*((each, 1) for each in latencies), (latencies[0], 2)]:
        with (
            console.status(f"{taps} read the details of {calls} calls, {latency} s each ..."),
            CopilotSandbox(calls=calls, latency=latency, weekly_quota=None) as sandbox,
            ThreadPoolExecutor(taps) as pool,
        ):
            tap = Tap("tap-clari", config(sandbox, requests_per_second=10))
            for done in [pool.submit(measure, tap, ["call_details"]) for _ in range(taps)]:
                done.result()
            traffic = sandbox.traffic
        # The details alone: the list before them is a handful of requests, one after the other.
        asked = [each.arrived for each in traffic.exchanges("/call-details")]
        table.add_row(
            f"{latency}",
            f"{taps}",
            f"{rate(asked):.2f}",
            f"{rate(asked[len(asked) // 4 : -len(asked) // 4]):.2f}",
            f"{traffic.busiest_second()}",
            f"{traffic.count(status=429) / len(asked):.1%}",
        )
    show(table)


def rate(arrivals: Sequence[float]) -> float:
    """Requests a second between the first arrival and the last."""
    return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])
