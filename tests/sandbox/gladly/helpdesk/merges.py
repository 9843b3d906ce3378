"""How customers go, merged into another or deleted: functions for `Desk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.helpdesk.contacts import contact_of
from tests.sandbox.gladly.helpdesk.state import Change, action
from tests.sandbox.gladly.timestamps import nanos

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.helpdesk.state import Moment, State

    Record = dict[str, Any]

_MERGED = "CUSTOMER/MERGED"


@action
def merge(desk: State, source: str, destination: str, *, at: datetime | None = None) -> str:
    """Merge a customer into another, with all conversations and tasks.

    The source goes, and the destination gets everything. When both have a conversation that is not
    closed, the newest of each become one: that of the destination. Returns the destination's id.
    """
    if source == destination:
        raise KeyError(destination)
    _, _ = desk.customers[source], desk.customers[destination]
    moment = desk.moment(at)
    old, new = _newest_open(desk, source), _newest_open(desk, destination)
    desk.merged[source] = destination
    content = {
        "destinationCustomerId": destination,
        "destinationConversationId": "",
        "sourceCustomerId": source,
        "sourceConversationId": "",
    }
    if old is not None and new is not None:
        content.update(destinationConversationId=new["id"], sourceConversationId=old["id"])
        for item in desk.items.of(old["id"]):
            _move_item(desk, item, customerId=destination, conversationId=new["id"])
        del desk.conversations[old["id"]]
    desk.announce(_MERGED, moment, content)
    _move_all(desk, source, destination, moment)
    del desk.customers[source]
    return destination


@action
def delete(desk: State, customer_id: str, *, at: datetime | None = None) -> str:
    """Delete a customer and all that belongs to it."""
    moment = desk.moment(at)
    del desk.customers[customer_id]
    desk.deleted[customer_id] = moment.at
    items = desk.items.of(f"of {customer_id}")
    for conversation in desk.conversations.of(customer_id):
        if conversation["status"] != "CLOSED":
            why = {"reason": "CUSTOMER_DELETED", "status": "UNKNOWN"}
            desk.announce("CONTACT/ENDED", moment, contact_of(desk, conversation, "CHAT", **why))
        items += desk.items.of(conversation["id"])
        del desk.conversations[conversation["id"]]
    for item in items:
        del desk.items[item["id"]]
        desk.transcripts.pop(item["id"], None)
    for task in desk.tasks.of(customer_id):
        for comment in desk.comments.of(task["id"]):
            del desk.comments[comment["id"]]
        del desk.tasks[task["id"]]
    desk.announce("CUSTOMER_PROFILE/DELETED", moment, {"customerId": customer_id})
    return customer_id


def _newest_open(desk: State, customer_id: str) -> Record | None:
    found = [one for one in desk.conversations.of(customer_id) if one["status"] != "CLOSED"]
    return max(found, key=lambda one: nanos(one["createdAt"]), default=None)


def _move_all(desk: State, source: str, destination: str, moment: Moment) -> None:
    """Reassign conversations, items and tasks; no event names them."""
    why, theirs = f"{_MERGED} moved", {"customerId": destination}
    items = desk.items.of(f"of {source}")
    for conversation in desk.conversations.of(source):
        desk.conversations[conversation["id"]] = {**conversation, **theirs}
        items += desk.items.of(conversation["id"])
        desk.log.append(Change(moment.at, "conversation", conversation["id"], why))
    for item in items:
        _move_item(desk, item, **theirs)
    for task in desk.tasks.of(source):
        desk.tasks[task["id"]] = {**task, **theirs}
        desk.log.append(Change(moment.at, "task", task["id"], why))


def _move_item(desk: State, item: Record, **ids: str) -> None:
    desk.items[item["id"]] = {**item, **ids}
    if item["id"] in desk.transcripts:
        customer = {"customerId": ids["customerId"]}
        desk.transcripts[item["id"]] = {**desk.transcripts[item["id"]], **customer}
