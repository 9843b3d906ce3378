"""How an export job is started, and never started twice.

Between the request for a job and the answer with its id, the tap can be killed, the connection can
break, and the API can take its time. So the intent is written to the state before the request is
sent. If no answer comes, the job is looked for among those of the token's user before it is asked
for again.
"""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.client import MAY_BE_GONE
from tap_clari.kit.errors import (
    NotFoundError,
    RefusedError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from tap_clari.revenue.exports import errors as export_errors
from tap_clari.revenue.exports.errors import ExportFailedError
from tap_clari.revenue.exports.jobs import JOB, JOBS, Job, job_id_in, job_in, jobs_in
from tap_clari.revenue.exports.ledger import StartedJob

if t.TYPE_CHECKING:
    from tap_clari.kit.client import ApiClient
    from tap_clari.kit.tap import ApiTap
    from tap_clari.revenue.exports.jobs import Limits
    from tap_clari.revenue.exports.ledger import Ledger
    from tap_clari.revenue.exports.requests import ExportRequest

QUOTA_REACHED = "export_monthly_quota_reached"
"""The API's code for either quota that is reached: the month's, or that of jobs at a time."""

TRIES = 6
"""How often a job is asked for whose start is not answered."""

LOOKS = 3
"""How often a job whose start is not answered is looked for before it is asked for again."""

SKEW = timedelta(minutes=10)
"""How far the clocks of Clari and this machine may differ."""

OLD = timedelta(days=1)
"""From this age on, the data of an inherited job is worth a warning."""

REUSED = timedelta(hours=6)
"""How long a job that was read serves again, if the run that read it did not come to its end."""

GONE = (HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
"""How the API answers for a job that no longer exists, or that another user started."""


@dataclass
class PendingStart:
    """A job that is to be started.

    Args:
        request: What it is to export.
        intent: The first start that got no answer, with the jobs that there were before it.
        outcome: What the last start got instead.
        look_until: Until this time of the monotonic clock the job is only looked for, and not
            asked for again: an answer that took too long may yet lead to a job.
        looks: How often it is only looked for as well, since the list of jobs may lag.
        tries: How many starts got no answer.
    """

    request: ExportRequest
    intent: StartedJob | None = None
    outcome: UnknownOutcomeError | None = None
    look_until: float = 0.0
    looks: int = 0
    tries: int = 0


class JobStarter:
    """Starts jobs, and finds those that an earlier run started.

    Args:
        tap: The tap: its writer holds a signal back while a job is started.
        client: Makes the requests.
        ledger: The jobs in the state.
    """

    def __init__(self, tap: ApiTap, client: ApiClient, ledger: Ledger) -> None:
        self._tap = tap
        self._client = client
        self._ledger = ledger

    def find_inherited(self, request: ExportRequest) -> StartedJob | None:
        """The job that an earlier run started for a request, if Clari still has it."""
        for entry in self._ledger.jobs():
            if not entry.is_for(request):
                continue
            job_id = entry.job_id or self._find(request, entry, before=entry.started + SKEW)
            is_outdated = entry.is_read and entry.age > REUSED
            if job_id and not is_outdated and self._is_still_there(entry, job_id):
                job = entry.with_id(job_id)
                self._log_inherited(request, job)
                return job
            self._ledger.forget(entry.key, at_once=False)
        return None

    def start(self, pending: PendingStart, limits: Limits) -> StartedJob | None:
        """Start a job; `None` if it is to be tried again.

        Raises:
            FatalAPIError: If the API does not start it.
        """
        # Between the request and the entry in the state, no signal may end the run.
        with self._tap.writer.uninterrupted():
            job = self._find_or_start(pending, limits)
            if job:
                self._ledger.remember(job)
        if job:
            self._client.logger.info(
                "Started the export job %s for %s", job.job_id, pending.request.label
            )
        return job

    def _find_or_start(self, pending: PendingStart, limits: Limits) -> StartedJob | None:
        request = pending.request
        if pending.intent:
            if found := self._find(request, pending.intent):
                return pending.intent.with_id(found)
            pending.looks -= 1
            if time.monotonic() < pending.look_until or pending.looks > 0:
                return None
            if pending.outcome and pending.outcome.was_done:
                # To ask again would be to pay again.
                raise self._not_started(pending, pending.outcome)
        intent = StartedJob.intent_for(request, limits.known_job_ids)
        self._ledger.remember(intent)
        try:
            return intent.with_id(self._post(request))
        except UnknownOutcomeError as error:
            pending.intent = pending.intent or intent
            return self._find_unanswered(pending, pending.intent, error)
        except FatalAPIError as error:
            self._ledger.forget(request.key)
            if not isinstance(error, RefusedError) or isinstance(error, UnauthorizedError):
                raise
            if error.reason == QUOTA_REACHED:
                if not limits.are_known:
                    raise FatalAPIError(export_errors.quota_refused(request.label)) from error
                # Somebody else was quicker. The limits will say which of the two quotas it is.
                return None
            sentence = request.explain_refusal(error.reason or str(error.status))
            raise ExportFailedError(sentence or str(error)) from error

    def _find_unanswered(
        self, pending: PendingStart, intent: StartedJob, error: UnknownOutcomeError
    ) -> StartedJob | None:
        request = pending.request
        pending.tries += 1
        pending.outcome = error
        if error.may_still_run:
            pending.look_until = time.monotonic() + self._client.timeout
        if error.may_have_run:
            pending.looks = LOOKS
            if found := self._find(request, intent):
                return intent.with_id(found)
        else:
            self._ledger.forget(request.key)
        if pending.tries == TRIES:
            raise self._not_started(pending, error) from error
        what_now = "looking for the job" if error.may_have_run else "trying again"
        self._client.logger.warning("POST %s: %s; %s", request.key.path, error, what_now)
        return None

    def _not_started(self, pending: PendingStart, error: UnknownOutcomeError) -> ExportFailedError:
        label = pending.request.label
        return ExportFailedError(export_errors.not_started(label, error, pending.tries))

    def _find(
        self, request: ExportRequest, intent: StartedJob, *, before: datetime | None = None
    ) -> str | None:
        """Look for the job of a start that got no answer.

        It was not there before, it began about when it was asked for, and it matches the request.
        A job that another run of the same token started is mistaken for it only if all that holds.
        """
        known = {*intent.known, *(job.job_id for job in self._ledger.jobs())}
        since = intent.started - SKEW
        until = before or datetime.now(timezone.utc) + SKEW
        jobs = self._client.fetch(JOBS, jobs_in)
        listed = (msgspec.convert(each, type=Job) for each in jobs)
        found = [
            job
            for job in listed
            if job.job_id
            and str(job.job_id) not in known
            and not job.has_failed
            and since <= (job.started or since) <= until
            and request.matches_job(job)
        ]
        # If two jobs were started by accident, use the older one.
        oldest = min(found, key=lambda job: job.started or since, default=None)
        return str(oldest.job_id) if oldest else None

    def _is_still_there(self, entry: StartedJob, job_id: str) -> bool:
        try:
            ids = {"jobId": job_id}
            job = self._client.fetch(JOB, job_in, ids=ids, handling=MAY_BE_GONE)
        except RefusedError as error:
            if error.status not in GONE:
                raise
            return entry.is_new and isinstance(error, NotFoundError)
        return not job.has_failed and not job.is_expired

    def _log_inherited(self, request: ExportRequest, job: StartedJob) -> None:
        self._client.logger.info(
            "Reading the export job %s, which an earlier run started at %s for %s",
            job.job_id,
            job.started_at,
            request.label,
        )
        if job.age > OLD:
            self._client.logger.warning(
                "The export job %s is %d days old, and so is its data (%s). It is paid for; the "
                "next run starts another",
                job.job_id,
                job.age.days,
                request.label,
            )

    def _post(self, request: ExportRequest) -> str:
        key = request.key
        try:
            return self._client.post(key.path, job_id_in, key.ids, key.body)
        except RefusedError as error:
            fallback = request.fallback_body.get(error.reason or "")
            if fallback is None:
                raise
            self._client.logger.warning(
                "Clari refuses the export of %s (%s), and is asked for less: %s",
                request.label,
                error.reason,
                msgspec.json.encode(fallback).decode(),
            )
            return self._client.post(key.path, job_id_in, key.ids, fallback)
