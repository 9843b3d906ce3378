"""What Clari says of export jobs, and of how many there may be."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import msgspec

from tap_clari.times import read_time
from tap_clari.wire import UnexpectedShapeError, listed, record

if t.TYPE_CHECKING:
    from tap_clari.wire import Answer

JOBS = "/v4/export/jobs"
JOB = "/v4/export/jobs/{jobId}"
RESULTS = "/v4/export/jobs/{jobId}/results"
LIMITS = "/v4/admin/limits"

DONE = frozenset({"DONE", "COMPLETED"})
FAILED = frozenset({"FAILED", "CANCELLED", "ABORTED"})
"""Every other status is one of a job that still runs."""


class Job(msgspec.Struct, rename="camel"):
    """An export job, as far as the tap looks at it.

    The times are milliseconds since 1970, as numbers or as text.
    """

    status: str
    job_id: str = ""
    start_time: t.Any = None
    end_time: t.Any = None
    expired_time: t.Any = None
    file_type: t.Any = None
    module: t.Any = None
    title: t.Any = None
    rows_truncated: t.Any = None
    cells_truncated: t.Any = None
    download_url: t.Any = None

    @property
    def started(self) -> datetime | None:
        """When it started."""
        return _time(self.start_time)

    @property
    def ended(self) -> datetime | None:
        """When it ended."""
        return _time(self.end_time)

    @property
    def is_expired(self) -> bool:
        """Whether its result is gone."""
        expiry = _time(self.expired_time)
        return expiry is not None and expiry <= datetime.now(timezone.utc)


class Limits(msgspec.Struct, rename="camel"):
    """How many export jobs the organization may have, and has."""

    available_concurrent_limit: int
    available_monthly_quota: int
    concurrent_limit: int | None = None
    monthly_quota: int | None = None
    running_job_ids: list[str] | None = None
    submitted_job_ids: list[str] | None = None

    @property
    def known_job_ids(self) -> set[str]:
        """The jobs that count or run."""
        return {*(self.running_job_ids or ()), *(self.submitted_job_ids or ())}


class _WrappedLimits(msgspec.Struct):
    jobs: Limits


def job_in(answer: Answer) -> Job:
    """The job of an answer, bare or under `job`: both are seen.

    Raises:
        UnexpectedShapeError: If there is none.
    """
    try:
        found = record(answer)
        return msgspec.convert(found.get("job", found), type=Job)
    except msgspec.ValidationError as error:
        raise UnexpectedShapeError(answer.path, "a job with a status") from error


def jobs_in(answer: Answer) -> list[Job]:
    """The jobs of a list, bare or under `jobs`: both are seen.

    Raises:
        UnexpectedShapeError: If there is no list of jobs.
    """
    try:
        return [msgspec.json.decode(each, type=Job) for each in listed(answer, "jobs")]
    except msgspec.ValidationError as error:
        raise UnexpectedShapeError(answer.path, "jobs with a status") from error


def limits_in(answer: Answer) -> Limits:
    """The limits of an answer.

    Raises:
        UnexpectedShapeError: If they do not say what is left.
    """
    missing = "'jobs' with availableConcurrentLimit and availableMonthlyQuota"
    try:
        return msgspec.json.decode(answer.body, type=_WrappedLimits).jobs
    except msgspec.ValidationError as error:
        raise UnexpectedShapeError(answer.path, missing) from error


def _time(value: t.Any) -> datetime | None:  # noqa: ANN401
    try:
        return read_time(value)
    except ValueError:
        return None
