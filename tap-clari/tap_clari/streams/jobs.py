"""Jobs: exports with their results, and what became of data that was sent in."""

from __future__ import annotations

import logging
import typing as t

import msgspec

from tap_clari.errors import NotFoundError, RefusedError
from tap_clari.jobs import DONE, JOBS, RESULTS, jobs_in
from tap_clari.revenue import RevenueStream
from tap_clari.wire import listed, record

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import requests
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.jobs import Job
    from tap_clari.wire import Answer


class ExportJobsStream(RevenueStream):
    """The export jobs of this token's user (`/export/jobs`)."""

    name = "export_jobs"
    path = JOBS
    primary_keys = ("jobId",)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the list, without the links that open a result to anyone."""
        for each in listed(self.fetch(self.path, {}), "jobs"):
            job = msgspec.json.decode(each)
            job.pop("downloadUrl", None)
            yield job


class ExportJobResultsStream(RevenueStream):
    """The rows of every export job whose result is still there (`/export/jobs/{jobId}/results`).

    All of them in each run; so it is not selected unless it is asked for.
    """

    name = "export_job_results"
    path = RESULTS
    primary_keys = ("jobId", "section", "rowNumber")
    selected_by_default = False
    reads_all = False

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the result of one job after the other."""
        gone = 0
        others: list[str] = []
        for job in jobs_in(self.fetch(JOBS, {})):
            if job.status not in DONE or job.is_expired:
                continue
            if job.file_type not in {None, "JSON"}:
                others.append(job.job_id)
                continue
            try:
                yield from self._rows(job)
            except RefusedError:
                gone += 1
        if gone:
            self.log("The results of %d export jobs were gone when they were asked for", gone)
        if others:
            self.log(
                "The results of %d export jobs are not JSON, and not read: %s",
                len(others),
                ", ".join(others),
                level=logging.WARNING,
            )

    def _rows(self, job: Job) -> Iterator[Record]:
        file = self.run.exports.download(self, job.job_id, job)
        try:
            for section in file.sections:
                for number, row in enumerate(file.rows(section), start=1):
                    yield {
                        "jobId": job.job_id,
                        "section": section,
                        "rowNumber": number,
                        "module": job.module,
                        "title": job.title,
                        "row": msgspec.Raw(row),
                    }
        finally:
            file.close()


class IngestJobsStream(RevenueStream):
    """What became of data that was sent in (`/v2/ingest/job/{jobId}`)."""

    name = "ingest_jobs"
    path = "/v2/ingest/job/{jobId}"
    primary_keys = ("jobId",)
    credentials: t.ClassVar[dict[str, str]] = {"apikey": "api_key", "partnerkey": "partner_key"}
    reads_all = False

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Ask for each job of the setting."""
        unknown: list[str] = []
        ids = dict.fromkeys(self.config["ingest_job_ids"])
        for job_id, answer in self.concurrently(ids, self._look_up):
            if answer is None:
                unknown.append(job_id)
            else:
                yield _with_errors_apart(record(answer, "message"))
        if unknown:
            self.log(
                "Clari does not know these of the ingest_job_ids (404): %s",
                ", ".join(unknown),
                level=logging.WARNING,
            )

    def _look_up(self, job_id: str) -> Answer | None:
        try:
            return self.fetch(self.path, {}, ids={"jobId": job_id}, is_data=_tells_of_a_job)
        except NotFoundError:
            return None


def _tells_of_a_job(response: requests.Response) -> bool:
    """Whether the status of the answer is that of the job: 202, 400 and 500 are data too."""
    if response.status_code not in {200, 202, 400, 500}:
        return False
    try:
        found = msgspec.json.decode(response.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return isinstance(found, dict) and isinstance(found.get("message"), dict)


def _with_errors_apart(job: Record) -> Record:
    """Put a list of errors where it does not share a column with a text."""
    if isinstance(job.get("message"), list):
        job["validationErrors"] = job.pop("message")
    return job
