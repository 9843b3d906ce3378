"""Who signs a request: the credentials of one API, for the configured origin and no other."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from requests.auth import AuthBase

if t.TYPE_CHECKING:
    from requests import PreparedRequest


def origin(url: str | None) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: what must be equal for credentials to be sent."""
    parts = urlsplit(url or "")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


class CopilotAuth(AuthBase):
    """Signs with the two headers of Copilot, `X-Api-Key` and `X-Api-Password`.

    `requests` takes only `Authorization` off a request that goes to another host, never a
    vendor's own header; so the origin is compared here, at the only place that adds them.
    """

    def __init__(self, api_url: str, key: str, password: str) -> None:
        self._origin = origin(api_url)
        self._headers = {"X-Api-Key": key, "X-Api-Password": password}

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the headers if the request goes to the configured origin."""
        if origin(request.url) == self._origin:
            request.headers.update(self._headers)
        return request
