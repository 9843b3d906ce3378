"""Who gets the credentials. No run sends a request elsewhere, so the signer is asked itself."""

from __future__ import annotations

import pytest
from requests import Request
from tap_clari.kit.auth import HeaderAuth

HEADERS = {"X-Api-Key": "key", "X-Api-Password": "password"}


@pytest.mark.parametrize(
    ("url", "is_signed"),
    [
        ("https://api.example.com/calls", True),
        ("https://api.example.com:443/calls?skip=0", True),
        ("https://API.example.com/calls", True),
        ("http://api.example.com/calls", False),
        ("https://api.example.com:8443/calls", False),
        ("https://api.example.com.evil.test/calls", False),
        ("https://evil.test/?https://api.example.com/", False),
        ("https://api.example.com@evil.test/", False),
        ("https://api.eu.example.com/calls", False),
        ("https://api.example.org/calls", False),
    ],
)
def test_only_the_configured_origin_gets_the_credentials(url: str, *, is_signed: bool) -> None:
    request = HeaderAuth("https://api.example.com", HEADERS)(Request("GET", url).prepare())
    assert {name: request.headers.get(name) for name in HEADERS} == (
        HEADERS if is_signed else dict.fromkeys(HEADERS)
    )
