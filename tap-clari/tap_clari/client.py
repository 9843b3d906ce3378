"""What the clients of both APIs of Clari have in common: the form of a refusal."""

from __future__ import annotations

import re

from tap_clari.kit.client import ApiClient
from tap_clari.kit.decoding import raw_errors

OWN_MEMBERS = {"error", "errorMessage", "code", "errorCode"}
"""What Clari's own errors have, one of these. Its gateway's have a `message` alone."""

_CODE = re.compile(r"[A-Za-z_]{1,50}")


class ClariClient(ApiClient):
    """Makes the requests to an API of Clari."""

    def says_gone(self, content: bytes) -> bool:
        """Whether the body of a 404 is one of Clari's own."""
        return any(not OWN_MEMBERS.isdisjoint(each) for each in raw_errors(content))

    def reason_of(self, content: bytes) -> str | None:
        """The code of the first error, such as `no_optin`: safe to show, unlike its message."""
        first = next(iter(raw_errors(content)), {})
        code = first.get("code") or first.get("errorCode")
        return code if isinstance(code, str) and _CODE.fullmatch(code) else None
