"""What the demo shows: its steps while they last, and what came of them."""

from __future__ import annotations

import contextlib
import time
import typing as t

from psycopg import sql
from rich.console import Console
from rich.table import Table

from tests.demo.keeping import SCHEMA

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from tests.pipeline import StreamMetrics
    from tests.sandbox.copilot import CopilotSandbox

QUESTION = "Who has the most calls, how much of them do they talk, and how much do they ask?"
ANSWER = """
    SELECT users.name, count(*),
           avg((call_details.metrics ->> 'talk_listen_ratio')::numeric),
           avg((call_details.metrics ->> 'num_questions_asked_by_reps')::numeric)
    FROM tap_clari.call_details
    CROSS JOIN unnest(call_details.users) AS rep
    JOIN tap_clari.users ON users.id = rep ->> 'userId'
    WHERE call_details.metrics IS NOT NULL
    GROUP BY users.id, users.name
    ORDER BY 2 DESC, 1
    LIMIT 5
"""

SECONDS_BETWEEN_LINES = 5.0

console = Console(highlight=False)

Say = t.Callable[[str], None]


@contextlib.contextmanager
def step(what: str) -> Iterator[Say]:
    """Show that a step is under way; yields what says how far it is."""
    began = said = time.monotonic()
    with console.status(f"{what} ...") as status:
        if not console.is_terminal:
            console.print(f"{what} ...")

        def say(progress: str) -> None:
            nonlocal said
            if console.is_terminal:
                status.update(f"{what}: {progress}")
            elif time.monotonic() - said > SECONDS_BETWEEN_LINES:
                said = time.monotonic()
                console.print(f"  {progress}")

        yield say
    console.print(f"{what}: done in {time.monotonic() - began:.1f} s")


def progress(copilot: CopilotSandbox, say: Say) -> Callable[[], None]:
    """What says how many requests have come in."""

    def tell() -> None:
        exchanges = copilot.traffic.count()
        if exchanges:
            newest = copilot.traffic.exchanges()[-1].path
            say(f"{exchanges} requests to Copilot so far, at {newest}")

    return tell


def show_streams(connection: Connection, metrics: dict[str, StreamMetrics]) -> None:
    """Show a row for each stream."""
    table = Table(title="Clari Copilot in PostgreSQL")
    table.add_column("stream")
    for column in ("read", "requests", "seconds", "in PostgreSQL"):
        table.add_column(column, justify="right")
    for name, stream in sorted(metrics.items()):
        rows = connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(SCHEMA, name))
        ).fetchone()
        table.add_row(
            name,
            str(stream.records),
            str(stream.requests),
            f"{stream.seconds:.1f}",
            str(rows[0] if rows else 0),
        )
    console.print(table)


def show_answer(connection: Connection) -> None:
    """Show what somebody in sales operations would ask."""
    table = Table(title=QUESTION)
    table.add_column("rep")
    for column in ("calls", "talk ratio", "questions a call"):
        table.add_column(column, justify="right")
    for name, calls, ratio, questions in connection.execute(ANSWER):
        table.add_row(name, str(calls), f"{ratio or 0:.2f}", f"{questions or 0:.1f}")
    console.print(table)


def show_cost(
    copilot: CopilotSandbox, metrics: dict[str, StreamMetrics], seconds: float, earlier_runs: int
) -> None:
    """Say what the run cost, and that it was incremental if it was."""
    traffic = copilot.traffic
    console.print(
        f"{sum(stream.records for stream in metrics.values())} records with {traffic.count()} "
        f"requests in {seconds:.0f} s; at most {traffic.busiest_second()} requests in any second "
        "(10 are allowed)."
    )
    if earlier_runs:
        total = len(copilot.account.call_ids(private=False))
        console.print(
            f"This was run {earlier_runs + 1}, and incremental: of {total} calls it read the "
            f"{metrics['calls'].records} that changed since the last run (or share its last "
            f"moment), and the details of {metrics['call_details'].records}."
        )
    else:
        console.print("Run `make demo` again: only what has changed by then will be read.")
