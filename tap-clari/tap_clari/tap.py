"""The tap: its settings and its streams."""

from __future__ import annotations

import typing as t

from singer_sdk import Tap

from tap_clari.cli import PlainSpokenCommand
from tap_clari.session import ThrottledSession
from tap_clari.settings import SETTINGS, check_meaning, check_secrets
from tap_clari.stopping import WholeMessageWriter, exit_at_once
from tap_clari.streams import COPILOT_STREAMS

if t.TYPE_CHECKING:
    from types import FrameType

    import click
    from singer_sdk import Stream


class TapClari(Tap):
    """Singer tap for Clari: the calls, users, topics and scorecards of Clari Copilot."""

    name = "tap-clari"
    config_jsonschema = SETTINGS.to_dict()
    message_writer_class = WholeMessageWriter
    # The credentials decide which streams there are; so discovery checks the settings too.
    dynamic_catalog = True

    def discover_streams(self) -> list[Stream]:
        """List the streams that the credentials open; without any credentials, all."""
        copilot = ThrottledSession(
            requests_per_second=float(self.config["requests_per_second"]),
            connections=self.config["max_concurrent_requests"],
        )
        return [stream(self, copilot) for stream in COPILOT_STREAMS]

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams in the order of a sync, which the SDK has by name."""
        if self._streams is None:
            order = [stream.name for stream in COPILOT_STREAMS]
            by_name = super().streams
            self._streams = {name: by_name[name] for name in order}
        return self._streams

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """The SDK's command, which says in words what a user can mend."""
        return PlainSpokenCommand.from_command(super().get_singer_command(), cls.logger)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings, also for what a schema cannot say; null is as good as not set."""
        self._config = {name: each for name, each in self._config.items() if each is not None}
        check_secrets(self._config, self.config_jsonschema)
        errors = super()._validate_config(raise_errors=raise_errors)
        check_meaning(self._config, self.config_jsonschema)
        return errors

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Write the state a last time, and end."""

        def end() -> None:
            try:
                self.state_writer.write_state(self.state)
            finally:
                exit_at_once(signum)

        t.cast("WholeMessageWriter", self.message_writer).between_messages(end)
