"""`python -m tests.demo`: Clari Copilot into PostgreSQL through Meltano, before one's eyes.

The account is a local one (`tests/sandbox`); all else is what a user runs: a PostgreSQL server,
`meltano install`, `meltano run tap-clari target-postgres`. Run again, it shows an incremental run:
since the last one, three calls have changed and two have been held.
"""

from __future__ import annotations

import contextlib
import time
from datetime import date, timedelta

from tests.demo.keeping import Keeping
from tests.demo.showing import progress, show_answer, show_cost, show_streams, step
from tests.pipeline import ROOT, Meltano
from tests.postgres import PostgresServer
from tests.sandbox.copilot import CopilotSandbox

CALLS = 150


def main() -> None:
    """Show a first run, or a later one."""
    keeping = Keeping(ROOT / ".demo")
    earlier_runs = keeping.runs
    with contextlib.ExitStack() as running:
        with step("Starting PostgreSQL and a local Clari Copilot"):
            server = running.enter_context(PostgresServer())
            connection = running.enter_context(server.connect())
            copilot = running.enter_context(CopilotSandbox(calls=CALLS))
            live_on(copilot, earlier_runs)
            keeping.restore(connection)
        meltano = Meltano(keeping.folder / "project", copilot, server)
        with step("meltano install (tap-clari and target-postgres)"):
            meltano.install("tap-clari", "target-postgres")
        began = time.monotonic()
        with step("meltano run tap-clari target-postgres") as say:
            metrics = meltano.run("tap-clari", "target-postgres", meanwhile=progress(copilot, say))
        seconds = time.monotonic() - began
        show_streams(connection, metrics)
        show_answer(connection)
        show_cost(copilot, metrics, seconds, earlier_runs)
        keeping.keep(connection)


def live_on(copilot: CopilotSandbox, runs: int) -> None:
    """Let happen in the account what happens between runs: calls change, and new ones come."""
    account = copilot.account
    first_day = date(2026, 10, 2)
    for run in range(runs):
        day = first_day + timedelta(days=run)
        calls = account.call_ids(private=False)
        for number in range(3):
            changed = calls[(3 * run + number) % len(calls)]
            account.touch(changed, modified=f"{day}T09:00:0{number}Z", status="PROCESSED")
        account.add(2, modified_from=f"{day}T10:00:00Z", modified_to=f"{day}T11:00:00Z")


if __name__ == "__main__":
    main()
