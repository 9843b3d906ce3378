"""What the streams share in a run, and the base of all streams."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from singer_sdk import SchemaDirectory, StreamSchema

from tap_gladly import schemas
from tap_gladly.changes.builder import Changes
from tap_gladly.changes.events_window import EventsWindow
from tap_gladly.changes.listed_calls import ListedCalls
from tap_gladly.changes.pending_attributes import PendingAttributes
from tap_gladly.client import GladlyClient, missing_settings, records
from tap_gladly.kit.stream import ApiStream, RunContext

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.exports.jobs import Job


@dataclass(kw_only=True)
class GladlyRun(RunContext):
    """What is asked for once in a run, however many streams need it.

    Args:
        client: Makes the requests.
        events: The events of the last 24 hours.
        changes: Which conversations, customers and tasks changed.
        calls: Which calls conversations have.
        attributes: Custom attributes that conversations have and whose definitions are not read.
        organization: The organization; `None` until it was asked for.
        jobs: The export jobs that Gladly still has; `None` until they were asked for.
    """

    client: GladlyClient
    events: EventsWindow = field(init=False)
    changes: Changes = field(default_factory=Changes)
    calls: ListedCalls = field(default_factory=ListedCalls)
    attributes: PendingAttributes = field(default_factory=PendingAttributes)
    organization: Record | None = None
    jobs: list[Job] | None = None

    def __post_init__(self) -> None:
        self.events = EventsWindow(self.client, self.started_at)
        self.events.register(self.changes)


class GladlyStream(ApiStream):
    """A stream; as it is, one request for one list.

    Args:
        tap: The tap.
        run: What the streams of a run share.
    """

    schema = StreamSchema(SchemaDirectory(schemas))

    def __init__(self, tap: Tap, run: GladlyRun) -> None:
        super().__init__(tap, run)
        self.run = run

    @property
    def client(self) -> GladlyClient:
        """Makes the requests."""
        return self.run.client

    def missing_settings(self) -> str | None:
        """The address and the credentials are needed."""
        return missing_settings(self.config)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the one list."""
        return records(self.client.fetch(self.path))
