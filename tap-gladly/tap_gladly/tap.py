"""The tap: its settings and its streams."""

from __future__ import annotations

import typing as t

from tap_gladly.client import GladlyClient, missing_settings
from tap_gladly.kit.errors import RefusedError
from tap_gladly.kit.tap import ApiTap
from tap_gladly.reports.config import reports_of
from tap_gladly.run import GladlyRun
from tap_gladly.settings import SETTINGS, setting_errors
from tap_gladly.streams import STREAMS, STREAMS_BY_ID
from tap_gladly.streams.reports import ReportStream

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Stream

    from tap_gladly.reports.config import Report


class TapGladly(ApiTap):
    """Singer tap for Gladly: what it lists, exports and reports, and what it gives by id."""

    name = "tap-gladly"
    config_jsonschema = SETTINGS.to_dict()

    _is_discovering = False

    def all_streams(self) -> list[Stream]:
        """List the streams: those of every account, and the reports of the settings."""
        run = self._run_context = GladlyRun(client=GladlyClient(self), started_at=self.started_at)
        streams: list[Stream] = [stream(self, run) for stream in STREAMS]
        streams += [self._report_stream(run, each) for each in reports_of(self.config["reports"])]
        streams += [stream(self, run) for stream in STREAMS_BY_ID]
        return streams

    def setting_errors(self) -> Iterator[str]:
        """A sentence for each setting that has the right type and cannot work."""
        return setting_errors(self.config)

    def prepare_run(self) -> None:
        """Ask for events before anything else: every second takes some of the oldest away."""
        self._run_context.events.ask_once()

    def _report_stream(self, run: GladlyRun, report: Report) -> ReportStream:
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
        if missing_settings(self.config):
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
