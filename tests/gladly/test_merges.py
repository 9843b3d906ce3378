"""Merged customers: the old id leads to the new one, and what they had is read again."""

from __future__ import annotations

import typing as t
from collections import Counter

import pytest

from tests.gladly.desk_truth import (
    EMPTY,
    OVERLAP,
    asked,
    asked_events,
    assert_read,
    assert_records,
    state_of,
)
from tests.gladly.desk_truth import profile as profile_of
from tests.gladly.truth import API, ago, besides_retries, written

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record

PROFILES = "customer_profiles"
Points = t.Literal["next", "last"]


def chain(gladly: Gladly) -> list[str]:
    """Three customers: the first was merged into the second, and that one into the last."""
    desk = gladly.sandbox.desk
    three = [desk.customer(at=ago(days=9)) for _ in range(3)]
    for customer in three:
        desk.close(desk.conversation(customer, at=ago(days=9)), at=ago(days=8))
        desk.conversation(customer, at=ago(days=8))
        desk.task(customer, at=ago(days=8))
    return three


@pytest.mark.parametrize(
    ("points", "hours"),
    [("next", (30, 3)), ("last", (30, 3)), ("next", (3, 2)), ("last", (50, 40))],
    ids=str,
)
def test_a_chain_of_merges_is_read_to_its_end(
    start: Start, points: Points, hours: tuple[int, int]
) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.merges_point_to = points
    first, second, last = chain(gladly)
    desk.merge(first, second, at=ago(hours=hours[0]))
    desk.merge(second, last, at=ago(hours=hours[1]))
    bookmark = ago(hours=hours[0] + 1)
    streams = (PROFILES, "conversations", "conversation_items", "tasks")
    run = gladly.tap.run(*streams, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    found = run.by_id(PROFILES)
    assert set(found) == {first, second, last}
    assert found[first]["mergedIntoId"] == (second if points == "next" else last)
    assert found[second]["mergedIntoId"] == last
    assert "mergedIntoId" not in found[last]
    # No event names all that moved.
    for stream, count in (("conversations", 4), ("tasks", 3)):
        left = [each for each in run.records[stream] if "_sdc_deleted_at" not in each]
        assert [each["customerId"] for each in left] == [last] * count
    assert Counter(asked(gladly, "customer-profiles/")) == Counter([first, second, last])


@pytest.mark.parametrize("hours", [3, 40])
def test_a_conversation_that_was_merged_away_is_marked_in_both(start: Start, hours: int) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    old, new, _ = chain(gladly)
    [gone] = [one["id"] for one in desk.conversations.of(old) if one["status"] != "CLOSED"]
    desk.merge(old, new, at=ago(hours=hours))
    streams = ("conversations", "customer_conversations")
    run = gladly.tap.run(*streams, state=state_of(ago(hours=hours + 1)))
    assert run.returncode == 0, run.log
    listed = run.by_id("customer_conversations")
    assert set(listed) == {gone, *(one["id"] for one in desk.conversations.of(new))}
    for stream in streams:
        marked = {
            each["id"]: each["changedAt"]
            for each in run.records[stream]
            if each.get("_sdc_deleted_at")
        }
        assert list(marked) == [gone]
    assert listed[gone]["_sdc_deleted_at"] == listed[gone]["changedAt"] == marked[gone]


def name(gladly: Gladly, customer: str) -> None:
    """Let an event name a customer, and nobody else."""
    content = {"customerId": customer}
    gladly.sandbox.events.add("CUSTOMER_PROFILE/UPDATED", timestamp=ago(hours=1), content=content)


@pytest.mark.parametrize("points", ["next", "last"])
def test_who_is_left_is_read_though_nothing_names_it(start: Start, points: Points) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.merges_point_to = points
    first, second, last = chain(gladly)
    desk.merge(first, second, at=ago(days=4))
    desk.merge(second, last, at=ago(days=3))
    name(gladly, first)
    run = gladly.tap.run(PROFILES, state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    wanted = [first, second, last] if points == "next" else [first, last]
    [at] = {each["changedAt"] for each in run.records[PROFILES]}
    assert_records(run, PROFILES, [profile_of(gladly, each, at) for each in wanted])
    assert asked(gladly, "customer-profiles/") == wanted


def test_who_is_left_is_read_once(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    begin = ago(days=4)
    olds, new = [desk.customer(at=begin) for _ in range(4)], desk.customer(at=begin)
    for each in olds:
        desk.merge(each, new, at=ago(days=3))
        name(gladly, each)
    run = gladly.tap.run(PROFILES, state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert Counter(run.ids(PROFILES)) == Counter([*olds, new])
    assert Counter(asked(gladly, "customer-profiles/")) == Counter([*olds, new])
    # Nor before its own turn.
    gladly.sandbox.traffic.clear()
    desk.update_customer(new, at=ago(minutes=5))
    run = gladly.tap.run(PROFILES, state=state_of(ago(hours=2)))
    assert Counter(run.ids(PROFILES)) == Counter([*olds, new])
    assert Counter(asked(gladly, "customer-profiles/")) == Counter([*olds, new])
    assert run.ids(PROFILES)[-1] == new


def test_who_is_left_may_be_deleted(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    old, new = desk.customer(at=ago(days=5)), desk.customer(at=ago(days=5))
    desk.merge(old, new, at=ago(days=3))
    desk.delete(new, at=ago(days=2))
    name(gladly, old)
    run = gladly.tap.run(PROFILES, "customer_conversations", state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert run.ids(PROFILES) == [old, new]
    assert run.by_id(PROFILES)[old]["mergedIntoId"] == new
    assert set(run.by_id(PROFILES)[new]) == {"id", "changedAt", "_sdc_deleted_at"}


def moved(old: str, new: str) -> Record:
    """What Gladly says of a merged customer."""
    meta = {"old": old, "new": new}
    return {"errors": [{"attr": "customerId", "code": "moved", "detail": "changed", "meta": meta}]}


def test_merges_in_a_ring_end(start: Start) -> None:
    gladly = start(**EMPTY)
    rings = [["y", "z"], ["a", "b", "c"]]
    news = {old: new for ring in rings for old, new in zip(ring, [*ring[1:], ring[0]], strict=True)}
    for old, new in news.items():
        for path in (f"customer-profiles/{old}", f"customers/{old}/conversations"):
            gladly.sandbox.faults.add(
                path=f"{API}/{path}", times=None, status=301, body=moved(old, new)
            )
    name(gladly, "z")
    name(gladly, "a")
    run = gladly.tap.run(PROFILES, "customer_conversations", state=state_of(ago(hours=2)))
    assert run.returncode == 0, run.log
    assert {each["id"]: each["mergedIntoId"] for each in run.records[PROFILES]} == news
    # Each once, and one after the other.
    for found in (run.ids(PROFILES), asked(gladly, "customer-profiles/")):
        assert sorted(found) == ["a", "b", "c", "y", "z"]
        assert [each for each in found if each < "y"] == ["a", "b", "c"]
        assert [each for each in found if each >= "y"] == ["z", "y"]


def test_no_redirect_of_a_merge_is_followed(start: Start) -> None:
    gladly, other = start(**EMPTY), start(**EMPTY)
    desk = gladly.sandbox.desk
    first, second, last = chain(gladly)
    desk.location = f"{other.sandbox.url}{API}/customer-profiles/{last}"
    desk.merge(first, second, at=ago(hours=3))
    desk.merge(second, last, at=ago(hours=2))
    bookmark = ago(hours=4)
    run = gladly.tap.run(
        PROFILES, "customer_conversations", "conversations", "tasks", state=state_of(bookmark)
    )
    assert_read(run, gladly, bookmark - OVERLAP)
    assert gladly.sandbox.traffic.count(status=301) == 4
    assert other.sandbox.traffic.count() == 0
    # Nor one to the very place that is to be read.
    desk.location = f"{gladly.sandbox.url}{API}/customer-profiles/{last}"
    gladly.sandbox.traffic.clear()
    run = gladly.tap.run(PROFILES, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert Counter(asked(gladly, "customer-profiles/")) == Counter([first, second, last])


def test_more_than_can_be_listed_of_who_is_left_is_named(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.caps = {**desk.caps, "conversations": 3, "tasks": 2}
    first, _, last = chain(gladly)
    desk.task(last, at=ago(days=7))
    desk.conversation(last, at=ago(days=7))
    desk.merge(first, last, at=ago(hours=3))
    run = gladly.tap.run("conversations", "tasks", state=state_of(ago(hours=4)))
    assert run.returncode == 0, run.log
    assert [each["customerId"] for each in run.records["tasks"]] == [last] * 2
    talks, tasks = sorted(run.warnings)
    assert f"Gladly lists 3 conversations of the customer {last} and no more" in talks
    assert f"Gladly lists 2 tasks of the customer {last} and no more" in tasks
    assert all("customer_profiles.mergedIntoId" in each for each in (talks, tasks))


def test_a_merge_of_before_the_bookmark_moves_nothing(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    first, last, _ = chain(gladly)
    desk.merge(first, last, at=ago(hours=6))
    desk.note(desk.conversations.of(last)[0]["id"], at=ago(hours=1))
    bookmark = ago(hours=5)
    state = state_of(conversations=bookmark, tasks=bookmark, customer_profiles=bookmark)
    # The events reach back to the merge.
    state["bookmarks"]["events"] = {
        "replication_key": "timestamp",
        "replication_key_value": written(ago(hours=8)),
    }
    run = gladly.tap.run("events", "conversations", "tasks", PROFILES, state=state)
    assert_read(run, gladly, bookmark - OVERLAP)
    assert len(run.records["conversations"]) == 1
    assert not run.records["tasks"]
    assert run.ids(PROFILES) == [last]
    # Nor is anybody asked what it moved.
    assert asked_events(gladly)[0] < ago(hours=8)
    assert not asked(gladly, "customers/")
    assert "(0 to look up merges)" in run.log


@pytest.mark.parametrize("answer", ["moved", "empty"])
def test_of_a_reported_merge_who_is_left_is_looked_at(
    start: Start, answer: t.Literal["moved", "empty"]
) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.merged_lists = answer
    old, left, other = chain(gladly)
    # By the time of the events it would be known who is left.
    desk.merge(old, left, at=ago(hours=40))
    new = desk.merge(other, desk.customer(at=ago(days=9)), at=ago(hours=3))
    bookmark = ago(hours=50)
    run = gladly.tap.run("conversations", "tasks", state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert not besides_retries(run)
    looked_at = asked(gladly, "customers/")
    assert sorted(looked_at[:2]) == sorted(f"{each}/conversations" for each in (left, new))
    assert sorted(looked_at[2:]) == sorted(f"{each}/tasks" for each in (left, new))
    assert not any(old in each for each in looked_at)
    assert "(4 to look up merges)" in run.log
