"""The tap: its settings and its streams."""

from __future__ import annotations

import typing as t

from singer_sdk import Tap

from tap_gladly.cli import PlainSpokenCommand
from tap_gladly.errors import RefusedError
from tap_gladly.reports.config import reports_of
from tap_gladly.run import SharedRun
from tap_gladly.session import CONCURRENT_REPORTS, Pace, ThrottledSession
from tap_gladly.settings import SETTINGS, check_meaning, check_secrets, with_numbers
from tap_gladly.stopping import WholeMessageWriter, exit_at_once
from tap_gladly.streams import STREAMS, STREAMS_BY_ID
from tap_gladly.streams.reports import ReportStream

if t.TYPE_CHECKING:
    from types import FrameType

    import click
    from singer_sdk import Stream

    from tap_gladly.reports.config import Report

CREDENTIALS = ("username", "api_token")


class TapGladly(Tap):
    """Singer tap for Gladly: what it lists, exports and reports, and what it gives by id."""

    name = "tap-gladly"
    config_jsonschema = SETTINGS.to_dict()
    message_writer_class = WholeMessageWriter
    # The settings decide which reports there are; so discovery checks them too.
    dynamic_catalog = True

    _is_discovering = False

    def discover_streams(self) -> list[Stream]:
        """List the streams: those of every account, and the reports of the settings."""
        run = self._run()
        streams: list[Stream] = [stream(self, run) for stream in STREAMS]
        streams += [self._report_stream(run, each) for each in reports_of(self.config["reports"])]
        streams += [stream(self, run) for stream in STREAMS_BY_ID]
        return streams

    def _run(self) -> SharedRun:
        common = Pace.per_second(float(self.config["requests_per_second"]))
        return SharedRun(
            ThrottledSession(common, connections=self.config["max_concurrent_requests"]),
            ThrottledSession(Pace.of_reports(), common, connections=CONCURRENT_REPORTS),
        )

    def _report_stream(self, run: SharedRun, report: Report) -> ReportStream:
        """The stream of a report, with the columns that the account's own has."""
        stream = ReportStream(self, run, report)
        others = self._cataloged_columns(stream)
        if others is None and (self._is_discovering or not stream.known_names):
            others = self._discovered_columns(stream)
        return ReportStream(self, run, report, others) if others else stream

    def _cataloged_columns(self, stream: ReportStream) -> dict[str, t.Any] | None:
        """The columns of the catalog besides those that are known; none if it lacks the stream."""
        entry = self.input_catalog and self.input_catalog.get_stream(stream.name)
        if not entry:
            return None
        return {
            name: schema
            for name, schema in entry.schema.to_dict().get("properties", {}).items()
            if name not in stream.schema["properties"]
        }

    def _discovered_columns(self, stream: ReportStream) -> dict[str, t.Any] | None:
        """The columns of the account's own report; none without credentials to ask for it."""
        is_addressed = self.config.get("organization") or self.config.get("api_url")
        if not (is_addressed and all(self.config.get(setting) for setting in CREDENTIALS)):
            return None
        try:
            return stream.columns_of_the_account()
        except RefusedError as error:
            if error.status != 400:  # noqa: PLR2004 - of this report alone
                raise
            self.logger.warning("The columns of %s are not known: %s", stream.name, error)
            return None

    def run_discovery(self) -> str:
        """Write the catalog, in which reports have the columns of the account."""
        self._is_discovering = True
        return super().run_discovery()

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams in the order of a sync, which the SDK has by name."""
        if self._streams is None:
            by_name = super().streams
            first, last = ([each.name for each in part] for part in (STREAMS, STREAMS_BY_ID))
            reports = [name for name in by_name if name not in {*first, *last}]
            self._streams = {name: by_name[name] for name in (*first, *reports, *last)}
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
