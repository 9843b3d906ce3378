"""All that the local Gladly serves tells of the same: records, events, reports and export jobs."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.event_types import MEMBERS
from tests.sandbox.gladly.items import as_in_file
from tests.sandbox.gladly.report_sets import SESSIONS
from tests.sandbox.gladly.timestamps import json_of, nanos

Record = dict[str, Any]

ITEMS = "conversation_items.jsonl"

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=[1, 3, 8])
def gladly(request: pytest.FixtureRequest) -> GladlySandbox:
    """Return an account; nothing is asked of it."""
    return GladlySandbox(seed=request.param)


def known(gladly: GladlySandbox) -> dict[str, set[str]]:
    """Return the ids of all that was there at any time, by what events call it."""
    desk, named = gladly.desk, defaultdict(set)
    for event in desk.history:
        content = event["content"]
        if event["type"] == "CONVERSATION/CREATED":
            named["conversationId"].add(content["conversationId"])
        elif event["type"] == "TASK/CREATED":
            named["taskId"].add(content["taskId"])
    return {
        "agentId": {each["id"] for each in gladly.account.agents},
        "topicId": {each["id"] for each in gladly.account.topics},
        "customerId": {*desk.customers, *desk.merged, *desk.deleted},
        "conversationId": {*desk.conversations, *named["conversationId"]},
        "taskId": {*desk.tasks, *named["taskId"]},
    }


def newest(gladly: GladlySandbox, *kinds: str) -> dict[str, Record]:
    """Return the newest event of some types for each conversation or task."""
    found: dict[str, Record] = {}
    for event in gladly.desk.history:
        if event["type"] in kinds:
            content = event["content"]
            found[content.get("taskId") or content["conversationId"]] = event
    return found


def test_every_type_of_event_happens(gladly: GladlySandbox) -> None:
    assert {event["type"] for event in gladly.desk.history} == {*MEMBERS}
    for kind, members in MEMBERS.items():
        contents = [each["content"] for each in gladly.desk.history if each["type"] == kind]
        needed = {each for each in members.split() if not each.endswith("?")}
        allowed = {each.rstrip("?") for each in members.split()}
        assert all(needed <= content.keys() <= allowed for content in contents)
    merges = [each["content"] for each in gladly.desk.history if each["type"] == "CUSTOMER/MERGED"]
    assert {each["sourceConversationId"] == "" for each in merges} == {True, False}


def test_events_name_who_is_there(gladly: GladlySandbox) -> None:
    desk, ids = gladly.desk, known(gladly)
    for event in desk.history:
        content = event["content"]
        for name in ids.keys() & content.keys():
            assert content[name] in ids[name], event
        if content.get("conversationId") in desk.conversations:
            owner = content["customerId"]
            while owner in desk.merged:
                owner = desk.merged[owner]
            assert desk.conversations[content["conversationId"]]["customerId"] == owner
            for name in {"messageId", "noteId"} & content.keys():
                assert desk.items[content[name]]["conversationId"] == content["conversationId"]
        if event["type"].startswith("CONTACT/MESSAGE_") and content["messageId"] in desk.items:
            by = desk.items[content["messageId"]].get("initiator")
            assert by == event["initiator"] or content["channel"] == "EMAIL" or by is None
        if content.get("commentId") in desk.comments:
            assert desk.comments[content["commentId"]]["taskId"] == content["taskId"]
        if "customAttributeId" in content:
            attribute = desk.custom_attributes[content["customAttributeId"]]
            assert attribute["key"] == content["customAttributeKey"]
        if event["type"] == "CUSTOMER/MERGED":
            assert desk.merged[content["sourceCustomerId"]] == content["destinationCustomerId"]
            assert content["sourceConversationId"] not in desk.conversations


def test_the_events_of_the_day_are_of_the_history(gladly: GladlySandbox) -> None:
    served, history = gladly.events.all, gladly.desk.history
    assert 60 < len(served) < len(history)
    assert all(each in history for each in served)
    oldest = min(nanos(each["timestamp"]) for each in served)
    assert len(served) == sum(nanos(each["timestamp"]) >= oldest for each in history)


def test_records_are_as_what_happened_last(gladly: GladlySandbox) -> None:
    desk = gladly.desk
    status = newest(gladly, "CONVERSATION/CREATED", "CONVERSATION/CLOSED", "CONVERSATION/REOPENED")
    for id_, event in status.items():
        if id_ in desk.conversations:
            is_closed = event["type"] == "CONVERSATION/CLOSED"
            assert (desk.conversations[id_]["status"] == "CLOSED") == is_closed
    for id_, event in newest(gladly, "CONVERSATION_ASSIGNEE/UPDATED").items():
        if id_ in desk.conversations:
            has = desk.conversations[id_]
            assert event["content"]["assignee"] == {
                name: has[name] for name in ("inboxId", "agentId") if name in has
            }
    done = newest(gladly, "TASK/CREATED", "TASK/CLOSED", "TASK/REOPENED")
    for id_, event in done.items():
        if id_ in desk.tasks:
            assert (desk.tasks[id_]["status"] == "CLOSED") == (event["type"] == "TASK/CLOSED")


def test_reports_have_a_row_for_each_event(gladly: GladlySandbox) -> None:
    of_reports = {
        "ConversationTimestampsReport": ("CONVERSATION", "CONVERSATION_ASSIGNEE", "CUSTOMER"),
        "ContactTimestampsReport": ("CONTACT", "PAYMENT_REQUEST"),
        "TaskTimestampsReport": ("TASK",),
        "AgentTimestampsReport": ("AGENT_STATUS", "AGENT_AVAILABILITY"),
    }
    for metric_set, entities in of_reports.items():
        wanted = Counter(
            event["timestamp"]
            for event in gladly.desk.history
            if event["type"].partition("/")[0] in entities
        )
        rows = gladly.reports.rows(metric_set)
        assert Counter(row["Timestamp"] for row in rows) == wanted
        # Two equal events of one instant are two equal rows.
        assert max(Counter(tuple(row.items()) for row in rows).values()) == 2


def test_reports_agree_with_records_and_with_each_other(gladly: GladlySandbox) -> None:
    desk, rows = gladly.desk, gladly.reports.rows
    exported = {row["Conversation ID"]: row for row in rows("ConversationExportReport")}
    contacts = {row["Contact ID"]: row for row in rows("ContactExportReportV3")}
    begun = {
        event["content"]["conversationId"]
        for event in desk.history
        if event["type"] == "CONVERSATION/CREATED"
    }
    gone = {
        event["content"]["sourceConversationId"]
        for event in desk.history
        if event["type"] == "CUSTOMER/MERGED"
    } - {""}
    assert begun & desk.conversations.keys() <= exported.keys() <= begun
    assert {id_ for id_, row in exported.items() if row["Status"] == "MERGED"} == gone
    theirs = Counter(row["Conversation ID"] for row in contacts.values())
    for id_, row in exported.items():
        assert row["Count of Contacts"] == str(theirs[id_])
        assert (row["First Closed At"] == "") == (row["Times Closed"] == "0")
        if id_ in desk.conversations:
            record = desk.conversations[id_]
            assert row["Customer ID"] == record["customerId"]
            assert (row["Status"] == "CLOSED") == (record["status"] == "CLOSED")
            assert row["Inbox ID - Current"] == record["inboxId"]
            assert row["Assigned Agent ID - Current"] == record.get("agentId", "")
    sessions = rows(SESSIONS)
    assert {row["contact_session_id"] for row in sessions} == contacts.keys()
    assert {row["status"] for row in sessions} == {"ACTIVE", "ANSWERED", "ABANDONED"}
    keys = [(row["contact_session_id"], row["agent_id"]) for row in sessions]
    assert len(contacts) < len({*keys}) == len(keys)
    named = Counter(row["Contact ID"] for row in rows("ContactTimestampsReport"))
    assert contacts.keys() <= named.keys()
    tasks = {row["Task ID"]: row for row in rows("TaskExportReport")}
    for id_, task in tasks.items():
        assert task["Status"] == desk.tasks[id_]["status"]
        assert task["Count of Comments"] == str(len(desk.comments.of(id_)))
    # Not everything is closed, or opened again, or answered in time.
    closed = [row for row in exported.values() if row["Times Closed"] != "0"]
    again = [row for row in closed if row["Times Reopened"] != "0"]
    assert 0 < len(again) < len(closed) < len(exported)
    assert {row["within_sla"] for row in sessions} == {"", "true", "false"}
    fulfilled = {row["Fulfilled by Contact ID"] for row in rows("ContactTimestampsReport")}
    assert {""} < fulfilled <= {"", *contacts}


def items_of(gladly: GladlySandbox) -> Iterator[tuple[Record, Record]]:
    """Yield the items of export files, each with what it was made from."""
    for _, line in gladly.exports.records(ITEMS):
        if line["id"] in gladly.desk.items:
            yield line, gladly.desk.items[line["id"]]


def test_export_files_have_what_is_read_by_id(gladly: GladlySandbox) -> None:
    desk, jobs = gladly.desk, gladly.exports.jobs
    pairs = list(items_of(gladly))
    for line, item in pairs:
        moved: Record = {
            name: line[name] for name in ("customerId", "conversationId") if name in line
        }
        assert json_of({**as_in_file(item), **moved}) == json_of(line)
    first, last = nanos(jobs[0].start_at), nanos(jobs[-1].end_at)
    ids = {id_ for id_, item in desk.items.items() if first <= nanos(item["timestamp"]) < last}
    assert {line["id"] for line, _ in pairs} == ids
    people = {line["id"]: line for _, line in gladly.exports.records("customers.jsonl")}
    assert people.keys() <= {*desk.customers, *desk.merged, *desk.deleted}
    for job in jobs:
        lines = [line for each, line in gladly.exports.records(ITEMS) if each is job]
        named = [
            line["id"] for each, line in gladly.exports.records("customers.jsonl") if each is job
        ]
        assert len(named) == len({*named})
        assert {line["customerId"] for line in lines} >= {*named}


def test_quick_replies_answer_requests(gladly: GladlySandbox) -> None:
    replies = [
        item["content"]["messageData"]["requestMessageId"]
        for item in gladly.desk.items.values()
        if item["content"].get("messageType") == "QUICK_REPLY_RESPONSE"
        and nanos(item["timestamp"]) > nanos("2026-06-01T00:00:00Z")
    ]
    assert replies
    for id_ in replies:
        assert gladly.desk.items[id_]["content"]["messageType"] == "QUICK_REPLY_REQUEST"
