"""What the streams share in a run, and the base of all streams."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from singer_sdk import SchemaDirectory, StreamSchema

from tap_gladly import schemas
from tap_gladly.changes.builder import ChangeIndexBuilder, ChangesReader
from tap_gladly.changes.events_window import EventsReader, EventsWindow
from tap_gladly.changes.listed_calls import ListedCalls
from tap_gladly.changes.pending_attributes import AttributesReader, PendingAttributes
from tap_gladly.client import GladlyClient, missing_settings, records
from tap_gladly.exports.jobs import JOBS, jobs_by_window
from tap_gladly.kit.decoding import decode_object
from tap_gladly.kit.errors import UnexpectedResponseError
from tap_gladly.kit.estimate import Estimate
from tap_gladly.kit.once import Once
from tap_gladly.kit.stream import ApiStream, RunContext

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from singer_sdk import Stream, Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.kit.decoding import Answer

ORGANIZATION = "/organization"
AUDIENCES = "/audiences"


@dataclass(kw_only=True)
class GladlyRun(RunContext):
    """What the streams of a run share, and what is asked for once, however many streams need it.

    Args:
        client: Makes the requests.
        end_date: The setting `end_date`.
        selected: The streams that the run reads.

    Attributes:
        events: The events of the last 24 hours.
        changes: Which conversations, customers and tasks changed.
        calls: Which calls conversations have.
        attributes: Custom attributes that conversations have and whose definitions are not read.
        organization: Asks for the organization.
        audiences: Asks for the audiences of answers.
        job_records: Asks for the export jobs that Gladly still has, as it lists them.
        jobs: The same, by their windows.
        answer_ids: The ids of the public answers, by each language in which they were listed.
    """

    client: GladlyClient
    end_date: datetime | None
    selected: Callable[[], Sequence[Stream]]

    def __post_init__(self) -> None:
        self.answer_ids: dict[str, list[str]] = {}
        self.calls = ListedCalls()
        self.attributes = PendingAttributes(self._attributes_reader)
        self.changes = ChangeIndexBuilder(
            client=self.client,
            events=lambda: self.events,
            readers=self.changes_readers,
            keep_attributes=self.attributes.add,
            log=self.log,
            warn_once=self.warn_once,
        )
        self.events = EventsWindow(
            self.client, self.started_at, self.end_date, self._events_readers
        )
        self.organization = Once(lambda: self.client.fetch(ORGANIZATION, _organization))
        self.audiences = Once(lambda: self.client.fetch(AUDIENCES, records))
        self.job_records = Once(lambda: self.client.fetch(JOBS, records))
        self.jobs = Once(lambda: jobs_by_window(self.job_records()))

    @property
    def reads_changes(self) -> bool:
        """Whether a stream of the run reads what changed."""
        return bool(self.changes_readers())

    def changes_readers(self) -> list[ChangesReader]:
        """The streams of the run that read what changed."""
        return [stream for stream in self._reading() if isinstance(stream, ChangesReader)]

    def reads(self, name: str) -> bool:
        """Whether the run reads a stream."""
        return any(each.name == name for each in self._reading())

    def _reading(self) -> list[GladlyStream]:
        streams = (each for each in self.selected() if isinstance(each, GladlyStream))
        return [each for each in streams if not (each.is_read_to_end_date or each.is_spared)]

    def _events_readers(self) -> list[EventsReader]:
        readers = [stream for stream in self._reading() if isinstance(stream, EventsReader)]
        return [*([self.changes] if self.reads_changes else []), *readers]

    def _attributes_reader(self) -> AttributesReader | None:
        readers = (stream for stream in self.selected() if isinstance(stream, AttributesReader))
        return next(readers, None)


def _organization(answer: Answer) -> Record:
    """The organization, which has an id.

    Raises:
        UnexpectedResponseError: If the answer is something else.
    """
    found = decode_object(answer)
    if found.get("id") is None:
        missing = "the id of the organization"
        raise UnexpectedResponseError(answer.path, missing)
    return found


class GladlyStream(ApiStream):
    """A stream; as it is, one request for one list.

    Args:
        tap: The tap.
        run: What the streams of a run share.
    """

    schema = StreamSchema(SchemaDirectory(schemas))

    bookmark_is_time_of_records: t.ClassVar[bool] = True
    """Whether all records before `end_date` were read, once the bookmark is there."""

    def __init__(self, tap: Tap, run: GladlyRun) -> None:
        super().__init__(tap, run)
        self.run = run

    @property
    def client(self) -> GladlyClient:
        """Makes the requests."""
        return self.run.client

    def missing_settings(self) -> str | None:
        """The sentence for an address or a credential that is missing."""
        return missing_settings(self.config)

    @property
    def is_read_to_end_date(self) -> bool:
        """Whether earlier runs have read all that is before `end_date`."""
        end, bookmark = self.end_date(), self.bookmark()
        return bool(self.bookmark_is_time_of_records and end and bookmark and bookmark >= end)

    def estimate(self) -> Estimate:
        """What the run needs for this stream: nothing, if it was read to `end_date`."""
        return Estimate() if self.is_read_to_end_date else self.needed()

    def needed(self) -> Estimate:
        """What it needs, at least."""
        return super().estimate()

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream, unless a piece of a backfill has read it to its end."""
        return () if self.is_read_to_end_date else super().get_records(context)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the one list."""
        return self.client.fetch(self.path, records)
