"""Serves a made-up Copilot account, Revenue organization and Gladly in the foreground.

Use ``python -m tests.sandbox --calls 1000``.
"""

from __future__ import annotations

import argparse
import signal
import threading
from typing import TYPE_CHECKING

from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.revenue import RevenueSandbox

if TYPE_CHECKING:
    from types import FrameType


def main() -> None:
    """Serve until SIGTERM or SIGINT; says where and with which credentials."""
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000, help="how many calls")
    parser.add_argument("--seed", type=int, default=1, help="seed of the data")
    for option, vendor in (("", "Copilot"), ("revenue-", "Revenue"), ("gladly-", "Gladly")):
        told = f"TCP port of {vendor}; 0 for any"
        parser.add_argument(f"--{option}port", type=int, default=0, help=told)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that an answer takes")
    options = parser.parse_args()

    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    copilot = CopilotSandbox(
        calls=options.calls, seed=options.seed, latency=options.latency, port=options.port
    )
    revenue = RevenueSandbox(seed=options.seed, latency=options.latency, port=options.revenue_port)
    # With the limits of the vendor, as the others have those of theirs.
    gladly = GladlySandbox(
        seed=options.seed,
        latency=options.latency,
        port=options.gladly_port,
        requests_per_second=10,
        reports_per_minute=10,
    )
    with copilot, revenue, gladly:
        for name, value in (
            ("url", copilot.url),
            ("api_key", copilot.api_key),
            ("api_password", copilot.api_password),
            ("revenue_url", revenue.url),
            ("revenue_api_key", revenue.api_key),
            ("revenue_partner_key", revenue.partner_key),
            ("gladly_url", gladly.url),
            ("gladly_username", gladly.username),
            ("gladly_api_token", gladly.api_token),
        ):
            print(f"{name:20} {value}", flush=True)
        ended.wait()
    requests = sum(sandbox.traffic.count() for sandbox in (copilot, revenue, gladly))
    print(f"{requests} requests were made", flush=True)


if __name__ == "__main__":
    main()
