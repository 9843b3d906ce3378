"""How both APIs of Clari name the reason of a refusal."""

from __future__ import annotations

import re

from tap_clari.kit.decoding import raw_errors

_CODE = re.compile(r"[A-Za-z_]{1,50}")


def error_code(content: bytes) -> str | None:
    """What an error calls itself, such as `no_optin`: a name that may be shown, never a message."""
    first = next(iter(raw_errors(content)), {})
    code = first.get("code") or first.get("errorCode")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else None
