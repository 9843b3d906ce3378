"""The base of the streams of the Revenue API, and what they share in a run."""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from singer_sdk import SchemaDirectory, StreamSchema

from tap_clari import schemas
from tap_clari.kit.decoding import decode_list
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.errors import RefusedError, UnauthorizedError
from tap_clari.kit.once import Once
from tap_clari.kit.progress import ProgressLog
from tap_clari.kit.stream import ApiStream, RunContext
from tap_clari.kit.times import parse_time_or_epoch
from tap_clari.revenue.client import USER, WHERE
from tap_clari.revenue.exports.requests import Reader

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.kit.estimate import Estimate
    from tap_clari.revenue.client import RevenueClient
    from tap_clari.revenue.exports.run import ExportRun

FORECAST_LIST = "/v4/export/forecast/list"

HISTORY = timedelta(days=365)
"""How far back a stream begins that has neither a bookmark nor a `start_date`."""


@dataclass(kw_only=True)
class RevenueRun(RunContext):
    """What the streams of the Revenue API share in a run.

    Args:
        partner: Makes the requests that need the partner key as well.
        exports: The export jobs.
        forecast_ids: The setting.
        opportunity_ids: The opportunities that this run's activities belong to.

    Attributes:
        forecast_tabs: Asks for the forecasts that the API lists; none where it has no such list.
    """

    partner: RevenueClient
    exports: ExportRun
    forecast_ids: Sequence[str]
    opportunity_ids: SeenIds = field(default_factory=SeenIds)

    def __post_init__(self) -> None:
        self.forecast_tabs = Once(self._list_forecasts)

    def wanted_forecasts(self) -> list[str]:
        """The forecasts of the setting, or else all that the API lists."""
        ids = self.forecast_ids or [
            str(tab["forecastId"]) for tab in self.forecast_tabs() if tab.get("forecastId")
        ]
        return list(dict.fromkeys(ids))

    def _list_forecasts(self) -> list[Record]:
        try:
            return self.client.fetch(FORECAST_LIST, lambda answer: decode_list(answer, "forecasts"))
        except UnauthorizedError:
            raise
        except RefusedError as error:
            # The list is in no document of the vendor. Where it is not there, its path matches the
            # endpoint that starts an export, so that any refusal is natural.
            self.warn_once(
                f"Clari does not list the forecasts of this organization (HTTP {error.status}), so "
                "that the stream forecasts is empty. Exports are read for the forecasts of the "
                "setting alone: set forecast_ids, if it is empty. The id of a forecast stands in "
                "the address of its Forecast Tab."
            )
            return []


class RevenueStream(ApiStream):
    """A stream of the Revenue API.

    Args:
        tap: The tap.
        run: What the streams of this API share.
    """

    schema = StreamSchema(SchemaDirectory(schemas))

    credentials: t.ClassVar[Mapping[str, str]] = USER
    """The settings that sign a request, by header."""

    def __init__(self, tap: Tap, run: RevenueRun) -> None:
        super().__init__(tap, run)
        self.run = run

    def read_time(self, value: object) -> datetime:
        """Read ISO 8601, or milliseconds since 1970."""
        return parse_time_or_epoch(value)

    def missing_settings(self) -> str | None:
        """The sentence for a credential that is missing."""
        for setting in self.credentials.values():
            if not self.config.get(setting):
                return f"The stream {self.name!r} needs the setting {setting}. {WHERE[setting]}."
        return None


class ExportStream(RevenueStream, Reader):
    """A stream that reads the results of export jobs."""

    @abc.abstractmethod
    def read_exports(self) -> Iterable[Record]:
        """Read the results of the jobs."""

    def estimate(self) -> Estimate:
        """The export jobs."""
        return self.run.exports.estimate(self)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the results; a test of the connection reads none, and spends no job."""
        if self.is_test:
            self.log("Not read in a test: an export job would be spent")
            return
        progress = ProgressLog(self.log, self.name)
        for record in self.read_exports():
            progress.count()
            yield record
        self.run.exports.finished(self)
