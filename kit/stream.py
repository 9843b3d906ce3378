"""The base of all streams: records that lose nothing, and a bookmark that moves when all is read.

The SDK moves a bookmark with the newest record, which is right for a list that comes sorted by its
replication key. What these APIs give comes in windows, pages and files, unsorted within, or with
times in the future. So a stream says itself up to which time everything is written.
"""

from __future__ import annotations

import contextlib
import logging
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cached_property

import msgspec
from singer_sdk import Stream, metrics
from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from singer_sdk.helpers._catalog import pop_deselected_record_properties
from singer_sdk.helpers._flattening import get_flattening_options
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import CustomStreamMap, SameRecordTransform
from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
    Metadata,
    StreamMetadata,
)
from singer_sdk.singerlib.schema import Schema

from .client import SOUND_RECORDS
from .conformance import EXTRA, NO_KEY, RecordConformer
from .decoding import DEEPEST, collapse_json, decode_json
from .errors import UnexpectedResponseError
from .estimate import Estimate
from .maps import empty_key_error, kind_of, map_error
from .times import EARLIEST, format_time, parse_time, time_or_none

if t.TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from singer_sdk import Tap
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import RecordMessage
    from singer_sdk.singerlib.catalog import Catalog, CatalogEntry

    from .client import ApiClient
    from .record_type import Decode
    from .shutdown import AtomicWriter


REPLICATION_METHODS = (None, REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL)
"""How a stream can be read; `None` for its own way."""


class StreamState(t.TypedDict, total=False):
    """What the SDK and the base stream keep in a stream's part of the state."""

    replication_key: str | None
    replication_key_value: t.Any
    starting_replication_value: t.Any
    progress_markers: dict[str, t.Any]
    partitions: list[dict[str, t.Any]]


UNREADABLE = (msgspec.ValidationError, RecursionError)
"""What is raised for an answer with a number or a depth that no machine has."""

INTERVAL = "reference_data_interval_hours"
"""The setting that spares reference data."""

READ_AT = "read_at"
"""In the state of reference data: the begin of the run that read it last."""

MARGIN = timedelta(seconds=2)
"""How far around `start_date` and `end_date` records may come that are not of the run's window. An
API may take its bounds in, or look at whole seconds only, so that a stream asks for more."""


@dataclass
class RunContext:
    """What the streams of an API share in a run.

    Args:
        client: Makes the requests.
        started_at: When the run began: what changes later belongs to the next run.
        warned: The warnings that were given, so that each is given once.
    """

    client: ApiClient
    started_at: datetime
    warned: set[str] = field(default_factory=set)

    def log(self, message: str, *args: object, level: int = logging.INFO) -> None:
        """Log what concerns several streams."""
        self.client.logger.log(level, message, *args)

    def warn_once(self, message: str) -> None:
        """Log a warning, once in a run whichever stream gives it."""
        if message not in self.warned:
            self.warned.add(message)
            self.client.logger.warning("%s", message)


class ApiStream(Stream):
    """A stream of a REST API.

    The SDK's cycle of request and paginator is one request at a time; here the client has several
    under way at once, and so `request_records` takes its place. What the SDK has around it
    (selection, maps, metrics, state, batches) is used.

    Records are conformed by `RecordConformer`, which keeps what the SDK would drop, and so the
    SDK's own conformance is off (it also costs half of the throughput).

    Args:
        tap: The tap.
        run: What the streams of the API share.
    """

    path: str
    """The endpoint, with `{name}` where an id belongs."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    is_sorted = True

    tap_added_properties: tuple[str, ...] = ()
    """Properties that the tap adds to a record."""

    always_has_bookmark: t.ClassVar[bool] = False
    """Whether the stream keeps a bookmark though it has no replication key."""

    is_reference_data: t.ClassVar[bool] = False
    """Whether it is a list that rarely changes, so that not every run need read it."""

    is_whole_list: t.ClassVar[bool] = True
    """Whether reference data comes whole; else a target must not drop what a run did not give."""

    state_form: t.ClassVar[t.Any] = StreamState
    """The form of the stream's part of the state."""

    def __init__(self, tap: Tap, run: RunContext) -> None:
        super().__init__(tap)
        self._run = run
        self.run_started_at = run.started_at
        if self.bookmark_field:
            # The SDK would write the state with every 10,000th record only.
            self.STATE_MSG_FREQUENCY = 100

    @property
    def client(self) -> ApiClient:
        """Makes the requests."""
        return self._run.client

    @property
    def is_test(self) -> bool:
        """Whether this is a test of the connection, which should cost little."""
        return self.ABORT_AT_RECORD_COUNT is not None

    @property
    def emit_activate_version_messages(self) -> bool:
        """Where the setting asks for it, and a run gives all that there is.

        A target then drops the other rows. Of what is read by time, the API gives a part only.
        """
        is_complete = self.is_reference_data and self.is_whole_list and not self.is_spared
        is_message = not self.config.get("batch_config")
        return is_complete and is_message and super().emit_activate_version_messages

    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Do nothing: the SDK has the table emptied before anything is read."""

    def _activate_version(self) -> None:
        """Have a target drop what is older than the records of this run, which have all come."""
        if self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)

    # Catalog

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take the selection and the schema of the user's catalog.

        A catalog made by hand may lack keys and metadata, and an older one columns that records
        cannot do without: what it lacks is taken from the stream.
        """
        keys, replication_key = self.primary_keys, self.replication_key
        if entry := catalog.get_stream(self.name):
            self._complete(entry)
        super().apply_catalog(catalog)
        self.primary_keys = self.primary_keys or keys
        refused = {
            "key_properties": not self.schema["properties"].keys() >= set(self.primary_keys),
            "replication_key": self.replication_key not in {None, replication_key},
            "replication_method": self.forced_replication_method not in REPLICATION_METHODS,
        }
        for member, is_refused in refused.items():
            if is_refused:
                message = (
                    f"The catalog gives the stream {self.name!r} another {member} than it can "
                    f"have: remove {member} from it."
                )
                raise ConfigurationError(message)
        self.replication_key = replication_key

    def _complete(self, entry: CatalogEntry) -> None:
        root = entry.metadata.get(())
        named = root.table_key_properties if isinstance(root, StreamMetadata) else None
        entry.key_properties = entry.key_properties or named or list(self.primary_keys)
        always = [*entry.key_properties, *filter(None, [self.replication_key])]
        own, columns = self.schema["properties"], entry.schema.properties
        if columns is None:
            columns = entry.schema.properties = {}
        for name in (*always, EXTRA):
            if name in own and name not in columns:
                columns[name] = Schema.from_dict(own[name])
        for column in columns.values():
            _open_free_objects(column)
        for name in always:
            if column := entry.metadata.get(("properties", name)):
                column.inclusion = Metadata.InclusionType.AUTOMATIC

    # Records

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream, counting its requests; where that ends early, write its state."""
        if missing := self.missing_settings():
            raise ConfigurationError(missing)
        if self.is_spared:
            self.log("Not read: it was read at %s", self.stream_state[READ_AT])
            return
        counter = metrics.http_request_counter(self.name, endpoint=self.path)
        is_empty = True
        try:
            with self.client.counted_by(counter):
                for record in self._sound_records(context):
                    yield record
                    is_empty = False
        except FatalAPIError:
            self.write_state()
            raise
        finally:
            # A test of the connection ends a stream after a few records, without a state. What
            # cannot be written stays, so that the next message runs into the same.
            with contextlib.suppress(OSError):
                self._writer.flush()
        if not is_empty:
            # An empty list may be a fault, and empties no table.
            self._activate_version()
        if self.is_reference_data and self.config.get(INTERVAL):
            self.stream_state[READ_AT] = format_time(self.run_started_at)

    def _sound_records(self, context: Context | None) -> Iterable[Record]:
        try:
            yield from self.request_records(context)
        except UnexpectedResponseError as error:
            message = self.client.errors.unexpected(error.path, error.missing)
            raise FatalAPIError(message) from error
        except UNREADABLE as error:
            message = self.client.errors.unexpected(self.path, SOUND_RECORDS)
            raise FatalAPIError(message) from error

    def estimate(self) -> Estimate:
        """What the run needs for this stream, at least: a request, unless the stream knows more."""
        return Estimate(requests=1)

    @cached_property
    def is_spared(self) -> bool:
        """Whether the run leaves it out: `reference_data_interval_hours` have not yet passed."""
        read_at = time_or_none(self.stream_state.get(READ_AT))
        if not self.is_reference_data or read_at is None or self.is_test:
            return False
        interval = timedelta(hours=float(self.config.get(INTERVAL, 0)))
        return timedelta(0) <= self.run_started_at - read_at < interval

    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream."""
        raise NotImplementedError

    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Write the batches.

        Raises:
            ConfigurationError: If they cannot be written where the setting says.
        """
        try:
            yield from super().get_batches(batch_config, context)
        except (OSError, ImportError) as error:
            message = (
                f"The batches of the stream {self.name!r} cannot be written ({kind_of(error)}): "
                "correct batch_config, or install what its storage and format need."
            )
            raise ConfigurationError(message) from error

    def post_process(self, row: Record, context: Context | None = None) -> Record | None:  # noqa: ARG002
        """Make the record fit the schema that is written for the stream, and lose nothing.

        One that `decode_fitting` has made fits already.
        """
        if isinstance(row, msgspec.Struct):
            return row
        record = self._conform(row)
        if self.config.get("batch_config"):
            # The SDK does so for messages only.
            pop_deselected_record_properties(record, self.effective_schema, self.mask)
        return record

    @cached_property
    def decode_fitting(self) -> Decode | None:
        """Decodes the JSON of most records at once; raises `msgspec.DecodeError` for the others.

        What it makes of a record is a `msgspec.Struct`, which has the record's members and takes
        its way. There is no such decoder where a record is not written as it is.
        """
        if self.config.get("batch_config") or not self._is_written_as_it_is:
            return None
        return self._conform.decode_fitting

    def decode(self, content: bytes | msgspec.Raw) -> Record:
        """The record in sound JSON."""
        if self.decode_fitting:
            with contextlib.suppress(msgspec.DecodeError):
                return t.cast("Record", self.decode_fitting(content))
        return t.cast("Record", decode_json(content))

    @cached_property
    def _conform(self) -> RecordConformer:
        flattening = get_flattening_options(t.cast("t.Any", self.config))
        return RecordConformer(
            self.effective_schema,
            self.primary_keys,
            self.logger,
            added=self.tap_added_properties,
            read_time=self.read_time,
            flattened_depth=flattening.max_level if flattening.enabled else 0,
            is_complete=self._is_mapped,
        )

    def _process_record(
        self,
        record: Record,
        child_context: Context | None = None,
        partition_context: Context | None = None,
    ) -> None:
        """Do nothing: no stream has partitions, and children are written by `ParentStream`."""

    def _write_record_message(self, record: Record) -> None:
        """Write a record, without the SDK's steps where none of them would change it."""
        if not self._is_written_as_it_is:
            super()._write_record_message(record)
            return
        message: dict[str, t.Any] = {"type": "RECORD", "stream": self.name, "record": record}
        if self._stream_version is not None:
            message["version"] = self._stream_version
        message["time_extracted"] = datetime.now(timezone.utc)
        try:
            self._writer.write_record(message)
        except RecursionError:
            super()._write_record_message(record)
        self.state_manager.is_flushed = False

    @cached_property
    def _is_written_as_it_is(self) -> bool:
        """Whether all is selected, and nothing mapped or flattened."""
        return all(self.mask.values()) and [
            (type(each), each.flattening_enabled) for each in self.stream_maps
        ] == [(SameRecordTransform, False)]

    @cached_property
    def _writer(self) -> AtomicWriter:
        return t.cast("AtomicWriter", self._tap.message_writer)

    @cached_property
    def _is_mapped(self) -> bool:
        return any(isinstance(each, CustomStreamMap) for each in self.stream_maps)

    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Make the messages of a record, whatever its depth, and name what a map cannot do."""
        try:
            for message in super()._generate_record_messages(record):
                self._check_keys(message)
                yield message
        except RecursionError:
            self.warn_once(
                f"The stream {self.name!r} has records that are nested deeper than {DEEPEST} "
                "levels: what is below is kept as JSON text in its place."
            )
            shallow = decode_json(collapse_json(msgspec.json.encode(record)))
            yield from super()._generate_record_messages(shallow)
        except ConfigurationError:
            raise
        except Exception as error:
            if not self._is_mapped:
                raise
            sentence = map_error(self.config, self.name, self.effective_schema, error, record)
            raise ConfigurationError(sentence) from error

    def _check_keys(self, message: RecordMessage) -> None:
        """Refuse a record whose key a map has emptied."""
        for each in self.stream_maps if self._is_mapped else ():
            if each.stream_alias == message.stream:
                for key in each.transformed_key_properties or ():
                    if message.record.get(key) in NO_KEY:
                        raise ConfigurationError(empty_key_error(self.name, key))

    def with_added(self, record: Record, **added: t.Any) -> Record:
        """The record with what the tap adds; what else the API sends by its name is in `_extra`."""
        if isinstance(record, msgspec.Struct):
            for name, value in added.items():
                if getattr(record, name, None) is not msgspec.UNSET:
                    record = msgspec.to_builtins(record)
                    break
                setattr(record, name, value)
            else:
                return record
        taken = {
            name: record[name]
            for name, value in added.items()
            if name in record and record[name] != value
        }
        return self.with_extra({**record, **added}, taken)

    def with_extra(self, record: Record, extra: Record) -> Record:
        """The record with more in its `_extra`, which the API may send as well."""
        if not extra:
            return record
        sent = record.get(EXTRA) or {}
        held = sent if isinstance(sent, dict) else {EXTRA: sent}
        return {**record, EXTRA: {**held, **extra}}

    def read_time(self, value: object) -> datetime:
        """Read a time in any form that the API sends.

        Raises:
            ValueError: If the value is no time.
        """
        return parse_time(value)

    def warn_once(self, message: str) -> None:
        """Log a warning, once in a run whichever stream gives it."""
        self._run.warn_once(message)

    def missing_settings(self) -> str | None:
        """The sentence for settings that lack, without which no request can be made."""
        return None

    # Bookmark

    @property
    def bookmark_field(self) -> str | None:
        """The property whose time the bookmark is; `None` for a stream without a bookmark."""
        return self.replication_key

    @property
    def lookback(self) -> timedelta:
        """How far before its bookmark the stream reads again."""
        return timedelta(0)

    def start_date(self) -> datetime | None:
        """The setting `start_date`."""
        value = self.config.get("start_date")
        start = parse_time(value) if value else None
        if start and start > self.run_started_at:
            self.warn_once("The setting start_date lies in the future: nothing is read until then.")
        return start

    def end_date(self) -> datetime | None:
        """The setting `end_date`: what is of this time or later belongs to another run."""
        value = self.config.get("end_date")
        return parse_time(value) if value else None

    def bookmark(self) -> datetime | None:
        """The time up to which earlier runs have read; `None` where the full table is asked for."""
        return self.own_bookmark()

    def own_bookmark(self) -> datetime | None:
        """The time in the stream's own part of the state.

        Raises:
            ConfigurationError: If the state holds something else.
        """
        if self.replication_method == REPLICATION_FULL_TABLE and not self.always_has_bookmark:
            return None
        value = self.stream_state.get("replication_key_value")
        try:
            bookmark = None if value is None else max(parse_time(value), EARLIEST)
        except ValueError as error:
            message = (
                f"The bookmark of the stream {self.name!r} in the state is no time: correct or "
                "remove its replication_key_value."
            )
            raise ConfigurationError(message) from error
        if bookmark and bookmark - self.lookback > self.run_started_at:
            self.warn_once(
                f"The bookmark of the stream {self.name!r} lies in the future: nothing is read "
                "until then. Correct or remove its replication_key_value in the state."
            )
        return bookmark

    def window_start(self) -> datetime | None:
        """Where the run's window begins; `None` for the beginning of all data.

        The look-back goes back from a bookmark only, and never before `start_date`. Of a stream
        that was read to `end_date`, nothing is read again.
        """
        earliest, bookmark, end = self.start_date(), self.bookmark(), self.end_date()
        if bookmark is None:
            return earliest
        if end and bookmark >= end:
            return bookmark
        start = bookmark - self.lookback
        return max(start, earliest or start)

    def window_end(self, delay: timedelta = timedelta(0)) -> datetime:
        """Where the run's window ends, itself not in it: at `end_date`, or before the run began.

        Args:
            delay: How long before.
        """
        end = self.run_started_at - delay
        return min(end, self.end_date() or end)

    def is_of_other_run(self, moment: datetime | None, margin: timedelta = MARGIN) -> bool:
        """Whether a record is just before `start_date`, or at `end_date` or just after it.

        So runs with adjoining windows give it once. What is further off than the margin is kept: an
        API may filter by another time than its records show, and then no other run would give it.

        Args:
            moment: The record's time, if it has one.
            margin: How far around its window the stream asks, at most.
        """
        if moment is None:
            return False
        start, end = self.outer_bounds
        return bool(
            (start and start - margin <= moment < start) or (end and end <= moment <= end + margin)
        )

    @cached_property
    def outer_bounds(self) -> tuple[datetime | None, datetime | None]:
        """The settings `start_date` and `end_date`: where the windows of several runs may meet."""
        return self.start_date(), self.end_date()

    def move_bookmark(self, read_until: datetime) -> None:
        """Keep in the state that everything up to this time is written.

        It never moves back, and never past `end_date`.
        """
        bookmark = self.own_bookmark()
        read_until = min(read_until, self.end_date() or read_until)
        if bookmark is None or read_until > bookmark:
            self.stream_state["replication_key"] = self.bookmark_field
            self.stream_state["replication_key_value"] = format_time(read_until)

    def write_state(self) -> None:
        """Write the state now: what comes next may be long, or fail.

        Not where records go into batches: the state would be ahead of the batch.
        """
        if not self.config.get("batch_config"):
            _ = self.stream_state
            self._tap.state_writer.write_state(self.tap_state)

    def compare_start_date(self, value: str, start_date_value: str) -> str:  # noqa: ARG002
        """Leave the comparison to `window_start`, which knows what to say of a bad time."""
        return value

    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark where `move_bookmark` put it."""


def _open_free_objects(schema: Schema) -> None:
    """Let an object that is declared with no member at all have any, as `_extra` has.

    Flattening makes no column of an object without members, and loses what is in it. Catalogs of
    older versions declared free-form objects so, and others do.
    """
    schema.properties = schema.properties or None
    members = [*(schema.properties or {}).values(), schema.items]
    for member in members:
        if isinstance(member, Schema):
            _open_free_objects(member)
