"""The credentials of an API are sent to its configured origin and nowhere else."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from requests.auth import AuthBase

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from requests import PreparedRequest


def origin(url: str | None) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: what must be equal for credentials to be sent."""
    parts = urlsplit(url or "")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


class HeaderAuth(AuthBase):
    """Signs requests with headers, if they go to the configured origin.

    `requests` takes only `Authorization` off a request that is redirected to another host, never
    a vendor's own header. So the origin is compared here, at the only place that adds them.

    Args:
        api_url: The configured address.
        headers: The credentials by header.
    """

    def __init__(self, api_url: str, headers: Mapping[str, str]) -> None:
        self._origin = origin(api_url)
        self._headers = dict(headers)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the headers if the request goes to the configured origin."""
        if origin(request.url) == self._origin:
            request.headers.update(self._headers)
        return request
