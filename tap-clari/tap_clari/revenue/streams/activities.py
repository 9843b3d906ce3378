"""Activities of the sales team, past and planned."""

from __future__ import annotations

import logging
import typing as t
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

import msgspec

from tap_clari.kit.conformance import hash_of
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.record_type import member
from tap_clari.kit.times import parse_time_or_epoch, time_or_none
from tap_clari.revenue.exports.requests import ExportKey, ExportRequest
from tap_clari.revenue.exports.results import LISTS
from tap_clari.revenue.run import HISTORY, ExportStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Record

    from tap_clari.revenue.exports.active import Export
    from tap_clari.revenue.exports.jobs import Job
    from tap_clari.revenue.exports.ledger import StartedJob

EXPORT = "/v4/export/activity"

LIST_NAMES = ("activities", *LISTS)
"""The names of the list of activities."""
DAY = timedelta(days=1)

AHEAD = timedelta(days=30)
"""How far ahead meetings to come are asked for; those further ahead come when it is time."""


@dataclass(frozen=True)
class Days:
    """Whole days in UTC, the last one included."""

    first: date
    last: date

    def halves(self) -> list[Days]:
        """The same days in two."""
        middle = self.first + (self.last - self.first) // 2
        return [Days(self.first, middle), Days(middle + DAY, self.last)]

    @property
    def end(self) -> datetime:
        """When the last day is over."""
        return datetime.combine(self.last + DAY, datetime.min.time(), timezone.utc)


class ActivitiesStream(ExportStream):
    """Mails, meetings and attachments (`/export/activity`).

    One job for all days from the bookmark, less the look-back, on. A meeting to come has a date in
    the future, so the bookmark is not the newest date but the time up to which the activities were
    read.
    """

    name = "activities"
    path = EXPORT
    job_group = "activity"
    primary_keys = ("activityId",)
    replication_key = "date"

    @property
    def lookback(self) -> timedelta:
        """How far before its bookmark the stream reads again: mail is indexed late."""
        return timedelta(days=self.config["activity_lookback_days"])

    def export_requests(self) -> Sequence[ExportRequest]:
        """A job for the run's window, or one of an earlier run and another for the rest."""
        return [self._request_for(days) for days in self._windows()]

    def _windows(self) -> list[Days]:
        end = self.window_end(-AHEAD)
        start = self.window_start() or self.window_end() - HISTORY
        if start >= end or start.date() > self.run_started_at.date():
            return []
        whole = Days(start.date(), (end - timedelta.resolution).date())
        inherited = self._inherited(whole)
        if inherited is None:
            return [whole]
        days, read_until = inherited
        if days.last >= whole.last:
            # A job of today already exists. Activities added since then are read by the next
            # run's look-back.
            return [days]
        rest = max((read_until - self.lookback).date(), whole.first)
        return [days, Days(rest, whole.last)]

    def _inherited(self, whole: Days) -> tuple[Days, datetime] | None:
        """The days of a job that an earlier run left behind, and the time up to which it reads.

        Its days must leave no gap after what was read before.
        """
        candidates = [
            (days, job)
            for job in self.run.exports.unfinished_jobs()
            if (days := _days_of(job)) and days.first <= whole.first <= days.last
        ]
        # The job that reaches furthest. If its window was cut, its halves are adopted as well.
        candidates.sort(key=lambda each: (each[0].last, -each[0].first.toordinal()), reverse=True)
        for days, job in candidates:
            request = self._request_for(days)
            if job.is_for(request) and self.run.exports.adopt(self, request):
                return days, min(days.end, job.started)
        return None

    def _request_for(self, days: Days, *, narrow: bool = False) -> ExportRequest:
        """The request for days.

        The vendor does not say whether the day of `endDate` is included. So the request is for one
        day more, unless it is `narrow`.
        """
        body = {
            "activityTypes": list(dict.fromkeys(self.config["activity_types"])),
            "startDate": _midnight(days.first),
            "endDate": _midnight(days.last if narrow else days.last + DAY),
            "exportFormat": "JSON",
        }
        label = f"activities of {days.first} to {days.last}"
        return ExportRequest(ExportKey(EXPORT, {}, body), label, LIST_NAMES, _is_of_activities)

    def read_exports(self) -> Iterable[Record]:
        """Read the run's window.

        The parts of a cut window overlap, so each activity of them is written once. An activity
        of an earlier run's job is written again if the later job has it: it may have changed.
        """
        for days in self._windows():
            self._seen = SeenIds()
            yield from self._read([days])
        self.run.exports.forget_unused(EXPORT)

    def _read(self, windows: list[Days]) -> Iterator[Record]:
        exports = self.run.exports.results(self, [self._request_for(days) for days in windows])
        for days, export in zip(windows, exports, strict=True):
            is_cut = export.job.has_rows_cut
            if is_cut and days.first < days.last:
                self.log(
                    "Clari has cut the export of %s for being too large; asking for two halves",
                    export.request.label,
                )
                self.run.exports.discard_file(export)
                yield from self._read(days.halves())
                continue
            yield from self._records(export)
            if is_cut:
                yield from self._read_narrow(days, export)
            self.run.exports.discard_file(export)
            self.move_bookmark(min(days.end, export.started, self.run_started_at))

    def _read_narrow(self, days: Days, wide: Export) -> Iterator[Record]:
        """Read a day again without the day after it, because the two were too large together."""
        [narrow] = self.run.exports.results(self, [self._request_for(days, narrow=True)])
        is_empty = next(self._section(narrow), None) is None
        yield from self._records(narrow)
        # If the day of `endDate` is not included, the narrow request brings nothing at all.
        times = map(_date_of, self._section(wide))
        is_unknown = is_empty and any(time and time.date() == days.first for time in times)
        if narrow.job.has_rows_cut or is_unknown:
            self.log(
                "Clari gives no more than a part of the activities of %s, too many for one "
                "export: the others are missing from this run. Set fewer activity_types",
                days.first,
                level=logging.WARNING,
            )
        self.run.exports.discard_file(narrow)

    def _section(self, export: Export) -> Iterator[Record]:
        yield from export.file.records(export.file.find_list(*LIST_NAMES), self.decode)

    def _records(self, export: Export) -> Iterator[Record]:
        """The activities that this window has not written yet.

        Days are asked for whole, and one more. What comes with them and is before `start_date`, or
        not before `end_date`, belongs to another run.
        """
        is_bounded = any(self.outer_bounds)
        for activity in self._section(export):
            if is_bounded and self.is_of_other_run(_date_of(activity), 2 * DAY):
                continue
            if not self._seen.add(str(member(activity, "activityId") or hash_of(activity))):
                continue
            for opportunity in _objects(member(activity, "opportunities")):
                if identifier := member(opportunity, "opportunityId"):
                    self.run.opportunity_ids.add(str(identifier))
            yield activity


def _date_of(activity: Record) -> datetime | None:
    return time_or_none(member(activity, "date"), parse_time_or_epoch)


def _is_of_activities(job: Job) -> bool:
    """Whether a job can be an export of activities: the document names only the other kinds."""
    return "ACTIVIT" in str(job.module).upper()


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _days_of(job: StartedJob) -> Days | None:
    """The days that a job was asked for; `None` if it was asked for something else."""
    if job.path != EXPORT:
        return None
    try:
        first, end = (date.fromisoformat(job.body[name][:10]) for name in ("startDate", "endDate"))
        return Days(first, end - DAY)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _objects(value: object) -> list[Record | msgspec.Struct]:
    if not isinstance(value, list):
        return []
    return [each for each in value if isinstance(each, dict | msgspec.Struct)]
