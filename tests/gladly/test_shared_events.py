"""Events are asked for once in a run, reports only where events do not reach, and no id twice."""

from __future__ import annotations

import typing as t
from collections import Counter
from datetime import timedelta

import pytest

from tests.gladly.desk_truth import (
    EMPTY,
    EVENTS,
    KINDS,
    OVERLAP,
    add_history,
    asked_by_id,
    asked_events,
    assert_read,
    assert_records,
    state_of,
)
from tests.gladly.report_truth import REPORTS, days_ago
from tests.gladly.truth import ago, moment, written
from tests.sandbox.gladly.event_types import entity_of

if t.TYPE_CHECKING:
    from datetime import datetime

    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record


def with_history(start: Start) -> Gladly:
    """An account of 25 days, with events of agents too."""
    gladly = start(**EMPTY)
    add_history(gladly.sandbox.desk, ago(seconds=0))
    for age in (1, 3, 9, 21):
        gladly.sandbox.events.add("AGENT_STATUS/LOGGED_IN", timestamp=ago(hours=age))
    return gladly


def entities(gladly: Gladly) -> list[str]:
    """The entities of which events were asked for."""
    [asked] = gladly.sandbox.traffic.exchanges(EVENTS)
    return [each for name, each in asked.params or () if name == "entities"]


def events(gladly: Gladly, since: datetime, *of: str) -> list[Record]:
    """The events of some entities from a time on."""
    return [
        each
        for each in gladly.sandbox.events.all
        if moment(each["timestamp"]) >= since and (not of or entity_of(each["type"]) in of)
    ]


def test_events_are_asked_for_once_by_all_streams(start: Start) -> None:
    gladly = with_history(start)
    bookmark = ago(hours=8)
    began = ago(seconds=0)
    run = gladly.tap.run(*KINDS, "custom_attributes", "events", state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    # The window is frozen at the start, for all streams.
    end = asked_events(gladly)[1]
    assert began - timedelta(seconds=32) < end < ago(seconds=30)
    assert {run.bookmark(stream) for stream in (*KINDS, "events")} == {written(end)}
    assert gladly.sandbox.traffic.count(EVENTS) == 1
    assert gladly.sandbox.traffic.count(REPORTS) == 0
    # The events have no bookmark: they begin a day ago.
    assert began - timedelta(hours=24) < asked_events(gladly)[0] < ago(hours=23, minutes=59)
    assert_records(run, "events", events(gladly, asked_events(gladly)[0]))


@pytest.mark.parametrize("of", [["TASK"], ["AGENT_STATUS", "CUSTOMER"], None], ids=str)
def test_the_events_stream_keeps_to_its_own(start: Start, of: list[str] | None) -> None:
    gladly = with_history(start)
    own, bookmark = ago(hours=2), ago(hours=26)
    state = state_of(conversations=bookmark, tasks=bookmark)
    state["bookmarks"]["events"] = {
        "replication_key": "timestamp",
        "replication_key_value": written(own),
    }
    settings: dict[str, t.Any] = {} if of is None else {"event_entities": of}
    run = gladly.tap.run("events", "conversations", "tasks", state=state, **settings)
    assert_read(run, gladly, bookmark - OVERLAP)
    assert_records(run, "events", events(gladly, own - OVERLAP, *(of or ())))
    assert run.records["events"]
    needed = {"CONTACT", "CONVERSATION", "CUSTOMER", "PAYMENT_REQUEST", "TASK"}
    if of is not None:
        assert sorted(entities(gladly)) == sorted(needed | set(of))
    assert run.bookmark("events") == written(asked_events(gladly)[1])
    # The events stream has no gap: its own bookmark is of today.
    assert not run.warnings


def test_the_index_keeps_to_its_own(start: Start) -> None:
    gladly = with_history(start)
    own, bookmark = ago(hours=20), ago(hours=1)
    state = state_of(conversations=bookmark, customer_profiles=bookmark)
    state["bookmarks"]["events"] = {
        "replication_key": "timestamp",
        "replication_key_value": written(own),
    }
    run = gladly.tap.run("events", "conversations", "customer_profiles", state=state)
    assert_read(run, gladly, bookmark - OVERLAP)
    assert_records(run, "events", events(gladly, own - OVERLAP))
    assert asked_events(gladly)[0] == (own - OVERLAP).replace(microsecond=0)


@pytest.mark.parametrize(
    ("streams", "needed", "sets"),
    [
        (
            ("conversations", "conversation_items"),
            {"CONTACT", "CONVERSATION", "CUSTOMER", "PAYMENT_REQUEST"},
            {"ConversationTimestampsReport", "ContactTimestampsReport"},
        ),
        (
            ("task_comments",),
            {"CUSTOMER", "TASK"},
            {"ConversationTimestampsReport", "TaskTimestampsReport"},
        ),
    ],
)
def test_only_what_is_needed_is_asked_for(
    start: Start, streams: tuple[str, ...], needed: set[str], sets: set[str]
) -> None:
    gladly = with_history(start)
    bookmark = ago(hours=49)
    run = gladly.tap.run(*streams, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert sorted(entities(gladly)) == sorted(needed)
    assert sorted(each["metricSet"] for each in gladly.sandbox.reports.asked) == sorted(sets)
    assert not run.warnings


def test_an_id_is_asked_for_once_and_not_where_it_is_gone(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    customer, gone = desk.customer(at=ago(hours=20)), desk.customer(at=ago(hours=20))
    talk, lost = (desk.conversation(each, at=ago(hours=19)) for each in (customer, gone))
    job, left = (desk.task(each, at=ago(hours=19)) for each in (customer, gone))
    for age in range(18, 3, -1):
        for each in (talk, lost):
            desk.message(each, at=ago(hours=age))
        for each in (job, left):
            desk.comment(each, at=ago(hours=age))
    desk.delete(gone, at=ago(hours=2))
    run = gladly.tap.run(*KINDS, state=state_of(ago(hours=21)))
    assert_read(run, gladly, ago(hours=22))
    assert Counter(asked_by_id(gladly)) == Counter(
        {
            f"conversations/{talk}": 1,
            f"conversations/{talk}/items": 1,
            f"conversations/{lost}": 1,
            f"customer-profiles/{customer}": 1,
            f"customer-profiles/{gone}": 1,
            f"customers/{customer}/conversations": 1,
            f"customers/{customer}/tasks": 1,
            f"tasks/{job}": 1,
            f"tasks/{job}/comments": 1,
            f"tasks/{left}": 1,
        }
    )
    assert "1 of 2 are not there (any more)" in run.log
    assert run.log.count("are not there") == 3
    assert not run.warnings


def test_payment_requests_and_unheard_of_events_tell_what_changed_too(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    begin = ago(days=3)
    names = {}
    for kind in ("PAYMENT_REQUEST/VIEWED", "CONVERSATION/NEW_KIND", "CONTACT/JOINED"):
        customer = desk.customer(at=begin)
        names[desk.conversation(customer, at=begin)] = kind
    for number, (talk, kind) in enumerate(names.items()):
        names_of = {"conversationId": talk, "customerId": desk.conversations[talk]["customerId"]}
        gladly.sandbox.events.add(kind, timestamp=ago(hours=5 - number), content=names_of)
    # Nothing in these says what changed.
    for content in ({}, {"conversationId": ""}, {"conversationId": [7]}):
        gladly.sandbox.events.add("CONTACT/OFFERED", timestamp=ago(hours=1), content=content)
    state = state_of(conversations=ago(hours=6), customer_profiles=ago(hours=6))
    run = gladly.tap.run("conversations", "customer_profiles", state=state)
    assert run.returncode == 0, run.log
    assert run.ids("conversations") == list(names)
    assert run.ids("customer_profiles") == [
        desk.conversations[each]["customerId"] for each in names
    ]


def test_events_are_asked_first_by_whatever_comes_first(start: Start) -> None:
    gladly = with_history(start)
    before = ("organization", "agents", "export_jobs", "report_task_export")
    bookmark = ago(hours=8)
    run = gladly.tap.run(*before, "tasks", state=state_of(bookmark), start_date=days_ago(3))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert list(run.schemas) == [*before, "tasks"]
    paths = [each.path for each in gladly.sandbox.traffic.exchanges()]
    assert paths[0] == EVENTS
    assert paths.count(EVENTS) == 1
    assert len(paths) > len(before)
