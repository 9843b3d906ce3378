"""Who gets the credentials, and in which form."""

from __future__ import annotations

import typing as t
from base64 import b64encode

import pytest
from requests import Request
from tap_gladly.client import basic_auth
from tap_gladly.kit.auth import HeaderAuth

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly

ADDRESS = "https://acme.gladly.com/api/v1"


def header(url: str, username: str = "me@acme.com") -> str | None:
    """The header that a request to a URL is signed with."""
    sign = HeaderAuth(ADDRESS, basic_auth(username, "token"))
    return sign(Request("GET", url).prepare()).headers.get("Authorization")


def test_the_credentials_are_sent_by_http_basic() -> None:
    signature = "Basic " + b64encode(b"me@acme.com:token").decode()
    assert header(f"{ADDRESS}/agents") == signature
    assert header("https://acme.us-1.gladly.com/api/v1/agents") is None


def test_a_username_is_sent_as_utf_8() -> None:
    signature = "Basic " + b64encode("björn@acme.com:token".encode()).decode()
    assert header(f"{ADDRESS}/agents", "björn@acme.com") == signature


@pytest.mark.parametrize("wrong", [{"username": "nobody@acme.com"}, {"api_token": "NOTHING"}])
def test_wrong_credentials_end_the_run_in_words(gladly: Gladly, wrong: dict[str, t.Any]) -> None:
    run = gladly.tap.run("agents", **wrong)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    for word in ("401", "username", "api_token", "Settings > API tokens"):
        assert word in run.last_word
    assert "NOTHING" not in run.log
    assert "nobody" not in run.log
    assert gladly.sandbox.traffic.count() == 1


@pytest.mark.parametrize("missing", ["username", "api_token"])
def test_missing_credentials_end_the_run_in_words(gladly: Gladly, missing: str) -> None:
    run = gladly.tap.run("agents", **{missing: None})
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert f"lack {missing}" in run.last_word
    assert gladly.sandbox.traffic.count() == 0


def test_every_request_carries_the_credentials(gladly: Gladly) -> None:
    run = gladly.tap.run("organization", "answers", "export_topics", "events")
    assert run.returncode == 0, run.log
    traffic = gladly.sandbox.traffic
    assert traffic.count_with_credentials() == traffic.count() > 10
    assert {each.method for each in traffic.exchanges()} == {"GET"}
    assert gladly.sandbox.exports.deleted == []
