"""What the demo shows of its steps while they last, and of the streams that were read."""

from __future__ import annotations

import contextlib
import time
import typing as t

from psycopg import sql
from rich.console import Console
from rich.table import Table

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from psycopg import Connection

    from tests.demo.account import Account
    from tests.pipeline import StreamMetrics

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


def clari_progress(account: Account, say: Say) -> Callable[[], None]:
    """What says how many requests have come in, and how many export jobs were started."""
    copilot, revenue = account.copilot.traffic, account.revenue.traffic
    exports = account.revenue.exports

    def tell() -> None:
        running = sum(job.running for job in exports.started)
        told = f"{copilot.count()} requests to Copilot, {revenue.count()} to Revenue so far"
        if running:
            told += f"; waiting for {running} export jobs"
        if copilot.count() or revenue.count():
            say(told)

    return tell


def gladly_progress(account: Account, say: Say) -> Callable[[], None]:
    """What says how many requests have come in."""
    traffic = account.gladly.traffic

    def tell() -> None:
        if traffic.count():
            say(f"{traffic.count()} requests to Gladly so far")

    return tell


def show_streams(connection: Connection, vendor: str, metrics: dict[str, StreamMetrics]) -> None:
    """Show a row for each stream of a vendor's."""
    table = Table(title=f"{vendor} in PostgreSQL")
    table.add_column("stream")
    for column in ("read", "requests", "seconds", "in PostgreSQL"):
        table.add_column(column, justify="right")
    for name, stream in sorted(metrics.items()):
        rows = connection.execute(
            sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(f"tap_{vendor.lower()}", name))
        ).fetchone()
        table.add_row(
            name,
            str(stream.records),
            str(stream.requests),
            f"{stream.seconds:.1f}",
            str(rows[0] if rows else 0),
        )
    console.print(table)
