"""Which export jobs a stream has read, as its state says, and which are still to be read.

A bookmark alone would not do. Jobs are read by their windows, and the bookmark is a time at which
one was updated, which has another order: a job can be made again, or show up late.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from tap_gladly.kit.stream import StreamState
from tap_gladly.kit.times import format_time, time_or_none

if t.TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tap_gladly.exports.jobs import Job

OVERLAP = timedelta(days=1)
"""A job that shows up late is still found, if its time lies no further before the bookmark."""

READ_JOBS = "read_jobs"
"""In the state: the jobs that were read and are younger than the overlap, each with its time."""

READ_UNTIL = "exported_until"
"""In the state: up to where all is read that there was."""


class ExportFileState(StreamState, total=False):
    """What a stream keeps in its part of the state."""

    read_jobs: list[str] | None
    exported_until: datetime | None


class ReadJobs:
    """The jobs that a stream has read.

    Args:
        state: The stream's part of the state, which is written to.
        jobs: The jobs that Gladly still has, by window.
        bookmark: Up to which time of their updates earlier runs have read them; `None` for none.
        latest: The time past which the bookmark does not move.
    """

    def __init__(
        self,
        state: dict[str, t.Any],
        jobs: Collection[Job],
        bookmark: datetime | None,
        latest: datetime,
    ) -> None:
        self._state = state
        self._jobs = jobs
        self._bookmark = bookmark
        self._latest = latest
        self._read: set[str] = {*(state.get(READ_JOBS) or ())}

    @property
    def read_until(self) -> datetime | None:
        """The time up to which all jobs were read; the bookmark where the state does not say."""
        return time_or_none(self._state.get(READ_UNTIL)) or self._bookmark

    def unread(self, jobs: Iterable[Job]) -> list[Job]:
        """Which of these jobs are to be read."""
        earliest = self._bookmark
        # Without a list, as in a state made by hand, the bookmark is all there is to go by.
        if earliest and self._read:
            earliest -= OVERLAP
        return [
            job
            for job in jobs
            if (earliest is None or job.updated > earliest) and _key(job) not in self._read
        ]

    def mark_read(
        self, job: Job, unread: Iterable[Job], unfilled_gap: datetime | None
    ) -> datetime | None:
        """Keep that a job was read, and return where the bookmark may go: past no unread job.

        Args:
            job: The job.
            unread: Those still to be read.
            unfilled_gap: Where a gap begins that may yet be filled.
        """
        until = min(max(self.read_until or job.end, job.end), self._latest)
        self._state[READ_UNTIL] = format_time(min(until, unfilled_gap or until))
        self._read.add(_key(job))
        read = [each for each in self._jobs if _key(each) in self._read]
        newest = max(each.updated for each in read)
        moves = all(each.updated > newest for each in unread)
        if moves:
            # The list reaches back from the bookmark of the state, where the next run looks.
            newest = min(newest, self._latest)
            self._bookmark = max(self._bookmark or newest, newest)
        self._state[READ_JOBS] = [
            _key(each)
            for each in read
            if self._bookmark is None or each.updated > self._bookmark - OVERLAP
        ]
        return newest if moves else None


def _key(job: Job) -> str:
    # A job that is made again is one that was not read.
    return f"{job.id} {format_time(job.updated)}"
