"""A job that a run waits for or reads, and what it has brought."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from datetime import timedelta

from tap_clari.kit.progress import INTERVAL

if t.TYPE_CHECKING:
    from datetime import datetime

    from tap_clari.revenue.exports.jobs import Job
    from tap_clari.revenue.exports.ledger import StartedJob
    from tap_clari.revenue.exports.requests import ExportRequest
    from tap_clari.revenue.exports.results import ExportResult


class Deadline:
    """How long a wait has lasted, and when it is logged or ended.

    Args:
        seconds: After how many seconds it ends.
    """

    def __init__(self, seconds: float) -> None:
        self._began = self._next_line = time.monotonic()
        self._seconds = seconds

    @property
    def waited(self) -> timedelta:
        """The time since the wait began, in whole seconds."""
        return timedelta(seconds=round(time.monotonic() - self._began))

    def is_over(self) -> bool:
        """Whether the wait has lasted long enough."""
        return time.monotonic() - self._began >= self._seconds

    def is_time_to_log(self) -> bool:
        """Whether to log a line: at once, and then every 30 seconds."""
        now = time.monotonic()
        if now < self._next_line:
            return False
        self._next_line = now + INTERVAL
        return True


@dataclass(frozen=True)
class Export:
    """What a job has brought.

    Args:
        request: What was asked for.
        job: The job at its end.
        started: When it was started.
        ended: When it ended, which is the time of its data.
        file: The result.
    """

    request: ExportRequest
    job: Job
    started: datetime
    ended: datetime
    file: ExportResult


@dataclass
class ActiveJob:
    """A job that the run waits for or reads.

    Args:
        job_group: Which streams read it.
        request: What was asked for.
        job: The job.
        deadline: How long this run waits for it.
        is_inherited: Whether an earlier run started it.
        export: What it has brought, while its file is there.
        has_ended: Whether the run has seen it end.
    """

    job_group: str
    request: ExportRequest
    job: StartedJob
    deadline: Deadline
    is_inherited: bool = False
    export: Export | None = None
    has_ended: bool = False

    @property
    def job_id(self) -> str:
        """The id that Clari gave it."""
        return str(self.job.job_id)

    @property
    def name(self) -> str:
        """What logs call it: its id, and what it is for."""
        return f"{self.job_id} for {self.request.label}"

    def discard_file(self) -> None:
        """Remove the file of its result."""
        if self.export:
            self.export.file.close()
            self.export = None
