"""How many requests a run makes when nothing is new."""

from __future__ import annotations

import re
import tempfile
import typing as t
from collections import Counter
from pathlib import Path

from rich.table import Table

from tests import impatient
from tests.bench.measuring import console, show
from tests.clari.conftest import config as copilot_config
from tests.clari.conftest import revenue_config
from tests.gladly.conftest import config as gladly_config
from tests.running import Tap
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from tests.running import Record
    from tests.sandbox.local_api import LocalApi

SPARED: Record = {"reference_data_interval_hours": 20}
AN_ID = re.compile(r"/[\w-]{20,}")


def show_idle() -> None:
    """Run each tap until nothing is new, and once more."""
    table = Table(title="Requests of a run with nothing new")
    table.add_column("what is read")
    table.add_column("requests", justify="right")
    table.add_column("of these")

    def add(name: str, tap: Tap, api: LocalApi, *streams: str, **settings: t.Any) -> None:
        state: Record | None = None
        for _ in range(3):
            api.traffic.clear()
            run = tap.run(*streams, state=state, **settings)
            if run.returncode:
                raise RuntimeError(run.log)
            state = run.state
        paths = Counter(AN_ID.sub("/…", each.path) for each in api.traffic.exchanges())
        of_these = ", ".join(f"{count} {path}" for path, count in paths.most_common())
        table.add_row(name, str(api.traffic.count()), of_these)

    with console.status("Running each tap until nothing is new ..."):
        with CopilotSandbox(calls=200, requests_per_second=None) as copilot:
            tap = Tap("tap-clari", copilot_config(copilot))
            add("all of Copilot", tap, copilot)
            add("the same, lists once in 20 hours", tap, copilot, **SPARED)
            add("the same, with a look-back of 30 days", tap, copilot, lookback_days=30, **SPARED)
            add("calls", tap, copilot, "calls")
            add("call_details", tap, copilot, "call_details")
        with RevenueSandbox() as revenue:
            revenue.exports.seconds = 0.1
            tap = Tap("tap-clari", revenue_config(revenue))
            add("all of Clari Revenue", tap, revenue)
            few = ("audit_events", "export_jobs")
            add(" and ".join(few), tap, revenue, *few)
        with GladlySandbox() as gladly, tempfile.TemporaryDirectory() as folder:
            # Without the minute that Gladly's ten reports take.
            command = impatient.command(Path(folder), "tap-gladly")
            tap = Tap(command, gladly_config(gladly))
            add("all of Gladly", tap, gladly)
            add("the same, lists once in 20 hours", tap, gladly, **SPARED)
            add("the same without reports", tap, gladly, reports=[], **SPARED)
            tap = Tap("tap-gladly", gladly_config(gladly))
            add("events", tap, gladly, "events")
            add("conversations", tap, gladly, "conversations")
    show(table)
