"""Events: what happened in the last 24 hours."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from http import HTTPStatus

from tap_gladly.bookmarks import BookmarkedStream
from tap_gladly.errors import RefusedError
from tap_gladly.lines import JSONLines, receive_lines
from tap_gladly.times import format_second, read_time

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.files import ReceivedFile

KEPT = timedelta(hours=24)
"""How long Gladly keeps an event."""

MARGIN = timedelta(minutes=2)
"""How much less is asked for, since Gladly refuses what is older by its own clock."""

TRIES = 3
"""How often it is asked again if it became too old on the way."""

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
        """Ask for the window; again if it was too old by the time that Gladly looked at it."""
        for _ in range(TRIES):
            oldest = (datetime.now(timezone.utc) - KEPT + MARGIN).replace(microsecond=0)
            start = self._window_start(oldest)
            if start >= end:
                return None
            params: dict[str, str | list[str]] = {
                "startAt": format_second(start),
                "endAt": format_second(end),
                "entities": list(dict.fromkeys(self.config["event_entities"])),
            }
            try:
                return self.download(self.path, receive_lines, params)
            except RefusedError as error:
                is_too_old = datetime.now(timezone.utc) - start > KEPT
                if error.status != HTTPStatus.BAD_REQUEST or not is_too_old:
                    raise
                refusal = error
        raise refusal

    def _window_start(self, oldest: datetime) -> datetime:
        bookmark = self.bookmark()
        if bookmark is None:
            return max(oldest, self.start_date() or oldest)
        if bookmark < oldest:
            self.warn_once(
                f"The events from {format_second(bookmark)} to {format_second(oldest)} are "
                "missing: Gladly keeps events for 24 hours. The reports of the same time say what "
                "happened in it: report_conversation_timestamps, report_contact_timestamps, "
                "report_agent_timestamps and report_task_timestamps."
            )
        return max(oldest, bookmark - OVERLAP)

    def _note(self, timestamp: object, end: datetime) -> None:
        """Move the bookmark with the events, which come in their order: a killed run reads on."""
        try:
            moment = read_time(timestamp)
        except ValueError:
            return
        self.move_bookmark(min(moment, end))
