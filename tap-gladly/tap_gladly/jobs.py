"""Export jobs: what Gladly has ready, in which order it is read, and what is not there any more."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from tap_gladly.times import read_time
from tap_gladly.wire import UnexpectedShapeError, listed

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers.types import Record

    from tap_gladly.client import GladlyStream

JOBS = "/export/jobs"

KEPT = timedelta(days=14)
"""How long Gladly keeps a job and its files."""

SEAM = timedelta(seconds=1)
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
        files: The names of its files.
    """

    id: str
    status: str
    updated: datetime
    start: datetime
    end: datetime
    files: tuple[str, ...]

    @classmethod
    def of(cls, record: Record) -> Job:
        """Read what the API says of it.

        Raises:
            UnexpectedShapeError: If it lacks an id or a time.
        """
        parameters = record.get("parameters")
        window = parameters if isinstance(parameters, dict) else {}
        files = record.get("files")
        try:
            updated = read_time(record.get("updatedAt"))
            # Times come with 0 to 9 digits of a second: as text they would not compare.
            return cls(
                id=str(record["id"]),
                status=str(record.get("status")),
                updated=updated,
                start=read_time(window.get("startAt")),
                end=read_time(window.get("endAt")),
                files=tuple(each for each in files if isinstance(each, str))
                if isinstance(files, list)
                else (),
            )
        except (KeyError, ValueError) as error:
            missing = "the id and the times of an export job"
            raise UnexpectedShapeError(JOBS, missing) from error


def jobs_of_run(stream: GladlyStream) -> list[Job]:
    """The jobs that Gladly still has, oldest first: asked for once in a run."""
    if stream.run.jobs is None:
        jobs = [Job.of(each) for each in listed(stream.fetch(JOBS))]
        # By window, so that what was exported last of a customer is written last.
        stream.run.jobs = sorted(jobs, key=lambda job: (job.end, job.updated, job.id))
    return stream.run.jobs


def gaps(
    unread: Iterable[Job], failed: Iterable[Job], since: datetime | None
) -> Iterator[tuple[datetime, datetime]]:
    """The windows that no job covers: before the first one, between them, and where they failed.

    Args:
        unread: Jobs that are read now, by window.
        failed: Jobs that have no files, by window.
        since: Up to where earlier runs have read.
    """
    covered = since
    for job in unread:
        if covered is not None and job.start > covered + SEAM:
            yield covered, job.start
        covered = job.end if covered is None else max(covered, job.end)
    for job in failed:
        if covered is None or job.end > covered + SEAM:
            yield max(covered or job.start, job.start), job.end
            covered = job.end
