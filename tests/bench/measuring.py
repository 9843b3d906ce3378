"""Run a tap with its output thrown away, and watch what it takes."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import psutil
from rich.console import Console

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from tests.running import Tap

SECONDS_BETWEEN_LOOKS = 0.1

console = Console(highlight=False)


RESULTS = Path(__file__).with_name("results.md")


def show(table: Table, *packages: str) -> None:
    """Show a table, and keep it on the page of results, in the place of an older one of its title.

    Args:
        table: The table.
        packages: Those that its figures hang on, besides the SDK.
    """
    console.print(table)
    rows = [
        [str(column.header) for column in table.columns],
        ["---" if column.justify == "left" else "---:" for column in table.columns],
        *zip(*(map(str, column.cells) for column in table.columns), strict=True),
    ]
    text = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    if table.caption:
        text = f"{table.caption}\n\n{text}"
    page = (
        RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Results of `make bench`\n"
    )
    head, *sections = page.split("\n## ")
    kept = [each for each in sections if each.splitlines()[0] != table.title]
    made = f"{table.title}\n\n{surroundings('singer-sdk', *packages)}\n\n{text}\n"
    RESULTS.write_text("\n## ".join([head, *sorted([*kept, made])]), encoding="utf-8")


def surroundings(*packages: str) -> str:
    """What the figures hang on: the machine, its load, Python, and the versions of packages."""
    models = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    versions = ", ".join(f"{each} {version(each)}" for each in packages)
    return (
        f"{psutil.cpu_count()} cores ({models[0] if models else platform.machine()}), load "
        f"{os.getloadavg()[1]:.0f}, Python {platform.python_version()}, {versions}."
    )


@dataclass
class Taken:
    """What a run took.

    Args:
        seconds: From start to end of the process.
        records: How many it wrote.
        memory: Its resident memory in MiB, looked at ten times a second.
    """

    seconds: float = 0.0
    records: int = 0
    memory: list[float] = field(default_factory=list)

    @property
    def peak(self) -> float:
        """The most memory."""
        return max(self.memory)

    def peak_of(self, part: slice) -> float:
        """The most memory in a part of the run, in hundredths of its length."""
        length = len(self.memory)
        return max(self.memory[part.start * length // 100 : part.stop * length // 100])


def measure(tap: Tap, streams: Sequence[str], **settings: t.Any) -> Taken:
    """Run a tap to its end.

    Raises:
        RuntimeError: If it fails; with its last word.
    """
    taken = Taken()
    began = time.monotonic()
    with tap.started(streams=streams, **settings) as (process, log):
        # Counting lines costs next to nothing, and a reader is what a tap has in life.
        with subprocess.Popen(
            ["grep", "-c", '^{"type":"RECORD"'],
            stdin=process.stdout,
            stdout=subprocess.PIPE,
            text=True,
        ) as counter:
            watched = psutil.Process(process.pid)
            while process.poll() is None:
                # It may end at this moment.
                with contextlib.suppress(psutil.NoSuchProcess):
                    taken.memory.append(watched.memory_info().rss / 2**20)
                time.sleep(SECONDS_BETWEEN_LOOKS)
            taken.seconds = time.monotonic() - began
            taken.records = int(counter.communicate()[0])
        if process.returncode:
            raise RuntimeError(log.read_text(encoding="utf-8").splitlines()[-1])
    return taken
