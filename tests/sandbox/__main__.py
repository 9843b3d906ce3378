"""`make sandbox`: a local Clari and a local Gladly in the foreground, both made up."""

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
    parser = argparse.ArgumentParser(prog="make sandbox", description=__doc__)
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
    revenue = RevenueSandbox(
        seed=options.seed, latency=options.latency, port=options.revenue_port, copilot=copilot
    )
    # With the limits of the vendor, as the others have those of theirs.
    gladly = GladlySandbox(
        seed=options.seed,
        latency=options.latency,
        port=options.gladly_port,
        requests_per_second=10,
        reports_per_minute=10,
    )
    with copilot, revenue, gladly:
        print("# A local Clari and a local Gladly, until Ctrl-C. Their environment, for any tap:")
        for name, value in (
            ("CLARI_COPILOT_API_URL", copilot.url),
            ("CLARI_COPILOT_API_KEY", copilot.api_key),
            ("CLARI_COPILOT_API_PASSWORD", copilot.api_password),
            ("CLARI_API_URL", revenue.url),
            ("CLARI_API_KEY", revenue.api_key),
            ("CLARI_PARTNER_KEY", revenue.partner_key),
            ("CLARI_JOB_POLL_INTERVAL_SECONDS", 1),
            ("GLADLY_API_URL", gladly.url),
            ("GLADLY_USERNAME", gladly.username),
            ("GLADLY_API_TOKEN", gladly.api_token),
        ):
            print(f"export TAP_{name}={value}", flush=True)
        ended.wait()
    requests = sum(sandbox.traffic.count() for sandbox in (copilot, revenue, gladly))
    print(f"# {requests} requests were made", flush=True)


if __name__ == "__main__":
    main()
