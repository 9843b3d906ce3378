"""Reference data: each list whole, with one request, value by value."""

from __future__ import annotations

import typing as t

import pytest

from tests.gladly.truth import API, assert_same
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly
    from tests.running import Record

PATHS = {
    "organization": "organization",
    "agents": "agents",
    "teams": "teams",
    "inboxes": "inboxes",
    "topics": "topics",
    "audiences": "audiences",
    "business_hours": "business-hours",
    "webhooks": "webhooks",
    "export_schedules": "export/schedules",
}


def truth(gladly: Gladly, stream: str) -> list[Record]:
    """The list as the sandbox has it."""
    account = gladly.sandbox.account
    if stream == "organization":
        return [account.organization]
    found: list[Record] = getattr(account, stream.replace("export_", ""))
    return found


@pytest.mark.parametrize("wrapped", [True, False])
def test_every_list_comes_whole_with_one_request(gladly: Gladly, *, wrapped: bool) -> None:
    gladly.sandbox.account.topics_wrapped = wrapped
    run = gladly.tap.run(*PATHS)
    for stream in PATHS:
        assert truth(gladly, stream)
        assert_same(run, stream, truth(gladly, stream))
        assert run.keys[stream] == ["id"]
    asked = [each.path for each in gladly.sandbox.traffic.exchanges()]
    assert sorted(asked) == sorted(f"{API}/{path}" for path in PATHS.values())
    assert not run.warnings


def test_lists_that_are_empty_are_no_error(gladly: Gladly) -> None:
    lists = [stream for stream in PATHS if stream != "organization"]
    for stream in lists:
        truth(gladly, stream).clear()
    run = gladly.tap.run(*lists)
    for stream in lists:
        assert_same(run, stream, [])
    assert not run.warnings


@pytest.mark.parametrize("body", [{"value": None}, {"summary": "none"}, [1, 2]])
def test_a_list_that_is_none_is_told(
    gladly: Gladly,
    impatient: str,
    body: t.Any,  # noqa: ANN401
) -> None:
    gladly.sandbox.faults.add(path=f"{API}/topics", times=None, status=200, body=body)
    run = Tap(impatient, gladly.tap.config).run("topics")
    assert run.returncode == 1
    assert "/topics" in run.last_word
    assert "a list of records" in run.last_word
    assert not run.records


def test_full_lists_come_again_in_every_run(gladly: Gladly) -> None:
    first = gladly.tap.run("agents")
    gladly.sandbox.account.agents[0]["name"] = "Somebody Else"
    second = gladly.tap.run("agents", state=first.state)
    assert_same(second, "agents", gladly.sandbox.account.agents)
    assert second.records["agents"][0]["name"] == "Somebody Else"
