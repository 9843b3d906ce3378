"""How an export job is started, and never started twice.

Between the moment that a job is asked for and the answer with its id, the tap can be killed, the
connection can break, and the API can take its time. So what is asked for stands in the state
before it is asked for, and where no answer came, the job is looked for among those of the token's
user before it is asked for again.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_clari import export_errors
from tap_clari.errors import RefusedError, UnansweredError
from tap_clari.jobs import JOB, JOBS, Job, job_in, jobs_in
from tap_clari.ledger import StartedJob
from tap_clari.wire import UnexpectedShapeError, record

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tap_clari.export_requests import Api, ExportRequest
    from tap_clari.jobs import Limits
    from tap_clari.ledger import Ledger

QUOTA_REACHED = "export_monthly_quota_reached"
"""What the API calls it when either quota is reached, the month's or that of jobs at a time."""

TRIES = 6
"""How often a job is asked for whose start is not answered."""

SKEW = timedelta(minutes=10)
"""How far the clocks of Clari and this machine may differ."""

OLD = timedelta(days=1)
"""The age from which on what a job of an earlier run says is worth a warning."""

GONE = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
"""How the API answers for a job that is not there any more, or not of this token's user."""


@dataclass
class _Unanswered:
    """A start that was not answered.

    Args:
        known: The ids of the jobs that there were before.
        since: The earliest time that its job can have started at.
        look_until: Until when it is only looked for, and not asked for again: an answer that
            took too long may yet lead to a job.
        tries: How often it was asked for.
    """

    known: set[str]
    since: datetime
    look_until: float = 0.0
    tries: int = 0


class Starter:
    """Starts jobs, and takes up those that an earlier run started.

    Args:
        ledger: The jobs that stand in the state.
        whole: Keeps a signal from coming between the start of a job and its note in the state.
    """

    def __init__(self, ledger: Ledger, whole: Callable[[], AbstractContextManager[None]]) -> None:
        self.ledger = ledger
        self._whole = whole
        self._unanswered: dict[str, _Unanswered] = {}

    def take_up(self, api: Api, request: ExportRequest) -> StartedJob | None:
        """The job that an earlier run started for a request, if it is still there."""
        for entry in self.ledger.unread():
            if not entry.answers(request):
                continue
            job_id = entry.job_id or self._find(api, request, set(), entry.started - SKEW)
            if job_id and _is_still_there(api, job_id):
                job = StartedJob(entry.path, entry.ids, entry.body, entry.started_at, job_id)
                _say_taken_up(api, job)
                return job
            self.ledger.strike(entry)
        return None

    def start(self, api: Api, request: ExportRequest, limits: Limits) -> StartedJob | None:
        """Start a job; `None` if it is to be tried again.

        Raises:
            FatalAPIError: If the API does not start it.
        """
        with self._whole():
            job_id = self._ask(api, request, limits)
            if job_id is None:
                return None
            job = StartedJob.for_request(request, job_id)
            self.ledger.note(job)
        api.logger.info("Started the export job %s", job_id)
        return job

    def _ask(self, api: Api, request: ExportRequest, limits: Limits) -> str | None:
        unanswered = self._unanswered.get(request.key)
        if unanswered:
            found = self._find(api, request, unanswered.known, unanswered.since)
            if found or time.monotonic() < unanswered.look_until:
                return found
        intent = StartedJob.for_request(request)
        self.ledger.note(intent)
        try:
            return _post(api, request)
        except UnansweredError as error:
            if not unanswered:
                unanswered = _Unanswered(limits.known_job_ids, intent.started - SKEW)
                self._unanswered[request.key] = unanswered
            unanswered.tries += 1
            if error.may_come_late:
                unanswered.look_until = time.monotonic() + api.timeout
            found = (
                self._find(api, request, unanswered.known, unanswered.since)
                if error.was_sent
                else None
            )
            if not found and unanswered.tries == TRIES:
                raise FatalAPIError(export_errors.not_started(error, TRIES)) from error
            if not found:
                api.logger.warning("POST %s: %s; trying again", request.path, error)
            return found
        except RefusedError as error:
            self.ledger.strike(intent, at_once=True)
            if error.code == QUOTA_REACHED:
                # Somebody else was quicker; the limits will tell which of the two it is.
                return None
            sentence = request.explain(error.code or str(error.status))
            raise FatalAPIError(sentence or str(error)) from error

    def _find(
        self, api: Api, request: ExportRequest, known: set[str], since: datetime
    ) -> str | None:
        """Look for a job that was not there before, and that is for this request."""
        known = known | self.ledger.job_ids
        found = [
            job
            for job in (msgspec.convert(each, type=Job) for each in jobs_in(api.fetch(JOBS, {})))
            if job.job_id
            and str(job.job_id) not in known
            and not job.has_failed
            and (job.started is None or job.started >= since)
            and request.recognizes(job)
        ]
        # If it was asked for twice after all, one of them will do.
        found.sort(key=lambda job: job.started or since)
        return str(found[0].job_id) if found else None


def _is_still_there(api: Api, job_id: str) -> bool:
    try:
        job = job_in(api.fetch(JOB, {}, ids={"jobId": job_id}))
    except RefusedError as error:
        if error.status not in GONE:
            raise
        return False
    return not job.has_failed and not job.is_expired


def _say_taken_up(api: Api, job: StartedJob) -> None:
    api.logger.info(
        "Reading the export job %s, which an earlier run started at %s",
        job.job_id,
        job.started_at,
    )
    age = datetime.now(timezone.utc) - job.started
    if age > OLD:
        api.logger.warning(
            "The export job %s is %d days old, and so is what it says; it is paid for, and the "
            "next run asks anew",
            job.job_id,
            age.days,
        )


def _post(api: Api, request: ExportRequest) -> str:
    try:
        answer = api.post(request.path, request.ids, request.body)
    except RefusedError as error:
        instead = request.instead.get(error.code or "")
        if instead is None:
            raise
        api.logger.warning(
            "Clari refuses an export (%s), and is asked for less: %s",
            error.code,
            msgspec.json.encode(instead).decode(),
        )
        answer = api.post(request.path, request.ids, instead)
    job_id = record(answer).get("jobId")
    if not job_id:
        raise UnexpectedShapeError(answer.path, "'jobId'")
    return str(job_id)
