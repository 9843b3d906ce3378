"""What the streams of a run share."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from tap_gladly.changes.builder import Changes
from tap_gladly.changes.events_window import RecentEvents
from tap_gladly.changes.listed_calls import Calls
from tap_gladly.changes.pending_attributes import MetAttributes

if t.TYPE_CHECKING:
    from singer_sdk.helpers.types import Record

    from tap_gladly.exports.jobs import Job
    from tap_gladly.session import ThrottledSession


@dataclass
class SharedRun:
    """What is asked for once in a run, however many streams need it.

    Args:
        session: For everything but reports.
        reports: For reports, which have a pace of their own.
        events: The events of the last 24 hours.
        changes: Which conversations, customers and tasks changed.
        calls: Which calls conversations have.
        attributes: Which custom attributes were met on conversations.
        organization: The organization; `None` until it was asked for.
        jobs: The export jobs that Gladly still has; `None` until they were asked for.
        named: What was named in a warning, so that it is named once.
    """

    session: ThrottledSession
    reports: ThrottledSession
    events: RecentEvents = field(default_factory=RecentEvents)
    changes: Changes = field(default_factory=Changes)
    calls: Calls = field(default_factory=Calls)
    attributes: MetAttributes = field(default_factory=MetAttributes)
    organization: Record | None = None
    jobs: list[Job] | None = None
    named: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.events.register(self.changes)
