"""What happens at the local Gladly is served, and told by events, by reports and in the log."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.gladly import Change, GladlySandbox
from tests.sandbox.gladly.event_types import MEMBERS
from tests.sandbox.gladly.timestamps import nanos, of
from tests.sandbox_selftest.gladly_client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Record = dict[str, Any]

NOW = datetime.now(timezone.utc).replace(microsecond=0)
REPORTS = ("ConversationTimestampsReport", "ContactTimestampsReport", "TaskTimestampsReport")
NAMES = {
    "Conversation ID": ("conversationId", "destinationConversationId"),
    "Customer ID": ("customerId", "destinationCustomerId"),
    "Merged Customer ID": ("sourceCustomerId",),
    "Merged Conversation ID": ("sourceConversationId",),
    "Task ID": ("taskId",),
    "Contact ID": ("contactId",),
    "Channel": ("channel",),
    "Topic ID": ("topicId",),
}


class Quiet(Client):
    """Asks a sandbox whose reports are empty, and where nothing has happened today."""

    def __init__(self, gladly: GladlySandbox) -> None:
        super().__init__(gladly)
        for name in REPORTS:
            gladly.reports.rows(name)
            gladly.reports._table(name).rows.clear()  # noqa: SLF001 - else its columns go too

    def rows(self) -> list[tuple[str, dict[str, str]]]:
        """Return the rows of all three reports."""
        return [(name, row) for name in REPORTS for row in self.gladly.reports.rows(name)]

    def last(self, kind: str) -> Record:
        """Return the content of the newest event of a type."""
        found = [one for one in self.gladly.events.all if one["type"] == kind]
        content: Record = found[-1]["content"]
        return content


@pytest.fixture
def quiet() -> Iterator[Quiet]:
    with GladlySandbox(days=0, history_days=1, seed=11) as gladly:
        yield Quiet(gladly)


def everything(gladly: GladlySandbox) -> None:
    """Let everything happen once, at times that differ."""
    desk = gladly.desk
    customer, other = desk.customer(), desk.customer(emails=[])
    desk.update_customer(customer, name="Jane")
    talk = desk.conversation(customer, at=NOW - timedelta(minutes=9, microseconds=7))
    desk.message(talk, "EMAIL")
    desk.message(talk, inbound=False, at=NOW - timedelta(minutes=8))
    desk.note(talk)
    desk.add_topic(talk)
    desk.remove_topic(talk)
    desk.assign(talk)
    desk.set_attribute(talk, "a new key")
    desk.clear_attribute(talk, "a new key")
    desk.call(talk)
    desk.close(talk)
    desk.reopen(talk)
    task = desk.task(customer)
    desk.comment(task)
    desk.assign_task(task)
    desk.edit_task(task)
    desk.close_task(task)
    desk.reopen_task(task)
    desk.conversation(other)
    desk.merge(customer, other)
    desk.delete(other)


def test_events_rows_and_log_agree(quiet: Quiet) -> None:
    gladly = quiet.gladly
    everything(gladly)
    events = gladly.events.all
    assert quiet.events(NOW - timedelta(hours=1)) == events
    named: Counter[Change] = Counter()
    told: Counter[tuple[str, str]] = Counter()
    for event in events:
        kind, content, at = event["type"], event["content"], nanos(event["timestamp"])
        assert set(content) <= {one.rstrip("?") for one in MEMBERS[kind].split()}
        assert set(content) >= {one for one in MEMBERS[kind].split() if not one.endswith("?")}
        for member, value in content.items():
            for what in ("conversation", "customer", "task"):
                if member.lower().endswith(f"{what}id") and value:
                    named[Change(at, what, value, kind)] += 1
        told[event["timestamp"], kind] += 1
        if kind.startswith("CUSTOMER_PROFILE/"):
            told[event["timestamp"], kind] -= 1
    log = Counter(one for one in gladly.desk.log if not one.why.endswith(" moved"))
    assert log == named
    kinds = {"NOTE/CREATED": "CONVERSATION/NOTE_CREATED"}
    rows = quiet.rows()
    found = Counter(
        (row["Timestamp"], kinds.get(row["Event Type"], row["Event Type"])) for _, row in rows
    )
    assert found == +told
    for name, row in rows:
        kind = kinds.get(row["Event Type"], row["Event Type"])
        assert name == report_of(kind)
        [event] = [
            one for one in events if (one["timestamp"], one["type"]) == (row["Timestamp"], kind)
        ]
        for header, members in NAMES.items():
            values = [event["content"][one] for one in members if one in event["content"]]
            assert row.get(header, "") == (values[0] if values else ""), header
        assert row["Initiator ID"] == event["initiator"]["id"]
        assignee = event["content"].get("context", {}).get("assignee", {})
        assert row["Assigned Inbox ID"] == assignee.get("inboxId", "")
        assert row["Assigned Agent ID"] == assignee.get("agentId", "")
    # Nothing is in a report before its hour is over.
    body = {"metricSet": REPORTS[0], "startAt": f"{NOW:%Y-%m-%d}", "endAt": f"{NOW:%Y-%m-%d}"}
    assert quiet.ask("/reports", "POST", json=body).content == b""


def report_of(kind: str) -> str:
    entity = kind.partition("/")[0]
    return REPORTS[{"CONTACT": 1, "TASK": 2}.get(entity, 0)]


def test_conversations(quiet: Quiet) -> None:
    desk = quiet.gladly.desk
    talk = desk.conversation()

    def served() -> Record:
        record: Record = quiet.get(f"/conversations/{talk}")
        return record

    assert served()["status"] == "OPEN"
    assert served().keys().isdisjoint({"agentId", "closedAt", "topicIds", "customAttributes"})
    agent = quiet.gladly.account.agents[2]["id"]
    assert desk.assign(talk, agent_id=agent) == talk
    assert served()["agentId"] == agent
    assert "agentId" not in quiet.last("CONVERSATION_ASSIGNEE/UPDATED")["context"]["assignee"]
    desk.assign(talk)
    assert served()["agentId"] != agent
    assert quiet.last("CONVERSATION_ASSIGNEE/UPDATED")["context"]["assignee"]["agentId"] == agent
    inbox = quiet.gladly.account.inboxes[0]["id"]
    desk.assign(talk, inbox, agent_id=False)
    assert served()["inboxId"] == inbox
    assert "agentId" not in served()
    desk.close(talk, at=NOW - timedelta(seconds=5))
    assert nanos(served()["closedAt"]) == of(NOW - timedelta(seconds=5))
    assert served()["status"] == "CLOSED"
    desk.reopen(talk)
    assert (served()["status"], "closedAt" in served()) == ("OPEN", False)
    first, second = desk.add_topic(talk), desk.add_topic(talk)
    assert served()["topicIds"] == [first, second]
    assert desk.remove_topic(talk, first) == first
    assert served()["topicIds"] == [second]
    with pytest.raises(KeyError):
        desk.remove_topic(talk, first)
    ids = {desk.set_attribute(talk, "orderId", value) for value in ("1", "2")}
    new = desk.set_attribute(talk, "new")
    assert quiet.get(f"/custom-attributes/{new}")["key"] == "new"
    [order] = ids
    values = [(one["id"], one["value"]) for one in served()["customAttributes"]]
    assert values[:2] == [(order, "1"), (order, "2")]
    assert desk.clear_attribute(talk, "orderId") == order
    assert quiet.last("CONVERSATION/CUSTOM_ATTRIBUTE_REMOVED")["customAttributeValue"] == "1"
    assert [one["id"] for one in served()["customAttributes"]] == [order, new]
    contents = [one["content"] for one in quiet.get(f"/conversations/{talk}/items")]
    assert sorted(one["type"] for one in contents) == [
        *["CONVERSATION_STATUS_CHANGE"] * 2,
        *["TOPIC_CHANGE"] * 3,
    ]
    assert {one.get("status") for one in contents} == {"CLOSED", "OPEN", None}
    for action in (desk.close, desk.note, desk.message, desk.assign, desk.call):
        with pytest.raises(KeyError):
            action("nobody")


def test_messages_notes_and_calls(quiet: Quiet) -> None:
    desk = quiet.gladly.desk
    talk = desk.conversation()
    kinds = {
        "CHAT": "CHAT_MESSAGE",
        "EMAIL": "EMAIL",
        "FB_MESSENGER": "FACEBOOK_MESSAGE",
        "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
        "SMS": "SMS",
        "WHATSAPP": "WHATSAPP",
    }
    for channel, kind in kinds.items():
        for inbound in (True, False):
            item_id = desk.message(talk, channel, inbound)
            item: Record = quiet.get(f"/conversation-items/{item_id}")
            assert item["content"]["type"] == kind
            assert item["initiator"]["type"] == ("CUSTOMER" if inbound else "AGENT")
            which = "RECEIVED" if inbound else "SENT"
            told = quiet.last(f"CONTACT/MESSAGE_{which}")
            assert (told["messageId"], told["channel"]) == (item_id, channel)
    assert len({one["content"]["contactId"] for one in quiet.gladly.events.all[1:]}) == 1
    note = desk.note(talk)
    assert quiet.get(f"/conversation-items/{note}") == desk.items[note]
    assert quiet.last("CONVERSATION/NOTE_CREATED")["noteId"] == note
    calls = [desk.call(talk), desk.call(talk, transcript=False), desk.call(talk, voicemail=True)]
    items = [quiet.get(f"/conversation-items/{one}")["content"] for one in calls]
    assert [one["type"] for one in items] == ["PHONE_CALL", "PHONE_CALL", "VOICEMAIL"]
    assert [type(one["recordingDuration"]) for one in items] == [int, str, int]
    assert items[0]["recordingUrl"].endswith(f"/conversation-items/{calls[0]}/media/recording")
    for call, status in zip(calls, (200, 404, 200), strict=True):
        quiet.get(f"/conversation-items/{call}/voice-transcript", status)
    ends = [one for one in quiet.gladly.events.all if one["type"].endswith(("STARTED", "ENDED"))]
    assert [one["type"] for one in ends] == ["CONTACT/STARTED", "CONTACT/ENDED"] * 3
    assert {one["content"]["channel"] for one in ends} == {"PHONE_CALL", "VOICEMAIL"}
    assert not any(call in str(quiet.gladly.events.all) for call in calls)
    assert len(quiet.get(f"/conversations/{talk}/items")) == 12 + 1 + 3


def test_customers_and_tasks(quiet: Quiet) -> None:
    desk = quiet.gladly.desk
    customer = desk.customer(name="Jane", address="Elm Street")
    desk.update_customer(customer, name="Joan", address=None, at=NOW)
    found = quiet.get(f"/customer-profiles/{customer}")
    assert (found["name"], "address" in found) == ("Joan", False)
    assert nanos(found["updatedAt"]) == of(NOW)
    with pytest.raises(KeyError):
        desk.update_customer("nobody")
    with pytest.raises(KeyError):
        desk.task("nobody")
    task = desk.task(customer)
    before = quiet.get(f"/tasks/{task}")
    desk.assign_task(task)
    desk.edit_task(task, "new")
    desk.close_task(task)
    after = quiet.get(f"/tasks/{task}")
    assert "agentId" in after["assignee"]
    assert (after["body"], after["status"]) == ("new", "CLOSED")
    assert quiet.last("TASK/ASSIGNEE_UPDATED")["context"]["assignee"] == before["assignee"]
    assert quiet.get(f"/customers/{customer}/tasks", status="OPEN") == []
    desk.reopen_task(task)
    assert quiet.get(f"/customers/{customer}/tasks", status="OPEN") == [desk.tasks[task]]
    comment = desk.comment(task)
    assert quiet.get(f"/tasks/{task}/comments/{comment}") == desk.comments[comment]
    assert quiet.last("TASK/COMMENT_ADDED")["commentId"] == comment


def test_merges(quiet: Quiet) -> None:
    desk = quiet.gladly.desk
    first, second, third = (desk.customer() for _ in range(3))
    closed, opened, theirs = (desk.conversation(one) for one in (first, first, second))
    desk.close(closed)
    message, call, task = desk.message(opened), desk.call(closed), desk.task(first)
    desk.log.clear()
    desk.merge(first, second)
    assert quiet.last("CUSTOMER/MERGED") == {
        "destinationCustomerId": second,
        "destinationConversationId": theirs,
        "sourceCustomerId": first,
        "sourceConversationId": opened,
    }
    assert {one[1:] for one in desk.log} == {
        ("customer", first, "CUSTOMER/MERGED"),
        ("customer", second, "CUSTOMER/MERGED"),
        ("conversation", opened, "CUSTOMER/MERGED"),
        ("conversation", theirs, "CUSTOMER/MERGED"),
        ("conversation", closed, "CUSTOMER/MERGED moved"),
        ("task", task, "CUSTOMER/MERGED moved"),
    }
    quiet.get(f"/conversations/{opened}", 404)
    quiet.get(f"/conversations/{opened}/items", 404)
    assert quiet.get(f"/conversations/{closed}")["customerId"] == second
    assert [one["id"] for one in quiet.get(f"/conversations/{theirs}/items")] == [message]
    assert quiet.get(f"/conversation-items/{message}")["conversationId"] == theirs
    assert quiet.get(f"/conversation-items/{message}")["customerId"] == second
    assert quiet.get(f"/conversation-items/{call}/voice-transcript")["customerId"] == second
    assert quiet.get(f"/tasks/{task}")["customerId"] == second
    listed = quiet.get(f"/customers/{second}/conversations")
    assert {one["id"] for one in listed} == {closed, theirs}
    desk.merge(second, third)
    assert quiet.last("CUSTOMER/MERGED")["sourceConversationId"] == ""
    row = quiet.gladly.reports.rows(REPORTS[0])[-1]
    assert (row["Customer ID"], row["Merged Customer ID"]) == (third, second)
    assert row["Conversation ID"] == row["Merged Conversation ID"] == ""
    for old, new in ((first, second), (second, third)):
        answer = quiet.ask(f"/customer-profiles/{old}", allow_redirects=False)
        assert answer.json()["errors"][0]["meta"] == {"old": old, "new": new}
    assert desk.conversations[theirs]["customerId"] == third
    for source, destination in ((first, third), (third, third), (third, "nobody")):
        with pytest.raises(KeyError):
            desk.merge(source, destination)
    quiet.get(f"/customer-profiles/{third}")


def test_deletions(quiet: Quiet) -> None:
    desk = quiet.gladly.desk
    customer = next(
        one["customerId"] for id_, one in desk.conversations.items() if desk.items.of(id_)
    )
    talks = [one["id"] for one in desk.conversations.of(customer)]
    opened, task = desk.conversation(customer), desk.task(customer)
    items = [one["id"] for talk in talks for one in desk.items.of(talk)]
    items += [desk.call(opened)]
    comment = desk.comment(task)
    before = len(quiet.rows())
    still = [id_ for id_ in talks if desk.conversations[id_]["status"] != "CLOSED"]
    quiet.gladly.events.clear()
    desk.delete(customer, at=NOW)
    assert {"", *items}.isdisjoint({*desk.items, *desk.transcripts})
    for path in (
        f"/customer-profiles/{customer}",
        *(f"/conversations/{id_}" for id_ in (*talks, opened)),
        *(f"/conversation-items/{id_}" for id_ in items),
        f"/tasks/{task}",
        f"/tasks/{task}/comments/{comment}",
    ):
        quiet.get(path, 404)
    assert comment not in desk.comments
    assert desk.deleted[customer] == of(NOW)
    ended = [one for one in quiet.gladly.events.all if one["type"] == "CONTACT/ENDED"]
    assert {one["content"]["conversationId"] for one in ended} == {*still, opened}
    assert {one["content"]["reason"] for one in ended} == {"CUSTOMER_DELETED"}
    assert quiet.last("CUSTOMER_PROFILE/DELETED") == {"customerId": customer}
    assert len(quiet.rows()) - before == len(ended)


def test_what_happened_long_ago(quiet: Quiet) -> None:
    desk = quiet.gladly.desk
    ago = NOW - timedelta(days=3)
    talk = desk.conversation(at=ago)
    desk.message(talk, at=ago + timedelta(hours=1))
    desk.close(talk)
    found = quiet.events(NOW - timedelta(hours=23))
    assert [one["type"] for one in found] == ["CONVERSATION/CLOSED"]
    customer = desk.conversations[talk]["customerId"]
    nothing: dict[str, int] = {}
    closed = desk.log[-1].at
    assert closed > of(NOW)
    assert desk.truth(ago) == {
        "conversation": {talk: closed},
        "customer": {customer: closed},
        "task": nothing,
    }
    assert not any(desk.truth(NOW + timedelta(days=1)).values())
    body = {
        "metricSet": REPORTS[1],
        "startAt": f"{ago - timedelta(days=1):%Y-%m-%d}",
        "endAt": f"{ago + timedelta(days=1):%Y-%m-%d}",
    }
    assert talk in quiet.ask("/reports", "POST", json=body).text


def test_instants_are_written_without_a_loss(quiet: Quiet) -> None:
    desk = quiet.gladly.desk
    for number in range(40):
        before = datetime.now(timezone.utc)
        desk.customer()
        assert desk.log[-1].at >= of(before)
        desk.customer(at=NOW + timedelta(milliseconds=number % 3))
    texts = [one["timestamp"] for one in quiet.gladly.events.all]
    assert {len(text) - 20 for text in texts} == {0, 3, 4, 9, 10}
    assert sorted(map(nanos, texts)) == sorted(one.at for one in desk.log)


def test_changes_while_it_answers(quiet: Quiet) -> None:
    desk = quiet.gladly.desk
    talk, ended = desk.conversation(), threading.Event()
    failures: list[BaseException] = []

    def change(action: Callable[[], object]) -> None:
        try:
            while not ended.is_set():
                action()
        except BaseException as error:
            failures.append(error)
            raise

    def merge() -> None:
        source, destination = desk.customer(), desk.customer()
        desk.conversation(source)
        desk.delete(desk.merge(source, destination))

    actions: list[Callable[[], object]] = [lambda: desk.message(talk, "SMS"), merge]
    threads = [threading.Thread(target=change, args=(one,)) for one in actions]
    for thread in threads:
        thread.start()
    customer = desk.conversations[talk]["customerId"]
    for _ in range(20):
        quiet.get(f"/customers/{customer}/conversations")
        quiet.get("/customer-profiles", email="x@y.z")
        quiet.get(f"/conversations/{talk}")
    ended.set()
    for thread in threads:
        thread.join()
    assert not failures
