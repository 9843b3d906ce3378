"""Extracts ids and times of changes from events and from rows of timestamp reports.

Whatever is named has changed: the vendor does not say which events leave something as it is, and
a request too many costs less than a row that is not there.
"""

from __future__ import annotations

import typing as t

from tap_gladly.kit.decoding import text_id
from tap_gladly.kit.times import format_time, time_or_none

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from singer_sdk.helpers.types import Record

CONVERSATION = "conversation"
CUSTOMER = "customer"
TASK = "task"

ENTITIES = {
    CONVERSATION: ("CONTACT", "CONVERSATION", "CUSTOMER", "PAYMENT_REQUEST"),
    CUSTOMER: (
        "CONTACT",
        "CONVERSATION",
        "CUSTOMER",
        "CUSTOMER_PROFILE",
        "PAYMENT_REQUEST",
        "TASK",
    ),
    TASK: ("CUSTOMER", "TASK"),
}
"""The entities whose events name one of a kind; a merge moves conversations and tasks."""

REPORTS = {
    CONVERSATION: ("ConversationTimestampsReport", "ContactTimestampsReport"),
    CUSTOMER: (
        "ConversationTimestampsReport",
        "ContactTimestampsReport",
        "TaskTimestampsReport",
    ),
    TASK: ("ConversationTimestampsReport", "TaskTimestampsReport"),
}
"""The reports that name one of a kind, or a merge."""

MEMBERS = {
    "conversationId": CONVERSATION,
    "sourceConversationId": CONVERSATION,
    "destinationConversationId": CONVERSATION,
    "customerId": CUSTOMER,
    "sourceCustomerId": CUSTOMER,
    "destinationCustomerId": CUSTOMER,
    "taskId": TASK,
}
"""The members of an event's content that name something, by the vendor's document."""

COLUMNS = {
    "conversation_id": CONVERSATION,
    "merged_conversation_id": CONVERSATION,
    "customer_id": CUSTOMER,
    "merged_customer_id": CUSTOMER,
    "task_id": TASK,
}
"""The columns of a report that name something."""

NEEDED_COLUMNS = {
    "ConversationTimestampsReport": {CONVERSATION: "conversation_id", CUSTOMER: "customer_id"},
    "ContactTimestampsReport": {CONVERSATION: "conversation_id", CUSTOMER: "customer_id"},
    "ContactExportReportV3": {CONVERSATION: "conversation_id", CUSTOMER: "customer_id"},
    # Its columns are stated nowhere.
    "TaskTimestampsReport": {TASK: "task_id"},
}
"""The columns without which a report would not say what of a kind changed."""

TIME_COLUMNS = {"ContactExportReportV3": "queued_at"}
"""The column of the time, where it is not `timestamp`."""

STAND_INS = {"ContactTimestampsReport": "ContactExportReportV3"}
"""The report that names some of the same changes, for one that cannot be had."""

PARTS = {"messageId": "conversationId", "noteId": "conversationId", "commentId": "taskId"}
"""The members that name a part, each with the member that names what it is a part of."""


class Change(t.NamedTuple):
    """Something changed.

    Args:
        kind: Of what kind it is.
        id: Its id.
        at: When, in the tap's form of times.
    """

    kind: str
    id: str
    at: str


class Part(t.NamedTuple):
    """A part came: an item of a conversation, or a comment of a task.

    Args:
        whole: The id of the conversation or task.
        id: Its own.
    """

    whole: str
    id: str


class Merge(t.NamedTuple):
    """A customer was merged with another one.

    Args:
        customer: The customer's id.
        at: When, in the tap's form of times.
        is_gone: Whether it is known to be the one that was merged into the other.
    """

    customer: str
    at: str
    is_gone: bool


class MergedConversation(t.NamedTuple):
    """A conversation was merged into another, with its customer.

    Args:
        id: The id of the one that is gone.
        at: When, in the tap's form of times.
    """

    id: str
    at: str


class Deletion(t.NamedTuple):
    """A customer was deleted.

    Args:
        customer: The customer's id.
        at: When, in the tap's form of times.
    """

    customer: str
    at: str


class Attribute(t.NamedTuple):
    """A custom attribute was set or removed.

    Args:
        id: The id of its definition.
    """

    id: str


Fact = Change | Part | Merge | MergedConversation | Deletion | Attribute


def facts_from_event(event: Record, end: str) -> Iterator[Fact]:
    """The facts in an event.

    Args:
        event: The event.
        end: Where the window ends that was asked for.
    """
    content = event.get("content")
    if not isinstance(content, dict):
        return
    at = _within(event.get("timestamp"), end)
    yield from _changes(content, MEMBERS, at)
    for member, whole in PARTS.items():
        if (part := _id(content, member)) and (of := _id(content, whole)):
            yield Part(of, part)
    if attribute := _id(content, "customAttributeId"):
        yield Attribute(attribute)
    for member, is_gone in (("sourceCustomerId", True), ("destinationCustomerId", False)):
        if customer := _id(content, member):
            yield Merge(customer, at, is_gone)
    if conversation := _id(content, "sourceConversationId"):
        yield MergedConversation(conversation, at)
    if event.get("type") == "CUSTOMER_PROFILE/DELETED" and (customer := _id(content, "customerId")):
        yield Deletion(customer, at)


def facts_from_report_row(row: Mapping[str, str | None], end: str) -> Iterator[Fact]:
    """The facts in a row of a timestamp report, whose times are in UTC.

    Args:
        row: The row, by the names of its columns.
        end: Where the window ends that was asked for.
    """
    at = _within(row.get("timestamp"), end)
    yield from _changes(row, COLUMNS, at)
    if merged := _id(row, "merged_customer_id"):
        yield Merge(merged, at, is_gone=True)
        if surviving := _id(row, "customer_id"):
            yield Merge(surviving, at, is_gone=False)
    if conversation := _id(row, "merged_conversation_id"):
        yield MergedConversation(conversation, at)


def _within(timestamp: object, end: str) -> str:
    """When it was; the end where that is not said, or later: a bookmark must not go beyond it."""
    moment = time_or_none(timestamp)
    return min(format_time(moment), end) if moment else end


def _changes(names: Mapping[str, t.Any], kinds: Mapping[str, str], at: str) -> Iterator[Change]:
    for name, kind in kinds.items():
        if changed := _id(names, name):
            yield Change(kind, changed, at)


def _id(names: Mapping[str, t.Any], name: str) -> str | None:
    """An id; a merge names conversations that are not there with an empty text."""
    return text_id(names.get(name))
