"""The Revenue API of Clari: its address, its signature, and what its errors mean."""

from __future__ import annotations

import abc
import typing as t
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from singer_sdk.exceptions import ConfigurationError

from tap_clari.auth import HeaderAuth
from tap_clari.client import ClariStream
from tap_clari.errors import ApiErrors
from tap_clari.seen import SeenIds

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.revenue.exports.requests import ExportRequest
    from tap_clari.revenue.exports.run import Exports
    from tap_clari.session import ThrottledSession

HISTORY = timedelta(days=365)
"""How far back a stream begins that has neither a bookmark nor a `start_date`."""

WHERE = {
    "api_key": "A token is made in Clari under Settings > API Token",
    "partner_key": "Clari gives one to partners who send data in",
}
"""Where the credentials come from, by setting."""


@dataclass
class RevenueRun:
    """What the streams of the Revenue API share in a run.

    Args:
        session: The session, and so the rate.
        exports: The export jobs.
        opportunity_ids: The opportunities that this run's activities belong to.
        forecast_tabs: The forecasts that the API lists; `None` until it was asked.
    """

    session: ThrottledSession
    exports: Exports
    opportunity_ids: SeenIds = field(default_factory=SeenIds)
    forecast_tabs: list[Record] | None = None


class RevenueStream(ClariStream):
    """A stream of the Revenue API.

    Args:
        tap: The tap.
        run: What the streams of this API share.
    """

    credentials: t.ClassVar[dict[str, str]] = {"apikey": "api_key"}
    """The settings that sign a request, by header."""

    def __init__(self, tap: Tap, run: RevenueRun) -> None:
        super().__init__(tap, run.session)
        self.run = run

    @property
    def url_base(self) -> str:
        """The configured address, without a slash at its end."""
        return t.cast("str", self.config["api_url"]).rstrip("/")

    @cached_property
    def authenticator(self) -> HeaderAuth:
        """The credentials, for the configured origin only."""
        for setting in self.credentials.values():
            if not self.config.get(setting):
                message = f"The stream {self.name!r} needs the setting {setting}. {WHERE[setting]}."
                raise ConfigurationError(message)
        headers = {name: self.config[setting] for name, setting in self.credentials.items()}
        return HeaderAuth(self.url_base, headers)

    @cached_property
    def errors(self) -> RevenueErrors:
        """The sentences that a user reads."""
        return RevenueErrors(self.url_base, self.timeout)

    def log_sync_costs(self) -> None:
        """Let the run end, besides: the SDK calls this when all streams are synced."""
        super().log_sync_costs()
        self.run.exports.run_ended()


class ExportStream(RevenueStream):
    """A stream that reads what export jobs bring."""

    kind: str
    """Streams of one kind read the same jobs."""

    reads_all = False

    def __init__(self, tap: Tap, run: RevenueRun) -> None:
        super().__init__(tap, run)
        run.exports.register(self)

    @abc.abstractmethod
    def export_requests(self) -> Sequence[ExportRequest]:
        """What the run asks for: the same for all streams of the kind."""

    @abc.abstractmethod
    def read_exports(self) -> Iterable[Record]:
        """Read what the jobs bring."""

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read what the jobs bring; a test of the connection brings nothing, and costs no job."""
        if self.ABORT_AT_RECORD_COUNT is not None:
            self.log("Not read in a test: an export job would be spent")
            return
        yield from self.read_exports()
        self.run.exports.finished(self)


class RevenueErrors(ApiErrors):
    """The sentences for the Revenue API."""

    api = "Clari"
    url_setting = "api_url"
    check = "start_date, opportunity_ids and ingest_job_ids"

    def unauthorized(self, code: str | None) -> str:
        """Say that the credentials are wrong, and where the right ones are found."""
        if code == "INVALID_PARTNER_KEY":
            return (
                "Clari does not accept the partner key (HTTP 401): check partner_key (the header "
                f"partnerkey). {WHERE['partner_key']}."
            )
        return (
            "Clari does not accept the credentials (HTTP 401): check api_key (the header apikey). "
            f"{WHERE['api_key']}. A token ends when it is revoked, and when its user is "
            "deactivated."
        )

    def spent(self, what_it_says: str) -> str:
        """Say that too many requests came in a short time."""
        return (
            f"Clari {what_it_says}: something else uses this token too, or requests_per_second is "
            "too high for it. Run again later: the sync resumes where it stopped."
        )
