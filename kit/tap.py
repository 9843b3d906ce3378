"""The base of both taps: checks of the settings, the loop of a run, and its end by a signal."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone
from functools import cached_property
from importlib.metadata import version

from singer_sdk import Tap

from .cli import PlainSpokenCommand
from .session import Pace, ThrottledSession
from .settings import refuse, secret_errors, with_numbers
from .shutdown import AtomicWriter, exit_by_signal

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import FrameType

    import click
    from singer_sdk import Stream


class ApiTap(Tap):
    """A tap whose streams are read one after the other, in the order that discovery gives."""

    message_writer_class = AtomicWriter
    # The settings decide which streams there are; so discovery checks them too.
    dynamic_catalog = True

    # What differs from tap to tap

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
        """The streams that the run reads, in order."""
        return [stream for stream in self.streams.values() if stream.selected]

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
        for stream in self.streams.values():
            if not stream.selected:
                self.logger.info("Skipping deselected stream '%s'.", stream.name)
                continue
            stream.sync()
            stream.finalize_state_progress_markers()
        self.finish_run()

    def setup_mapper(self) -> None:
        """Set up what writes the schemas, after the streams have looked at the catalog."""
        _ = self.streams
        super().setup_mapper()

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """The SDK's command, which says in words what a user can mend."""
        return PlainSpokenCommand.from_command(super().get_singer_command(), cls.logger)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings, also for what a schema cannot express; null is as good as not set."""
        self._config = {name: each for name, each in self._config.items() if each is not None}
        self._config = with_numbers(self._config, self.config_jsonschema)
        refuse(secret_errors(self._config, self.config_jsonschema), self.config_jsonschema)
        errors = super()._validate_config(raise_errors=raise_errors)
        refuse(self.setting_errors(), self.config_jsonschema)
        return errors

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Write the state a last time, and end."""

        def end() -> None:
            try:
                # The state may be ahead of what goes into a batch.
                if not self.config.get("batch_config"):
                    self.state_writer.write_state(self.state)
            finally:
                exit_by_signal(signum)

        self.writer.run_after_message(end)
