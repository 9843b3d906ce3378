"""Conversations and the lists of a customer's conversations: their current state, and their end."""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from datetime import timedelta

import pytest

from tests.expected import expected
from tests.gladly.desk_truth import (
    EMPTY,
    OVERLAP,
    asked,
    asked_events,
    assert_ended,
    assert_read,
    assert_records,
    changed,
    state_of,
    words_of,
)
from tests.gladly.truth import API, ago, besides_retries, readable, written
from tests.sandbox.gladly.timestamps import nanos

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Run
    from tests.sandbox.faults import Fault

STREAM = "conversations"
LISTS = "customer_conversations"


def test_every_conversation_comes_as_it_is(start: Start) -> None:
    gladly = start(**EMPTY, conversations=30)
    desk = gladly.sandbox.desk
    for number, each in enumerate(list(desk.conversations)):
        desk.note(each, at=ago(hours=20, minutes=-number))
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=21)))
    assert_read(run, gladly, ago(hours=21) - OVERLAP)
    assert len(run.records[STREAM]) == 30
    assert run.keys[STREAM] == ["id"]
    properties = set(run.schemas[STREAM]["properties"])
    assert {name for each in run.records[STREAM] for name in each} == properties - {
        "_extra",
        "_sdc_deleted_at",
    }
    assert not run.warnings


def test_what_is_no_longer_set_goes_away(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    task = desk.task(at=ago(hours=9))
    desk.assign_task(task, at=ago(hours=8))
    desk.close_task(task, at=ago(hours=7))
    talk = desk.conversation(at=ago(hours=9))
    desk.add_topic(talk, at=ago(hours=8))
    desk.assign(talk, at=ago(hours=7))
    desk.set_attribute(talk, "order", "1", at=ago(hours=7))
    desk.set_attribute(talk, "order", "2", at=ago(hours=7))
    desk.close(talk, at=ago(hours=6))
    bookmark = ago(hours=10)
    first = gladly.tap.run(STREAM, "tasks", state=state_of(bookmark))
    assert_read(first, gladly, bookmark)
    assert first.records["tasks"][0]["status"] == "CLOSED"
    assert "agentId" in first.records["tasks"][0]["assignee"]
    [record] = first.records[STREAM]
    assert {"agentId", "closedAt"} <= set(record)
    assert [each["value"] for each in record["customAttributes"]] == ["1", "2"]
    desk.assign(talk, agent_id=False, at=ago(minutes=5))
    desk.reopen(talk, at=ago(minutes=4))
    desk.clear_attribute(talk, "order", at=ago(minutes=3))
    desk.remove_topic(talk, at=ago(minutes=2))
    desk.reopen_task(task, at=ago(minutes=4))
    desk.assign_task(task, agent_id=False, at=ago(minutes=3))
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(STREAM, "tasks", state=state_of(ago(hours=1)))
    assert_read(second, gladly, ago(hours=1))
    assert second.records["tasks"][0]["status"] == "OPEN"
    assert set(second.records["tasks"][0]["assignee"]) == {"inboxId"}
    [record] = second.records[STREAM]
    assert not {"agentId", "closedAt"} & set(record)
    assert (record["status"], record["topicIds"]) == ("OPEN", [])
    assert [each["value"] for each in record["customAttributes"]] == ["2"]


def test_what_is_gone_says_so(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talks = [
        desk.conversation(desk.customer(at=ago(hours=9)), at=ago(hours=8 - number))
        for number in range(4)
    ]
    gone = [talks[1], talks[2]]
    for each in gone:
        del desk.conversations[each]
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=10)))
    assert_read(run, gladly, ago(hours=10))
    for each in gone:
        record = run.by_id(STREAM)[each]
        assert set(record) == {"id", "changedAt", "_sdc_deleted_at"}
        assert written(ago(minutes=1)) < record["_sdc_deleted_at"] <= written(ago(seconds=0))
    assert "conversations: 2 of 4 are not there (any more)" in run.log
    assert not run.warnings


def test_an_unknown_member_is_kept(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talk = desk.conversation(at=ago(hours=9))
    desk.conversations[talk] = {**desk.conversations[talk], "mood": ["good"]}
    run = gladly.tap.run(STREAM, LISTS, state=state_of(ago(hours=10)))
    assert run.returncode == 0, run.log
    for stream in (STREAM, LISTS):
        assert run.by_id(stream)[talk]["_extra"] == {"mood": ["good"]}
    assert len(run.warnings) == 2


def test_the_conversations_of_a_customer_are_listed(start: Start) -> None:
    gladly = start(**EMPTY, conversations=30)
    desk = gladly.sandbox.desk
    # Nothing of the conversations changed.
    for number, each in enumerate(list(desk.customers)):
        desk.update_customer(each, at=ago(hours=20, minutes=-number))
    bookmark = ago(hours=21)
    run = gladly.tap.run(LISTS, STREAM, state=state_of(bookmark))
    ids = changed(gladly, "customer", bookmark)
    truth = [
        {**each, "changedAt": at}
        for customer, at in ids.items()
        for each in sorted(desk.conversations.of(customer), key=lambda one: nanos(one["createdAt"]))
    ]
    assert_records(run, LISTS, truth)
    assert len(truth) == 30
    assert sorted(asked(gladly, "customers/")) == sorted(f"{each}/conversations" for each in ids)
    assert not run.records[STREAM]
    assert not run.warnings


def test_a_list_that_is_cut_is_named(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    many, enough = (desk.customer(at=ago(days=3)) for _ in range(2))
    for customer, count in ((many, 101), (enough, 100)):
        for number in range(count):
            desk.conversation(customer, at=ago(days=2, minutes=number))
        desk.update_customer(customer, at=ago(hours=2))
    run = gladly.tap.run(LISTS, state=state_of(ago(hours=3)))
    assert run.returncode == 0, run.log
    assert len(run.records[LISTS]) == 200
    [warning] = run.warnings
    assert f"Gladly lists 100 conversations of the customer {many} and no more" in warning


@pytest.mark.parametrize("answer", ["moved", "missing", "empty"])
def test_the_lists_of_who_was_merged_are_those_of_who_is_left(
    start: Start, answer: t.Literal["moved", "missing", "empty"]
) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.merged_lists = answer
    first, second, last = (desk.customer(at=ago(days=3)) for _ in range(3))
    for customer in (first, second, last):
        desk.conversation(customer, at=ago(days=2))
        desk.close(desk.conversation(customer, at=ago(days=2)), at=ago(days=2))
        desk.task(customer, at=ago(days=2))
    desk.merge(first, second, at=ago(hours=30))
    desk.merge(second, last, at=ago(hours=3))
    bookmark = ago(hours=40)
    streams = (LISTS, STREAM, "conversation_items", "tasks", "task_comments")
    run = gladly.tap.run(*streams, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP, streams[1:])
    listed = [each for each in run.records[LISTS] if "_sdc_deleted_at" not in each]
    assert {each["customerId"] for each in listed} == {last}
    # Of the newest that were open, one is left.
    assert len(listed) == 4
    assert {each["id"] for each in listed} == {each["id"] for each in desk.conversations.of(last)}
    assert len(run.ids(LISTS)) == 6
    assert {each["customerId"] for each in run.records["tasks"]} == {last}
    assert len(run.ids("tasks")) == 3


def test_credentials_that_end_on_the_way_end_the_run(start: Start) -> None:
    gladly = start(**EMPTY)
    desk, bookmark = gladly.sandbox.desk, ago(hours=2)
    talk, refused = (desk.conversation(at=ago(minutes=age)) for age in (60, 50))
    gladly.sandbox.faults.add(path=f"{API}/conversations/{refused}", status=401)
    run = gladly.tap.run(STREAM, state=state_of(bookmark))
    assert_ended(run, "401", "credentials")
    assert refused not in run.log
    # The state is of what was written.
    [record] = run.records[STREAM]
    assert record["id"] == talk
    assert run.bookmark(STREAM) == record["changedAt"]
    assert run.state["bookmarks"][STREAM]["window_start"] == written(bookmark - OVERLAP)


def test_a_redirect_that_names_nobody_ends_the_run(start: Start) -> None:
    gladly, other = start(**EMPTY), start(**EMPTY)
    customer = gladly.sandbox.desk.customer(at=ago(hours=1))
    path = f"{API}/customer-profiles/{customer}"
    errors = {"errors": [{"code": "moved", "attr": "customerId", "detail": "changed"}]}
    gladly.sandbox.faults.add(path=path, status=301, body=errors)
    run = gladly.tap.run("customer_profiles", state=state_of(ago(hours=2)))
    assert_ended(run, "301", "/customer-profiles/{customerId}", "does not follow")
    gladly.sandbox.faults.add(path=path, redirect=f"{other.sandbox.url}{path}")
    run = gladly.tap.run("customer_profiles", state=state_of(ago(hours=2)))
    assert_ended(run, "302", "/customer-profiles/{customerId}", "does not follow")
    assert other.sandbox.traffic.count() == 0


REFUSALS = (400, 409, 410, 422)
"""What may be answered for a single id."""


NAMED = re.compile(
    r"(\w+: the \w+ \S+ cannot be read, and is (?:left out|asked for again by the next run)\.) (.+)"
)


def passed_over(run: Run) -> list[tuple[str, str]]:
    """What the log names that cannot be read, in its order, each sentence with its reason."""
    errors = [each for each in run.warnings if "| ERROR" in each]
    found = [NAMED.fullmatch(words_of(each)) for each in errors]
    return [(each[1], each[2]) for each in found if each]


def left_out(stream: str, kind: str, each: str) -> str:
    """The sentence that names what is left out."""
    return f"{stream}: the {kind} {each} cannot be read, and is left out."


def put_off(stream: str, kind: str, each: str) -> str:
    """The sentence that names what the next run asks for again."""
    return f"{stream}: the {kind} {each} cannot be read, and is asked for again by the next run."


def refuse(gladly: Gladly, *talks: str, times: int | None = None) -> list[Fault]:
    """Let these conversations not be given, however often they are asked for."""
    return [
        gladly.sandbox.faults.add(path=f"{API}/conversations/{each}", times=times, status=400)
        for each in talks
    ]


def talks_in_a_row(gladly: Gladly, count: int) -> list[str]:
    """So many conversations that changed one after the other, from two hours ago on."""
    desk = gladly.sandbox.desk
    return [desk.conversation(at=ago(hours=2, minutes=-number)) for number in range(count)]


def test_what_cannot_be_read_is_named_and_passed_over(start: Start) -> None:
    gladly = start(**EMPTY)
    desk, faults = gladly.sandbox.desk, gladly.sandbox.faults
    talks = [desk.conversation(at=ago(hours=2, minutes=-number)) for number in range(10)]
    answers: list[dict[str, t.Any]] = [
        *({"status": status} for status in REFUSALS),
        *({"status": 200, "body": body} for body in (b"[]", b"7", b'"text"', b"null")),
    ]
    for talk, answer in zip(talks, answers, strict=False):
        faults.add(path=f"{API}/conversations/{talk}", times=None, **answer)
    # Of lists, another shape; the last but one is as it should be, and one is not there.
    shapes = [{"status": 200, "body": body} for body in (b"{}", b'{"value": 3}', b"[1]", b"7")]
    for talk, answer in zip(talks, [*answers[:4], *shapes], strict=False):
        faults.add(path=f"{API}/conversations/{talk}/items", times=None, **answer)
    del desk.conversations[talks[9]]
    customers = [desk.customer(at=ago(hours=1, minutes=-number)) for number in range(3)]
    tasks = [desk.task(customers[2], at=ago(hours=1, minutes=-number)) for number in range(3)]
    faults.add(path=f"{API}/customer-profiles/{customers[1]}", times=None, status=422)
    faults.add(path=f"{API}/tasks/{tasks[0]}", times=None, status=200, body=b"[]")
    faults.add(path=f"{API}/tasks/{tasks[2]}/comments", times=None, status=409)
    streams = (STREAM, "conversation_items", "customer_profiles", "tasks", "task_comments")
    run = gladly.tap.run(*streams, state=state_of(ago(hours=3)))
    assert run.returncode == 0, run.log
    assert run.ids(STREAM) == talks[8:]
    assert run.ids("tasks") == tasks[1:]
    assert customers[1] not in run.ids("customer_profiles")
    assert {customers[0], customers[2]} <= set(run.ids("customer_profiles"))
    named = passed_over(run)
    assert [each for each, _ in named] == [
        *(left_out(STREAM, "conversation", each) for each in talks[:8]),
        *(left_out("conversation_items", "conversation", each) for each in talks[:8]),
        left_out("customer_profiles", "customer", customers[1]),
        left_out("tasks", "task", tasks[0]),
        # The last of its stream: no other was read since.
        put_off("task_comments", "task", tasks[2]),
    ]
    reasons = [reason for _, reason in named]
    for status, *of_streams in zip(REFUSALS, reasons[:4], reasons[8:12], strict=True):
        for reason in of_streams:
            assert f" with HTTP {status}, it says: " in reason
            assert reason.endswith(": ask Gladly support about it.")
    for reason in reasons[4:8]:
        assert "/conversations/{conversationId} without a record" in reason
    for reason in reasons[12:16]:
        assert "/conversations/{conversationId}/items without a list of records" in reason
    assert "Gladly answers /customer-profiles/{customerId} with HTTP 422" in reasons[16]
    assert "/tasks/{taskId} without a record" in reasons[17]
    assert "Gladly answers /tasks/{taskId}/comments with HTTP 409" in reasons[18]
    # Each is asked once more when another can be read; what is gone says nothing of the others.
    # What is wrong in itself, and no refusal, is tried three times when it is asked for.
    asked_for = Counter(asked(gladly, "conversations/"))
    assert [asked_for[each] for each in talks] == [2] * 4 + [6] * 4 + [1, 1]
    assert [asked_for[f"{each}/items"] for each in talks] == [2] * 4 + [6] * 4 + [1, 0]
    assert Counter(asked(gladly, "tasks/"))[f"{tasks[2]}/comments"] == 1
    assert len(besides_retries(run)) == len(named)
    end = written(asked_events(gladly)[1])
    assert {run.bookmark(stream) for stream in streams[:-1]} == {end}
    at = changed(gladly, "task", ago(hours=3))
    assert run.bookmark("task_comments") == at[tasks[1]]
    kept = {stream for stream, each in run.state["bookmarks"].items() if "window_start" in each}
    assert kept == {"task_comments"}


def test_what_cannot_be_read_on_the_way_is_passed_over_too(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.caps = {**desk.caps, "items": 1, "comments": 1}
    answers: list[dict[str, t.Any]] = [{"status": 410}, {"status": 200, "body": b"7"}]
    named, faults, talks, tasks = [], [], [], []
    # Of the attributes one can be read.
    readable = desk.conversation(desk.customer(at=ago(days=9)), at=ago(hours=2, minutes=5))
    desk.set_attribute(readable, "readable", at=ago(hours=2, minutes=4))
    for number, answer in enumerate(answers):
        at = ago(hours=2, minutes=-number)
        customer = desk.customer(at=ago(days=9))
        talk, task = desk.conversation(customer, at=at), desk.task(customer, at=at)
        # The second one is beyond the cap.
        _, item = (desk.note(talk, at=at + timedelta(minutes=each)) for each in (2, 4))
        _, comment = (desk.comment(task, at=at + timedelta(minutes=each)) for each in (2, 4))
        attribute = desk.set_attribute(talk, f"key {number}", at=at + timedelta(minutes=6))
        desk.merge(desk.customer(at=ago(days=9)), customer, at=at + timedelta(minutes=8))
        for each, path in (
            (item, f"conversation-items/{item}"),
            (comment, f"tasks/{task}/comments/{comment}"),
            (attribute, f"custom-attributes/{attribute}"),
            (customer, f"customers/{customer}/conversations"),
        ):
            named.append(each)
            faults.append(gladly.sandbox.faults.add(path=f"{API}/{path}", times=None, **answer))
        talks.append(talk)
        tasks.append(task)
    streams = (STREAM, "conversation_items", "tasks", "task_comments", "custom_attributes")
    run = gladly.tap.run(*streams, state=state_of(ago(hours=3)))
    # Else it would stop every run at the same place.
    assert run.returncode == 0, run.log
    assert [each.hits for each in faults] == [1] * 4 + [3] * 4
    assert run.ids(STREAM) == [readable, *talks]
    assert run.ids("tasks") == tasks
    for each in named:
        assert any(each in warning for warning in run.warnings), each


@pytest.mark.parametrize("in_a_row", [9, 10])
def test_so_many_in_a_row_are_something_else(start: Start, in_a_row: int) -> None:
    gladly = start(**EMPTY)
    talks = talks_in_a_row(gladly, 21)
    # Nine, one that is read, and nine or ten.
    last = talks[10 : 10 + in_a_row]
    refuse(gladly, *talks[:9], *last)
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=3)))
    named = [left_out(STREAM, "conversation", each) for each in talks[:9]]
    asked_for = Counter(asked(gladly, "conversations/"))
    assert [asked_for[each] for each in talks[:10]] == [2] * 9 + [1]
    if in_a_row == 9:
        assert run.returncode == 0, run.log
        named += [left_out(STREAM, "conversation", each) for each in last]
        assert run.ids(STREAM) == [talks[9], *talks[19:]]
        assert run.bookmark(STREAM) == written(asked_events(gladly)[1])
    else:
        assert_ended(run, "/conversations/{conversationId} with HTTP 400, it says: ")
        assert run.last_word.endswith(": ask Gladly support about it.")
        assert run.ids(STREAM) == [talks[9]]
        # All of the last ones are asked for again.
        at = changed(gladly, "conversation", ago(hours=3))
        assert run.bookmark(STREAM) == at[talks[9]]
        assert "window_start" in run.state["bookmarks"][STREAM]
    assert [each for each, _ in passed_over(run)] == named


@pytest.mark.parametrize("count", [1, 9, 12])
def test_if_none_can_be_read_none_is_lost(start: Start, count: int) -> None:
    gladly = start(**EMPTY)
    talks, bookmark = talks_in_a_row(gladly, count), ago(hours=3)
    refuse(gladly, *talks)
    # What is gone says nothing of the others.
    gone = gladly.sandbox.desk.conversation(at=ago(hours=2, minutes=30))
    del gladly.sandbox.desk.conversations[gone]
    run = gladly.tap.run(STREAM, state=state_of(bookmark))
    assert_ended(run, "/conversations/{conversationId} with HTTP 400")
    assert run.ids(STREAM) == [gone]
    assert not passed_over(run)
    at = changed(gladly, "conversation", bookmark)
    assert run.bookmark(STREAM) == at[gone]
    assert run.state["bookmarks"][STREAM]["window_start"] == written(bookmark - OVERLAP)
    # So it is with nothing at all before it.
    gladly.sandbox.traffic.clear()
    unmoved = ago(hours=2, minutes=20)
    run = gladly.tap.run(STREAM, state=state_of(unmoved))
    assert_ended(run, "/conversations/{conversationId} with HTTP 400")
    assert not run.records[STREAM]
    # Though there was no record, the last state is of this run.
    assert run.bookmark(STREAM) == written(unmoved)
    assert run.state["bookmarks"][STREAM]["window_start"] == written(unmoved - OVERLAP)
    gladly.sandbox.faults.clear()
    gladly.sandbox.traffic.clear()
    again = gladly.tap.run(STREAM, state=run.state)
    assert again.returncode == 0, again.log
    assert again.ids(STREAM) == talks
    assert again.bookmark(STREAM) == written(asked_events(gladly)[1])


def test_one_that_can_be_read_and_then_none_loses_none(start: Start) -> None:
    gladly = start(**EMPTY)
    talks = talks_in_a_row(gladly, 6)
    refuse(gladly, *talks[1:])
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=3)))
    assert run.returncode == 0, run.log
    assert run.ids(STREAM) == talks[:1]
    assert [each for each, _ in passed_over(run)] == [
        put_off(STREAM, "conversation", each) for each in talks[1:]
    ]
    assert len(run.warnings) == len(talks) - 1
    at = changed(gladly, "conversation", ago(hours=3))
    assert run.bookmark(STREAM) == at[talks[0]]
    assert "window_start" in run.state["bookmarks"][STREAM]
    gladly.sandbox.faults.clear()
    gladly.sandbox.traffic.clear()
    again = gladly.tap.run(STREAM, state=run.state)
    assert again.returncode == 0, again.log
    # The first one once more, being of the overlap.
    assert [each for each in again.ids(STREAM) if each != talks[0]] == talks[1:]
    assert again.bookmark(STREAM) == written(asked_events(gladly)[1])
    assert "window_start" not in again.state["bookmarks"][STREAM]


def test_what_is_given_when_it_is_asked_once_more_is_not_left_out(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talks = talks_in_a_row(gladly, 6)
    once = refuse(gladly, *talks[1:3], talks[4], times=1)
    refuse(gladly, talks[3])
    run = gladly.tap.run(STREAM, state=state_of(ago(hours=3)))
    assert run.returncode == 0, run.log
    assert [each.hits for each in once] == [1] * 3
    assert run.ids(STREAM) == [talks[0], talks[5], *talks[1:3], talks[4]]
    assert [each for each, _ in passed_over(run)] == [left_out(STREAM, "conversation", talks[3])]
    at = changed(gladly, "conversation", ago(hours=3))
    for each, record in run.by_id(STREAM).items():
        assert record == expected(
            readable({**desk.conversations[each], "changedAt": at[each]}), run.schemas[STREAM]
        )
    assert run.bookmark(STREAM) == written(asked_events(gladly)[1])


@pytest.mark.parametrize(
    ("columns", "streams"),
    [
        ({"ContactTimestampsReport": "Conversation ID"}, (STREAM,)),
        ({"ConversationTimestampsReport": "Customer ID"}, ("customer_profiles",)),
        ({"TaskTimestampsReport": "Task ID"}, ("tasks",)),
        ({"TaskTimestampsReport": "Timestamp"}, ("tasks",)),
    ],
    ids=str,
)
def test_a_report_that_does_not_tell_ends_the_run(
    start: Start, columns: dict[str, str], streams: tuple[str, ...]
) -> None:
    gladly = with_rows(start, columns)
    run = gladly.tap.run(*streams, state=state_of(ago(hours=60)))
    [(metric_set, column)] = columns.items()
    name = column.lower().replace(" ", "_")
    assert_ended(run, f"/reports ({metric_set})", f"the columns {name}:")


def with_rows(start: Start, columns: dict[str, str]) -> Gladly:
    """An account with rows of all kinds, some of whose reports lack a column."""
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    customer = desk.customer(at=ago(hours=50))
    desk.message(desk.conversation(customer, at=ago(hours=50)), at=ago(hours=49))
    desk.comment(desk.task(customer, at=ago(hours=50)), at=ago(hours=49))
    for metric_set, column in columns.items():
        rows = gladly.sandbox.reports.rows(metric_set)
        assert rows
        gladly.sandbox.reports.set(
            metric_set, [{key: each for key, each in row.items() if key != column} for row in rows]
        )
    return gladly


def test_a_report_needs_no_column_of_what_is_not_read(start: Start) -> None:
    lacks = {
        "ContactTimestampsReport": "Customer ID",
        "ConversationTimestampsReport": "Customer ID",
    }
    # What a task belongs to is not promised.
    gladly = with_rows(start, {**lacks, "TaskTimestampsReport": "Customer ID"})
    bookmark = ago(hours=60)
    run = gladly.tap.run(STREAM, "tasks", state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert run.records[STREAM]
    assert run.records["tasks"]
    assert not besides_retries(run)
