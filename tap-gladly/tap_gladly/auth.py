"""Who signs a request: the agent's token, for the configured origin and no other."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from requests.auth import HTTPBasicAuth

if t.TYPE_CHECKING:
    from requests import PreparedRequest


def origin(url: str | None) -> tuple[str, str, int | None]:
    """Scheme, host and port of a URL: what must be equal for credentials to be sent."""
    parts = urlsplit(url or "")
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


class TokenAuth(HTTPBasicAuth):
    """Signs by HTTP Basic, with the e-mail of an agent and a token of theirs.

    Args:
        api_url: The configured address.
        username: E-mail of the agent who owns the token.
        api_token: The token.
    """

    def __init__(self, api_url: str, username: str, api_token: str) -> None:
        # As bytes: `requests` would take text for Latin-1.
        super().__init__(username.encode(), api_token.encode())
        self._origin = origin(api_url)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Add the header if the request goes to the configured origin."""
        if origin(request.url) == self._origin:
            super().__call__(request)  # type: ignore[no-untyped-call]
        return request
