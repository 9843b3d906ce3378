"""The real tap, but for the seconds between the tries of a request, and between reports: none."""

from __future__ import annotations

import sys
import typing as t

if t.TYPE_CHECKING:
    from pathlib import Path

COMMAND = """#!{python}
import backoff
from {package}.kit import progress
from {package}.kit.session import Pace
from {package}.tap import {tap}

Pace.retry_waits = lambda self: backoff.constant(interval=0.01)
Pace.per_minute = Pace.per_second
backoff.random_jitter = lambda value: value
progress.INTERVAL = 0.05
{tap}.cli()
"""


def command(folder: Path, name: str) -> str:
    """The command of such a tap, by its name."""
    package = name.replace("-", "_")
    tap = "".join(map(str.capitalize, name.split("-")))
    path = folder / name
    path.write_text(
        COMMAND.format(python=sys.executable, package=package, tap=tap), encoding="utf-8"
    )
    path.chmod(0o755)
    return str(path)
