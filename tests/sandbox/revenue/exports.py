"""The job machine behind every export: queues, quotas, endings, expiry."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.sandbox.instants import DAY_MS, now_ms
from tests.sandbox.revenue.errors import ORG_ID, OTHER_USER_ID, USER_ID, export_error, invalid_job
from tests.sandbox.revenue.jobs import MODULES, Job

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.revenue.jobs import Module
    from tests.sandbox.revenue.results import Result

    Record = dict[str, Any]

_QUOTA_MS = _LIFETIME_MS = 30 * DAY_MS
_SECRET = b"sandbox"


class Exports:
    """All export jobs of the organization; every attribute may be changed while it runs.

    Attributes:
        seconds: How long a job takes. A third of it is spent in the queue.
        running_statuses: The statuses of a queued job and of one at work.
        success: The status of a job that ended well.
        concurrent_limit: How many jobs may be queued or at work.
        monthly_quota: How many jobs may be started within 30 days; those that end as CANCELLED or
            ABORTED do not count.
        wrapped: Whether a job comes as ``{"job": …}``.
        list_wrapped: Whether the list of jobs comes as ``{"jobs": …}``.
        endings: How the next jobs end: `jobs.ENDINGS`; those after them end well.
        max_rows: A result is cut after that many rows; None for never. Read when a job starts.
        shape: How result files look: `results.SHAPES`. Read when a job starts.
        download_base: Base URL of the server that serves the files too, if there is one.
        dates_as_text: Whether every other date of an activity is text. Read when a job starts.
        started: Every job started through the API, oldest first.
    """

    def __init__(self) -> None:
        self.seconds = 0.3
        self.running_statuses: tuple[str, str] = ("SCHEDULED", "STARTED")
        self.success = "DONE"
        self.concurrent_limit = 3
        self.monthly_quota = 30
        self.wrapped = True
        self.list_wrapped = False
        self.endings: deque[str] = deque()
        self.max_rows: int | None = None
        self.shape = "document"
        self.download_base: str | None = None
        self.dates_as_text = True
        self.started: list[Job] = []
        self._lock = threading.RLock()
        self._all: dict[str, Job] = {}
        self._forgotten: set[str] = set()

    # What a test may do

    def occupy(self, count: int) -> None:
        """Let other users start jobs that run until `release`."""
        with self._lock:
            for _ in range(count):
                job = Job(self, "FORECAST", {}, None, ending="NEVER", user_id=OTHER_USER_ID)
                self._all[job.id] = job

    def release(self) -> None:
        """End the running jobs of other users; they go on counting against the quota."""
        with self._lock:
            for job in self._all.values():
                if job.user_id == OTHER_USER_ID and job.running:
                    job.finish(self.success)

    def spend(self, count: int) -> None:
        """Let other users have used up some of the quota."""
        with self._lock:
            for _ in range(count):
                job = Job(self, "FORECAST", {}, None, ending=None, user_id=OTHER_USER_ID)
                job.finish(self.success)
                self._all[job.id] = job

    def forget(self, job_id: str) -> None:
        """Lose a job; what it cost is not given back."""
        with self._lock:
            self._forgotten.add(job_id)

    # What the server does

    def start(self, module: Module, request: Record, result: Result) -> Job:
        """Start a job, whose file will hold a result.

        Raises:
            RefusedError: A limit is reached.
        """
        with self._lock:
            if not self._slots() or not self._quota():
                message = (
                    f"The monthly quota limit of {self.monthly_quota} or concurrent limit of "
                    f"{self.concurrent_limit} has been reached."
                )
                raise export_error(message, code="export_monthly_quota_reached")
            ending = self.endings.popleft() if self.endings else None
            job = Job(self, module, request, result, ending=ending, user_id=USER_ID)
            self._all[job.id] = job
            self.started.append(job)
            return job

    def job(self, job_id: str) -> Job:
        """Return a job of this user.

        Raises:
            RefusedError: It is not there, or not this user's.
        """
        with self._lock:
            job = self._all.get(job_id)
            if job is None or job_id in self._forgotten:
                raise invalid_job()
            if job.user_id != USER_ID:
                message = "Invalid permissions to view this job."
                raise export_error(message, code="forbidden", status=403)
            return job

    def jobs(self) -> list[Job]:
        """Return the jobs of this user that are still there, newest first."""
        with self._lock:
            jobs = [*reversed(self._all.values())]
            return [job for job in jobs if job.user_id == USER_ID and job.id not in self._forgotten]

    def file(self, job_id: str) -> Iterator[bytes]:
        """Return the file of a job that ended well, in pieces.

        Raises:
            RefusedError: It is not there, not this user's, or has no file.
        """
        with self._lock:
            job = self.job(job_id)
            if job.status != self.success:
                running = "Cannot retrieve data for job because it has not finished executing."
                raise invalid_job(running if job.running else "The job has no file.")
            job.downloads += 1
            return job.chunks()

    def limits(self) -> Record:
        """Return the limits and what is left of them."""
        with self._lock:
            working = [job.id for job in self._all.values() if job.running and not job.queued]
            return {
                "concurrentLimit": self.concurrent_limit,
                "monthlyQuota": self.monthly_quota,
                **({"runningJobIds": working} if working else {}),
                "submittedJobIds": [job.id for job in self._counting()],
                "availableConcurrentLimit": self._slots(),
                "availableMonthlyQuota": self._quota(),
            }

    def describe(self, job: Job) -> Record:
        """Return a job as the vendor shows it."""
        status = job.status
        ended = None if status in self.running_statuses else job.ended
        expires = None if ended is None else ended + _LIFETIME_MS
        forecast = job.module == "FORECAST"
        # As in the vendor's examples: the forecast, the quarter, a number of the account, the time.
        names = [job.request.get("forecastId", ""), job.request.get("timePeriod", "")]
        subject = f"{'_'.join(filter(None, names))}{ORG_ID}_" if forecast else ""
        stamp = time.strftime("%Y%m%d_%H%M%S", time.gmtime(job.began / 1000))
        file_type = job.request.get("exportFormat", "JSON")
        done = status == self.success
        link = f"{self.download_base}/files/{job.id}?X-Signature={quote(signature(job.id))}"
        return {
            "jobId": job.id,
            "userId": job.user_id,
            "orgId": ORG_ID,
            "title": MODULES[job.module],
            "module": job.module,
            "startTime": job.began,
            "endTime": ended,
            "expiredTime": expires,
            "version": 1,
            "fileName": f"clari_export_{subject}{stamp}.{file_type.lower()}",
            "fileType": file_type,
            "status": status,
            "viewed": job.downloads > 0,
            "cellsTruncated": False,
            "rowsTruncated": done and job.truncated,
            "downloads": job.downloads,
            "deliveryStatusMap": {},
            "currency": (job.request.get("currency") or "USD") if forecast else None,
            **({"downloadUrl": link} if done and self.download_base is not None else {}),
        }

    def _counting(self) -> list[Job]:
        since = now_ms() - _QUOTA_MS
        return [
            job
            for job in self._all.values()
            if job.began > since and job.status not in {"CANCELLED", "ABORTED"}
        ]

    def _slots(self) -> int:
        running = sum(job.running for job in self._all.values())
        return max(0, self.concurrent_limit - running)

    def _quota(self) -> int:
        return max(0, self.monthly_quota - len(self._counting()))


def signature(job_id: str) -> str:
    """Return what lets anybody read the file of a job."""
    return hashlib.blake2b(job_id.encode(), key=_SECRET, digest_size=20).hexdigest()
