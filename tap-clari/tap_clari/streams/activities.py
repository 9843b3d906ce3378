"""Activities: what the sales team did, and the opportunities that it was about."""

from __future__ import annotations

import logging
import typing as t
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from itertools import islice

import msgspec

from tap_clari.bookmarks import BookmarkedStream
from tap_clari.conform import hash_of
from tap_clari.exports import ExportRequest
from tap_clari.results import LISTS
from tap_clari.revenue import HISTORY, ExportStream, RevenueStream
from tap_clari.seen import SeenIds
from tap_clari.wire import listed

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Context, Record

    from tap_clari.exports import Export

EXPORT = "/v4/export/activity"
DAY = timedelta(days=1)
IDS_AT_ONCE = 100
"""How many opportunities one request can ask for."""


@dataclass(frozen=True)
class Days:
    """Whole days in UTC, the last one included."""

    first: date
    last: date

    def halves(self) -> list[Days]:
        """The same days in two."""
        middle = self.first + (self.last - self.first) // 2
        return [Days(self.first, middle), Days(middle + DAY, self.last)]

    def holds(self, other: Days) -> bool:
        """Whether the other days are all among these."""
        return self.first <= other.first and other.last <= self.last

    @property
    def end(self) -> datetime:
        """When the last day is over."""
        return datetime.combine(self.last + DAY, datetime.min.time(), timezone.utc)


class ActivitiesStream(ExportStream, BookmarkedStream):
    """Mails, meetings and attachments (`/export/activity`).

    One job for all days from the bookmark, less the look-back, to today. A meeting to come has a
    date in the future, so the bookmark is not the newest date but the time up to which the
    activities were read.
    """

    name = "activities"
    path = EXPORT
    kind = "activity"
    primary_keys = ("activityId",)
    replication_key = "date"

    @property
    def lookback(self) -> timedelta:
        """How far before its bookmark the stream reads again: mail is indexed late."""
        return timedelta(days=self.config["activity_lookback_days"])

    def export_requests(self) -> Sequence[ExportRequest]:
        """One job for the run's window."""
        return [self._request_for(days) for days in self._window()]

    def _window(self) -> list[Days]:
        start = self.window_start() or self.run_began - HISTORY
        days = Days(start.date(), self.run_began.date())
        return [days] if days.first <= days.last else []

    def _request_for(self, days: Days, *, narrow: bool = False) -> ExportRequest:
        """Ask for days.

        Whether the day of `endDate` is among those that come is not said. So it is asked for a
        day more, unless that should be too much.
        """
        body = {
            "activityTypes": list(dict.fromkeys(self.config["activity_types"])),
            "startDate": _midnight(days.first),
            "endDate": _midnight(days.last if narrow else days.last + DAY),
            "exportFormat": "JSON",
        }
        return ExportRequest(EXPORT, {}, body)

    def read_exports(self) -> Iterable[Record]:
        """Read what an earlier run left behind, and then what is new."""
        self._seen = SeenIds()
        left_behind = self._left_behind()
        yield from self._read(left_behind)
        bookmark = self.bookmark()
        if left_behind and bookmark and bookmark.date() >= self.run_began.date():
            # Paid for today: what came since is a matter for the look-back of the next run.
            return
        yield from self._read(self._window())

    def _left_behind(self) -> list[Days]:
        """The days of jobs that an earlier run started and did not read to the end."""
        found = []
        for job in self.run.exports.ledger.unread():
            if job.path != EXPORT:
                continue
            days = Days(_day(job.body["startDate"]), _day(job.body["endDate"]) - DAY)
            request = self._request_for(days)
            if job.answers(request) and self.run.exports.is_under_way(self, request):
                found.append(days)
        # The halves of a window that was cut come by themselves.
        return [days for days in found if not any(o != days and o.holds(days) for o in found)]

    def _read(self, windows: list[Days]) -> Iterator[Record]:
        exports = self.run.exports.results(self, [self._request_for(days) for days in windows])
        for days, export in zip(windows, exports, strict=True):
            if export.is_truncated and days.first < days.last:
                self.log(
                    "Clari has cut the export of the activities from %s to %s for being too "
                    "large; asking for two halves",
                    days.first,
                    days.last,
                )
                yield from self._read(days.halves())
                continue
            yield from self._records(export)
            if export.is_truncated:
                yield from self._read_narrow(days)
            self.move_bookmark(min(days.end, export.started, self.run_began))

    def _read_narrow(self, days: Days) -> Iterator[Record]:
        """Read a day that is too large together with what comes with it: without that."""
        [export] = self.run.exports.results(self, [self._request_for(days, narrow=True)])
        records = self._records(export)
        first = list(islice(self._section(export), 1))
        yield from records
        if export.is_truncated or not first:
            self.log(
                "Clari gives no more than a part of the activities of %s, too many for one "
                "export: the others are missing from this run. Set fewer activity_types",
                days.first,
                level=logging.WARNING,
            )

    def _section(self, export: Export) -> Iterator[Record]:
        section = export.file.section("activities", *LISTS)
        if section:
            yield from export.file.records(section)

    def _records(self, export: Export) -> Iterator[Record]:
        """The activities that did not come yet in this run."""
        for activity in self._section(export):
            if not self._seen.add(str(activity.get("activityId") or hash_of(activity))):
                continue
            for opportunity in _objects(activity.get("opportunities")):
                if identifier := opportunity.get("opportunityId"):
                    self.run.opportunity_ids.add(str(identifier))
            yield activity


class OpportunitiesStream(RevenueStream):
    """Opportunities as Clari has them (`/opportunity`).

    The API lists none: they are those of the setting, and those that the activities of this run
    belong to.
    """

    name = "opportunities"
    path = "/v4/opportunity"
    primary_keys = ("id",)
    reads_all = False

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Ask for all of them, a hundred at once."""
        for identifier in self.config["opportunity_ids"]:
            self.run.opportunity_ids.add(identifier)
        found = 0
        for _, answer in self.fetch_each(
            self.path, self._batches(), lambda batch: {"oppId": batch}
        ):
            opportunities = listed(answer, "opportunities")
            found += len(opportunities)
            for each in opportunities:
                yield msgspec.json.decode(each)
        if found < len(self.run.opportunity_ids):
            self.log(
                "Clari has %d of the %d opportunities that were asked for",
                found,
                len(self.run.opportunity_ids),
            )

    def _batches(self) -> Iterator[list[str]]:
        ids = iter(self.run.opportunity_ids)
        while batch := list(islice(ids, IDS_AT_ONCE)):
            yield batch


def _midnight(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _day(midnight: str) -> date:
    return date.fromisoformat(midnight[:10])


def _objects(value: object) -> list[Record]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
