"""`python -m tests.demo`: both APIs of Clari into PostgreSQL through Meltano, before one's eyes.

The account is a local one (`tests/sandbox`); all else is what a user runs: a PostgreSQL server,
`meltano install`, `meltano run tap-clari target-postgres`. Run again, it shows an incremental run:
since the last one, calls have changed and been held, activities have come, and past weeks of the
forecast have been restated.
"""

from __future__ import annotations

import contextlib
import time

from tests.demo.account import running_account
from tests.demo.cost import Cost, forecast
from tests.demo.keeping import Keeping
from tests.demo.questions import answers
from tests.demo.showing import console, progress, show_streams, step
from tests.pipeline import ROOT, Meltano
from tests.postgres import PostgresServer


def main() -> None:
    """Show a first run, or a later one."""
    keeping = Keeping(ROOT / ".demo")
    earlier_runs = keeping.runs
    with contextlib.ExitStack() as running:
        with step("Starting PostgreSQL and a local Clari (Copilot and Revenue)"):
            server = running.enter_context(PostgresServer())
            connection = running.enter_context(server.connect())
            account = running.enter_context(running_account(earlier_runs))
            keeping.restore(connection)
        before = forecast(connection)
        # A transaction left open would keep the target from changing the tables.
        connection.commit()
        meltano = Meltano(keeping.folder / "project", account.copilot, account.revenue, server)
        with step("meltano install (tap-clari and target-postgres)"):
            meltano.install("tap-clari", "target-postgres")
        began = time.monotonic()
        with step("meltano run tap-clari target-postgres") as say:
            metrics = meltano.run("tap-clari", "target-postgres", meanwhile=progress(account, say))
        cost = Cost(account, metrics, time.monotonic() - began)
        show_streams(connection, metrics)
        for table in answers(connection):
            console.print(table)
        cost.show()
        cost.show_increment(earlier_runs, before, forecast(connection))
        keeping.keep(connection)


if __name__ == "__main__":
    main()
