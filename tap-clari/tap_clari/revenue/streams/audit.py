"""Audit events: changes in Clari, and who made them."""

from __future__ import annotations

import math
import typing as t
from datetime import datetime, timedelta, timezone

from tap_clari.kit.client import ORDINARY, Handling
from tap_clari.kit.conformance import hash_of
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.errors import PersistentBodyError, PersistentServerError
from tap_clari.kit.times import EARLIEST, format_second, parse_time_or_epoch, time_or_none
from tap_clari.revenue.pagination import LinkedPage, follow_next_links
from tap_clari.revenue.run import HISTORY, RevenueStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers.types import Context, Record


DAY = timedelta(days=1)
LONGEST = timedelta(days=30)
SHORTEST = timedelta(hours=1)
MANY_PAGES = 10
PAGE_SIZE = 1000
SMALLEST_PAGE = 10
"""Events of a page, below which Clari does not fail for its size."""

FEW_TRIES = Handling(server_tries=2)
"""How a page is asked for after a larger one has failed."""

ACTORS = ("actor", "impersonatingActor")
"""Who acted, and as whom; the event has the id of each."""


class AuditEventsStream(RevenueStream):
    """Audit events (`/audit/events`), with the one who acted.

    They are read window by window, so that a killed run resumes at its window. The API says
    nothing of how many events there are; so a window is longer after one that held few, and
    shorter after one that held many.
    """

    name = "audit_events"
    path = "/v4/audit/events"
    primary_keys = ("eventId",)
    replication_key = "eventTimestamp"
    tap_added_properties = ACTORS

    @property
    def lookback(self) -> timedelta:
        """How far before its bookmark the stream reads again."""
        return timedelta(days=self.config["lookback_days"])

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read all windows, oldest first, and move the bookmark after each."""
        window_end = self.window_end()
        start = self.window_start() or window_end - HISTORY
        length = DAY
        self._page_size = PAGE_SIZE
        self._seen = SeenIds()
        while start < window_end:
            end = min(start + length, window_end)
            self._newest = EARLIEST
            pages = 0
            for page in self._pages(start, end):
                pages += 1
                yield from self._events(page)
            # Of the last day, only what was seen: an event may be written late.
            settled = min(end, self.run_started_at - DAY)
            self.move_bookmark(min(end, max(self._newest, settled)))
            start = end
            if pages == 1:
                length = min(length * 2, LONGEST)
            elif pages > MANY_PAGES:
                length = max(length / 2, SHORTEST)

    def _pages(self, start: datetime, end: datetime) -> Iterator[LinkedPage]:
        """The pages of a window, read again in smaller ones where Clari fails on one."""
        try:
            yield from self._pages_of_size(start, end)
        except PersistentServerError as error:
            if isinstance(error, PersistentBodyError) or self._page_size <= SMALLEST_PAGE:
                raise
            self._page_size //= 2
            self.log("Smaller pages from now on: %d events", self._page_size)
            yield from self._pages(start, end)

    def _pages_of_size(self, start: datetime, end: datetime) -> Iterator[LinkedPage]:
        """The pages of a window and a second around it: the vendor does not say if bounds count."""
        params = {
            "limit": str(self._page_size),
            "dateFrom": _seconds(math.floor(start.timestamp()) - 1),
            "dateTo": _seconds(math.ceil(end.timestamp()) + 1),
        }
        handling = ORDINARY if self._page_size == PAGE_SIZE else FEW_TRIES
        return follow_next_links(
            self.client, self.path, params, "items", "activities", handling=handling
        )

    def _events(self, page: LinkedPage) -> Iterator[Record]:
        """The events of a page that this run has not written yet."""
        listed_actors = page.members.get("actors")
        actors = {
            str(actor.get("actorId")): actor
            for actor in (listed_actors if isinstance(listed_actors, list) else ())
            if isinstance(actor, dict)
        }
        for event in page.records:
            # Before the actor is added, whose name may change.
            event["eventId"] = str(event.get("eventId") or hash_of(event))
            happened_at = time_or_none(event.get("eventTimestamp"), parse_time_or_epoch) or EARLIEST
            self._newest = max(self._newest, happened_at)
            if self.is_of_other_run(happened_at) or not self._seen.add(event["eventId"]):
                continue
            # Left out where there is none: a null object is no NULL to every target.
            acting = {name: actors.get(str(event.get(f"{name}Id"))) for name in ACTORS}
            yield self.with_added(event, **{name: each for name, each in acting.items() if each})


def _seconds(timestamp: int) -> str:
    return format_second(datetime.fromtimestamp(timestamp, timezone.utc))
