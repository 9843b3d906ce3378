"""The tap: its settings and its streams."""

from __future__ import annotations

import typing as t

from singer_sdk import Tap

from tap_clari.cli import PlainSpokenCommand
from tap_clari.copilot import streams as copilot_streams
from tap_clari.copilot.client import CREDENTIALS as COPILOT_CREDENTIALS
from tap_clari.revenue import streams as revenue_streams
from tap_clari.revenue.client import RevenueRun
from tap_clari.revenue.exports.ledger import Ledger
from tap_clari.revenue.exports.run import Exports
from tap_clari.revenue.exports.starter import Starter
from tap_clari.session import ThrottledSession
from tap_clari.settings import SETTINGS, check_meaning, check_secrets, with_numbers
from tap_clari.stopping import WholeMessageWriter, exit_at_once

if t.TYPE_CHECKING:
    from types import FrameType

    import click
    from singer_sdk import Stream


REVENUE_STREAMS = (*revenue_streams.LISTS, *revenue_streams.EXPORTS)
"""What `api_key` opens."""

COPILOT_STREAMS = (*copilot_streams.LISTS, *copilot_streams.DETAILS)
"""What `copilot_api_key` and `copilot_api_password` open."""

SYNC_ORDER = tuple(
    stream.name
    for stream in (
        *revenue_streams.LISTS,
        *copilot_streams.LISTS,
        *revenue_streams.EXPORTS,
        *copilot_streams.DETAILS,
    )
)
"""The order of a sync: cheap streams first.

One that runs into a quota ends the run, and leaves nothing to those behind it: so those that spend
export jobs come late, and the details, which can spend the week's requests to Copilot, last.
"""


class TapClari(Tap):
    """Singer tap for Clari: forecasts and activities, and the calls of Clari Copilot."""

    name = "tap-clari"
    config_jsonschema = SETTINGS.to_dict()
    message_writer_class = WholeMessageWriter
    # The credentials decide which streams there are; so discovery checks the settings too.
    dynamic_catalog = True

    def discover_streams(self) -> list[Stream]:
        """List the streams that the credentials open; without any credentials, all."""
        has_copilot = any(self.config.get(setting) for setting in COPILOT_CREDENTIALS)
        has_revenue = bool(self.config.get("api_key"))
        revenue = RevenueRun(self._session(), self._exports())
        copilot = self._session()
        streams: list[Stream] = []
        if has_revenue or not has_copilot:
            streams += [stream(self, revenue) for stream in REVENUE_STREAMS]
        if has_copilot or not has_revenue:
            streams += [stream(self, copilot) for stream in COPILOT_STREAMS]
        return streams

    def _session(self) -> ThrottledSession:
        return ThrottledSession(
            requests_per_second=float(self.config["requests_per_second"]),
            connections=self.config["max_concurrent_requests"],
        )

    def _exports(self) -> Exports:
        ledger = Ledger(lambda: self.state, lambda: self.state_writer.write_state(self.state))
        whole = t.cast("WholeMessageWriter", self.message_writer).whole
        return Exports(
            Starter(ledger, whole),
            float(self.config["job_poll_interval_seconds"]),
            float(self.config["job_timeout_seconds"]),
        )

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams in the order of a sync, which the SDK has by name."""
        if self._streams is None:
            by_name = super().streams
            self._streams = {name: by_name[name] for name in SYNC_ORDER if name in by_name}
        return self._streams

    def setup_mapper(self) -> None:
        """Set up what writes the schemas, after the streams have looked at the catalog."""
        _ = self.streams
        super().setup_mapper()

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """The SDK's command, which says in words what a user can mend."""
        return PlainSpokenCommand.from_command(super().get_singer_command(), cls.logger)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings, also for what a schema cannot say; null is as good as not set."""
        self._config = {name: each for name, each in self._config.items() if each is not None}
        self._config = with_numbers(self._config, self.config_jsonschema)
        check_secrets(self._config, self.config_jsonschema)
        errors = super()._validate_config(raise_errors=raise_errors)
        check_meaning(self._config, self.config_jsonschema)
        return errors

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Write the state a last time, and end."""

        def end() -> None:
            try:
                # Of what goes into a batch, the state may be ahead.
                if not self.config.get("batch_config"):
                    self.state_writer.write_state(self.state)
            finally:
                exit_at_once(signum)

        t.cast("WholeMessageWriter", self.message_writer).between_messages(end)
