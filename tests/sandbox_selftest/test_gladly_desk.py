"""What the local Gladly serves by id, over real sockets."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.helpdesk.table import Table, by_task
from tests.sandbox.gladly.timestamps import nanos, of
from tests.sandbox_selftest.gladly_client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

    Record = dict[str, Any]

FLAG = "Gladly-Limited-Data"
LONG_AGO = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def empty() -> Iterator[Client]:
    """Return a client of a sandbox where nothing has happened today."""
    with GladlySandbox(days=0, history_days=1) as gladly:
        yield Client(gladly)


def test_records_by_id(client: Client) -> None:
    desk = client.gladly.desk
    for path, records in (
        ("customer-profiles", desk.customers),
        ("conversations", desk.conversations),
        ("conversation-items", desk.items),
        ("tasks", desk.tasks),
        ("custom-attributes", desk.custom_attributes),
    ):
        for record_id, record in records.items():
            assert client.get(f"/{path}/{record_id}") == record
        missing = client.get(f"/{path}/nobody", 404)
        assert missing["errors"]["code"] == "not_exist"
        client.get(f"/{path}/{record_id}", 400, expand="all")
        assert client.ask(f"/{path}/nobody", headers={"Authorization": None}).status_code == 401
    for item_id in desk.items:
        status = 200 if item_id in desk.transcripts else 404
        found = client.get(f"/conversation-items/{item_id}/voice-transcript", status)
        assert status == 404 or found == desk.transcripts[item_id]
    for comment_id, comment in desk.comments.items():
        assert client.get(f"/tasks/{comment['taskId']}/comments/{comment_id}") == comment
        other = next(one for one in desk.tasks if one != comment["taskId"])
        client.get(f"/tasks/{other}/comments/{comment_id}", 404)


def test_lists(client: Client) -> None:
    desk = client.gladly.desk
    seen = {"conversations": 0, "tasks": 0, "items": 0, "comments": 0}

    def check(path: str, truth: list[Record], member: str, **params: str) -> None:
        answer = client.ask(path, params=params)
        assert (answer.status_code, answer.headers[FLAG]) == (200, "false")
        found = answer.json()
        assert {one["id"] for one in found} == {one["id"] for one in truth}
        moments = [nanos(one[member]) for one in found]
        newest_first = path.endswith("tasks")
        assert moments == sorted(moments, reverse=newest_first)
        if not params:
            seen[path.rpartition("/")[2]] += len(found)

    for id_ in desk.customers:
        truth = [one for one in desk.conversations.values() if one["customerId"] == id_]
        check(f"/customers/{id_}/conversations", truth, "createdAt")
        tasks = [one for one in desk.tasks.values() if one["customerId"] == id_]
        check(f"/customers/{id_}/tasks", tasks, "timestamp")
        closed = [one for one in tasks if one["status"] == "CLOSED"]
        check(f"/customers/{id_}/tasks", closed, "timestamp", status="CLOSED")
    for id_ in desk.conversations:
        items = desk.items.of(id_)
        check(f"/conversations/{id_}/items", items, "timestamp")
    for id_ in desk.tasks:
        check(f"/tasks/{id_}/comments", desk.comments.of(id_), "createdAt")
    assert seen == {
        "conversations": len(desk.conversations),
        "tasks": len(desk.tasks),
        "items": sum("conversationId" in one for one in desk.items.values()),
        "comments": len(desk.comments),
    }
    for path in ("customers/x/conversations", "customers/x/tasks", "conversations/x/items"):
        assert client.get(f"/{path}", 404)["errors"]["code"] == "not_exist"
    client.get("/tasks/x/comments", 404)
    error = client.get(f"/customers/{next(iter(desk.customers))}/tasks", 400, status="WAITING")
    assert error["errors"][0]["attr"] == "status"
    assert {FLAG} & client.ask("/agents").headers.keys() == set()


def test_records_have_all_shapes(client: Client) -> None:
    desk = client.gladly.desk
    for records, always in (
        (desk.customers, {"id"}),
        (desk.conversations, {"id", "customerId", "inboxId", "createdAt", "status"}),
        (desk.tasks, {"id", "customerId", "timestamp", "status"}),
        (desk.comments, {"id", "taskId", "createdAt"}),
    ):
        names = [one.keys() for one in records.values()]
        assert set.intersection(*map(set, names)) == always
    kinds = {one["content"]["type"] for one in desk.items.values()}
    assert len(kinds) == 14
    assert kinds >= {"VOICE_AI_MESSAGE", "TWITTER", "TOPIC_CHANGE"}
    assert {one["status"] for one in desk.conversations.values()} == {"OPEN", "WAITING", "CLOSED"}
    for one in desk.conversations.values():
        assert ("closedAt" in one) == (one["status"] == "CLOSED")
        assert {each["id"] for each in one.get("customAttributes", ())} <= {*desk.custom_attributes}
    phones = [each for one in desk.customers.values() for each in one.get("phones", ())]
    assert {each.get("type") for each in phones} == {"", "HOME", "MOBILE", "OFFICE", None}
    durations = [one["content"].get("recordingDuration") for one in desk.items.values()]
    assert {type(one) for one in durations} == {int, str, type(None)}
    texts = json.dumps([desk.customers, [*desk.conversations.values(), *desk.tasks.values()]])
    assert "null" not in texts
    times = [one["timestamp"] for one in desk.items.values()]
    assert {len(one) - 20 for one in times} == {0, 3, 4, 9, 10}


def test_a_chain_of_merges_and_a_deleted_customer(own: Client) -> None:
    desk = own.gladly.desk
    first = next(old for old, new in desk.merged.items() if new in desk.merged)
    second = desk.merged[first]
    last = desk.merged[second]
    assert last in desk.customers

    def moved(path: str, old: str, new: str) -> str | None:
        answer = own.ask(path, allow_redirects=False)
        assert answer.status_code == 301
        meta = {"old": old, "new": new}
        [error] = answer.json()["errors"]
        assert error == {
            "attr": "customerId",
            "code": "moved",
            "detail": "customer id has changed",
            "meta": meta,
        }
        return answer.headers.get("Location")

    paths = [f"/customer-profiles/{first}", f"/customers/{first}/conversations"]
    for path in (*paths, f"/customers/{first}/tasks"):
        assert moved(path, first, second) is None
    desk.merges_point_to = "last"
    assert moved(paths[0], first, last) is None
    desk.location = "http://other.example/x"
    assert moved(paths[0], first, last) == "http://other.example/x"
    for what in ("conversations", "tasks"):
        desk.merged_lists = "missing"
        assert own.get(f"/customers/{first}/{what}", 404)["errors"]["code"] == "not_exist"
        desk.merged_lists = "empty"
        answer = own.ask(f"/customers/{first}/{what}")
        assert (answer.json(), answer.headers[FLAG]) == ([], "false")
    assert desk.deleted
    for deleted in desk.deleted:
        for path in ("customer-profiles/{}", "customers/{}/conversations", "customers/{}/tasks"):
            own.get("/" + path.format(deleted), 404)


def test_search(own: Client) -> None:
    desk = own.gladly.desk
    customer = next(one for one in desk.customers.values() if len(one) == 11)
    path, email = "/customer-profiles", customer["emails"][0]
    assert own.get(path, email=email["normalized"]) == [customer]
    assert own.get(path, email=email["original"]) == []
    assert own.get(path, externalCustomerId=customer["externalCustomerId"]) == [customer]
    assert own.get(path, externalCustomerId="54321") == []
    number = customer["phones"][0]["normalized"]
    for _ in range(60):
        desk.customer(phones=[{"original": number, "normalized": number, "type": ""}])
    found = own.get(path, phoneNumber=number)
    moments = [nanos(one["updatedAt"]) for one in found]
    assert len(found) == 50
    assert moments == sorted(moments, reverse=True)
    for params in ({}, {"email": "a@b.c", "phoneNumber": number}):
        assert own.get(path, 400, **params)["errors"]
    for attr, value in (("phoneNumber", number[1:]), ("name", "Jane"), ("email", "")):
        assert own.get(path, 400, **{attr: value})["errors"][0]["attr"] == attr
    # A plus that was not encoded is a blank.
    assert own.ask(f"{path}?phoneNumber={number}").status_code == 400


def test_items_that_are_not_supported(own: Client) -> None:
    desk = own.gladly.desk
    item_id = next(iter(desk.items))
    desk.unsupported.add(item_id)
    assert own.get(f"/conversation-items/{item_id}", 400)["errors"][0]["code"] == "invalid"
    desk.unsupported.clear()
    own.get(f"/conversation-items/{item_id}")


def test_caps(empty: Client) -> None:
    desk = empty.gladly.desk
    assert desk.caps == {"conversations": 100, "items": 1000, "tasks": 2000, "comments": 1000}
    customer_id = desk.customer()
    talk, task = desk.conversation(customer_id), desk.task(customer_id)
    desk.fill_items(talk, 1000)
    times = [LONG_AGO + timedelta(days=day) for day in range(5)]
    for at in times[1:]:
        desk.conversation(customer_id, at=at)
        desk.task(customer_id, at=at)
    for at in times:
        desk.comment(task, at=at)
    desk.caps.update(conversations=5, tasks=5, comments=5)
    for path, cap, member in (
        (f"/customers/{customer_id}/conversations", "conversations", "createdAt"),
        (f"/customers/{customer_id}/tasks", "tasks", "timestamp"),
        (f"/conversations/{talk}/items", "items", "timestamp"),
        (f"/tasks/{task}/comments", "comments", "createdAt"),
    ):
        whole = empty.ask(path)
        assert whole.headers[FLAG] == "false"
        assert len(whole.json()) == desk.caps[cap]
        desk.caps[cap] -= 2
        for keeps in ("oldest", "newest"):
            desk.capped_keeps = "oldest" if keeps == "oldest" else "newest"
            answer = empty.ask(path)
            assert answer.headers[FLAG] == "true"
            by_time = sorted(whole.json(), key=lambda one: nanos(one[member]))
            kept = by_time[:-2] if keeps == "oldest" else by_time[2:]
            assert answer.json() == (kept[::-1] if cap == "tasks" else kept)


def test_many_items(empty: Client) -> None:
    desk = empty.gladly.desk
    at = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(hours=2)
    talk = desk.conversation(at=at)
    began = datetime.now(timezone.utc)
    added = desk.fill_items(talk, 1500, at=at)
    assert desk.fill_items(talk, 10_000, events=False)
    assert datetime.now(timezone.utc) - began < timedelta(seconds=5)
    events = empty.events(at, "CONTACT")
    assert [one["content"]["messageId"] for one in events] == added
    rows = empty.gladly.reports.rows("ContactTimestampsReport")
    assert [row["Timestamp"] for row in rows if row["Conversation ID"] == talk] == [
        one["timestamp"] for one in events
    ]
    assert nanos(events[-1]["timestamp"]) == of(at) + 1499 * 10**6
    answer = empty.ask(f"/conversations/{talk}/items")
    assert [one["id"] for one in answer.json()] == added[:1000]
    assert answer.headers[FLAG] == "true"


def test_the_population_goes_by_the_seed_alone() -> None:
    early, late, other = (
        GladlySandbox(seed=seed, days=0, present=LONG_AGO + timedelta(days=days)).desk
        for seed, days in ((5, 40), (5, 200), (6, 40))
    )
    names = ("customers", "conversations", "items", "tasks", "comments", "custom_attributes")
    for name in (*names, "transcripts", "merged", "deleted"):
        assert getattr(early, name) == getattr(late, name)
        assert getattr(early, name) != getattr(other, name)
    small = GladlySandbox(days=0, customers=1, conversations=2, tasks=0).desk
    assert (len(small.customers), len(small.conversations), len(small.tasks)) == (1, 2, 0)
    with GladlySandbox(customers=0) as gladly:
        client, none = Client(gladly), gladly.desk
        assert not [*none.customers, *none.conversations, *none.items, *none.history]
        talk = none.conversation()
        assert client.get(f"/conversations/{talk}")["customerId"] in none.customers


def test_tables() -> None:
    table = Table(by_task, {"a": {"taskId": "1"}, "b": {"taskId": "1"}})
    table["a"] = {"taskId": "2"}
    assert table.of("1") == [{"taskId": "1"}]
    assert table.pop("a") == {"taskId": "2"}
    assert table.of("2") == []
    table["b"]["taskId"] = "3"
    assert table.of("1") == []
    table.clear()
    assert table.of("3") == table.of("x") == []
