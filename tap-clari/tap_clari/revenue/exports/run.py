"""Export jobs: one for each request of a run, however many streams read its result.

A job is paid for: an organization has a few at a time, and some dozens to a thousand in thirty
days. So none is started before it is known that the quota suffices for the whole run, and one that
was started stands in the state until the run has ended. (Reference: the vendor's document,
"Bulk Export Framework" and `/admin/limits`.)
"""

from __future__ import annotations

import time
import typing as t
from collections import defaultdict, deque
from datetime import datetime, timezone

from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.client import MAY_BE_GONE
from tap_clari.kit.errors import (
    NotFoundError,
    PersistentBodyError,
    PersistentServerError,
    RefusedError,
    UnauthorizedError,
)
from tap_clari.kit.estimate import Estimate
from tap_clari.revenue.exports import errors as export_errors
from tap_clari.revenue.exports.active import ActiveJob, Deadline, Export
from tap_clari.revenue.exports.errors import ExportFailedError
from tap_clari.revenue.exports.jobs import JOB, LIMITS, Limits, job_in, limits_in
from tap_clari.revenue.exports.ledger import Ledger
from tap_clari.revenue.exports.quarters import OpenQuarters
from tap_clari.revenue.exports.requests import Reader
from tap_clari.revenue.exports.results import ExportResult
from tap_clari.revenue.exports.starter import GONE, JobStarter, PendingStart

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_clari.kit.client import ApiClient
    from tap_clari.kit.tap import ApiTap
    from tap_clari.revenue.exports.jobs import Job
    from tap_clari.revenue.exports.ledger import StartedJob
    from tap_clari.revenue.exports.requests import ExportKey, ExportRequest


FORECASTS = "forecast"
"""The group of the streams that read the exports of forecasts."""

JOBS_NAME = "export jobs"
"""What an estimate calls them."""

UNKNOWN_QUOTA = 1_000_000
"""Jobs of the month, where only a refusal tells that there are no more."""


class ExportRun:
    """The export jobs of a run.

    The ledger in the state is the truth about which jobs there are. Beside it, the run knows the
    jobs that it has started or adopted itself.

    Args:
        tap: The tap: its settings, its state and its selected streams.
        client: Makes the requests.

    Attributes:
        quarters: The quarters that have closed since they were exported.
    """

    def __init__(self, tap: ApiTap, client: ApiClient) -> None:
        self._tap = tap
        self._client = client
        self._poll_seconds = float(tap.config["job_poll_interval_seconds"])
        self._timeout = float(tap.config["job_timeout_seconds"])
        self.quarters = OpenQuarters(tap)
        self._ledger = Ledger(tap)
        self._starter = JobStarter(tap, client, self._ledger)
        self._active: dict[ExportKey, ActiveJob] = {}
        self._finished: set[str] = set()
        self._failures: dict[ExportKey, str] = {}
        self._read_by: defaultdict[ExportKey, set[str]] = defaultdict(set)
        self._may_ask_for_limits = True

    # The jobs

    def unfinished_jobs(self) -> list[StartedJob]:
        """The jobs of runs that have not ended, oldest first."""
        return self._ledger.jobs()

    def adopt(self, reader: Reader, request: ExportRequest) -> bool:
        """Use the job that this or an earlier run has for a request; returns whether there is one.

        Args:
            reader: The stream that needs it.
            request: The request.
        """
        if request.key not in self._active:
            job = self._starter.find_inherited(request)
            if job is None:
                return False
            self._active[request.key] = ActiveJob(
                reader.job_group, request, job, Deadline(self._timeout), is_inherited=True
            )
        return True

    def estimate(self, reader: Reader) -> Estimate:
        """The jobs that are to be started for a stream, unless one before it reads the same ones.

        Those of earlier runs, which the state knows, cost nothing more.
        """
        group = [each for each in self._unfinished_readers() if each.job_group == reader.job_group]
        if group and group[0].name != reader.name:
            return Estimate(detail=f"the jobs of {group[0].name}")
        known = {job.key for job in self._ledger.jobs()}
        requests = [each for each in reader.export_requests() if each.key not in known]
        labels = "; ".join(each.label for each in requests)
        # To start it, to look at it, to receive its result.
        return Estimate(3 * len(requests), {JOBS_NAME: len(requests)}, detail=labels)

    def quota_left(self) -> str:
        """How many jobs of the month are left, in words."""
        limits = self._limits()
        if not limits.are_known:
            return ""
        of_all = "" if limits.monthly_quota is None else f" of {limits.monthly_quota}"
        left = max(0, limits.available_monthly_quota)
        return f"{left}{of_all} export jobs are left in the rolling 30 days"

    def abandon(self, request: ExportRequest) -> None:
        """Forget a job that is of no use, so that the next run does not read it again."""
        self._active.pop(request.key).discard_file()
        self._ledger.forget(request.key)

    def give_up(self, request: ExportRequest, sentence: str) -> t.NoReturn:
        """Forget a job that is of no use. The next run starts another, and this one no more.

        Raises:
            ExportFailedError: With the sentence.
        """
        self.abandon(request)
        raise self._failed(request, sentence)

    def _failed(self, request: ExportRequest, sentence: str) -> ExportFailedError:
        """The error for an export, for all streams of the run that read it."""
        self._failures[request.key] = sentence
        return ExportFailedError(sentence)

    def discard_file(self, export: Export) -> None:
        """Remove the file of an export that only one stream reads, once it is read."""
        self._active[export.request.key].discard_file()

    def forget_unused(self, path: str) -> None:
        """Forget the jobs of earlier runs that this run has read past without them."""
        keys = {job.key for job in self._ledger.jobs() if job.path == path}
        self._ledger.forget(*(keys - self._active.keys()), at_once=False)

    def finished(self, reader: Reader) -> None:
        """Called when a stream has finished. After the last of its group, the files are deleted.

        The jobs stay in the state until the run has ended. If the run is stopped before, the next
        run does not pay for them again.
        """
        self._finished.add(reader.name)
        if any(other.job_group == reader.job_group for other in self._unfinished_readers()):
            return
        for active in self._active.values():
            if active.job_group == reader.job_group:
                active.discard_file()
                self._ledger.remember(active.job.marked_read(), at_once=False)

    def end(self) -> None:
        """Forget the jobs that were read. A stream that failed leaves its jobs to the next run."""
        unfinished = {reader.job_group for reader in self._unfinished_readers()}
        read = [
            key
            for key, each in self._active.items()
            if each.job_group not in unfinished or self._is_read_by_all(each)
        ]
        self.quarters.end(
            (key.ids["forecastId"], key.body.get("timePeriod")) for key in read if key.ids
        )
        self._ledger.forget(*read)
        for active in self._active.values():
            active.discard_file()
        self._active.clear()

    def _is_read_by_all(self, active: ActiveJob) -> bool:
        """Whether all streams have read it, though some of them did not come to their end."""
        readers = {
            each.name for each in self._unfinished_readers() if each.job_group == active.job_group
        }
        return readers <= self._read_by[active.request.key]

    def _unfinished_readers(self) -> list[Reader]:
        return [
            stream
            for stream in self._tap.selected_streams()
            if isinstance(stream, Reader) and stream.name not in self._finished
        ]

    # Results

    def results(
        self,
        reader: Reader,
        requests: Sequence[ExportRequest],
        failed: list[str] | None = None,
    ) -> Iterator[Export]:
        """Yield the export of each request, in their order; their jobs run side by side.

        Args:
            reader: The stream.
            requests: What it needs.
            failed: Takes the sentence of each export that brings nothing, if the others are of use
                without it.

        Raises:
            FatalAPIError: If a job cannot be had, or brings nothing.
        """
        waiting = deque(
            PendingStart(request)
            for request in requests
            if request.key not in self._failures and not self.adopt(reader, request)
        )
        if waiting:
            self._check_quota(reader, len(waiting))
        for request in requests:
            active = self._active.get(request.key)
            try:
                export = (active and active.export) or self._wait_and_read(reader, request, waiting)
            except ExportFailedError as error:
                if failed is None:
                    raise
                failed.append(str(error))
                continue
            yield export
            self._read_by[request.key].add(reader.name)

    def _check_quota(self, reader: Reader, count: int) -> None:
        """Check that all jobs of the run can be had before the first one is paid.

        Args:
            reader: The stream that needs some now.
            count: How many.
        """
        others = {
            request.key: (other, request)
            for other in self._unfinished_readers()
            if other.job_group != reader.job_group
            for request in other.export_requests()
        }
        count += sum(not self.adopt(*each) for each in others.values())
        limits = self._limits()
        if limits.available_monthly_quota < count:
            raise FatalAPIError(export_errors.quota_spent(limits, count, len(self._active)))

    def _limits(self) -> Limits:
        """The limits; of a token that may not ask for them, one job at a time."""
        if not self._may_ask_for_limits:
            is_free = all(each.has_ended or each.is_inherited for each in self._active.values())
            return Limits(int(is_free), UNKNOWN_QUOTA, are_known=False)
        try:
            return self._client.fetch(LIMITS, limits_in)
        except UnauthorizedError:
            raise
        except (RefusedError, PersistentServerError) as error:
            self._may_ask_for_limits = False
            self._client.logger.warning(
                "%s: the tap starts one job at a time, until Clari refuses one",
                f"This token may not see the limits of export jobs (HTTP {error.status})"
                if isinstance(error, RefusedError)
                else f"The limits of export jobs cannot be read ({error})",
            )
            return self._limits()

    def _start_what_fits(self, reader: Reader, waiting: deque[PendingStart]) -> Limits | None:
        """Start as many jobs as there are free slots; the limits if there was one to start."""
        if not waiting:
            return None
        limits = self._limits()
        if limits.available_monthly_quota <= 0:
            raise FatalAPIError(export_errors.quota_spent(limits, len(waiting), len(self._active)))
        for _ in range(limits.available_concurrent_limit):
            try:
                job = self._starter.start(waiting[0], limits) if waiting else None
            except ExportFailedError as error:
                self._failed(waiting.popleft().request, str(error))
                continue
            if job is None:
                break
            request = waiting.popleft().request
            self._active[request.key] = ActiveJob(
                reader.job_group, request, job, Deadline(self._timeout)
            )
        return limits

    def _wait_and_read(
        self, reader: Reader, request: ExportRequest, waiting: deque[PendingStart]
    ) -> Export:
        deadline = Deadline(self._timeout)
        while True:
            limits = self._start_what_fits(reader, waiting)
            if sentence := self._failures.get(request.key):
                raise ExportFailedError(sentence)
            if active := self._active.get(request.key):
                job = self._look_at(active)
                active.has_ended = bool(job and job.is_done)
                if job and job.is_done:
                    if export := self._read(active, job):
                        return export
                    waiting.append(PendingStart(request))
                    continue
                if job:
                    self._check_end(active, job)
            elif limits:
                if deadline.is_over():
                    raise FatalAPIError(export_errors.no_slot(limits, deadline.waited))
                if deadline.is_time_to_log():
                    slots = export_errors.slots_taken(limits)
                    self._client.logger.warning("%s; waiting to export %s", slots, request.label)
            time.sleep(self._poll_seconds)

    def _look_at(self, active: ActiveJob) -> Job | None:
        """The job as it is now; `None` if Clari does not know it yet."""
        try:
            ids = {"jobId": active.job_id}
            return self._client.fetch(JOB, job_in, ids=ids, handling=MAY_BE_GONE)
        except NotFoundError:
            if active.job.is_new:
                return None
            self.give_up(active.request, export_errors.vanished(active))

    def _check_end(self, active: ActiveJob, job: Job) -> None:
        """Check that a job may yet bring something."""
        if job.has_failed:
            self.give_up(active.request, export_errors.failed(active, job.status))
        if active.deadline.is_over():
            sentence = export_errors.never_ends(active, job.status)
            raise self._failed(active.request, sentence)
        if active.deadline.is_time_to_log():
            self._client.logger.info(
                "Export job %s: %s after %s (h:mm:ss)",
                active.name,
                job.status,
                active.deadline.waited,
            )

    def _read(self, active: ActiveJob, job: Job) -> Export | None:
        """Receive the result; `None` if another job is needed for it."""
        try:
            file = ExportResult.download(
                self._client, active.job_id, job, active.request.list_names
            )
        except PersistentBodyError as error:
            sentence = export_errors.unreadable_result(active, error)
            raise self._failed(active.request, sentence) from error
        except RefusedError as error:
            if error.status not in GONE:
                raise
            if not active.is_inherited:
                self.give_up(active.request, export_errors.no_result(active, error))
            self.abandon(active.request)
            self._client.logger.warning(
                "The result of the export job %s is gone; starting another", active.name
            )
            return None
        if job.has_cells_cut:
            self._client.logger.warning(
                "Clari has cut cells from the result of the export job %s: they are missing",
                active.name,
            )
        ended = job.ended or datetime.now(timezone.utc)
        active.export = Export(active.request, job, active.job.started, ended, file)
        return active.export
