"""What a record costs: the taps beside the least possible, the SDK's own way, and dlt.

All read the same bytes over local HTTP, in turns. What counts is the CPU time of the process that
reads them, of user and system.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import typing as t
import venv
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

from rich.table import Table

from tests.bench.measuring import console, show
from tests.running import BIN, environment, select

if t.TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

DLT = "dlt[filesystem,parquet]==1.31.0"
DLT_FOLDER = ROOT / ".tools" / "dlt"
"""An environment of its own, made when it is first needed: the tests do without it."""


class Kind(t.NamedTuple):
    """A kind of record.

    Args:
        tap: Whose it is.
        stream: The name of its stream.
        path: Where the server has it.
        config: The settings of the tap; `{url}` is the server.
    """

    tap: str
    stream: str
    path: str
    config: dict[str, t.Any]


FAST = {"requests_per_second": 10_000}
KINDS = {
    "calls": Kind(
        "tap-clari",
        "calls",
        "/calls",
        {"copilot_api_url": "{url}", "copilot_api_key": "k", "copilot_api_password": "p", **FAST},
    ),
    "activities": Kind(
        "tap-clari",
        "activities",
        "/v4/export/jobs/1/results",
        {"api_url": "{url}", "api_key": "k", "job_poll_interval_seconds": 0.05, **FAST},
    ),
    "items": Kind(
        "tap-gladly",
        "export_conversation_items",
        "/api/v1/export/jobs/1/files/conversation_items.jsonl",
        {"api_url": "{url}", "username": "u", "api_token": "t", **FAST},
    ),
}

FLOOR, TAP, IDIOMATIC = "floor", "tap", "SDK"
COLUMNS = ("records", "read by", "CPU seconds", "of the floor", "of the SDK", "peak MiB")
DLT_FORMATS = {"dlt to JSONL": "jsonl", "dlt to Parquet": "parquet"}


def show_records(count: int, rounds: int, programs: list[str], kinds: list[str]) -> None:
    """Read so many records of each kind by each program."""
    title = f"{count:,} records of each kind, medians of {rounds}"
    if kinds or programs:
        title += f" (only {', '.join([*kinds, *programs])})"
    table = Table(title=title, caption=DLT)
    for column in COLUMNS:
        table.add_column(column, justify="left" if column in COLUMNS[:2] else "right")
    for kind in kinds or KINDS:
        with console.status(f"Reading {count:,} {kind} by each program ..."):
            for row in _measured(kind, count, rounds, programs):
                table.add_row(kind, *row)
    show(table, "msgspec", "requests")


def _measured(kind: str, count: int, rounds: int, programs: list[str]) -> list[list[str]]:
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    mib: defaultdict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _served(kind, count) as url:
        commands = _commands(kind, url, Path(folder))
        for _ in range(rounds):
            for name in programs or commands:
                took, most = _run(commands[name], count, Path(folder) / "log")
                seconds[name].append(took)
                mib[name].append(most)
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    rows = []
    for name, median in medians.items():
        ratios = [
            f"{median / medians[other]:.2f}" if other in medians else ""
            for other in (FLOOR, IDIOMATIC)
        ]
        rows.append([name, f"{median:.2f}", *ratios, f"{max(mib[name]):.0f}"])
    return rows


def _commands(kind: str, url: str, folder: Path) -> dict[str, list[str]]:
    """The commands of the programs by name."""
    tap, stream, path, settings = KINDS[kind]
    files = {
        "config": {k: v.format(url=url) if isinstance(v, str) else v for k, v in settings.items()},
        "catalog": select(tap, [stream]),
        "sdk": {"url": url, "stream": kind},
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    python, source = [sys.executable, "-m"], url + path
    commands = {
        FLOOR: [*python, "tests.bench.floor", kind, source],
        TAP: [str(BIN / tap), "--config", f"{folder}/config", "--catalog", f"{folder}/catalog"],
        IDIOMATIC: [*python, "tests.bench.idiomatic", "--config", f"{folder}/sdk"],
    }
    script = str(Path(__file__).with_name("dlt_pipeline.py"))
    for name, file_format in DLT_FORMATS.items():
        commands[name] = [str(DLT_FOLDER / "bin" / "python"), script, kind, source, file_format]
        commands[name].append(str(folder / file_format))
    return commands


def _run(command: list[str], count: int, log: Path) -> tuple[float, float]:
    """Run a program; returns its CPU seconds and the most MiB that it held.

    Raises:
        RuntimeError: If it fails, or reads another number of records.
    """
    if command[0].startswith(str(DLT_FOLDER)) and not DLT_FOLDER.exists():
        venv.create(DLT_FOLDER, with_pip=True)
        subprocess.run([DLT_FOLDER / "bin" / "pip", "install", "--quiet", DLT], check=True)
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, env=environment(), cwd=ROOT
        ) as process,
        subprocess.Popen(
            ["grep", "-c", '"RECORD"'], stdin=process.stdout, stdout=subprocess.PIPE, text=True
        ) as counter,
    ):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        found = int(counter.communicate()[0])
    if process.returncode or found != count:
        last = log.read_text(encoding="utf-8").splitlines()[-1:]
        message = f"{command} gave {found} records of {count}: {last}"
        raise RuntimeError(message)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


@contextmanager
def _served(kind: str, count: int) -> Iterator[str]:
    """Serve the records from a process of its own; yields its address."""
    command = [sys.executable, "-m", "tests.bench.canned", kind, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            yield t.cast("t.IO[str]", server.stdout).readline().strip()
        finally:
            server.terminate()
