"""A single id that is refused, redirected or answered with an error; the others can be read."""

from __future__ import annotations

import json
import typing as t
from itertools import pairwise

import pytest

from tests.gladly.desk_truth import EMPTY, assert_ended, state_of
from tests.gladly.test_merges import moved, name
from tests.gladly.truth import API, ago
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record

PROFILES = "customer_profiles"


def named_customers(gladly: Gladly, count: int) -> list[str]:
    """Customers whom an event names, each in its turn."""
    customers = [gladly.sandbox.desk.customer(at=ago(days=9)) for _ in range(count)]
    for each in customers:
        name(gladly, each)
    return customers


@pytest.mark.parametrize("status", [302, 304, 402, 403, 405, 423, 451])
def test_one_that_is_refused_is_named_and_the_others_are_read(start: Start, status: int) -> None:
    gladly = start(**EMPTY)
    first, refused, *others = named_customers(gladly, 4)
    path = f"{API}/customer-profiles/{refused}"
    gladly.sandbox.faults.add(path=path, times=None, status=status, body=b"")
    run = gladly.tap.run(PROFILES, state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert sorted(run.ids(PROFILES)) == sorted([first, *others])
    [warning] = run.warnings
    assert f"the customer {refused} cannot be read, and is left out." in warning
    assert f"HTTP {status}" in warning


@pytest.mark.parametrize("stream", ["customer_profiles", "voice_transcripts", "custom_attributes"])
def test_where_all_are_refused_the_stream_ends(start: Start, stream: str) -> None:
    gladly = start(days=4, history_days=1)
    desk = gladly.sandbox.desk
    customers = (*desk.customers, *desk.merged, *desk.deleted)
    tables = {
        "customer_profiles": [f"customer-profiles/{each}" for each in customers],
        "voice_transcripts": [f"conversation-items/{each}/voice-transcript" for each in desk.items],
        "custom_attributes": [f"custom-attributes/{each}" for each in desk.custom_attributes],
    }
    for path in tables[stream]:
        gladly.sandbox.faults.add(path=f"{API}/{path}", times=None, status=403, body=b"")
    streams = {stream, "conversations"}
    run = gladly.tap.run(*streams, "agents", start_date=ago(hours=20).isoformat())
    assert_ended(run, "HTTP 403", "API User", f"Incomplete for this: {stream}.")
    assert not run.records[stream]
    # So the next run asks for them.
    assert "replication_key_value" not in run.state["bookmarks"].get(stream, {})


OTHERS: dict[str, bytes] = {
    "an id that is null": b'{"id": null, "message": "Internal error"}',
    "a status": b'{"status": "error", "message": "Internal error"}',
    "a framework's error": (
        b'{"timestamp": "2026-01-02T03:04:05Z", "status": 500, "error": "Internal", "path": "/x"}'
    ),
    "errors beside the id": b'{"id": "%s", "errors": [{"code": "internal"}]}',
}


@pytest.mark.parametrize("body", OTHERS)
def test_an_error_object_is_no_record_though_it_has_a_member_of_one(
    start: Start, impatient: str, body: str
) -> None:
    gladly = start(**EMPTY)
    customer, *_ = named_customers(gladly, 2)
    desk = gladly.sandbox.desk
    task = desk.task(customer, at=ago(hours=1))
    desk.task(customer, at=ago(hours=1))
    answer = OTHERS[body].replace(b"%s", task.encode())
    gladly.sandbox.faults.add(path=f"{API}/tasks/{task}", times=None, status=200, body=answer)
    run = Tap(impatient, gladly.tap.config).run("tasks", state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert len(run.records["tasks"]) == 1
    assert task not in run.ids("tasks")
    assert any(f"the task {task} cannot be read" in each for each in run.warnings)


FOREIGN: dict[str, Record] = {
    "without a code": {"errors": [{"status": "404", "title": "Not Found", "detail": "no route"}]},
    "a number for a code": {"errors": [{"code": 404, "detail": "no route"}]},
    "another's code": {"errors": [{"code": "ROUTE_NOT_FOUND", "message": "no route"}]},
}


@pytest.mark.parametrize("body", FOREIGN)
def test_errors_of_another_s_form_delete_nothing(start: Start, impatient: str, body: str) -> None:
    gladly = start(**EMPTY)
    first, gone = named_customers(gladly, 2)
    path = f"{API}/customer-profiles/{first}"
    answer = json.dumps(FOREIGN[body])
    gladly.sandbox.faults.add(path=path, times=None, status=404, body=answer.encode())
    run = Tap(impatient, gladly.tap.config).run(PROFILES, state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert run.ids(PROFILES) == [gone]
    assert any(f"the customer {first} cannot be read" in each for each in run.warnings)


def test_a_redirect_to_the_same_customer_is_no_merge(start: Start) -> None:
    gladly = start(**EMPTY)
    customers = named_customers(gladly, 3)
    for each in customers:
        for path in (f"customer-profiles/{each}", f"customers/{each}/conversations"):
            gladly.sandbox.faults.add(
                path=f"{API}/{path}", times=None, status=301, body=moved(each, each)
            )
    state = state_of(ago(hours=2))
    run = gladly.tap.run(PROFILES, "customer_conversations", state=state)
    assert_ended(run, "redirects", "customer-profiles")
    for stream in (PROFILES, "customer_conversations"):
        assert not run.records[stream]
        assert run.bookmark(stream) == state["bookmarks"][stream]["replication_key_value"]


def test_merges_that_lead_on_without_end_are_named(start: Start) -> None:
    gladly = start(**EMPTY)
    first, other = named_customers(gladly, 2)
    chain = [first, *(f"c{number}" for number in range(60))]
    for old, new in pairwise(chain):
        path = f"{API}/customer-profiles/{old}"
        gladly.sandbox.faults.add(path=path, times=None, status=301, body=moved(old, new))
    run = gladly.tap.run(PROFILES, state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert other in run.ids(PROFILES)
    assert len(run.records[PROFILES]) < 30
    assert any("from one merged customer to the next" in each for each in run.warnings)


def test_ids_that_are_numbers_are_read(start: Start) -> None:
    gladly = start(**EMPTY)
    gladly.sandbox.events.add(
        "TASK/CONTENT_UPDATED", timestamp=ago(hours=1), content={"taskId": 17, "customerId": 5}
    )
    gladly.sandbox.faults.add(
        path=f"{API}/tasks/17", times=None, status=200, body={"id": 17, "body": "call back"}
    )
    run = gladly.tap.run("tasks", state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert run.ids("tasks") == ["17"]


def test_a_full_list_without_gladly_s_flag_is_named(start: Start) -> None:
    gladly = start(**EMPTY)
    customer, *_ = named_customers(gladly, 1)
    talks = [{"id": f"c{number}", "customerId": customer} for number in range(100)]
    path = f"{API}/customers/{customer}/conversations"
    gladly.sandbox.faults.add(path=path, times=None, status=200, body=json.dumps(talks).encode())
    run = gladly.tap.run("customer_conversations", state=state_of(ago(hours=2)))
    assert len(run.records["customer_conversations"]) == 100
    [warning] = run.warnings
    assert f"Gladly lists 100 conversations of the customer {customer} and no more" in warning
