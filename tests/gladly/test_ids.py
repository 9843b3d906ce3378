"""Ids that no path holds as they are, and records that do not say their own."""

from __future__ import annotations

import json
import typing as t
from datetime import timedelta
from urllib.parse import quote

from tests.gladly.desk_truth import (
    EMPTY,
    EVENTS,
    KINDS,
    asked_by_id,
    limited,
    state_of,
    words_of,
)
from tests.gladly.scripted import Answer, Scripted
from tests.gladly.truth import API, ago, written
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Start

ODD = [
    "a/b",
    "../agents",
    "50%",
    "%2E%2E",
    "%2e",
    "a b",
    "ü☃",
    "x?y=#z&",
    "a\\b",
    "...",
    "a;b+c",
    "é",
]


def test_odd_ids_are_asked_for_as_they_are() -> None:
    begin = ago(hours=1).replace(microsecond=0)
    times = [written(begin + timedelta(seconds=number)) for number in range(len(ODD))]
    events = [
        {
            "id": str(number),
            "type": "CONVERSATION/CREATED",
            "timestamp": at,
            "content": {"conversationId": each},
        }
        for number, (each, at) in enumerate(zip(ODD, times, strict=True))
    ]
    lines = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in events)
    answers = [
        lines.encode(),
        *(json.dumps({"id": each}).encode() for each in ODD),
        *(json.dumps([{"id": f"item of {each}"}]).encode() for each in ODD),
    ]
    head = {"Content-Type": "application/json"}
    with Scripted(*(Answer(each, head) for each in answers)) as server:
        config = {
            "api_url": server.url,
            "username": "a@acme.example",
            "api_token": "token",
            "requests_per_second": 500,
            "max_concurrent_requests": 1,
        }
        tap = Tap("tap-gladly", config)
        state = state_of(ago(hours=2))
        run = tap.run("conversations", "conversation_items", state=state)
    assert run.returncode == 0, run.log
    paths = [f"{API}/conversations/{quote(each, safe='')}" for each in ODD]
    assert server.asked[0].partition("?")[0] == EVENTS
    assert server.asked[1:] == [*paths, *(f"{each}/items" for each in paths)]
    assert run.records["conversations"] == [
        {"id": each, "changedAt": at} for each, at in zip(ODD, times, strict=True)
    ]
    assert run.ids("conversation_items") == [f"item of {each}" for each in ODD]
    assert not run.warnings


def test_dots_are_nobody_and_lead_nowhere(start: Start) -> None:
    gladly = start(**EMPTY)
    desk, events = gladly.sandbox.desk, gladly.sandbox.events
    desk.caps = {**desk.caps, "items": 1}
    for minutes, dots in ((5, "."), (4, "..")):
        names = ("conversationId", "customerId", "taskId", "messageId", "customAttributeId")
        events.add(
            "CONTACT/STARTED",
            timestamp=ago(hours=1, minutes=minutes),
            content=dict.fromkeys(names, dots),
        )
    merged = {"sourceCustomerId": ".", "destinationCustomerId": ".."}
    events.add("CUSTOMER/MERGED", timestamp=ago(hours=1, minutes=3), content=merged)
    talk = desk.conversation(desk.customer(at=ago(days=3)), at=ago(days=3))
    for number in range(2):
        desk.note(talk, at=ago(minutes=30 - number))
    names_of_part = {"conversationId": talk, "messageId": ".."}
    events.add("CONTACT/MESSAGE_SENT", timestamp=ago(minutes=20), content=names_of_part)
    run = gladly.tap.run(*KINDS, "custom_attributes", state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    for stream in ("conversations", "customer_profiles", "tasks"):
        found = run.by_id(stream)
        for dots in (".", ".."):
            assert set(found[dots]) == {"id", "changedAt", "_sdc_deleted_at"}
    for stream in ("task_comments", "voice_transcripts", "custom_attributes"):
        assert not run.records[stream]
    owner = desk.conversations[talk]["customerId"]
    last = desk.items.of(talk)[-1]["id"]
    assert sorted(asked_by_id(gladly)) == sorted(
        [
            f"conversations/{talk}",
            f"conversations/{talk}/items",
            f"conversation-items/{last}",
            f"customer-profiles/{owner}",
            f"customers/{owner}/conversations",
            f"customers/{owner}/tasks",
        ]
    )
    [warning] = run.warnings
    assert words_of(warning) == limited("conversation_items", talk, 1, 1, "..")


def test_a_record_that_does_not_say_its_id_has_the_one_that_was_asked_for(start: Start) -> None:
    gladly = start(**EMPTY)
    desk, at = gladly.sandbox.desk, ago(hours=1)
    customer = desk.customer(at=at)
    talk, task = desk.conversation(customer, at=at), desk.task(customer, at=at)
    call, attribute = desk.call(talk, at=at), desk.set_attribute(talk, "order", at=at)
    asked_for = {
        "customer_profiles": ("id", customer, f"customer-profiles/{customer}"),
        "conversations": ("id", talk, f"conversations/{talk}"),
        "tasks": ("id", task, f"tasks/{task}"),
        "voice_transcripts": (
            "conversationItemId",
            call,
            f"conversation-items/{call}/voice-transcript",
        ),
        "custom_attributes": ("id", attribute, f"custom-attributes/{attribute}"),
    }
    for stream, (_, _, path) in asked_for.items():
        # By what else it says, it is a record.
        body = {"status" if stream == "tasks" else "createdAt": None, "mood": "good"}
        gladly.sandbox.faults.add(path=f"{API}/{path}", status=200, body=body)
    run = gladly.tap.run(*asked_for, state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    for stream, (key, each, _) in asked_for.items():
        [record] = run.records[stream]
        assert (record[key], record["_extra"]) == (each, {"mood": "good"}), stream
