"""Export jobs, and the files of conversation items, customers, agents and topics."""

from __future__ import annotations

import logging
import typing as t

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_gladly.client import records
from tap_gladly.conversation_content import with_list_of_recipients
from tap_gladly.exports.jobs import (
    JOBS,
    RETENTION,
    STATUSES,
    Job,
    failed_windows,
    uncovered_windows,
)
from tap_gladly.exports.read_jobs import OVERLAP, ExportFileState, ReadJobs
from tap_gladly.kit.errors import NotFoundError, shown
from tap_gladly.kit.estimate import Estimate
from tap_gladly.kit.jsonlines import JSONLines, JSONLinesReceiver
from tap_gladly.kit.times import format_second, format_time, time_or_none
from tap_gladly.run import GladlyStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.kit.spool import Spool

FILE = "/export/jobs/{jobId}/files/{filename}"

FILES_AT_ONCE = 4
"""How many files are received at once: they wait on disk, twice as many at most."""


class ExportJobsStream(GladlyStream):
    """The export jobs of the last 14 days (`/export/jobs`)."""

    name = "export_jobs"
    path = JOBS
    primary_keys = ("id",)
    replication_key = "updatedAt"

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read what was updated since the bookmark: one request, or that of the files."""
        bookmark = newest = self.bookmark()
        for record in self._listed(bookmark):
            updated = time_or_none(record.get("updatedAt"))
            if updated and bookmark and updated < bookmark:
                continue
            yield dict(record)
            if updated:
                newest = max(newest or updated, updated)
        if newest:
            self.move_bookmark(min(newest, self.run_started_at))

    def _listed(self, bookmark: datetime | None) -> list[Record]:
        if any(isinstance(each, ExportFileStream) for each in self.run.selected()):
            return self.run.job_records()
        params = {}
        # Gladly does not take a time that is older than what it keeps.
        if bookmark and self.run_started_at - RETENTION + OVERLAP < bookmark < self.run_started_at:
            params = {"startAt": format_second(bookmark)}
        return self.client.fetch(self.path, records, params)


class ExportFileStream(GladlyStream):
    """One of the files of every export job (`/export/jobs/{jobId}/files/{filename}`).

    Jobs are read oldest first and each whole, so that a killed run resumes at its job.
    """

    path = FILE
    filename: str
    recurs = True
    """Whether what one job has can be in another as well, of which the newest counts."""

    primary_keys = ("id",)
    replication_key = "exportedAt"
    # It is a time at which a job was made, and one of an earlier window may still be missing.
    bookmark_is_time_of_records = False
    tap_added_properties = ("exportJobId", "exportedAt")
    state_form = ExportFileState

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read job by job, and move the bookmark after each."""
        read_jobs, completed = self._jobs()
        unread = read_jobs.unread(completed)
        unfilled_gap = self._name_gaps(
            read_jobs.read_until or (unread[0].start if unread else None)
        )
        pending: list[Job] = []
        newest_read = max((job.end for job in completed if job not in unread), default=None)
        if self.recurs and unread and newest_read and unread[0].end < newest_read:
            # An older export that comes late must not have the last word: those behind it are
            # read again, and only then is it taken for read.
            unread = [job for job in completed if job in unread or job.end > unread[0].end]
            pending = unread
        lines = JSONLines()
        try:
            files = self.client.map_concurrently(unread, self._file_of, FILES_AT_ONCE)
            for number, (job, file) in enumerate(files, start=1):
                added = {"exportJobId": job.id, "exportedAt": format_time(job.updated)}
                for record in self._records_of(job, file, lines):
                    yield self.with_added(record, **added)
                rest = unread[number:]
                if not (pending and rest):
                    for each in pending or [job]:
                        if bookmark := read_jobs.mark_read(each, rest, unfilled_gap):
                            self.move_bookmark(bookmark)
                    self.write_state()
        finally:
            lines.log_bad_lines(self.log)

    def needed(self) -> Estimate:
        """A file for each job that was not read; the list of jobs is asked for once by all."""
        read_jobs, completed = self._jobs()
        return Estimate(sum(job.may_have(self.filename) for job in read_jobs.unread(completed)))

    def _jobs(self) -> tuple[ReadJobs, list[Job]]:
        """Which jobs were read, and which there are for this run."""
        jobs = self.run.jobs()
        is_full_table = self.replication_method == REPLICATION_FULL_TABLE
        state = {} if is_full_table else self.stream_state
        start, end = self.start_date(), self.end_date()
        completed = [
            job
            for job in jobs
            if job.status == "COMPLETED"
            and (start is None or job.end > start)
            and (end is None or job.end <= end)
        ]
        if unknown := {job.status for job in jobs} - STATUSES:
            self.warn_once(
                f"Export jobs have a status that the tap does not know ({shown(sorted(unknown))}): "
                "they are not read. Please report it as a bug of tap-gladly."
            )
        # A job may have a time that is yet to come: a bookmark there would pass over all others.
        latest = min(self.run_started_at, end or self.run_started_at)
        return ReadJobs(state, jobs, self.bookmark(), latest), completed

    def _name_gaps(self, since: datetime | None) -> datetime | None:
        """Say which time no job covers: there is nothing that the tap could do about it.

        Returns:
            Where a gap begins that is too young to be named, since a job may show up late.
        """
        jobs = self.run.jobs()
        found = list(uncovered_windows(jobs, since))
        if since and since < self.run_started_at - RETENTION and not jobs:
            found = [(since, self.run_started_at - RETENTION)]
        young = [start for start, end in found if end > self.run_started_at - OVERLAP]
        missing = [each for each in found if each[0] not in young]
        missing += failed_windows(jobs, self.bookmark() or self.start_date())
        if missing:
            windows = ", ".join(
                f"{format_second(start)} to {format_second(end)}" for start, end in missing
            )
            self.warn_once(
                f"No export job covers {windows}: Gladly keeps jobs for 14 days, or they have "
                "failed. What was said then is missing from the export streams: ask Gladly "
                "support to make these exports again, and they are read by the next run. The "
                "reports of the same time (report_conversation_timestamps, "
                "report_contact_timestamps) say what happened in it."
            )
        return min(young, default=None)

    def _file_of(self, job: Job) -> Spool | None:
        """Receive the file of a job; none if the job has none, or has it no more."""
        if not job.may_have(self.filename):
            return None
        ids = {"jobId": job.id, "filename": self.filename}
        try:
            return self.client.download(FILE, JSONLinesReceiver(), ids=ids)
        except NotFoundError:
            return None

    def _records_of(self, job: Job, file: Spool | None, lines: JSONLines) -> Iterator[Record]:
        if file is not None:
            try:
                name = f"job {job.id}, {self.filename}"
                yield from lines.records(file, name, self.decode_fitting)
            finally:
                file.close()
        elif job.may_have(self.filename):
            self.log(
                "The file %s of the export job %s (%s to %s) is gone, since it was listed: Gladly "
                "keeps jobs for 14 days. Ask Gladly support to make the export again",
                self.filename,
                job.id,
                format_second(job.start),
                format_second(job.end),
                level=logging.WARNING,
            )
        elif any(self.filename.partition(".")[0] in each.lower() for each in job.files or ()):
            self.warn_once(
                f"Export jobs have the file {self.filename} by another name, by which the tap does "
                "not ask for it. Please report it as a bug of tap-gladly."
            )


class ExportConversationItemsStream(ExportFileStream):
    """Messages, calls, notes and all else that a conversation is made of."""

    name = "export_conversation_items"
    filename = "conversation_items.jsonl"
    recurs = False

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:
        """Make one type of `to`; a row that was found to fit has that already."""
        if isinstance(row, dict):
            row = with_list_of_recipients(row)
        return super().post_process(row, context)


class ExportCustomersStream(ExportFileStream):
    """The customers of a job's window."""

    name = "export_customers"
    filename = "customers.jsonl"


class ExportAgentsStream(ExportFileStream):
    """The agents of a job's window."""

    name = "export_agents"
    filename = "agents.jsonl"


class ExportTopicsStream(ExportFileStream):
    """The topics of a job's window."""

    name = "export_topics"
    filename = "topics.jsonl"
