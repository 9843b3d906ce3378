"""What `meltano run` takes as a whole, and what of it the tap, the target and Meltano take."""

from __future__ import annotations

import contextlib
import tempfile
import typing as t
from collections import defaultdict
from pathlib import Path

import psutil
from rich.table import Table

from tests.bench.gladly_files import Emails
from tests.bench.measuring import console, show
from tests.pipeline import Meltano
from tests.postgres import PostgresServer
from tests.sandbox.gladly import GladlySandbox

TAP, TARGET = "tap-gladly", "target-postgres"
PARTS = (TAP, TARGET, "meltano")

SETTINGS = {
    "as in meltano.yml": {},
    "the target's own": {
        "TARGET_POSTGRES_VALIDATE_RECORDS": "true",
        "TARGET_POSTGRES_USE_COPY": "false",
        "TARGET_POSTGRES_BATCH_SIZE_ROWS": "10000",
    },
}
"""The settings of the target."""


def show_pipeline(items: int) -> None:
    """Load so many conversation items into PostgreSQL, by the target's settings."""
    table = Table(
        title=f"meltano run {TAP} {TARGET}: {items:,} items",
        caption="CPU seconds, looked at four times a second while the run lasts",
    )
    table.add_column("settings of the target")
    for column in (*PARTS, "all"):
        table.add_column(column, justify="right")
    for name, settings in SETTINGS.items():
        with console.status(f"Loading {items:,} items ({name}) ..."):
            seconds = _loaded(items, settings)
        figures = [seconds[part] for part in PARTS]
        table.add_row(name, *(f"{each:.1f}" for each in (*figures, sum(figures))))
    show(table, "meltano")


def _loaded(items: int, settings: dict[str, str]) -> dict[str, float]:
    """Load them; returns the CPU seconds of each part."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        PostgresServer() as postgres,
        GladlySandbox(history_days=0) as gladly,
    ):
        Emails(items).export(gladly)
        meltano = Meltano(Path(folder) / "project", postgres, gladly=gladly)
        meltano.install(TAP, TARGET)
        seen: defaultdict[int, tuple[str, float]] = defaultdict(lambda: ("", 0.0))

        def look() -> None:
            with contextlib.suppress(psutil.NoSuchProcess):
                main = psutil.Process(meltano.pid)
                for process in [main, *main.children(recursive=True)]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        times = process.cpu_times()
                        part = _part(process.cmdline())
                        seen[process.pid] = part, times.user + times.system

        select = {"TAP_GLADLY__SELECT": '["export_conversation_items.*"]'}
        meltano.run(TAP, TARGET, settings={**settings, **select}, meanwhile=look)
        with postgres.connect() as connection:
            rows = connection.execute("SELECT count(*) FROM tap_gladly.export_conversation_items")
            if rows.fetchone() != (items,):
                message = f"not all of {items} items are there"
                raise RuntimeError(message)
    seconds = dict.fromkeys(PARTS, 0.0)
    for part, took in seen.values():
        seconds[part] += took
    return seconds


def _part(command: list[str]) -> str:
    # The path of a plugin's program has its name; Meltano's own has none of them.
    names: t.Iterable[str] = (Path(each).name for each in command[:2])
    return next((name for name in names if name in PARTS), PARTS[-1])
