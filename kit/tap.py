"""The base of both taps: checks of the settings, the loop of a run, and its end by a signal."""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import replace
from datetime import datetime, timezone
from functools import cached_property
from importlib.metadata import version

import click
from singer_sdk import Tap
from singer_sdk.configuration._dict_config import parse_environment_config
from singer_sdk.exceptions import (
    ConfigurationError,
    FatalAPIError,
    StreamMapConfigError,
)
from singer_sdk.helpers._catalog import get_selected_schema
from singer_sdk.helpers.capabilities import EMIT_ACTIVATE_VERSION_CONFIG
from singer_sdk.mapper import SameRecordTransform

from .cli import PlainSpokenCommand
from .config import (
    batch_errors,
    faker_errors,
    flattening_errors,
    kind_errors,
    narrow,
    refuse,
    unknown_settings,
    value_errors,
    with_values,
)
from .errors import UnexpectedResponseError, incomplete_streams
from .estimate import Estimate, estimate_lines, rationed_in
from .inputs import checked_catalog, checked_state, read_file, stream_state_error
from .maps import map_error, new_mapper
from .session import Pace, ThrottledSession
from .shutdown import AtomicWriter, exit_by_signal
from .stream import UNREADABLE, ApiStream, StreamState

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

    from singer_sdk import Stream
    from singer_sdk.about import AboutInfo
    from singer_sdk.plugin_base import _ConfigInput
    from singer_sdk.singerlib.catalog import CatalogEntry

    from .errors import ApiFaultError

ENVIRONMENT = "ENV"
"""What stands for the environment among the files of `--config`."""


class ApiTap(Tap):
    """A tap whose streams are read one after the other, in the order that discovery gives."""

    message_writer_class = AtomicWriter
    # The settings decide which streams there are; so discovery checks them too.
    dynamic_catalog = True

    # What differs from tap to tap

    sufficient_settings: t.ClassVar[Mapping[str, Sequence[str]]] = {}
    """The settings of which one suffices, each with those that it needs besides."""

    def all_streams(self) -> Sequence[Stream]:
        """The streams that the settings open, in the order of a sync."""
        raise NotImplementedError

    def setting_errors(self) -> Iterator[str]:
        """A sentence for each setting that has the right type and cannot work."""
        yield from ()

    def prepare_run(self) -> None:
        """Do what comes before the first stream."""

    def finish_run(self) -> None:
        """Do what comes after the last stream."""

    def quota_left(self, needed: Mapping[str, int]) -> str:  # noqa: ARG002
        """What is left of what is rationed, in words; empty where nothing is known of it.

        Args:
            needed: How much of each the run needs, by its name.
        """
        return ""

    # What the streams share

    @property
    def user_agent(self) -> str:
        """The setting `user_agent`, or the tap's name and version."""
        return t.cast("str", self.config.get("user_agent") or f"{self.name}/{version(self.name)}")

    @property
    def writer(self) -> AtomicWriter:
        """The writer of messages, which lets a signal act between two of them only."""
        return t.cast("AtomicWriter", self.message_writer)

    @property
    def started_at(self) -> datetime:
        """When the run began."""
        return datetime.fromtimestamp(self.initialized_at / 1000, timezone.utc)

    def new_pace(self) -> Pace:
        """The pace of the setting `requests_per_second`."""
        return Pace.per_second(float(self.config["requests_per_second"]))

    def new_session(self) -> ThrottledSession:
        """A session at the pace of the settings."""
        return ThrottledSession(self.new_pace(), connections=self.config["max_concurrent_requests"])

    def selected_streams(self) -> list[Stream]:
        """The streams that the run reads, in order; children are read with their parents."""
        return [
            stream
            for stream in self.streams.values()
            if not stream.parent_stream_type
            and (stream.selected or stream.has_selected_descendents)
        ]

    # The run

    def discover_streams(self) -> Sequence[Stream]:
        """List the streams, and remember their order, which the SDK does not keep."""
        streams = self.all_streams()
        self._order = [stream.name for stream in streams]
        return streams

    @cached_property
    def streams(self) -> dict[str, Stream]:
        """The streams by name, in the order of a sync."""
        by_name = super().streams
        return {name: by_name[name] for name in self._order}

    def sync_all(self) -> None:  # type: ignore[misc]
        """Read all selected streams, one after the other.

        It stands in for the SDK's loop, which has no place for what comes before and after, and is
        final there. `tests/kit/test_sdk_contract.py` fails when the SDK's loop changes.
        """
        self._reset_state_progress_markers()
        self._set_compatible_replication_methods()
        if self.state:
            self.state_writer.write_state(self.state)
        self.prepare_run()
        selected = self.selected_streams()
        self._log_estimate(selected)
        for stream in self.streams.values():
            if not stream.selected:
                self.logger.info("Skipping deselected stream '%s'.", stream.name)
        for name, entry in (self.input_catalog or {}).items():
            if name not in self.streams and entry.metadata.resolve_selection()[()]:
                self.logger.warning(
                    "The catalog has the stream %r, which the tap does not have with these "
                    "settings: it is not read.",
                    name,
                )
        reasons: dict[str, str] = {}
        written = {stream: _written_with(stream) for stream in selected}
        for stream in selected:
            if reason := self._sync(stream):
                reasons |= dict.fromkeys(written[stream], reason)
                # What concerns the whole API is said once, at the end.
                if len(selected) > 1 and reason != str(_fault_of(stream)):
                    self.logger.error("The stream %s is incomplete. %s", stream.name, reason)
        self.finish_run()
        if reasons:
            count = sum(map(len, written.values()))
            raise FatalAPIError(incomplete_streams(reasons, count))

    def _log_estimate(self, selected: Sequence[Stream]) -> None:
        """Say what the run needs, before it is spent."""
        estimates: dict[str, Estimate] = {}
        for stream in selected:
            if not isinstance(stream, ApiStream) or stream.missing_settings() or stream.is_spared:
                continue
            # What goes wrong here goes wrong again when the stream is read, and is said there.
            with contextlib.suppress(
                ConfigurationError, FatalAPIError, UnexpectedResponseError, *UNREADABLE
            ):
                estimates[stream.name] = stream.estimate()
        rate = float(self.config["requests_per_second"])
        left = self.quota_left(rationed_in(estimates))
        for line, fields in estimate_lines(estimates, rate, left):
            self.logger.info("%s", line, extra={"estimate": fields})

    def _sync(self, stream: Stream) -> str | None:
        """Read a stream; returns the sentence that says why it could not be read whole.

        What one stream runs into stops that stream. A fault of its API stops the others of it too.
        """
        if fault := _fault_of(stream):
            return str(fault)
        try:
            stream.sync()
        except (ConfigurationError, FatalAPIError) as error:
            return str(error)
        stream.finalize_state_progress_markers()
        return None

    def setup_mapper(self) -> None:
        """Set up what writes the schemas, after the streams have looked at the catalog.

        Raises:
            ConfigurationError: If a stream map, or flattening, cannot work.
        """
        try:
            self._mapper = mapper = new_mapper(self.config)
        except StreamMapConfigError as error:
            message = f"The setting stream_maps is wrong: {error}"
            raise ConfigurationError(message) from error
        for name, entry in self.catalog.items():
            if name in self.streams and self.streams[name].selected:
                self._register(entry)
            else:
                # A map would look for columns that a deselected stream has none of. It is written
                # in a test of the connection only.
                unmapped = SameRecordTransform(
                    name, entry.schema.to_dict(), entry.key_properties, mapper.flattening_options
                )
                mapper.stream_maps[name] = [unmapped]

    def _register(self, entry: CatalogEntry) -> None:
        name, keys = entry.tap_stream_id, entry.key_properties or ()
        schema = get_selected_schema(
            name, entry.schema.to_dict(), entry.metadata.resolve_selection()
        )
        try:
            self.mapper.register_raw_stream_schema(name, schema, keys)
        except Exception as error:
            message = map_error(self.config, name, schema, error)
            raise ConfigurationError(message) from error

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, t.Any]) -> None:
        """Declare the SDK's settings, also the one that it reads and does not declare."""
        super().append_builtin_config(config_jsonschema)
        for name, each in EMIT_ACTIVATE_VERSION_CONFIG["properties"].items():
            config_jsonschema["properties"].setdefault(name, each)
        narrow(config_jsonschema)

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """The SDK's command, which says in words what a user can mend."""
        command = super().get_singer_command()
        for option in command.params:
            if option.name in {"state", "catalog"}:
                # What is no UTF-8 gets a sentence.
                option.type = click.File("rb")
        return PlainSpokenCommand.from_command(command, cls.logger)

    @classmethod
    def cb_config(
        cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]
    ) -> _ConfigInput:
        """Read the settings: files in their order, then the environment if `ENV` is among them."""
        found = super().cb_config(ctx, param, ())
        for path in value:
            if path != ENVIRONMENT:
                found.config |= read_file(path, "--config")
        if ENVIRONMENT in value:
            cls.append_builtin_config(cls.config_jsonschema)
            # As texts: `with_values` reads them, and the checks say what cannot be read.
            texts = {name: {"type": ["string"]} for name in cls.config_jsonschema["properties"]}
            found.config |= parse_environment_config({"properties": texts}, cls._env_var_prefix)
        return found

    @classmethod
    def _get_about_info(cls) -> AboutInfo:
        """What the tap says of itself, with the settings that suffice together.

        The SDK would refuse settings by it, without a sentence and with all streams.
        """
        about = super()._get_about_info()
        schema = {**about.settings, "dependentRequired": dict(cls.sufficient_settings)}
        return replace(about, settings=schema)

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        state: t.BinaryIO | None = None,
        catalog: t.BinaryIO | None = None,
        **kwargs: t.Any,
    ) -> None:
        """Run the tap with the files of the command line."""
        super().invoke(
            state=checked_state(state) if state else None,
            catalog=checked_catalog(catalog) if catalog else None,
            **kwargs,
        )

    def load_state(self, state: dict[str, t.Any]) -> None:
        """Take the state of earlier runs.

        Raises:
            ConfigurationError: If a stream's part is not in the form in which it is kept.
        """
        super().load_state(state)
        # Without a state nothing is to be checked: the streams are listed when they are needed,
        # which discovery does in its own way.
        for name, part in state.get("bookmarks", {}).items():
            form = getattr(self.streams.get(name), "state_form", StreamState)
            if error := stream_state_error(name, part, form):
                raise ConfigurationError(error)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings, also for what a schema cannot express."""
        schema = self.config_jsonschema
        self.append_builtin_config(schema)
        for warning in unknown_settings(self._config, schema):
            self.logger.warning("%s", warning)
        self._config = with_values(self._config, schema)
        refuse(value_errors(self._config, schema))
        refuse(kind_errors(self._config, schema))
        errors = super()._validate_config(raise_errors=raise_errors)
        refuse(
            [
                *batch_errors(self._config),
                *faker_errors(self._config),
                *flattening_errors(self._config),
                *self.setting_errors(),
            ]
        )
        return errors

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Write the state a last time, and end."""

        def end() -> None:
            try:
                # The state may be ahead of what goes into a batch.
                if not self.config.get("batch_config"):
                    self.state_writer.write_state(self.state)
                self.writer.flush()
            finally:
                exit_by_signal(signum)

        self.writer.run_after_message(end)


def _written_with(stream: Stream) -> list[str]:
    """The names of the streams that are written when one is read: it, and its children."""
    return [each.name for each in (stream, *stream.descendent_streams) if each.selected]


def _fault_of(stream: Stream) -> ApiFaultError | None:
    """The fault of the stream's API as a whole, if it has one."""
    return stream.client.fault if isinstance(stream, ApiStream) else None
