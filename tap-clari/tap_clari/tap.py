"""The tap: its settings and its streams."""

from __future__ import annotations

import typing as t

from singer_sdk.exceptions import FatalAPIError

from tap_clari.copilot import streams as copilot_streams
from tap_clari.copilot.client import CREDENTIALS as COPILOT_CREDENTIALS
from tap_clari.copilot.client import CopilotClient, CopilotRun
from tap_clari.kit.tap import ApiTap
from tap_clari.linked_deals import LinkedDeals
from tap_clari.revenue import streams as revenue_streams
from tap_clari.revenue.client import PARTNER, USER, RevenueClient
from tap_clari.revenue.exports.run import JOBS_NAME, ExportRun
from tap_clari.revenue.run import RevenueRun
from tap_clari.settings import SETTINGS, SUFFICIENT, setting_errors

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk import Stream


class TapClari(ApiTap):
    """Singer tap for Clari: forecasts and activities, and the calls of Clari Copilot."""

    name = "tap-clari"
    config_jsonschema = SETTINGS.to_dict()
    sufficient_settings = SUFFICIENT

    def all_streams(self) -> list[Stream]:
        """List the streams that the credentials open; without any credentials, all.

        Cheap streams come first. One that runs into a quota ends the run, and leaves nothing to
        those behind it: so those that spend export jobs come late, and the details of calls, which
        can spend the week's requests to Copilot, last.
        """
        has_copilot = any(self.config.get(setting) for setting in COPILOT_CREDENTIALS)
        has_revenue = bool(self.config.get("api_key"))
        revenue = self._revenue_run()
        copilot = CopilotRun(
            client=CopilotClient(self),
            started_at=self.started_at,
            deals=LinkedDeals(self, revenue.opportunity_ids),
        )
        streams: list[Stream] = []
        if has_revenue or not has_copilot:
            streams += [stream(self, revenue) for stream in revenue_streams.LISTS]
        if has_copilot or not has_revenue:
            streams += [stream(self, copilot) for stream in copilot_streams.LISTS]
        if has_revenue or not has_copilot:
            streams += [stream(self, revenue) for stream in revenue_streams.EXPORTS]
        if has_copilot or not has_revenue:
            streams += [stream(self, copilot) for stream in copilot_streams.DETAILS]
        return streams

    def setting_errors(self) -> Iterator[str]:
        """A sentence for each setting that has the right type and cannot work."""
        return setting_errors(self.config)

    def quota_left(self, needed: Mapping[str, int]) -> str:
        """The export jobs that are left, where the run needs any."""
        try:
            return self._exports.quota_left() if needed.get(JOBS_NAME) else ""
        except FatalAPIError:
            # The streams that need them will say why.
            return ""

    def finish_run(self) -> None:
        """Forget the export jobs: the next run starts others."""
        self._exports.end()

    def _revenue_run(self) -> RevenueRun:
        session = self.new_session()
        client = RevenueClient(self, session, USER)
        self._exports = ExportRun(self, client)
        return RevenueRun(
            client=client,
            started_at=self.started_at,
            partner=RevenueClient(self, session, PARTNER),
            exports=self._exports,
            forecast_ids=self.config["forecast_ids"],
        )
