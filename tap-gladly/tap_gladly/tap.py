"""The tap: its settings and its streams."""

from __future__ import annotations

import contextlib
import typing as t

from singer_sdk.exceptions import FatalAPIError

from tap_gladly.client import GladlyClient
from tap_gladly.kit.tap import ApiTap
from tap_gladly.kit.times import time_or_none
from tap_gladly.run import GladlyRun
from tap_gladly.settings import SETTINGS, SUFFICIENT, setting_errors
from tap_gladly.streams import STREAMS, STREAMS_BY_ID
from tap_gladly.streams.reports import report_streams

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Stream


class TapGladly(ApiTap):
    """Singer tap for Gladly: what it lists, exports and reports, and what it gives by id."""

    name = "tap-gladly"
    config_jsonschema = SETTINGS.to_dict()
    sufficient_settings = SUFFICIENT

    _is_discovering = False

    def all_streams(self) -> list[Stream]:
        """List the streams: those of every account, and the reports of the settings."""
        run = self._run_context = GladlyRun(
            client=GladlyClient(self),
            started_at=self.started_at,
            end_date=time_or_none(self.config.get("end_date")),
            selected=self.selected_streams,
        )
        streams: list[Stream] = [stream(self, run) for stream in STREAMS]
        streams += report_streams(self, run, is_discovering=self._is_discovering)
        streams += [stream(self, run) for stream in STREAMS_BY_ID]
        return streams

    def setting_errors(self) -> Iterator[str]:
        """A sentence for each setting that has the right type and cannot work."""
        return setting_errors(self.config)

    def prepare_run(self) -> None:
        """Ask for events before anything else: every second takes some of the oldest away."""
        # The streams that need them say if they cannot be had.
        with contextlib.suppress(FatalAPIError):
            self._run_context.events.received()

    def run_discovery(self) -> str:
        """Write the catalog, in which reports have the columns of the account."""
        self._is_discovering = True
        return super().run_discovery()
