"""Export jobs: one to a question and a run, however many streams read its answer.

A job is paid for: an organization has a few at a time, and some dozens to a thousand in thirty
days. So none is started before it is known that all that the run needs can be had, and one that
was started stands in the state until the run has ended. (Reference: the vendor's document,
"Bulk Export Framework" and `/admin/limits`.)
"""

from __future__ import annotations

import time
import typing as t
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.errors import PersistentBodyError, RefusedError, StorageError
from tap_clari.kit.settings import LOOPBACK
from tap_clari.revenue.exports import errors as export_errors
from tap_clari.revenue.exports.jobs import JOB, LIMITS, RESULTS, job_in, limits_in
from tap_clari.revenue.exports.results import ResultFile
from tap_clari.revenue.exports.starter import GONE

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests

    from tap_clari.revenue.exports.jobs import Job, Limits
    from tap_clari.revenue.exports.ledger import StartedJob
    from tap_clari.revenue.exports.requests import ExportRequest, Reader
    from tap_clari.revenue.exports.starter import Starter

SAY_EVERY = 60.0
"""Seconds between two lines of a long wait."""


@dataclass(frozen=True)
class Export:
    """What a job has brought.

    Args:
        request: What was asked for.
        job: The job at its end.
        started: When it was started.
        ended: When it ended: the time of what it says.
        file: The result.
    """

    request: ExportRequest
    job: Job
    started: datetime
    ended: datetime
    file: ResultFile


class Exports:
    """The export jobs of a run.

    Args:
        starter: Starts them.
        poll_seconds: Seconds between two looks at a job.
        timeout_seconds: Seconds to wait for a job, or for a free slot.
    """

    def __init__(self, starter: Starter, poll_seconds: float, timeout_seconds: float) -> None:
        self._starter = starter
        self._client = starter.client
        self._poll_seconds = poll_seconds
        self._timeout = timeout_seconds
        self._readers: list[Reader] = []
        self._finished: set[str] = set()
        self._under_way: dict[str, _UnderWay] = {}
        self._exports: dict[str, Export] = {}

    # Readers

    def register(self, reader: Reader) -> None:
        """Let it be known that a stream will read exports, if it is selected."""
        self._readers.append(reader)

    def finished(self, reader: Reader) -> None:
        """A stream has read all it needs; after the last of its kind the files are done with.

        The jobs stay in the state until the run has ended: if it is stopped, the next one need
        not pay for them either.
        """
        self._finished.add(reader.name)
        if any(other.kind == reader.kind for other in self._unfinished()):
            return
        for key, under_way in self._under_way.items():
            if under_way.kind == reader.kind:
                self._close(key)
                self._starter.ledger.note(under_way.job.read(), at_once=False)

    def run_ended(self) -> None:
        """All streams are synced: forget the jobs."""
        while self._under_way:
            _, under_way = self._under_way.popitem()
            self._starter.ledger.strike(under_way.job, at_once=not self._under_way)

    def forget_unused(self, path: str) -> None:
        """Forget the jobs of earlier runs that this run has read past without them."""
        used = {under_way.job_id for under_way in self._under_way.values()}
        for job in self.left_behind():
            if job.path == path and job.job_id not in used:
                self._starter.ledger.strike(job)

    def let_go(self, export: Export) -> None:
        """Remove the file of an export that only one stream reads, once it has."""
        self._close(export.request.key)

    def give_up(self, export: Export) -> None:
        """Forget a job that is of no use: the next run is not to read it again."""
        self._close(export.request.key)
        self._strike(export.request)

    def left_behind(self) -> list[StartedJob]:
        """The jobs that a run started which did not end, oldest first."""
        return self._starter.ledger.unread()

    def _unfinished(self) -> list[Reader]:
        return [
            reader
            for reader in self._readers
            if reader.selected and reader.name not in self._finished
        ]

    def _close(self, key: str) -> None:
        if export := self._exports.pop(key, None):
            export.file.close()

    def _strike(self, request: ExportRequest) -> None:
        under_way = self._under_way.pop(request.key)
        self._starter.ledger.strike(under_way.job, at_once=True)

    # Results

    def results(self, reader: Reader, requests: Sequence[ExportRequest]) -> Iterator[Export]:
        """Yield what each request brings, in their order; their jobs run side by side.

        Raises:
            FatalAPIError: If a job cannot be had, or brings nothing.
        """
        waiting = deque(request for request in requests if not self.is_under_way(reader, request))
        if waiting:
            self._check_quota(reader, len(waiting))
        for request in requests:
            if request.key not in self._exports:
                self._exports[request.key] = self._wait_and_read(reader, request, waiting)
            yield self._exports[request.key]

    def is_under_way(self, reader: Reader, request: ExportRequest) -> bool:
        """Whether there is a job already, of this run or in the state of an earlier one."""
        if request.key not in self._under_way:
            job = self._starter.take_up(request)
            if job is None:
                return False
            self._under_way[request.key] = _UnderWay(reader.kind, job, is_inherited=True)
        return True

    def _check_quota(self, reader: Reader, count: int) -> None:
        """See that all jobs of the run can be had before the first one is paid.

        Args:
            reader: The stream that needs some now.
            count: How many.
        """
        others = {
            request.key: (other, request)
            for other in self._unfinished()
            if other.kind != reader.kind
            for request in other.export_requests()
        }
        count += sum(not self.is_under_way(*each) for each in others.values())
        limits = limits_in(self._client.fetch(LIMITS, {}))
        if limits.available_monthly_quota < count:
            raise FatalAPIError(self._quota_spent(limits, count))

    def _quota_spent(self, limits: Limits, count: int) -> str:
        return export_errors.quota_spent(limits, count, len(self._under_way))

    def _start_what_fits(self, reader: Reader, waiting: deque[ExportRequest]) -> Limits | None:
        """Start as many jobs as there are free slots; the limits if there was one to start."""
        if not waiting:
            return None
        limits = limits_in(self._client.fetch(LIMITS, {}))
        if limits.available_monthly_quota <= 0:
            raise FatalAPIError(self._quota_spent(limits, len(waiting)))
        for _ in range(limits.available_concurrent_limit):
            job = self._starter.start(waiting[0], limits) if waiting else None
            if job is None:
                break
            self._under_way[waiting.popleft().key] = _UnderWay(reader.kind, job)
        return limits

    # Waiting

    def _wait_and_read(
        self, reader: Reader, request: ExportRequest, waiting: deque[ExportRequest]
    ) -> Export:
        patience = _Patience(self._timeout)
        while True:
            limits = self._start_what_fits(reader, waiting)
            if under_way := self._under_way.get(request.key):
                job = job_in(self._client.fetch(JOB, {}, ids={"jobId": under_way.job_id}))
                if job.is_done:
                    export = self._read(request, under_way, job)
                    if export:
                        return export
                    waiting.append(request)
                    continue
                self._check_end(request, under_way, job)
                if patience.is_time_to_say():
                    waited = under_way.waited
                    self._client.logger.info(
                        "Export job %s: %s after %s", under_way.job_id, job.status, waited
                    )
            elif limits:
                if patience.is_out():
                    raise FatalAPIError(export_errors.no_slot(limits, patience.waited))
                if patience.is_time_to_say():
                    slots = export_errors.slots_taken(limits)
                    self._client.logger.warning("%s; waiting", slots)
            time.sleep(self._poll_seconds)

    def _check_end(self, request: ExportRequest, under_way: _UnderWay, job: Job) -> None:
        """See that a job may yet bring something."""
        waited = under_way.waited
        if job.has_failed:
            self._strike(request)
            raise FatalAPIError(export_errors.failed(under_way.job_id, job.status, waited))
        if waited.total_seconds() >= self._timeout:
            raise FatalAPIError(export_errors.never_ends(under_way.job_id, job.status, waited))

    # Reading

    def _read(self, request: ExportRequest, under_way: _UnderWay, job: Job) -> Export | None:
        """Receive the result; `None` if another job is needed for it."""
        try:
            file = self.download(under_way.job_id, job)
        except (RefusedError, PersistentBodyError) as error:
            if isinstance(error, RefusedError) and error.status not in GONE:
                raise
            self._strike(request)
            if under_way.is_inherited:
                self._client.logger.warning(
                    "The result of the export job %s is gone; starting another", under_way.job_id
                )
                return None
            raise FatalAPIError(export_errors.no_result(under_way.job_id, error)) from error
        if job.has_cells_cut:
            self._client.logger.warning(
                "Clari has cut cells from the result of the export job %s: they are missing",
                under_way.job_id,
            )
        ended = job.ended or datetime.now(timezone.utc)
        return Export(request, job, under_way.job.started, ended, file)

    def download(self, job_id: str, job: Job) -> ResultFile:
        """Receive the result of a job, from where the job says, or else from the API itself."""

        def receive(response: requests.Response) -> ResultFile:
            return ResultFile.receive(response, RESULTS)

        if _is_address(job.download_url):
            try:
                return self._client.download(
                    "the download link of an export job", receive, url=job.download_url
                )
            except StorageError:
                raise
            except FatalAPIError:
                self._client.logger.info(
                    "The download link of the export job %s does not work", job_id
                )
        return self._client.download(RESULTS, receive, ids={"jobId": job_id})


@dataclass(frozen=True)
class _UnderWay:
    """A job that the run waits for or reads.

    Args:
        kind: Which streams read it.
        job: The job.
        is_inherited: Whether an earlier run started it.
        since: When this run began to wait for it, in seconds of the monotonic clock.
    """

    kind: str
    job: StartedJob
    is_inherited: bool = False
    since: float = field(default_factory=time.monotonic)

    @property
    def job_id(self) -> str:
        return str(self.job.job_id)

    @property
    def waited(self) -> timedelta:
        return timedelta(seconds=round(time.monotonic() - self.since))


class _Patience:
    """How long something was waited for, and whether that is worth a line or an end."""

    def __init__(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._said: float | None = None
        self._seconds = seconds

    @property
    def waited(self) -> timedelta:
        return timedelta(seconds=round(time.monotonic() - self._began))

    def is_out(self) -> bool:
        return time.monotonic() - self._began >= self._seconds

    def is_time_to_say(self) -> bool:
        now = time.monotonic()
        if self._said is not None and now - self._said < SAY_EVERY:
            return False
        self._said = now
        return True


def _is_address(url: object) -> t.TypeGuard[str]:
    """Whether a file may be fetched from there: never in the open, but from this machine."""
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
    except ValueError:
        return False
    if not parts or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
