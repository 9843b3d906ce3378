"""Export jobs, and the rows of their results."""

from __future__ import annotations

import logging
import typing as t
from collections import defaultdict

import msgspec

from tap_clari.kit.errors import PersistentServerError, RefusedError
from tap_clari.kit.progress import ProgressLog
from tap_clari.revenue.exports.jobs import JOBS, RESULTS, Job, jobs_in
from tap_clari.revenue.exports.results import ExportResult
from tap_clari.revenue.exports.starter import GONE
from tap_clari.revenue.run import RevenueStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from singer_sdk.helpers.types import Context, Record


class ExportJobsStream(RevenueStream):
    """The export jobs of this token's user (`/export/jobs`)."""

    name = "export_jobs"
    path = JOBS
    primary_keys = ("jobId",)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the list, without the links that open a result to anyone."""
        for job in self.client.fetch(self.path, jobs_in):
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

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the result of one job after the other."""
        progress = ProgressLog(self.log, self.name)
        incomplete: defaultdict[str, list[str]] = defaultdict(list)
        failure: PersistentServerError | None = None
        has_success = False
        for job in self._jobs(incomplete):
            try:
                for row in self._rows(job):
                    progress.count()
                    yield row
                has_success = True
            except PersistentServerError as error:  # noqa: PERF203 - one job does not stop the others
                failure = error
                incomplete["cannot be read"].append(str(job.job_id))
            except RefusedError as error:
                if error.status not in GONE:
                    raise
                incomplete["cannot be had"].append(str(job.job_id))
        if failure and not has_success:
            raise failure
        for what, ids in incomplete.items():
            self.log(
                "The results of %d export jobs %s: %s",
                len(ids),
                what,
                ", ".join(ids),
                level=logging.WARNING,
            )

    def _jobs(self, incomplete: Mapping[str, list[str]]) -> Iterator[Job]:
        """The jobs that have a result, of which those that are not whole are put down."""
        for each in self.client.fetch(JOBS, jobs_in):
            job = msgspec.convert(each, type=Job)
            if not job.is_done or job.is_expired:
                continue
            if str(job.file_type or "JSON").upper() != "JSON":
                incomplete["are not JSON, and not read"].append(str(job.job_id))
                continue
            if job.has_rows_cut or job.has_cells_cut:
                incomplete["were cut by Clari for being too large"].append(str(job.job_id))
            yield job

    def _rows(self, job: Job) -> Iterator[Record]:
        file = ExportResult.download(self.client, str(job.job_id), job)
        try:
            for section in file.lists:
                for number, row in enumerate(file.raw_rows(section), start=1):
                    yield {
                        "jobId": job.job_id,
                        "section": section,
                        "rowNumber": number,
                        "module": job.module,
                        "title": job.title,
                        # Also where a catalog lacks the column, so that `_extra` has it.
                        "row": row.decode(),
                    }
        finally:
            file.close()
