"""Export jobs: started, waited for, taken up again, and read.

A job is paid for: an organization has a few at a time, and some dozens to a thousand in thirty
days. So there is one job to a question and a run, however many streams read its answer, and none
is started before it is known that all that the run needs can be had. (Reference: the vendor's
document, "Bulk Export Framework" and `/admin/limits`.)
"""

from __future__ import annotations

import time
import typing as t
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_clari.errors import RefusedError, UnansweredError
from tap_clari.jobs import DONE, FAILED, JOB, JOBS, LIMITS, RESULTS, Job, job_in, jobs_in, limits_in
from tap_clari.ledger import StartedJob
from tap_clari.results import ResultFile
from tap_clari.settings import LOOPBACK
from tap_clari.wire import UnexpectedShapeError, record

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import requests

    from tap_clari.client import Params
    from tap_clari.jobs import Limits
    from tap_clari.ledger import Ledger
    from tap_clari.wire import Answer

QUOTA_REACHED = "export_monthly_quota_reached"
"""What the API calls it when either quota is reached, the month's or that of jobs at a time."""

STARTS = 6
"""How often a job is asked for whose start is not answered."""

SAY_EVERY = 60.0
"""Seconds between two lines of a long wait."""


class Api(t.Protocol):
    """What makes the requests: a stream."""

    @property
    def logger(self) -> logging.Logger:
        """Where a wait is told."""

    def fetch(self, path: str, params: Params, *, ids: Mapping[str, str] | None = None) -> Answer:
        """Ask once."""

    def post(self, path: str, ids: Mapping[str, str], body: Mapping[str, t.Any]) -> Answer:
        """Have something done, once."""

    def download(
        self, url: str, path: str, read: Callable[[requests.Response], ResultFile]
    ) -> ResultFile:
        """Read an answer of any size."""

    def url(self, path: str, ids: Mapping[str, str]) -> str:
        """The address of an endpoint."""


class Reader(Api, t.Protocol):
    """A stream that reads exports."""

    name: str
    kind: str

    @property
    def selected(self) -> bool:
        """Whether the run reads the stream."""

    def export_requests(self) -> Sequence[ExportRequest]:
        """What it will ask for: the same for all readers of a kind."""


@dataclass(frozen=True)
class ExportRequest:
    """What an export job is asked for.

    Args:
        path: Where, with `{name}` where an id belongs.
        ids: The ids in the path.
        body: The question.
        instead: The question to ask instead where the API refuses this one, by the code of the
            refusal.
        explain: Gives the sentence for a code; `None` where the code means nothing special.
    """

    path: str
    ids: Mapping[str, str]
    body: Mapping[str, t.Any]
    instead: Mapping[str, Mapping[str, t.Any]] = field(default_factory=dict)
    explain: Callable[[str | None], str | None] = lambda code: None  # noqa: ARG005

    @property
    def key(self) -> str:
        """What tells it from others."""
        return msgspec.json.encode([self.path, self.ids, self.body], order="sorted").decode()


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

    @property
    def is_truncated(self) -> bool:
        """Whether Clari left rows out."""
        return self.job.rows_truncated in (True, "true")


class Exports:
    """The export jobs of a run.

    Args:
        ledger: The jobs that stand in the state.
        poll_seconds: Seconds between two looks at a job.
        timeout_seconds: Seconds to wait for a job, or for a free slot.
        whole: Keeps a signal from coming between the start of a job and its note in the state.
    """

    def __init__(
        self,
        ledger: Ledger,
        poll_seconds: float,
        timeout_seconds: float,
        whole: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.ledger = ledger
        self._poll_seconds = poll_seconds
        self._timeout = timeout_seconds
        self._whole = whole
        self._readers: list[Reader] = []
        self._finished: set[str] = set()
        self._under_way: dict[str, _UnderWay] = {}
        self._exports: dict[str, Export] = {}
        self._unanswered: dict[str, set[str]] = {}
        self._tries: Counter[str] = Counter()

    # Readers

    def register(self, reader: Reader) -> None:
        """Let it be known that a stream will read exports, if it is selected."""
        self._readers.append(reader)

    def finished(self, reader: Reader) -> None:
        """A stream has read all it needs; after the last of its kind the jobs are done with."""
        self._finished.add(reader.name)
        if self._waits_for(reader.kind):
            return
        for key, under_way in list(self._under_way.items()):
            if under_way.kind == reader.kind:
                if export := self._exports.pop(key, None):
                    export.file.close()
                self.ledger.remove(under_way.job_id)
                del self._under_way[key]

    def _waits_for(self, kind: str) -> list[Reader]:
        return [
            reader
            for reader in self._readers
            if reader.kind == kind and reader.selected and reader.name not in self._finished
        ]

    # Results

    def results(self, reader: Reader, requests: Sequence[ExportRequest]) -> Iterator[Export]:
        """Yield what each request brings, in their order; their jobs run side by side.

        Raises:
            FatalAPIError: If a job cannot be had, or brings nothing.
        """
        waiting = deque(request for request in requests if not self.is_under_way(reader, request))
        if waiting:
            self._check_quota(reader, len(waiting), {request.path for request in requests})
        for request in requests:
            if request.key not in self._exports:
                self._exports[request.key] = self._wait_and_read(reader, request, waiting)
            yield self._exports[request.key]

    def is_under_way(self, reader: Reader, request: ExportRequest) -> bool:
        """Whether there is a job already, of this run or in the state of an earlier one."""
        if request.key in self._under_way:
            return True
        for started in self.ledger.unread():
            if not started.answers(request):
                continue
            if self._is_still_there(reader, started):
                reader.logger.info(
                    "Reading the export job %s, which an earlier run started at %s",
                    started.job_id,
                    started.started.isoformat(timespec="seconds"),
                )
                self._under_way[request.key] = _UnderWay(
                    reader.kind, started.job_id, started.started
                )
                return True
            self.ledger.remove(started.job_id)
        return False

    def _is_still_there(self, reader: Reader, started: StartedJob) -> bool:
        try:
            job = job_in(reader.fetch(JOB, {}, ids={"jobId": started.job_id}))
        except RefusedError as error:
            gone = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
            if error.status not in gone:
                raise
            return False
        return job.status not in FAILED and not job.is_expired

    # Quota

    def _check_quota(self, reader: Reader, count: int, paths: set[str]) -> None:
        """See that all jobs of the run can be had before the first one is paid.

        Args:
            reader: The stream that needs them.
            count: How many jobs are needed now.
            paths: Where they are asked for: not counted again.
        """
        later = {
            request.key: request
            for other in self._readers
            if other.selected and other.name not in self._finished
            for request in other.export_requests()
            if request.path not in paths
        }
        unread = self.ledger.unread()
        count += sum(not any(job.answers(request) for job in unread) for request in later.values())
        limits = limits_in(reader.fetch(LIMITS, {}))
        if limits.available_monthly_quota < count:
            raise FatalAPIError(_quota_spent(limits, count))

    # Starting

    def _start_what_fits(self, reader: Reader, waiting: deque[ExportRequest]) -> Limits | None:
        """Start as many jobs as there are free slots; the limits if one has to wait."""
        if not waiting:
            return None
        limits = limits_in(reader.fetch(LIMITS, {}))
        if limits.available_monthly_quota <= 0:
            raise FatalAPIError(_quota_spent(limits, len(waiting)))
        for _ in range(limits.available_concurrent_limit):
            if not waiting or not self._start(reader, waiting[0], limits):
                break
            waiting.popleft()
        return limits

    def _start(self, reader: Reader, request: ExportRequest, limits: Limits) -> bool:
        """Start a job; whether there is one now."""
        with self._whole():
            job_id = self._ask_for_job(reader, request, limits)
            if job_id is None:
                return False
            started = datetime.now(timezone.utc)
            self._under_way[request.key] = _UnderWay(reader.kind, job_id, started)
            self.ledger.add(StartedJob(job_id, request.path, request.ids, request.body, started))
        reader.logger.info("Started the export job %s", job_id)
        return True

    def _ask_for_job(self, reader: Reader, request: ExportRequest, limits: Limits) -> str | None:
        """Ask for a job once; its id, or `None` if the same can be asked again."""
        known = self._unanswered.get(request.key)
        if known is not None:
            # It may have been started late: after it was looked for the last time.
            found = self._find_new(reader, known)
            if found:
                return found
        try:
            return self._post(reader, request)
        except UnansweredError as error:
            found = None
            if error.was_sent:
                known = self._unanswered.setdefault(request.key, limits.known_job_ids)
                found = self._find_new(reader, known)
            if found is None:
                self._count_try(reader, request, error)
            return found
        except RefusedError as error:
            if error.code == QUOTA_REACHED:
                # Somebody else was quicker; the limits will tell which of the two it is.
                return None
            raise FatalAPIError(request.explain(error.code) or str(error)) from error

    def _post(self, reader: Reader, request: ExportRequest) -> str:
        try:
            answer = reader.post(request.path, request.ids, request.body)
        except RefusedError as error:
            instead = request.instead.get(error.code or "")
            if instead is None:
                raise
            reader.logger.warning(
                "Clari refuses an export (%s), and is asked for less: %s",
                error.code,
                msgspec.json.encode(instead).decode(),
            )
            answer = reader.post(request.path, request.ids, instead)
        job_id = record(answer).get("jobId")
        if not job_id:
            raise UnexpectedShapeError(answer.path, "'jobId'")
        return str(job_id)

    def _find_new(self, reader: Reader, known: set[str]) -> str | None:
        """Look for the job of a start that was not answered: the one that was not there before."""
        mine = {
            *(under_way.job_id for under_way in self._under_way.values()),
            *(job.job_id for job in self.ledger.unread()),
        }
        an_hour_ago = datetime.now(timezone.utc) - timedelta(hours=1)
        new = [
            job.job_id
            for job in jobs_in(reader.fetch(JOBS, {}))
            if job.job_id not in known | mine
            and job.status not in FAILED
            and (job.started or an_hour_ago) >= an_hour_ago
        ]
        if len(new) > 1:
            message = (
                f"Clari did not answer the start of an export job, and {len(new)} jobs are new "
                f"({', '.join(new)}), so that it is not known which is this run's. Run again: "
                "none of them will be used."
            )
            raise FatalAPIError(message)
        return new[0] if new else None

    def _count_try(self, reader: Reader, request: ExportRequest, error: UnansweredError) -> None:
        self._tries[request.key] += 1
        if self._tries[request.key] == STARTS:
            message = (
                f"Clari does not start an export job ({error}, {STARTS} tries): no job was "
                "started. Run again later: the sync resumes where it stopped."
            )
            raise FatalAPIError(message) from error
        reader.logger.warning("POST %s: %s; trying again", request.path, error)

    # Waiting

    def _wait_and_read(
        self, reader: Reader, request: ExportRequest, waiting: deque[ExportRequest]
    ) -> Export:
        patience = _Patience(self._timeout)
        while True:
            limits = self._start_what_fits(reader, waiting)
            if under_way := self._under_way.get(request.key):
                job = job_in(reader.fetch(JOB, {}, ids={"jobId": under_way.job_id}))
                if job.status in DONE:
                    return self._read(reader, request, under_way, job)
                waited = timedelta(seconds=round(time.monotonic() - under_way.since))
                if job.status in FAILED:
                    self.ledger.remove(under_way.job_id)
                    raise FatalAPIError(_job_failed(under_way.job_id, job.status, waited))
                if waited.total_seconds() >= self._timeout:
                    raise FatalAPIError(_job_never_ends(under_way.job_id, job.status, waited))
                if patience.is_time_to_say():
                    reader.logger.info(
                        "Export job %s: %s after %s", under_way.job_id, job.status, waited
                    )
            elif limits:
                if patience.is_out():
                    raise FatalAPIError(_no_slot(limits, patience.waited))
                if patience.is_time_to_say():
                    reader.logger.warning("%s; waiting for one", _slots_taken(limits))
            time.sleep(self._poll_seconds)

    def _read(
        self, reader: Reader, request: ExportRequest, under_way: _UnderWay, job: Job
    ) -> Export:
        file = self.download(reader, under_way.job_id, job)
        ended = job.ended or datetime.now(timezone.utc)
        return Export(request, job, under_way.started, ended, file)

    def download(self, api: Api, job_id: str, job: Job) -> ResultFile:
        """Receive the result of a job, from where the job says, or else from the API itself."""

        def receive(response: requests.Response) -> ResultFile:
            return ResultFile.receive(response, RESULTS)

        if _is_address(job.download_url):
            try:
                return api.download(job.download_url, "the download link of an export job", receive)
            except RefusedError:
                api.logger.info("The download link of the export job %s does not work", job_id)
        return api.download(api.url(RESULTS, {"jobId": job_id}), RESULTS, receive)


@dataclass(frozen=True)
class _UnderWay:
    kind: str
    job_id: str
    started: datetime
    since: float = field(default_factory=time.monotonic)


class _Patience:
    """How long something was waited for, and whether that is worth a line or an end."""

    def __init__(self, seconds: float) -> None:
        self._began = self._said = time.monotonic()
        self._seconds = seconds
        self._is_first = True

    @property
    def waited(self) -> timedelta:
        return timedelta(seconds=round(time.monotonic() - self._began))

    def is_out(self) -> bool:
        return time.monotonic() - self._began >= self._seconds

    def is_time_to_say(self) -> bool:
        now = time.monotonic()
        if not self._is_first and now - self._said < SAY_EVERY:
            return False
        self._is_first, self._said = False, now
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


def _quota_spent(limits: Limits, needed: int) -> str:
    return (
        f"The monthly quota of Clari export jobs does not suffice: this run needs {needed}, and "
        f"{max(0, limits.available_monthly_quota)} of "
        f"{limits.monthly_quota if limits.monthly_quota is not None else 'the quota'} are left in "
        "the rolling 30 days. No job was started for it. Wait until older jobs are 30 days old, "
        "ask your Clari customer success manager for a larger quota, or select less: fewer "
        "forecast_ids or time_periods, or not the activities."
    )


def _slots_taken(limits: Limits) -> str:
    running = limits.running_job_ids or []
    return (
        f"All {limits.concurrent_limit or len(running)} slots for Clari export jobs are taken "
        f"(running: {', '.join(running) or 'not told'})"
    )


def _no_slot(limits: Limits, waited: timedelta) -> str:
    return (
        f"{_slots_taken(limits)}, and none came free in {waited} (h:mm:ss): run again when they "
        "have ended, cancel one of them, or raise job_timeout_seconds."
    )


def _job_failed(job_id: str, status: str, waited: timedelta) -> str:
    return (
        f"The Clari export job {job_id} ended with {status} after {waited} (h:mm:ss): run again, "
        "which starts another; if that fails too, ask Clari support about this job."
    )


def _job_never_ends(job_id: str, status: str, waited: timedelta) -> str:
    return (
        f"The Clari export job {job_id} is still {status} after {waited} (h:mm:ss): the next run "
        "waits for it again and does not pay for another. If it only needs longer, raise "
        "job_timeout_seconds; if it hangs, cancel it in Clari."
    )
