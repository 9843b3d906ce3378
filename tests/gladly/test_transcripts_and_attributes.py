"""Transcripts of calls, and definitions of the custom attributes that are met."""

from __future__ import annotations

import json
import typing as t
from collections import Counter

from tests.gladly.desk_truth import (
    EMPTY,
    LOOKBACK,
    OVERLAP,
    asked,
    asked_by_id,
    asked_events,
    assert_ended,
    assert_read,
    assert_records,
    state_of,
    words_of,
)
from tests.gladly.truth import API, ago, besides_retries, written
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Run

TRANSCRIPTS = "voice_transcripts"
ATTRIBUTES = "custom_attributes"


def with_calls(start: Start) -> tuple[Gladly, list[str], str]:
    """Three conversations with calls or without, and the call that has no transcript."""
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talks = [
        desk.conversation(desk.customer(at=ago(days=3)), at=ago(days=3 - number))
        for number in range(3)
    ]
    for _ in range(2):
        desk.call(talks[0], at=ago(hours=40))
        desk.call(talks[0], voicemail=True, at=ago(hours=39))
    silent = desk.call(talks[1], transcript=False, at=ago(hours=38))
    desk.call(talks[1], at=ago(hours=37))
    for hours, talk in enumerate(talks, start=1):
        desk.message(talk, at=ago(hours=9 - hours))
    return gladly, talks, silent


def test_transcripts_go_by_the_items_that_were_listed(start: Start) -> None:
    gladly, talks, silent = with_calls(start)
    bookmark = ago(hours=10)
    run = gladly.tap.run(TRANSCRIPTS, "conversation_items", state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert len(run.records[TRANSCRIPTS]) == 5
    assert silent not in run.ids(TRANSCRIPTS, "conversationItemId")
    assert run.keys[TRANSCRIPTS] == ["conversationItemId"]
    assert Counter(asked(gladly, "conversations/")) == Counter(f"{each}/items" for each in talks)
    assert len(asked(gladly, "conversation-items/")) == 6
    assert not run.warnings


def test_transcripts_list_the_items_where_nobody_has(start: Start) -> None:
    gladly, talks, _ = with_calls(start)
    bookmark = ago(hours=10)
    run = gladly.tap.run(TRANSCRIPTS, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert len(run.records[TRANSCRIPTS]) == 5
    assert Counter(asked(gladly, "conversations/")) == Counter(f"{each}/items" for each in talks)
    # As where the items have a bookmark that is further on.
    gladly.sandbox.traffic.clear()
    state = state_of(conversation_items=ago(hours=7, minutes=30), voice_transcripts=bookmark)
    run = gladly.tap.run(TRANSCRIPTS, "conversation_items", state=state)
    assert_read(run, gladly, bookmark - OVERLAP, [TRANSCRIPTS])
    assert Counter(asked(gladly, "conversations/")) == Counter(f"{each}/items" for each in talks)


def test_calls_that_a_list_does_not_have_are_not_passed_over_in_silence(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.caps = {**desk.caps, "items": 2}
    talk = desk.conversation(at=ago(hours=9))
    for hours in (8, 7, 6):
        desk.call(talk, at=ago(hours=hours))
    run = gladly.tap.run(TRANSCRIPTS, state=state_of(ago(hours=10)))
    assert run.returncode == 0, run.log
    assert len(run.records[TRANSCRIPTS]) == 2
    [warning] = run.warnings
    assert words_of(warning) == (
        f"voice_transcripts: Gladly has more items of the conversation {talk} than it lists, and "
        "calls may be among them. export_conversation_items has all of them, a day later."
    )


def test_a_transcript_is_as_it_is(start: Start) -> None:
    gladly = start(**EMPTY, conversations=30)
    desk = gladly.sandbox.desk
    for number, talk in enumerate(list(desk.conversations)):
        desk.message(talk, at=ago(hours=9, minutes=-number))
    talk = desk.conversation(at=ago(hours=5))
    call = desk.call(talk, at=ago(hours=4))
    desk.transcripts[call] = {
        "paragraphs": [{"transcript": "a", "speaker": "1", "startTime": 1, "endTime": "2.5"}],
        "mood": "good",
    }
    run = gladly.tap.run(TRANSCRIPTS, state=state_of(ago(hours=10)))
    record = run.by_id(TRANSCRIPTS, "conversationItemId")[call]
    assert record["paragraphs"] == [
        {"transcript": "a", "speaker": 1, "startTime": 1, "endTime": 2.5}
    ]
    assert record["_extra"] == {"mood": "good"}
    del desk.transcripts[call]
    run.records[TRANSCRIPTS].remove(record)
    assert_read(run, gladly, ago(hours=10))
    assert len(run.records[TRANSCRIPTS]) > 10
    [warning] = run.warnings
    assert "'mood'" in warning


def attributes(gladly: Gladly, *ids: str) -> list[t.Any]:
    """The definitions of these as they should come."""
    return [gladly.sandbox.desk.custom_attributes[each] for each in sorted(ids)]


def test_the_attributes_of_conversations_are_read_once(start: Start) -> None:
    gladly = start(**EMPTY, conversations=30)
    desk = gladly.sandbox.desk
    for number, talk in enumerate(list(desk.conversations)):
        desk.message(talk, at=ago(hours=9, minutes=-number))
    run = gladly.tap.run("conversations", ATTRIBUTES, state=state_of(ago(hours=10)))
    assert_records(run, ATTRIBUTES, attributes(gladly, *desk.custom_attributes))
    assert len(run.records[ATTRIBUTES]) == 4
    assert Counter(asked(gladly, "custom-attributes/")) == Counter([*desk.custom_attributes])
    assert run.state["bookmarks"].get(ATTRIBUTES, {}) == {}
    # What nobody meets is not read again.
    gladly.sandbox.traffic.clear()
    again = gladly.tap.run("conversations", ATTRIBUTES, state=run.state)
    assert again.returncode == 0, again.log
    assert not again.records[ATTRIBUTES]
    assert not asked_by_id(gladly)


def test_attributes_are_met_in_events_and_lists_too(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    customer = desk.customer(at=ago(days=4))
    talk = desk.conversation(customer, at=ago(days=3))
    listed = desk.set_attribute(talk, "listed", at=ago(days=2))
    removed = desk.set_attribute(talk, "removed", at=ago(days=2))
    desk.clear_attribute(talk, "removed", at=ago(hours=1))
    gone = desk.set_attribute(talk, "gone", at=ago(hours=2))
    del desk.custom_attributes[gone]
    state = state_of(ago(hours=3))
    # The conversations themselves are not read.
    run = gladly.tap.run("conversation_items", ATTRIBUTES, state=state)
    assert run.returncode == 0, run.log
    assert_records(run, ATTRIBUTES, attributes(gladly, removed))
    assert sorted(asked(gladly, "custom-attributes/")) == sorted([removed, gone])
    run = gladly.tap.run("customer_conversations", ATTRIBUTES, state=state)
    assert_records(run, ATTRIBUTES, attributes(gladly, listed, removed))
    assert not run.warnings


def with_unread(gladly: Gladly, *met: str) -> Run:
    """A run that is killed when the conversations are read, and the attributes are not."""
    for each in met:
        gladly.sandbox.faults.add(path=f"{API}/custom-attributes/{each}", slow=3)

    def is_reached(line: str) -> bool:
        message = json.loads(line)
        return (message["type"], message.get("stream")) == ("SCHEMA", ATTRIBUTES)

    run = gladly.tap.run_until(is_reached, "conversations", ATTRIBUTES, state=state_of(ago(days=3)))
    assert run.returncode != 0
    assert not run.records[ATTRIBUTES]
    return run


def test_attributes_that_a_killed_run_met_are_read_by_the_next(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talk = desk.conversation(at=ago(days=2))
    met = [desk.set_attribute(talk, key, at=ago(hours=40)) for key in ("one", "two")]
    first = with_unread(gladly, *met)
    assert len(first.records["conversations"]) == 1
    assert sorted(first.state["bookmarks"][ATTRIBUTES]["unread"]) == sorted(met)
    gladly.sandbox.faults.clear()
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run("conversations", ATTRIBUTES, state=first.state)
    assert_records(second, ATTRIBUTES, attributes(gladly, *met))
    assert not second.records["conversations"]
    # What the killed run had asked for last may be answered, and counted, only now.
    assert {*asked_by_id(gladly)} == {f"custom-attributes/{each}" for each in met}
    assert "unread" not in json.dumps(second.state)


def test_a_transcript_that_comes_late_is_read(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    made = {}
    for minutes in (60, 350, 370):
        talk = desk.conversation(at=ago(days=9))
        at = ago(minutes=minutes)
        made[minutes] = talk, desk.call(talk, transcript=False, at=at)
    streams = (TRANSCRIPTS, "conversation_items")
    first = gladly.tap.run(*streams, state=state_of(ago(hours=8)))
    assert_read(first, gladly, ago(hours=8))
    assert not first.records[TRANSCRIPTS]
    assert len(first.records["conversation_items"]) == 3
    assert not first.warnings
    for talk, call in made.values():
        owner = desk.conversations[talk]["customerId"]
        desk.transcripts[call] = {"conversationItemId": call, "customerId": owner, "paragraphs": []}
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(*streams, state=first.state)
    # Nothing happened to the conversations: what is younger than six hours is looked at.
    assert_read(second, gladly, asked_events(gladly)[0] + LOOKBACK - OVERLAP)
    assert second.ids(TRANSCRIPTS, "conversationItemId") == [made[350][1], made[60][1]]
    assert not second.records["conversation_items"]
    assert not besides_retries(second)


def test_a_transcript_that_cannot_be_read_leaves_the_others(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talk = desk.conversation(desk.customer(at=ago(days=3)), at=ago(days=3))
    first, refused, last = (desk.call(talk, at=ago(hours=hours)) for hours in (9, 8, 7))
    path = f"{API}/conversation-items/{refused}/voice-transcript"
    answers = ({"status": 422}, 1), ({"status": 200, "body": b"[]"}, 3)
    for answer, tries in answers:
        answer_of: t.Any = answer
        fault = gladly.sandbox.faults.add(path=path, times=None, **answer_of)
        gladly.sandbox.traffic.clear()
        run = gladly.tap.run(TRANSCRIPTS, state=state_of(ago(hours=10)))
        gladly.sandbox.faults.remove(fault)
        assert run.returncode == 0, run.log
        assert run.ids(TRANSCRIPTS, "conversationItemId") == [first, last]
        [error] = besides_retries(run)
        assert words_of(error).startswith(
            f"The transcript of the call {refused} cannot be read, and is left out. "
        )
        assert "/conversation-items/{itemId}/voice-transcript" in error
        # At once: it puts nothing in doubt.
        assert fault.hits == tries
        assert run.bookmark(TRANSCRIPTS) == written(asked_events(gladly)[1])


def test_attributes_alone_are_never_met(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.set_attribute(desk.conversation(at=ago(hours=2)), "order", at=ago(hours=1))
    run = gladly.tap.run(ATTRIBUTES, "agents", state=state_of(ago(hours=3)))
    assert run.returncode == 0, run.log
    assert not run.records[ATTRIBUTES]
    assert asked(gladly) == ["agents"]
    [warning] = run.warnings
    assert words_of(warning) == (
        "Custom attributes are met on conversations, of which no stream is selected: select "
        "conversations as well"
    )


def test_what_another_says_is_not_there_is_read_when_it_is(start: Start, impatient: str) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    calls, attributes = [], []
    for number in range(12):
        talk = desk.conversation(at=ago(days=9))
        calls.append(desk.call(talk, at=ago(hours=9, minutes=number)))
        attributes.append(desk.set_attribute(talk, f"key {number}", at=ago(hours=9)))
    for path in (
        *(f"conversation-items/{each}/voice-transcript" for each in calls),
        *(f"custom-attributes/{each}" for each in attributes[:9]),
    ):
        gladly.sandbox.faults.add(
            path=f"{API}/{path}", times=None, status=404, body={"no": "route"}
        )
    tap = Tap(impatient, gladly.tap.config)
    first = tap.run(TRANSCRIPTS, ATTRIBUTES, state=state_of(ago(hours=10)))
    assert_ended(first, "not in the form in which Gladly says", TRANSCRIPTS)
    assert not first.records[TRANSCRIPTS]
    assert set(first.ids(ATTRIBUTES)) == set(attributes[9:])
    gladly.sandbox.faults.clear()
    second = tap.run(TRANSCRIPTS, ATTRIBUTES, state=first.state)
    assert second.returncode == 0, second.log
    assert set(second.ids(TRANSCRIPTS, "conversationItemId")) == set(calls)
    assert set(second.ids(ATTRIBUTES)) == set(attributes)
    assert "unread" not in json.dumps(second.state)


def test_conversations_without_calls_say_nothing_of_the_transcripts_of_others(
    start: Start, impatient: str
) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    calls = []
    for number in range(3):
        talk, other = (desk.conversation(at=ago(days=9)) for _ in range(2))
        calls.append(desk.call(talk, at=ago(hours=9, minutes=2 * number)))
        desk.message(other, at=ago(hours=9, minutes=2 * number + 1))
    for call in calls:
        path = f"{API}/conversation-items/{call}/voice-transcript"
        gladly.sandbox.faults.add(path=path, times=None, status=404, body={"no": "route"})
    tap = Tap(impatient, gladly.tap.config)
    first = tap.run(TRANSCRIPTS, "agents", state=state_of(ago(hours=10)))
    assert_ended(first, "not in the form in which Gladly says", TRANSCRIPTS)
    gladly.sandbox.faults.clear()
    second = tap.run(TRANSCRIPTS, state=first.state)
    assert second.returncode == 0, second.log
    assert set(second.ids(TRANSCRIPTS, "conversationItemId")) == set(calls)


def test_ten_attributes_that_stay_faulty_are_no_accident(start: Start, impatient: str) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talk = desk.conversation(at=ago(days=9))
    attributes = [desk.set_attribute(talk, f"key {n}", at=ago(hours=1)) for n in range(10)]
    for each in attributes:
        path = f"{API}/custom-attributes/{each}"
        gladly.sandbox.faults.add(path=path, times=None, status=200, body=b"{}")
    tap = Tap(impatient, gladly.tap.config)
    first = tap.run("conversations", ATTRIBUTES, state=state_of(ago(hours=2)))
    assert_ended(first, "without a record", ATTRIBUTES)
    gladly.sandbox.faults.clear()
    second = tap.run("conversations", ATTRIBUTES, state=first.state)
    assert set(second.ids(ATTRIBUTES)) == set(attributes)
