"""The client of Clari's Revenue API: its address, its credentials and its errors."""

from __future__ import annotations

import typing as t
from http import HTTPStatus

from tap_clari.client import ClariClient
from tap_clari.kit.errors import ApiErrors, RefusedError

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from tap_clari.kit.session import ThrottledSession
    from tap_clari.kit.tap import ApiTap

WHERE = {
    "api_key": "A token is made in Clari under Settings > API Token",
    "partner_key": "Clari gives one to partners who send data in",
}
"""Where the credentials come from, by setting."""

USER = {"apikey": "api_key"}
"""The settings that sign a request, by header."""

PARTNER = {**USER, "partnerkey": "partner_key"}
"""The settings that sign a request about data that a partner sent in, by header."""


NO_OPT_IN = "no_optin"
"""The code, with HTTP 401, for a forecast that the token's user may not see."""


class RevenueClient(ClariClient):
    """Makes the requests to the Revenue API.

    Args:
        tap: The tap.
        session: The session, and so the rate.
        credentials: The settings that sign a request, by header.
    """

    def __init__(
        self, tap: ApiTap, session: ThrottledSession, credentials: Mapping[str, str]
    ) -> None:
        url = tap.config["api_url"].rstrip("/")
        super().__init__(
            url=url,
            headers={
                header: tap.config.get(setting, "") for header, setting in credentials.items()
            },
            errors=RevenueErrors(
                api="Clari",
                vendor="Clari",
                tap=tap.name,
                api_url=url,
                url_settings="api_url",
                checks="the settings start_date, opportunity_ids and ingest_job_ids",
                timeout_seconds=float(tap.config["request_timeout_seconds"]),
                unauthorized=(
                    f"check api_key (the header apikey). {WHERE['api_key']}. A token ends when it "
                    "is revoked, and when its user is deactivated."
                ),
                forbidden=(
                    "ask its administrator for a key that may read it, or deselect the stream."
                ),
                quota=(
                    "something else uses this token too, or requests_per_second is too high for "
                    "it. Run again later: the sync resumes where it stopped."
                ),
            ),
            session=session,
            config=tap.config,
            user_agent=tap.user_agent,
            logger=tap.logger,
        )

    def refusal(self, response: requests.Response, path: str) -> RefusedError:
        """The exception for a refusal; `no_optin` is about a forecast, and not about the token."""
        refused = super().refusal(response, path)
        if refused.reason == NO_OPT_IN:
            return RefusedError(str(refused), refused.status, refused.reason)
        return refused


class RevenueErrors(ApiErrors):
    """The sentences for the Revenue API, which has a second key for partners."""

    def refused(self, status: int, path: str, reason: str | None = None) -> str:
        """Explain a status that no retry can change."""
        if status == HTTPStatus.UNAUTHORIZED and reason == "INVALID_PARTNER_KEY":
            return (
                "Clari does not accept the partner key (HTTP 401): check partner_key (the header "
                f"partnerkey). {WHERE['partner_key']}."
            )
        return super().refused(status, path, reason)
