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

from tap_clari.kit.decoding import decode_object
from tap_clari.kit.errors import RefusedError, UnexpectedResponseError, UnknownOutcomeError
from tap_clari.revenue.exports import errors as export_errors
from tap_clari.revenue.exports.jobs import JOB, JOBS, Job, job_in, jobs_in
from tap_clari.revenue.exports.ledger import StartedJob

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from tap_clari.kit.client import ApiClient
    from tap_clari.revenue.exports.jobs import Limits
    from tap_clari.revenue.exports.ledger import Ledger
    from tap_clari.revenue.exports.requests import ExportRequest

QUOTA_REACHED = "export_monthly_quota_reached"
"""What the API calls it when either quota is reached, the month's or that of jobs at a time."""

TRIES = 6
"""How often a job is asked for whose start is not answered."""

SKEW = timedelta(minutes=10)
"""How far the clocks of Clari and this machine may differ."""

OLD = timedelta(days=1)
"""The age from which on what a job of an earlier run says is worth a warning."""

REUSED = timedelta(hours=6)
"""How long a job that was read serves again, if the run that read it did not come to its end."""

GONE = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
"""How the API answers for a job that is not there any more, or not of this token's user."""


@dataclass
class _Unanswered:
    """A start that was not answered.

    Args:
        intent: What stands in the state of it, with the jobs that there were before.
        look_until: Until when it is only looked for, and not asked for again: an answer that
            took too long may yet lead to a job.
        tries: How often it was asked for.
    """

    intent: StartedJob
    look_until: float = 0.0
    tries: int = 0


class Starter:
    """Starts jobs, and takes up those that an earlier run started.

    Args:
        client: Makes the requests.
        ledger: The jobs that stand in the state.
        whole: Keeps a signal from coming between the start of a job and its note in the state.
    """

    def __init__(
        self,
        client: ApiClient,
        ledger: Ledger,
        whole: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self.client = client
        self.ledger = ledger
        self._whole = whole
        self._unanswered: dict[str, _Unanswered] = {}

    def take_up(self, request: ExportRequest) -> StartedJob | None:
        """The job that an earlier run started for a request, if it is still there."""
        for entry in self.ledger.unread():
            if not entry.answers(request):
                continue
            job_id = entry.job_id or self._find(request, entry, before=entry.started + SKEW)
            if job_id and not _is_read_out(entry) and _is_still_there(self.client, job_id):
                job = entry.answered(job_id)
                _say_taken_up(self.client, job)
                return job
            self.ledger.strike(entry)
        return None

    def start(self, request: ExportRequest, limits: Limits) -> StartedJob | None:
        """Start a job; `None` if it is to be tried again.

        Raises:
            FatalAPIError: If the API does not start it.
        """
        with self._whole():
            job = self._ask(request, limits)
            if job:
                self.ledger.note(job)
        if job:
            self.client.logger.info("Started the export job %s", job.job_id)
        return job

    def _ask(self, request: ExportRequest, limits: Limits) -> StartedJob | None:
        unanswered = self._unanswered.get(request.key)
        if unanswered:
            found = self._find(request, unanswered.intent)
            if found:
                return unanswered.intent.answered(found)
            if time.monotonic() < unanswered.look_until:
                return None
        intent = StartedJob.about_to_start(request, limits.known_job_ids)
        self.ledger.note(intent)
        try:
            return intent.answered(_post(self.client, request))
        except UnknownOutcomeError as error:
            unanswered = self._unanswered.setdefault(request.key, _Unanswered(intent))
            return self._look_for_answer(request, unanswered, error)
        except FatalAPIError as error:
            self.ledger.strike(intent, at_once=True)
            if not isinstance(error, RefusedError):
                raise
            if error.reason == QUOTA_REACHED:
                # Somebody else was quicker; the limits will tell which of the two it is.
                return None
            sentence = request.explain(error.reason or str(error.status))
            raise FatalAPIError(sentence or str(error)) from error

    def _look_for_answer(
        self, request: ExportRequest, unanswered: _Unanswered, error: UnknownOutcomeError
    ) -> StartedJob | None:
        unanswered.tries += 1
        if error.may_still_run:
            unanswered.look_until = time.monotonic() + self.client.timeout
        found = self._find(request, unanswered.intent) if error.may_have_run else None
        if found:
            return unanswered.intent.answered(found)
        if not error.may_still_run:
            self.ledger.strike(unanswered.intent, at_once=True)
        if unanswered.tries == TRIES:
            raise FatalAPIError(export_errors.not_started(error, TRIES)) from error
        self.client.logger.warning("POST %s: %s; trying again", request.path, error)
        return None

    def _find(
        self,
        request: ExportRequest,
        intent: StartedJob,
        *,
        before: datetime | None = None,
    ) -> str | None:
        """Look for the job that a start led to which was not answered.

        It was not there before, began when it was asked for, and is recognised as what was asked
        for. Of jobs that were started by another run of the same token, one may be taken for it
        only if all that is so.
        """
        known = {*intent.known, *self.ledger.job_ids}
        since = intent.started - SKEW
        found = [
            job
            for job in (
                msgspec.convert(each, type=Job) for each in jobs_in(self.client.fetch(JOBS, {}))
            )
            if job.job_id
            and str(job.job_id) not in known
            and not job.has_failed
            and since <= (job.started or since) <= (before or datetime.now(timezone.utc) + SKEW)
            and request.recognizes(job)
        ]
        # If it was asked for twice after all, one of them will do.
        found.sort(key=lambda job: job.started or since)
        return str(found[0].job_id) if found else None


def _is_read_out(job: StartedJob) -> bool:
    """Whether a job was read, and too long ago to serve again."""
    return job.is_read and job.age > REUSED


def _is_still_there(client: ApiClient, job_id: str) -> bool:
    try:
        job = job_in(client.fetch(JOB, {}, ids={"jobId": job_id}))
    except RefusedError as error:
        if error.status not in GONE:
            raise
        return False
    return not job.has_failed and not job.is_expired


def _say_taken_up(client: ApiClient, job: StartedJob) -> None:
    client.logger.info(
        "Reading the export job %s, which an earlier run started at %s",
        job.job_id,
        job.started_at,
    )
    if job.age > OLD:
        client.logger.warning(
            "The export job %s is %d days old, and so is what it says; it is paid for, and the "
            "next run asks anew",
            job.job_id,
            job.age.days,
        )


def _post(client: ApiClient, request: ExportRequest) -> str:
    try:
        answer = client.post(request.path, request.ids, request.body)
    except RefusedError as error:
        instead = request.instead.get(error.reason or "")
        if instead is None:
            raise
        client.logger.warning(
            "Clari refuses an export (%s), and is asked for less: %s",
            error.reason,
            msgspec.json.encode(instead).decode(),
        )
        answer = client.post(request.path, request.ids, instead)
    job_id = decode_object(answer).get("jobId")
    if not job_id:
        raise UnexpectedResponseError(answer.path, "'jobId'")
    return str(job_id)
