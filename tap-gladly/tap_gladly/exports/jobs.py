"""Export jobs: what Gladly has ready, in which order it is read, and what is not there any more."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from tap_gladly.kit.decoding import text_id
from tap_gladly.kit.errors import UnexpectedResponseError
from tap_gladly.kit.times import time_or_none

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Record

JOBS = "/export/jobs"

RETENTION = timedelta(days=14)
"""How long Gladly keeps a job and its files."""

STATUSES = frozenset({"PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"})
"""Every status of a job (the vendor's document)."""

ALLOWED_GAP = timedelta(seconds=1)
"""What may lie between the windows of two jobs that follow each other."""


@dataclass(frozen=True)
class Job:
    """An export job.

    Args:
        id: Its id.
        status: PENDING, IN_PROGRESS, COMPLETED (with its files) or FAILED.
        updated: When it was last updated.
        start: Where its window begins.
        end: Where its window ends.
        files: The names of its files; `None` where Gladly does not say.
    """

    id: str
    status: str
    updated: datetime
    start: datetime
    end: datetime
    files: tuple[str, ...] | None

    def may_have(self, filename: str) -> bool:
        """Whether it has a file of this name, as far as Gladly says."""
        return self.files is None or filename in self.files

    @classmethod
    def of(cls, record: Record) -> Job | None:
        """Read a job; `None` if it is not completed and lacks a time.

        Raises:
            UnexpectedResponseError: If it is completed and lacks one.
        """
        parameters = record.get("parameters")
        window = parameters if isinstance(parameters, dict) else {}
        files = record.get("files")
        names = [each for each in files if isinstance(each, str)] if isinstance(files, list) else []
        # Times come with 0 to 9 digits of a second: as text they would not compare.
        updated = time_or_none(record.get("updatedAt"))
        start, end = (time_or_none(window.get(name)) for name in ("startAt", "endAt"))
        job_id = text_id(record.get("id"))
        if not (job_id and updated and start and end):
            if record.get("status") == "COMPLETED":
                missing = "the id and the times of an export job"
                raise UnexpectedResponseError(JOBS, missing)
            return None
        return cls(
            id=job_id,
            status=str(record.get("status")).upper(),
            updated=updated,
            start=start,
            end=end,
            files=tuple(names) if names == files else None,
        )


def jobs_by_window(listed: Iterable[Record]) -> list[Job]:
    """The jobs of a list, oldest first."""
    jobs = filter(None, map(Job.of, listed))
    # By window, so that what was exported last of a customer is written last.
    return sorted(jobs, key=lambda job: (job.end, job.updated, job.id))


def uncovered_windows(
    jobs: Iterable[Job], since: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """The windows that no job covers, whatever its status.

    Args:
        jobs: All jobs, by window.
        since: From where on.
    """
    for job in jobs:
        if since is not None and job.end > since:
            if job.start > since + ALLOWED_GAP:
                yield since, job.start
            since = job.end


def failed_windows(
    jobs: Sequence[Job], since: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """The windows of jobs that have failed since then, and were not made again.

    Args:
        jobs: All jobs.
        since: When they were looked at before.
    """
    for job in jobs:
        if job.status == "FAILED" and (since is None or job.updated > since):
            others = (each for each in jobs if each.status != "FAILED")
            if not any(each.start <= job.start and job.end <= each.end for each in others):
                yield job.start, job.end
