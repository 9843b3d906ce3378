"""Export jobs and their limits, as the API describes them."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import msgspec

from tap_clari.kit.decoding import decode_list, decode_object
from tap_clari.kit.errors import UnexpectedResponseError

if t.TYPE_CHECKING:
    from tap_clari.kit.decoding import Answer
from tap_clari.kit.times import parse_time_or_epoch, time_or_none

JOBS = "/v4/export/jobs"
JOB = "/v4/export/jobs/{jobId}"
RESULTS = "/v4/export/jobs/{jobId}/results"
LIMITS = "/v4/admin/limits"

DONE = frozenset({"DONE", "COMPLETED"})
FAILED = frozenset({"FAILED", "CANCELLED", "ABORTED"})
"""Every other status is one of a job that still runs."""


class Job(msgspec.Struct, rename="camel"):
    """The members of an export job that the tap reads. Any of them may be missing.

    The times are milliseconds since 1970, as numbers or as text.
    """

    job_id: t.Any = None
    status: t.Any = None
    start_time: t.Any = None
    end_time: t.Any = None
    expired_time: t.Any = None
    file_name: t.Any = None
    file_type: t.Any = None
    module: t.Any = None
    title: t.Any = None
    rows_truncated: t.Any = None
    cells_truncated: t.Any = None
    download_url: t.Any = None

    @property
    def is_done(self) -> bool:
        """Whether there is a result."""
        return str(self.status).upper() in DONE

    @property
    def has_failed(self) -> bool:
        """Whether it ended without a result."""
        return str(self.status).upper() in FAILED

    @property
    def started(self) -> datetime | None:
        """When it started."""
        return time_or_none(self.start_time, parse_time_or_epoch)

    @property
    def ended(self) -> datetime | None:
        """When it ended."""
        return time_or_none(self.end_time, parse_time_or_epoch)

    @property
    def is_expired(self) -> bool:
        """Whether Clari has deleted its result."""
        expiry = time_or_none(self.expired_time, parse_time_or_epoch)
        return expiry is not None and expiry <= datetime.now(timezone.utc)

    @property
    def has_rows_cut(self) -> bool:
        """Whether Clari left rows out of the result."""
        return str(self.rows_truncated).lower() == "true"

    @property
    def has_cells_cut(self) -> bool:
        """Whether Clari left cells out of the result."""
        return str(self.cells_truncated).lower() == "true"


class Limits(msgspec.Struct, rename="camel"):
    """How many export jobs the organization may have, and has."""

    available_concurrent_limit: int
    available_monthly_quota: int
    concurrent_limit: int | None = None
    monthly_quota: int | None = None
    running_job_ids: list[t.Any] | None = None
    submitted_job_ids: list[t.Any] | None = None
    are_known: bool = True
    """Whether they are the API's, and not the tap's for a token that may not ask for them."""

    @property
    def running(self) -> list[str]:
        """The ids of the jobs that run."""
        return [str(each) for each in self.running_job_ids or ()]

    @property
    def known_job_ids(self) -> set[str]:
        """The ids of all jobs that count against a limit."""
        return {*self.running, *(str(each) for each in self.submitted_job_ids or ())}


class _WrappedLimits(msgspec.Struct):
    jobs: Limits


def unwrapped(job: dict[str, t.Any]) -> dict[str, t.Any]:
    """The job itself, which comes bare or under `job`, with its id as `jobId` or `id`."""
    inner = job.get("job")
    job = inner if isinstance(inner, dict) else job
    if job.get("jobId") or not job.get("id"):
        return job
    return {"jobId": job["id"], **{name: job[name] for name in job if name not in {"id", "jobId"}}}


def job_in(answer: Answer) -> Job:
    """The job of an answer.

    Raises:
        UnexpectedResponseError: If there is none.
    """
    job = msgspec.convert(unwrapped(decode_object(answer)), type=Job)
    if not isinstance(job.status, str):
        raise UnexpectedResponseError(answer.path, "a job with a status")
    return job


def jobs_in(answer: Answer) -> list[dict[str, t.Any]]:
    """The jobs of a list, which comes bare or under `jobs`: both have been seen.

    Raises:
        UnexpectedResponseError: If there is no list of jobs.
    """
    return [unwrapped(each) for each in decode_list(answer, "jobs")]


def limits_in(answer: Answer) -> Limits:
    """The limits of an answer.

    Raises:
        UnexpectedResponseError: If they do not say what is left.
    """
    missing = "'jobs' with availableConcurrentLimit and availableMonthlyQuota"
    try:
        return msgspec.json.decode(answer.body, type=_WrappedLimits, strict=False).jobs
    except msgspec.ValidationError as error:
        raise UnexpectedResponseError(answer.path, missing) from error


def job_id_in(answer: Answer) -> str:
    """The id of a job that was started.

    Raises:
        UnexpectedResponseError: If there is none.
    """
    job_id = unwrapped(decode_object(answer)).get("jobId")
    if not job_id:
        missing = "'jobId'"
        raise UnexpectedResponseError(answer.path, missing)
    return str(job_id)
