"""What a start of a tap takes, and how long its state is."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from datetime import timedelta

from rich.table import Table

from tests.bench.gladly_changes import ago, quiet
from tests.bench.measuring import console, show
from tests.gladly.conftest import config
from tests.running import BIN, Tap, environment

STARTS = 9

PROGRAMS = {
    "tap-clari": [str(BIN / "tap-clari"), "--version"],
    "tap-gladly": [str(BIN / "tap-gladly"), "--version"],
    "an empty tap of the SDK": [sys.executable, "-m", "tests.bench.idiomatic", "--version"],
    "Python alone": [sys.executable, "-c", ""],
}


def show_starts() -> None:
    """Start each program some times, in turns."""
    table = Table(title=f"A start with --version, medians of {STARTS}")
    table.add_column("program")
    table.add_column("CPU seconds", justify="right")
    seconds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with console.status("Starting each tap ..."):
        for _ in range(STARTS):
            for name, command in PROGRAMS.items():
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment())
                _, _, usage = os.wait4(process.pid, 0)
                process.returncode = 0
                seconds[name].append(usage.ru_utime + usage.ru_stime)
    for name, each in seconds.items():
        table.add_row(name, f"{statistics.median(each):.2f}")
    show(table)


def show_states(sizes: list[int]) -> None:
    """Read conversations by id, and look at the longest state."""
    table = Table(title="The longest STATE, by how many conversations a run reads by id")
    for column in ("conversations", "STATE messages", "bytes of the longest"):
        table.add_column(column, justify="right")
    for size in sizes:
        with console.status(f"Reading {size:,} conversations ..."), quiet() as sandbox:
            customer = sandbox.desk.customer(at=ago(hours=21))
            for number in range(size):
                at = ago(hours=20) + timedelta(seconds=number * 60_000 / size)
                sandbox.desk.conversation(customer, at=at)
            run = Tap("tap-gladly", config(sandbox)).run("conversations")
        if len(run.records["conversations"]) != size:
            raise RuntimeError(run.log)
        states = [line for line in run.lines if json.loads(line)["type"] == "STATE"]
        table.add_row(f"{size:,}", f"{len(states):,}", f"{max(map(len, states)):,}")
    show(table)
