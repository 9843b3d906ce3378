"""Clari Copilot: its address, its signature, and what its errors mean."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from functools import cached_property

from singer_sdk.exceptions import ConfigurationError

from tap_clari.auth import HeaderAuth
from tap_clari.client import ClariStream
from tap_clari.errors import ApiErrors

CREDENTIALS = ("copilot_api_key", "copilot_api_password")
WHERE = "in Copilot under Workspace settings > Integrations > Clari Copilot API"


class CopilotStream(ClariStream):
    """A stream of the Copilot API; as it is, one request for one list."""

    @property
    def url_base(self) -> str:
        """The configured address, without a slash at its end."""
        return t.cast("str", self.config["copilot_api_url"]).rstrip("/")

    @cached_property
    def authenticator(self) -> HeaderAuth:
        """The two headers, for the configured origin only."""
        missing = [setting for setting in CREDENTIALS if not self.config.get(setting)]
        if missing:
            message = (
                f"The stream {self.name!r} needs {' and '.join(missing)}: both settings are found "
                f"{WHERE}."
            )
            raise ConfigurationError(message)
        return HeaderAuth(
            self.url_base,
            {
                "X-Api-Key": self.config["copilot_api_key"],
                "X-Api-Password": self.config["copilot_api_password"],
            },
        )

    @cached_property
    def errors(self) -> CopilotErrors:
        """The sentences that a user reads."""
        return CopilotErrors(self.url_base, self.timeout)


class CopilotErrors(ApiErrors):
    """The sentences for Clari Copilot."""

    api = "Clari Copilot"
    url_setting = "copilot_api_url"
    check = "start_date and call_detail_statuses"

    def unauthorized(self, code: str | None) -> str:  # noqa: ARG002
        """Say that the credentials are wrong, and where the right ones are found."""
        return (
            "Clari Copilot does not accept the credentials (HTTP 401): check copilot_api_key "
            "(the header X-Api-Key) and copilot_api_password (the header X-Api-Password); "
            f"both are found {WHERE}."
        )

    def spent(self, what_it_says: str) -> str:
        """Say that the rate or the week's quota is used up."""
        return (
            f"Clari Copilot {what_it_says}: either something else uses up the 10 requests a "
            "second of this key, or the 100,000 requests of the week are spent; the week turns on "
            f"Sunday 00:00 GMT (next: {_next_sunday():%Y-%m-%d}). Run again then: the sync "
            "resumes where it stopped."
        )


def _next_sunday() -> datetime:
    today = datetime.now(timezone.utc)
    return today + timedelta(days=7 - (today.weekday() + 1) % 7)
