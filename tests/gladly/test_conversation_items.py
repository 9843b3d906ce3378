"""Conversation items: every kind of them, and those that a list of a thousand does not have."""

from __future__ import annotations

import json
import typing as t
from collections import Counter
from datetime import timedelta

import pytest

from tests.gladly.desk_truth import (
    EMPTY,
    OVERLAP,
    asked,
    asked_by_id,
    asked_events,
    assert_read,
    assert_records,
    items,
    limited,
    state_of,
    words_of,
)
from tests.gladly.truth import API, ago, moment, written

if t.TYPE_CHECKING:
    from datetime import datetime

    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record

STREAM = "conversation_items"
Keeps = t.Literal["oldest", "newest"]


def as_fetched(records: list[Record], keeps: Keeps) -> list[Record]:
    """The records of a long conversation: those of the list, then the others by their ids."""
    listed, others = (
        (records[:1_000], records[1_000:])
        if keeps == "oldest"
        else (records[-1_000:], records[:-1_000])
    )
    return listed + sorted(others, key=lambda each: str(each["id"]))


def full(start: Start, count: int, at: datetime) -> tuple[Gladly, str, list[str]]:
    """An account with a conversation of so many messages from a time on, and one of few."""
    gladly = start(**EMPTY, customers=0)
    desk = gladly.sandbox.desk
    talk = desk.conversation(desk.customer(at=at), at=at - timedelta(minutes=1))
    ids = desk.fill_items(talk, count, at=at)
    other = desk.conversation(desk.customer(at=at), at=at)
    desk.note(other, at=ago(minutes=10))
    return gladly, talk, ids


def test_every_kind_of_item_comes_as_it_is(start: Start) -> None:
    gladly = start(**EMPTY, conversations=30)
    desk = gladly.sandbox.desk
    for number, talk in enumerate(list(desk.conversations)):
        desk.call(talk, at=ago(hours=20, minutes=-number))
        desk.call(talk, voicemail=True, at=ago(hours=20, minutes=-number))
    bookmark = ago(hours=21)
    run = gladly.tap.run(STREAM, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    records = run.records[STREAM]
    assert len(records) > 200
    properties = run.schemas[STREAM]["properties"]
    assert {name for each in records for name in each} == set(properties) - {"_extra"}
    contents = set(properties["content"]["properties"])
    assert {name for each in records for name in each["content"]} == contents
    assert {type(each["content"].get("to")) for each in records} == {list, type(None)}
    # Also where Gladly sends a text.
    durations = [each["content"].get("recordingDuration") for each in records]
    assert {type(each) for each in durations} == {int, type(None)}
    assert 100 in durations
    assert not run.warnings


@pytest.mark.parametrize("keeps", ["oldest", "newest"])
def test_items_beyond_a_thousand_are_fetched_by_what_events_name(
    start: Start, keeps: Keeps
) -> None:
    gladly, talk, ids = full(start, 1_490, ago(hours=5))
    desk = gladly.sandbox.desk
    desk.capped_keeps = keeps
    # By messages and notes alike.
    notes = [desk.note(talk, at=ago(hours=4, minutes=-number)) for number in range(10)]
    missing = [*ids, *notes][-500:] if keeps == "oldest" else ids[:500]
    # Some cannot be had: two of another type, and one that vanishes after the list was made.
    desk.unsupported.update(missing[3:5])
    gladly.sandbox.faults.add(path=f"{API}/conversation-items/{missing[-1]}", status=404)
    lost = sorted([*missing[3:5], missing[-1]])
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=6)))
    assert run.returncode == 0, run.log
    assert len(desk.items.of(talk)) == 1_500
    at = run.by_id(STREAM)[desk.items.of(talk)[0]["id"]]["changedAt"]
    got = [each for each in run.records[STREAM] if each["conversationId"] == talk]
    run.records[STREAM] = got
    truth = as_fetched(items(gladly, talk, at), keeps)
    assert_records(run, STREAM, [each for each in truth if each["id"] not in lost])
    # No more than those that the list lacks.
    assert Counter(asked(gladly, "conversation-items/")) == Counter(missing)
    [warning] = run.warnings
    assert words_of(warning) == limited(STREAM, talk, 1_000, 497, *lost)


def test_old_items_that_no_event_names_are_missing_and_that_is_said(start: Start) -> None:
    gladly, talk, ids = full(start, 25, ago(days=3))
    desk = gladly.sandbox.desk
    desk.note(talk, at=ago(hours=1))
    desk.caps, desk.capped_keeps = {**desk.caps, "items": 20}, "newest"
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert len(run.records[STREAM]) == 21
    assert ids[0] not in run.ids(STREAM)
    [warning] = run.warnings
    assert words_of(warning) == limited(STREAM, talk, 20, 0)
    assert not asked(gladly, "conversation-items/")


def test_a_thousand_items_are_no_more_than_there_are(start: Start) -> None:
    gladly, talk, ids = full(start, 1_000, ago(hours=5))
    empty = gladly.sandbox.desk.conversation(at=ago(hours=4))
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=6)))
    assert_read(run, gladly, ago(hours=6))
    assert [each for each in run.ids(STREAM) if each in set(ids)] == ids
    assert not asked(gladly, "conversation-items/")
    # One without items is none.
    assert {f"{talk}/items", f"{empty}/items"} < {*asked(gladly, "conversations/")}
    assert len(asked_by_id(gladly)) == 3
    assert not run.warnings


def test_an_item_that_is_refused_is_named(start: Start) -> None:
    gladly, _, ids = full(start, 3, ago(hours=5))
    gladly.sandbox.desk.caps = {**gladly.sandbox.desk.caps, "items": 2}
    gladly.sandbox.faults.add(path=f"{API}/conversation-items/{ids[-1]}", status=403)
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=6)))
    assert run.returncode == 0, run.log
    assert {*run.ids(STREAM)} & {*ids} == {*ids[:2]}
    [warning] = run.warnings
    assert f"but these: {ids[-1]}" in warning


def test_an_item_that_moved_with_a_merge_has_its_new_customer(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    first, last = desk.customer(at=ago(days=9)), desk.customer(at=ago(days=9))
    talk = desk.conversation(first, at=ago(days=8))
    item = desk.call(talk, at=ago(days=7))
    desk.merge(first, last, at=ago(hours=1))
    run = gladly.tap.run(STREAM, "voice_transcripts", state=state_of(ago(hours=2)))
    assert_read(run, gladly, ago(hours=2))
    [record] = run.records[STREAM]
    assert (record["id"], record["customerId"]) == (item, last)
    [transcript] = run.records["voice_transcripts"]
    assert (transcript["conversationItemId"], transcript["customerId"]) == (item, last)
    assert record["changedAt"] > written(ago(hours=1, minutes=1))


def test_a_killed_run_loses_no_item_beyond_the_cap(start: Start) -> None:
    gladly = start(**EMPTY, customers=0)
    desk = gladly.sandbox.desk
    desk.caps = {**desk.caps, "items": 30}
    desk.capped_keeps = "newest"
    long = desk.conversation(at=ago(days=9))
    old = desk.fill_items(long, 10, at=ago(hours=10))
    others = [desk.conversation(at=ago(days=9)) for _ in range(12)]
    for hours, each in enumerate(others):
        desk.fill_items(each, 30, at=ago(hours=9, minutes=-30 * hours))
    new = desk.fill_items(long, 30, at=ago(hours=1))
    bookmark, count = ago(hours=11), 0

    def is_enough(line: str) -> bool:
        nonlocal count
        count += '"RECORD"' in line
        return count > 220

    # Nothing comes of the ninth until the tap is killed.
    gladly.sandbox.faults.add(path=f"{API}/conversations/{others[8]}/items", slow=5)
    first = gladly.tap.run_until(is_enough, STREAM, state=state_of(bookmark))
    assert first.returncode != 0
    assert not {*old, *new}.intersection(first.ids(STREAM))
    kept = first.state["bookmarks"][STREAM]
    assert kept["window_start"] == written(bookmark - OVERLAP)
    # The older messages lie before it: they would not be heard of again.
    assert moment(first.bookmark(STREAM)) - OVERLAP > ago(hours=9, minutes=30)
    gladly.sandbox.faults.clear()
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(STREAM, state=first.state)
    assert second.returncode == 0, second.log
    assert asked_events(gladly)[0] == (bookmark - OVERLAP).replace(microsecond=0)
    assert sorted(asked(gladly, "conversation-items/")) == sorted(old)
    assert second.ids(STREAM)[-40:] == [*new, *sorted(old)]
    [warning] = second.warnings
    assert words_of(warning) == limited(STREAM, long, 30, 10)
    # What was written before the kill is not read again, but for the overlap.
    assert others[0] not in {each["conversationId"] for each in second.records[STREAM]}
    assert {*first.ids(STREAM), *second.ids(STREAM)} == {*desk.items}
    assert set(second.state["bookmarks"][STREAM]) == {"replication_key", "replication_key_value"}
    assert "window_start" not in json.dumps(second.state)


def test_items_beyond_the_cap_are_fetched_side_by_side(start: Start) -> None:
    gladly = start(**EMPTY, latency=0.2)
    desk = gladly.sandbox.desk
    desk.caps = {**desk.caps, "items": 5}
    talk = desk.conversation(at=ago(days=9))
    ids = desk.fill_items(talk, 25, at=ago(hours=1))
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert run.ids(STREAM) == [*ids[:5], *sorted(ids[5:])]
    arrived = [
        each.arrived
        for each in gladly.sandbox.traffic.exchanges()
        if each.path.startswith(f"{API}/conversation-items/")
    ]
    assert len(arrived) == 20
    # One after the other, it would be 3.8 seconds.
    assert max(arrived) - min(arrived) < 2


def test_a_warning_names_some_of_many_that_are_refused(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.caps = {**desk.caps, "items": 1}
    talk = desk.conversation(at=ago(hours=2))
    for number in range(24):
        desk.note(talk, at=ago(minutes=90 - number))
    beyond = [each["id"] for each in desk.items.of(talk)][-23:]
    for each in beyond:
        gladly.sandbox.faults.add(path=f"{API}/conversation-items/{each}", times=None, status=422)
    run = gladly.tap.run("conversation_items", state=state_of(ago(hours=3)))
    assert run.returncode == 0, run.log
    [warning] = run.warnings
    assert sum(each in warning for each in beyond) == 20
    assert " and 3 more. Others are missing here. " in warning
