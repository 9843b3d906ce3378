"""Events: what happened in the last 24 hours."""

from __future__ import annotations

import typing as t

from tap_gladly.changes.events_window import EVENTS, OVERLAP, EventsReader
from tap_gladly.kit.jsonlines import JSONLines
from tap_gladly.kit.times import format_second, time_or_none
from tap_gladly.run import GladlyStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from singer_sdk.helpers.types import Context, Record

ENTITY_OF = {"CONVERSATION_ASSIGNEE": "CONVERSATION"}
"""The entity of a type of event, where it is not what the type begins with."""


class EventsStream(GladlyStream, EventsReader):
    """Events of all entities (`/events`), ascending."""

    name = "events"
    path = EVENTS
    primary_keys = ("id",)
    replication_key = "timestamp"

    @property
    def event_entities(self) -> list[str]:
        """The setting `event_entities`."""
        return t.cast("list[str]", self.config["event_entities"])

    def events_from(self) -> datetime | None:
        """The bookmark, with what is read again before it; without one, the `start_date`."""
        bookmark = self.bookmark()
        return bookmark - OVERLAP if bookmark else self.start_date()

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the window from the bookmark on, as far back as Gladly goes."""
        end = self.run.events.end
        start = self.events_from()
        if start and start >= end:
            return
        events = self.run.events.received()
        if events is None:
            return
        self._name_gap(events.start)
        # What only others need is not of this stream.
        others = events.entities.difference(self.event_entities)
        lines = JSONLines()
        try:
            for record in events.records(lines):
                moment = time_or_none(record.get("timestamp"))
                # One from before all that was asked for has a wrong time, and is not left out.
                is_earlier = moment and start and events.start <= moment < start
                if _entity_of(record) in others or is_earlier:
                    continue
                yield record
                if moment and moment <= end:
                    # Events come in their order: a killed run reads on from here.
                    self.move_bookmark(moment)
        finally:
            lines.log_bad_lines(self.log)
        self.move_bookmark(end)

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


def _entity_of(event: Record) -> str:
    kind = str(event.get("type")).partition("/")[0]
    return ENTITY_OF.get(kind, kind)
