"""Where an organization is: the only hosts, besides an explicit one, that get the credentials."""

from __future__ import annotations

import re
import typing as t
from urllib.parse import urlsplit

if t.TYPE_CHECKING:
    from collections.abc import Mapping

DOMAINS = {"production": "gladly.com", "sandbox": "gladly.qa"}
"""The domain of each environment."""

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_ORGANIZATION = re.compile(rf"{_LABEL}(?:\.{_LABEL})?")
_HOST = re.compile(rf"({_LABEL}(?:\.{_LABEL})?)\.({'|'.join(map(re.escape, DOMAINS.values()))})")

API = "/api/v1"
"""Where the API begins; an address in the settings may have it, and has it once all the same."""


def api_url(config: Mapping[str, t.Any]) -> str:
    """The address of the API, without a slash at its end.

    Raises:
        ValueError: If `organization` is none, or leads to a host that is not Gladly's.
    """
    if address := config.get("api_url"):
        return f"{str(address).rstrip('/').removesuffix(API).rstrip('/')}{API}"
    return f"https://{_host(config['organization'], config['environment'])}{API}"


def _host(organization: str, environment: str) -> str:
    """The host of "acme", of "acme.us-1" with its region, or of a pasted address."""
    text = organization.strip().lower()
    if _ORGANIZATION.fullmatch(text) and not _HOST.fullmatch(text):
        return f"{text}.{DOMAINS[environment]}"
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme == "https" and _HOST.fullmatch(parts.netloc):
        return parts.netloc
    raise ValueError(organization)
