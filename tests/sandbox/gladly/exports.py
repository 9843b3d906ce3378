"""Export jobs and their files: fourteen days of them, listed in no order."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.sandbox.gladly.errors import invalid, not_found
from tests.sandbox.gladly.timestamps import (
    DAY,
    DIGITS,
    HOUR,
    json_of,
    moment_of,
    nanos,
    now,
    of,
    slug,
    stamp,
)

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.account import Account
    from tests.sandbox.gladly.query import ExportJobsQuery, Status

Record = dict[str, Any]
Chunks = Callable[[], Iterator[bytes]]

FILES = ("agents.jsonl", "conversation_items.jsonl", "customers.jsonl", "topics.jsonl")

_RETENTION = 14 * DAY
_CHUNK = 1 << 18


@dataclass(eq=False)
class ExportJob:
    """One export job; every attribute may be changed while the server runs.

    Attributes:
        id: Its id.
        schedule_id: The id of its schedule.
        status: Its status.
        updated_at: When it was last updated, as served.
        start_at: Begin of its window, as served.
        end_at: End of its window, as served.
        files: Its files: what is in them, or what makes that chunk by chunk.
    """

    id: str
    schedule_id: str
    status: Status
    updated_at: str
    start_at: str
    end_at: str
    files: dict[str, bytes | Chunks] = field(default_factory=dict)

    def describe(self) -> Record:
        """Return the job as it is served."""
        return {
            "id": self.id,
            "scheduleId": self.schedule_id,
            "status": self.status,
            "updatedAt": self.updated_at,
            "parameters": {
                "type": "CONVERSATIONS",
                "startAt": self.start_at,
                "endAt": self.end_at,
            },
            "files": list(self.files),
        }

    def chunks(self, filename: str) -> Iterator[bytes]:
        """Yield a file of the job piece by piece."""
        file = self.files[filename]
        if not isinstance(file, bytes):
            yield from file()
            return
        for first in range(0, len(file), _CHUNK):
            yield file[first : first + _CHUNK]


class Exports:
    """The export jobs of an organization.

    Args:
        seed: Seed of the ids and of the order in which jobs are listed.
        account: Whose schedule they have.
        present: When it is for jobs; None for now.

    Attributes:
        jobs: All jobs, also those that are no longer served.
        as_of: When it is for jobs; None for now.
        deleted: The paths of jobs that somebody tried to delete.
    """

    def __init__(self, seed: int, account: Account, present: datetime | None = None) -> None:
        self.jobs: list[ExportJob] = []
        self.as_of = present
        self.deleted: list[str] = []
        self._seed = seed
        self._random = Random(f"exports {seed}")
        self._account = account
        self._vanished: set[str] = set()
        self._lost: set[tuple[str, str]] = set()

    def add(  # noqa: PLR0913 - all by keyword
        self,
        *,
        start: datetime,
        end: datetime,
        updated: datetime | str,
        files: Mapping[str, bytes | Iterable[Record] | Chunks] | None = None,
        status: Status = "COMPLETED",
        number: int | None = None,
    ) -> ExportJob:
        """Add a job.

        Args:
            start: Begin of its window.
            end: End of its window.
            updated: When it was updated; a text is served as it is.
            files: Its files: bytes, records, or what makes the bytes each time they are asked for.
            status: Its status.
            number: What its id and the digits of its times go by; by default its place in
                ``jobs``.

        Returns:
            The job, as it lies in ``jobs``.
        """
        digits = DIGITS[(len(self.jobs) if number is None else number) % len(DIGITS)]
        random = self._random if number is None else Random(f"job {self._seed} {number}")
        job = ExportJob(
            id=slug(random),
            schedule_id=str(self._account.schedules[0]["id"]),
            status=status,
            updated_at=updated if isinstance(updated, str) else stamp(of(updated), digits),
            start_at=stamp(of(start), digits),
            end_at=stamp(of(end), digits),
            files={
                name: file if isinstance(file, bytes) or callable(file) else lines_of(file)
                for name, file in (files or {}).items()
            },
        )
        self.jobs.append(job)
        return job

    def records(self, filename: str) -> list[tuple[ExportJob, Record]]:
        """Return every line of a file of all jobs, in the order of the jobs' windows."""
        jobs = sorted(self.jobs, key=lambda job: (nanos(job.end_at), nanos(job.updated_at)))
        return [
            (job, json.loads(line))
            for job in jobs
            if filename in job.files
            for line in b"".join(job.chunks(filename)).split(b"\n")
            if line
        ]

    def vanish(self, job_id: str) -> None:
        """Let a job be listed still, though it and its files are gone."""
        self._vanished.add(job_id)

    def lose_file(self, job_id: str, filename: str) -> None:
        """Let a file be named by its job still, though it is gone."""
        self._lost.add((job_id, filename))

    def listed(self, wanted: ExportJobsQuery) -> list[ExportJob]:
        """Return the jobs that a query asks for, in an order that says nothing.

        Raises:
            BadRequestError: The query asks for what the vendor does not have.
        """
        present = now(self.as_of)
        start, end = wanted.start_at, wanted.end_at
        if start is not None and start < present - _RETENTION:
            raise invalid(attr="startAt", detail="startAt must not be more than 14 days ago")
        if end is not None and end > now():
            raise invalid(attr="endAt", detail="endAt must not be in the future")
        if end is not None and start is not None and end < start:
            raise invalid(attr="endAt", detail="endAt must not be before startAt")
        first = present - _RETENTION if start is None else start
        last = present if end is None else end
        found = [
            job
            for job in self._kept()
            if first <= nanos(job.updated_at) <= last and wanted.status in {None, job.status}
        ]
        self._random.shuffle(found)
        return found

    def job(self, job_id: str) -> ExportJob:
        """Return a job.

        Raises:
            RefusedError: It is not there.
        """
        for job in self._kept():
            if job.id == job_id and job_id not in self._vanished:
                return job
        raise not_found(what="job")

    def file(self, job_id: str, filename: str) -> Iterator[bytes]:
        """Return a file of a job piece by piece.

        Raises:
            RefusedError: It is not there.
        """
        job = self.job(job_id)
        if filename not in job.files or (job_id, filename) in self._lost:
            raise not_found(what="file")
        return job.chunks(filename)

    def _kept(self) -> list[ExportJob]:
        present = now(self.as_of)
        return [
            job
            for job in list(self.jobs)
            if present - _RETENTION <= nanos(job.updated_at) <= present
        ]


def lines_of(records: Iterable[Record]) -> bytes:
    """Write records as JSON Lines."""
    return b"".join(json_of(record) + b"\n" for record in records)


class Window(NamedTuple):
    """What a job is of, and when it is made.

    Attributes:
        number: How many windows of this length came before, since 1970.
        start: Its begin.
        end: Its end.
        made: When its job is made, in nanoseconds since 1970, as ``datetime`` has no digits beyond
            the sixth.
    """

    number: int
    start: datetime
    end: datetime
    made: int


def windows(frequency: str, days: int, present: datetime | None = None) -> list[Window]:
    """Return the windows of the newest jobs that are made in so many days, the oldest first.

    A daily job is made in the night that follows its day, an hourly one within the next hour; when
    depends on nothing but its window.
    """
    hourly = frequency == "HOURLY"
    length = HOUR if hourly else DAY
    last = now(present) // length - 1
    if _window(last, length).made > now(present):
        last -= 1
    return [_window(number, length) for number in range(last + 1 - days * DAY // length, last + 1)]


def _window(number: int, length: int) -> Window:
    end = (number + 1) * length
    wait = length * (3 + number % 4) // (8 if length == HOUR else 30)
    # Odd nanoseconds, so that the digits which are written make a difference.
    made = end + wait + 72_729_331 + number % 97 * 7_001_013
    return Window(number, moment_of(end - length), moment_of(end), made)
