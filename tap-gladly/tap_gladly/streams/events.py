"""Events: what happened in the last 24 hours."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from tap_gladly.bookmarks import BookmarkedStream
from tap_gladly.files import ReceivedFile
from tap_gladly.lines import JSONLines
from tap_gladly.times import format_second, read_time

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    import requests
    from singer_sdk.helpers.types import Context, Record

KEPT = timedelta(hours=24)
"""How long Gladly keeps an event."""

MARGIN = timedelta(minutes=2)
"""How much less is asked for, since Gladly refuses what is older by its own clock."""

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
        start, end = self._window()
        if start >= end:
            return
        params: dict[str, str | list[str]] = {
            "startAt": format_second(start),
            "endAt": format_second(end),
            "entities": list(dict.fromkeys(self.config["event_entities"])),
        }
        lines = JSONLines()
        file = self.download(self.path, _received, params)
        try:
            for record in lines.records(file, self.path):
                yield record
                self._note(record.get("timestamp"), end)
        finally:
            file.close()
            lines.name_bad_ones(self.log)
        self.move_bookmark(end)

    def _window(self) -> tuple[datetime, datetime]:
        """From where to where, in whole seconds."""
        oldest = (self.run_began - KEPT + MARGIN).replace(microsecond=0)
        end = (self.run_began - LATE).replace(microsecond=0)
        bookmark = self.bookmark()
        if bookmark is None:
            return max(oldest, self.start_date() or oldest), end
        if bookmark < oldest:
            self.warn_once(
                f"The events from {format_second(bookmark)} to {format_second(oldest)} are "
                "missing: Gladly keeps events for 24 hours. The reports of the same time say what "
                "happened in it: report_conversation_timestamps, report_contact_timestamps, "
                "report_agent_timestamps and report_task_timestamps."
            )
        return max(oldest, bookmark - OVERLAP), end

    def _note(self, timestamp: object, end: datetime) -> None:
        """Move the bookmark with the events, which come in their order: a killed run reads on."""
        try:
            moment = read_time(timestamp)
        except ValueError:
            return
        self.move_bookmark(min(moment, end))


def _received(response: requests.Response) -> ReceivedFile:
    return ReceivedFile.receive(response, "a whole list of events")
