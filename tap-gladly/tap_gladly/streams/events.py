"""Events: what happened in the last 24 hours."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

from tap_gladly.bookmarks import BookmarkedStream
from tap_gladly.errors import RefusedError
from tap_gladly.lines import JSONLines, LineReceiver
from tap_gladly.times import format_second, time_of

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.files import ReceivedFile

KEPT = timedelta(hours=24)
"""How long Gladly keeps an event."""

MARGINS = (
    timedelta(seconds=2),
    timedelta(seconds=20),
    timedelta(minutes=2),
    timedelta(minutes=15),
    timedelta(hours=1),
)
"""How much less is asked for, the next where Gladly refuses: its clock may be ahead of ours."""

LATE = timedelta(seconds=30)
"""Events come up to 15 seconds late; the rest is for the two clocks."""

OVERLAP = timedelta(seconds=60)
"""What is read again, since it is not said which bounds belong to a window."""


class EventsStream(BookmarkedStream):
    """Events of all entities (`/events`), ascending."""

    name = "events"
    path = "/events"
    primary_keys = ("id",)
    replication_key = "timestamp"

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the window from the bookmark on, as far back as Gladly goes."""
        end = (self.run_began - LATE).replace(microsecond=0)
        file = self._receive(end)
        if file is None:
            return
        lines = JSONLines()
        try:
            for record in lines.records(file, self.path):
                yield record
                self._note(record.get("timestamp"), end)
        finally:
            file.close()
            lines.name_bad_ones(self.log)
        self.move_bookmark(end)

    def _receive(self, end: datetime) -> ReceivedFile | None:
        """Ask for the window, and for less where Gladly's clock says that it begins too early."""
        for margin in MARGINS:
            # By the clock of now: what came before this stream may have taken its time.
            oldest = (datetime.now(timezone.utc) - KEPT + margin).replace(microsecond=0)
            start = self._window_start(oldest)
            if start >= end:
                return None
            params: dict[str, str | list[str]] = {
                "startAt": format_second(start),
                "endAt": format_second(end),
                "entities": list(dict.fromkeys(self.config["event_entities"])),
            }
            try:
                file = self.download(self.path, LineReceiver(), params)
            except RefusedError as error:
                if error.status != HTTPStatus.BAD_REQUEST or start > oldest:
                    raise
                refusal = error
                continue
            self._name_gap(start)
            return file
        raise refusal

    def _name_gap(self, start: datetime) -> None:
        bookmark = self.bookmark()
        if bookmark and bookmark < start:
            self.warn_once(
                f"The events from {format_second(bookmark)} to {format_second(start)} are "
                "missing: Gladly keeps events for 24 hours. The reports of the same time say what "
                "happened in it: report_conversation_timestamps, report_contact_timestamps, "
                "report_agent_timestamps and report_task_timestamps. Run more often than once in "
                "24 hours."
            )

    def _window_start(self, oldest: datetime) -> datetime:
        bookmark = self.bookmark()
        if bookmark is None:
            return max(oldest, self.start_date() or oldest)
        return max(oldest, bookmark - OVERLAP)

    def _note(self, timestamp: object, end: datetime) -> None:
        """Move the bookmark with the events, which come in their order: a killed run reads on."""
        if moment := time_of(timestamp):
            self.move_bookmark(min(moment, end))
