"""`python -m tests.demo`: Clari and Gladly into PostgreSQL through Meltano, before one's eyes.

The accounts are local ones (`tests/sandbox`); all else is what a user runs: a PostgreSQL server,
`meltano install`, `meltano run tap-clari target-postgres`, and the same with tap-gladly. Run again,
it shows an incremental run: since the last one, calls have changed and been held, activities have
come, and past weeks of the forecast have been restated; an export job and events of Gladly have
come, conversations were closed, and others went on.
"""

from __future__ import annotations

import contextlib
import time

from tests.demo.account import SELECTION, running_account
from tests.demo.charts import CLARI, GLADLY
from tests.demo.clari_cost import ClariCost, forecast
from tests.demo.clari_questions import clari_answers
from tests.demo.gladly import SETTINGS
from tests.demo.gladly_cost import GladlyCost, conversations
from tests.demo.gladly_questions import gladly_answers
from tests.demo.keeping import Keeping
from tests.demo.page import write_page
from tests.demo.showing import clari_progress, console, gladly_progress, show_streams, step
from tests.pipeline import ROOT, Meltano
from tests.postgres import PostgresServer


def main() -> None:
    """Show a first run, or a later one."""
    keeping = Keeping(ROOT / ".demo")
    earlier_runs = len(keeping.runs)
    with contextlib.ExitStack() as running:
        with step("Starting PostgreSQL, a local Clari (Copilot and Revenue) and a local Gladly"):
            server = running.enter_context(PostgresServer())
            connection = running.enter_context(server.connect())
            account = running.enter_context(running_account(keeping.runs))
            keeping.restore(connection)
        forecast_before, conversations_before = forecast(connection), conversations(connection)
        # A transaction left open would keep the target from changing the tables.
        connection.commit()
        meltano = Meltano(
            keeping.folder / "project",
            server,
            copilot=account.copilot,
            revenue=account.revenue,
            gladly=account.gladly,
        )
        with step("meltano install (tap-clari, tap-gladly and target-postgres)"):
            meltano.install("tap-clari", "tap-gladly", "target-postgres")

        began = time.monotonic()
        with step("meltano run tap-clari target-postgres") as say:
            metrics = meltano.run(
                "tap-clari",
                "target-postgres",
                settings=SELECTION,
                meanwhile=clari_progress(account, say),
            )
        clari_cost = ClariCost(account, metrics, time.monotonic() - began)
        show_streams(connection, "Clari", metrics)
        for table in clari_answers(connection):
            console.print(table)
        clari_cost.show()
        clari_cost.show_increment(earlier_runs, forecast_before, forecast(connection))
        connection.commit()

        began = time.monotonic()
        with step("meltano run tap-gladly target-postgres") as say:
            metrics = meltano.run(
                "tap-gladly",
                "target-postgres",
                settings=SETTINGS,
                meanwhile=gladly_progress(account, say),
            )
        gladly_cost = GladlyCost(
            account.gladly,
            metrics,
            time.monotonic() - began,
            keeping.runs[-1] if keeping.runs else None,
        )
        show_streams(connection, "Gladly", metrics)
        for table in gladly_answers(connection):
            console.print(table)
        gladly_cost.show()
        gladly_cost.show_increment(earlier_runs, conversations_before, conversations(connection))
        page = keeping.folder / "page.html"
        write_page(connection, [*CLARI, *GLADLY], page)
        console.print(f"Charts of these tables: open {page} in a browser.")
        if not earlier_runs:
            console.print("Run `make demo` again: only what has changed by then will be read.")
        keeping.keep(connection)


if __name__ == "__main__":
    main()
