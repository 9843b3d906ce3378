"""Answers with an ordinary face that are not what was asked for: no row is lost or hollow.

A target keeps the records before a state, and that state. What counts is what it has after one more
run, of a Clari that is well again.
"""

from __future__ import annotations

import typing as t

import pytest

from tests.clari.truth import detailed
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot, Start, StartRevenue
    from tests.running import Run

Answer = tuple[int, t.Any]

NOT_FOUND: dict[str, Answer] = {
    "a gateway's 404": (404, {"message": "no Route matched with those values"}),
    "a page's 404": (404, b"<!doctype html><html></html>"),
    "an empty 404": (404, b""),
}
ANSWERS: dict[str, Answer] = {
    **NOT_FOUND,
    "an empty 200": (200, b""),
    "an error object": (200, {"errors": [{"code": "internal"}]}),
    "an empty object": (200, b"{}"),
    "null": (200, b"null"),
}

LISTS = {"users": "/users", "topics": "/v2/topics", "keyword_topics": "/topics"}
BY_ID = {"call_details": "/call-details", "contacts": "/get-contact", "accounts": "/get-account"}


def assert_complete(run: Run, healthy: Run, calm: Run, streams: t.Iterable[str]) -> None:
    """What a target has after both runs is what it has of a run without faults."""
    assert healthy.returncode == 0, healthy.log
    for stream in streams:
        [key] = calm.keys[stream]
        found = {each[key]: each for each in run.kept(stream) + healthy.records[stream]}
        assert found == calm.by_id(stream, key)


@pytest.mark.parametrize("answer", ANSWERS)
def test_what_is_read_by_id_is_not_gone_and_not_hollow(
    start: Start, impatient: str, answer: str
) -> None:
    copilot = start(calls=60)
    calm = copilot.tap.run(*BY_ID)
    status, body = ANSWERS[answer]
    for path in BY_ID.values():
        copilot.sandbox.faults.add(path=path, times=None, status=status, body=body)
    run = Tap(impatient, copilot.tap.config).run(*BY_ID)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    for stream in BY_ID:
        assert not run.records[stream]
        assert f"The stream {stream} is incomplete. " in run.log
    copilot.sandbox.faults.clear()
    healthy = copilot.tap.run(*BY_ID, state=run.state)
    assert_complete(run, healthy, calm, BY_ID)


SINGLE: dict[str, Answer] = {
    **ANSWERS,
    "a gateway's 502": (502, b"<html></html>"),
    "a call that the key may not see": (403, {"errorMessage": "Forbidden"}),
    "a gateway's 403": (403, b"<html></html>"),
    "a call that the law withholds": (451, b""),
}


@pytest.mark.parametrize("answer", SINGLE)
def test_a_single_call_that_is_answered_wrongly_is_named_and_passed_over(
    start: Start, impatient: str, answer: str
) -> None:
    copilot = start(calls=60)
    wanted = detailed(copilot)
    hit = list(wanted)[len(wanted) // 2]
    status, body = SINGLE[answer]
    copilot.sandbox.faults.add(
        path="/call-details", params={"id": hit}, times=None, status=status, body=body
    )
    run = Tap(impatient, copilot.tap.config).run("call_details")
    assert run.returncode == 0, run.log
    assert set(run.ids("call_details")) == set(wanted) - {hit}
    assert any(hit in line and "is left out" in line for line in run.warnings)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_list_that_is_answered_wrongly_fails_alone(
    start: Start, impatient: str, answer: str
) -> None:
    copilot = start(calls=30)
    streams = (*LISTS, "scorecards", "calls")
    calm = copilot.tap.run(*streams)
    status, body = ANSWERS[answer]
    # Of one list for ever, of the others once; calls are counted before they are listed.
    for stream, path in {**LISTS, "scorecards": "/scorecard", "calls": "/calls"}.items():
        times = {"topics": None, "calls": 2}.get(stream, 1)
        copilot.sandbox.faults.add(path=path, times=times, status=status, body=body)
    run = Tap(impatient, copilot.tap.config).run(*streams)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    # A list has an address of its own: a 404 says that it is wrong, and is not asked again.
    broken = set(streams) if answer in NOT_FOUND else {"topics"}
    for stream in streams:
        if stream in broken:
            assert stream in run.last_word
        else:
            assert run.records[stream] == calm.records[stream]
    copilot.sandbox.faults.clear()
    healthy = copilot.tap.run(*streams, state=run.state)
    assert_complete(run, healthy, calm, streams)


def test_a_contact_without_an_id_has_the_one_that_was_asked_for(start: Start) -> None:
    copilot = start(calls=30)
    calm = copilot.tap.run("contacts")
    body = {"id": None, "last_name": "Nobody"}
    copilot.sandbox.faults.add(path="/get-contact", times=None, status=200, body=body)
    run = copilot.tap.run("contacts")
    assert run.returncode == 0, run.log
    asked = {
        dict(each.params or ())["id"] for each in copilot.sandbox.traffic.exchanges("/get-contact")
    }
    assert set(run.ids("contacts")) == asked
    assert len(asked) >= len(calm.records["contacts"]) > 3


def test_what_stands_beside_a_call_is_kept(start: Start) -> None:
    copilot = start(calls=5)
    hit = next(iter(detailed(copilot)))
    body = {"call": {"id": hit, "title": "x"}, "sibling": 1}
    copilot.sandbox.faults.add(
        path="/call-details", params={"id": hit}, times=None, status=200, body=body
    )
    run = copilot.tap.run("call_details")
    assert run.by_id("call_details")[hit] == {"id": hit, "title": "x", "_extra": {"sibling": 1}}


def test_the_key_of_one_api_says_nothing_of_the_other(
    start: Start, start_revenue: StartRevenue
) -> None:
    copilot, revenue = start(calls=5), start_revenue()
    copilot.sandbox.faults.add(times=None, status=401)
    run = copilot.tap.run("users", "calls", "topics", "limits", "export_jobs", **revenue.tap.config)
    assert run.returncode == 1
    assert run.records["limits"]
    assert "limits" in run.schemas
    assert not run.records["calls"]
    assert len(copilot.sandbox.traffic.exchanges()) == 1
    assert run.last_word.endswith(
        "Incomplete for this: users, topics, calls. The other streams are whole."
    )


def test_an_answer_that_drips_ends(copilot: Copilot, impatient: str) -> None:
    copilot.sandbox.faults.add(path="/users", times=None, drip=0.2)
    config = {**copilot.tap.config, "request_timeout_seconds": 0.5}
    run = Tap(impatient, config).run("users", "topics")
    assert run.returncode == 1
    assert "does not answer /users within 0.5 seconds (3 tries)" in run.last_word
    assert run.records["topics"]


@pytest.mark.parametrize("fault", [{"truncate": True}, {"unframed": True}])
def test_the_first_answer_that_is_cut_off_does_not_keep_the_other_streams_away(
    copilot: Copilot, impatient: str, fault: dict[str, t.Any]
) -> None:
    copilot.sandbox.faults.add(path="/users", times=None, **fault)
    run = Tap(impatient, copilot.tap.config).run("users", "topics")
    assert run.returncode == 1
    assert run.records["topics"]
    assert "Incomplete for this: users" in run.last_word
