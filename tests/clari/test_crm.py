"""Accounts, contacts and deals: those that the run's calls refer to, each asked for once."""

from __future__ import annotations

import typing as t

import pytest

from tests.clari.truth import assert_loaded, listed
from tests.expected import expected

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.clari.conftest import Copilot, Start

PATHS = {"accounts": "/get-account", "contacts": "/get-contact", "deals": "/get-deal"}


def linked(stream: str, calls: Iterable[dict[str, t.Any]]) -> set[str]:
    """The ids of a stream's objects that calls refer to."""
    ids: set[str] = set()
    for call in calls:
        info = call.get("crm_info") or {}
        if stream == "contacts":
            ids.update(info.get("contact_ids") or [])
        elif info.get(f"{stream[:-1]}_id"):
            ids.add(info[f"{stream[:-1]}_id"])
    return ids


def known(copilot: Copilot, stream: str) -> dict[str, dict[str, t.Any]]:
    """The objects that the API knows, by CRM id."""
    return {each["crm_id"]: each for each in getattr(copilot.sandbox.account, stream)()}


@pytest.mark.parametrize("stream", PATHS)
def test_the_objects_of_the_calls_arrive_and_each_id_is_asked_for_once(
    start: Start, stream: str
) -> None:
    copilot = start(calls=400)
    run = copilot.tap.run(stream)
    ids = linked(stream, listed(copilot).values())
    there = {k: each for k, each in known(copilot, stream).items() if k in ids}
    assert 0 < len(there) < len(ids)  # some are gone from the CRM: 404 is ordinary
    assert_loaded(run, stream, {each["id"]: each for each in there.values()})
    assert copilot.sandbox.traffic.count(PATHS[stream]) == len(ids)
    assert copilot.sandbox.traffic.count(PATHS[stream], status=404) == len(ids) - len(there)
    assert not run.warnings


@pytest.mark.parametrize("stream", PATHS)
def test_a_later_run_asks_only_for_the_objects_of_changed_calls(start: Start, stream: str) -> None:
    copilot = start(calls=400)
    first = copilot.tap.run(stream)
    calls = listed(copilot)
    changed = [k for k, call in calls.items() if linked(stream, [call])][:2]
    # The calls that share the time of the bookmark are read again.
    schema = copilot.tap.run("calls").schemas["calls"]
    newest = [
        call
        for call in calls.values()
        if expected(call, schema).get("last_modified_time") == first.bookmark(stream)
    ]
    for call_id in changed:
        copilot.sandbox.account.touch(call_id, modified="2026-10-05T00:00:00Z")
    assert newest
    copilot.sandbox.traffic.clear()
    again = copilot.tap.run(stream, state=first.state)
    ids = linked(stream, [calls[k] for k in changed])
    boundary = linked(stream, newest)
    there = {each["id"] for k, each in known(copilot, stream).items() if k in ids}
    near = {each["id"] for k, each in known(copilot, stream).items() if k in boundary}
    assert there <= set(again.ids(stream)) <= there | near
    assert copilot.sandbox.traffic.count(PATHS[stream]) <= len(ids | boundary)
    assert first.bookmark(stream) < again.bookmark(stream) == "2026-10-05T00:00:00.000000Z"


def test_a_target_is_never_told_to_drop_what_a_run_did_not_read(copilot: Copilot) -> None:
    run = copilot.tap.run("accounts", emit_activate_version_messages=True)
    assert run.returncode == 0
    assert not [line for line in run.lines if "ACTIVATE_VERSION" in line]


def test_an_object_that_is_known_by_two_ids_comes_once(start: Start) -> None:
    copilot = start(calls=400)
    one, other = sorted(known(copilot, "accounts"))[:2]
    for crm_id in (one, other):
        copilot.sandbox.account.override_record("account", crm_id, id="the-same")
    run = copilot.tap.run("accounts")
    assert run.returncode == 0, run.log
    assert run.ids("accounts").count("the-same") == 1
    assert len(run.ids("accounts")) == len(set(run.ids("accounts")))
