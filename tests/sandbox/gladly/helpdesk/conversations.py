"""What happens to customers and to their conversations: functions for `Desk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tests.sandbox.gladly.helpdesk.state import action

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.helpdesk.state import Moment, State

    Record = dict[str, Any]


@action
def customer(desk: State, /, *, at: datetime | None = None, **members: Any) -> str:
    """Add a customer, with some members of the profile as given."""
    moment, number = desk.moment(at), len(desk.customers) + len(desk.deleted)
    profile = {
        "id": desk.new_id(),
        "name": f"New “{number}”",
        "emails": [],
        "createdAt": desk.stamp(moment.at),
        "updatedAt": desk.stamp(moment.at),
        **members,
    }
    desk.customers[profile["id"]] = profile
    desk.announce("CUSTOMER_PROFILE/CREATED", moment, {"customerId": profile["id"]})
    return str(profile["id"])


@action
def update_customer(
    desk: State, /, customer_id: str, *, at: datetime | None = None, **members: Any
) -> str:
    """Change members of a profile, by default the name; None takes a member away."""
    moment = desk.moment(at)
    members = members or {"name": f"Renamed {desk.moments}"}
    changed = {**desk.customers[customer_id], **members}
    changed["updatedAt"] = members.get("updatedAt", desk.stamp(moment.at))
    desk.customers[customer_id] = {name: one for name, one in changed.items() if one is not None}
    desk.announce("CUSTOMER_PROFILE/UPDATED", moment, {"customerId": customer_id})
    return customer_id


@action
def conversation(
    desk: State,
    customer_id: str | None = None,
    agent_id: str | None = None,
    *,
    at: datetime | None = None,
) -> str:
    """Open a conversation, by default of any customer; an agent who opens it has it."""
    customer_id = any_customer(desk, customer_id, at)
    moment = desk.moment(at)
    new: Record = {
        "id": desk.new_id(),
        "customerId": customer_id,
        "inboxId": desk.any_inbox(),
        **({"agentId": agent_id} if agent_id else {}),
        "createdAt": desk.stamp(moment.at),
        "status": "OPEN",
    }
    desk.conversations[new["id"]] = new
    by = "AGENT" if agent_id else "CUSTOMER"
    _announce(desk, "CONVERSATION/CREATED", moment, new, by=by)
    return str(new["id"])


@action
def add_topic(
    desk: State, conversation_id: str, topic_id: str | None = None, *, at: datetime | None = None
) -> str:
    """Add a topic, by default one that the conversation does not have; returns the topic's id."""
    before = desk.conversations[conversation_id]
    had = before.get("topicIds", [])
    topics = [str(one["id"]) for one in list(desk.account.topics)]
    new = [one for one in topics if one not in had] or topics
    topic_id = desk.random.choice(new) if topic_id is None else topic_id
    after = {**before, "topicIds": [*had, *([] if topic_id in had else [topic_id])]}
    return _change_topics(desk, desk.moment(at), after, added=topic_id)


@action
def remove_topic(
    desk: State, conversation_id: str, topic_id: str | None = None, *, at: datetime | None = None
) -> str:
    """Remove a topic, by default the last one; returns the topic's id."""
    before = desk.conversations[conversation_id]
    had = before.get("topicIds", [])
    if not had or (topic_id is not None and topic_id not in had):
        raise KeyError(topic_id)
    topic_id = str(had[-1]) if topic_id is None else topic_id
    after = {**before, "topicIds": [one for one in had if one != topic_id]}
    return _change_topics(desk, desk.moment(at), after, removed=topic_id)


@action
def assign(
    desk: State,
    conversation_id: str,
    inbox_id: str | None = None,
    agent_id: str | Literal[False] | None = None,
    *,
    at: datetime | None = None,
) -> str:
    """Assign a conversation: None for its inbox and for any other agent, False for nobody."""
    moment, before = desk.moment(at), desk.conversations[conversation_id]
    assignee = desk.new_assignee(before, inbox_id, agent_id)
    rest = {name: value for name, value in before.items() if name != "agentId"}
    desk.conversations[conversation_id] = {**rest, **assignee}
    more = {"reason": "MANUAL", "assignee": assignee}
    _announce(desk, "CONVERSATION_ASSIGNEE/UPDATED", moment, before, more)
    return conversation_id


@action
def close(desk: State, conversation_id: str, *, at: datetime | None = None) -> str:
    """Close a conversation."""
    return _set_status(desk, conversation_id, "CLOSED", "CONVERSATION/CLOSED", at)


@action
def reopen(desk: State, conversation_id: str, *, at: datetime | None = None) -> str:
    """Open a conversation again."""
    return _set_status(desk, conversation_id, "OPEN", "CONVERSATION/REOPENED", at)


@action
def set_attribute(
    desk: State,
    conversation_id: str,
    key: str,
    value: str | None = None,
    *,
    at: datetime | None = None,
) -> str:
    """Add a value of a freeform topic, by default a new one; those of before stay.

    Returns the id of the definition with this key, which is made when there is none.
    """
    moment, before = desk.moment(at), desk.conversations[conversation_id]
    attribute_id = _definition(desk, key, moment)
    value = f"value “{desk.moments}”" if value is None else value
    held = [*before.get("customAttributes", ()), {"id": attribute_id, "value": value}]
    after = {**before, "customAttributes": held}
    return _change_attributes(desk, moment, after, "ADDED", held[-1])


@action
def clear_attribute(
    desk: State, conversation_id: str, key: str, *, at: datetime | None = None
) -> str:
    """Remove the oldest value of a freeform topic; returns the definition's id."""
    moment, before = desk.moment(at), desk.conversations[conversation_id]
    ids = {id_ for id_, one in desk.custom_attributes.items() if one.get("key") == key}
    held = list(before.get("customAttributes", ()))
    found = next((one for one in held if one["id"] in ids), None)
    if found is None:
        raise KeyError(key)
    held.remove(found)
    after = {**before, "customAttributes": held}
    return _change_attributes(desk, moment, after, "REMOVED", found)


def any_customer(desk: State, customer_id: str | None, at: datetime | None) -> str:
    """Return a customer's id; None stands for any customer, who is new when there is none."""
    if customer_id is None:
        known = list(desk.customers)
        return desk.random.choice(known) if known else customer(desk, at=at)
    if customer_id not in desk.customers:
        raise KeyError(customer_id)
    return customer_id


def ids_of(conversation: Record) -> Record:
    """Return the ids by which events name a conversation."""
    return {"customerId": conversation["customerId"], "conversationId": conversation["id"]}


def assignee_of(conversation: Record) -> Record:
    """Return the inbox and the agent of a conversation."""
    return {name: conversation[name] for name in ("inboxId", "agentId") if name in conversation}


def _set_status(
    desk: State, conversation_id: str, status: str, kind: str, at: datetime | None
) -> str:
    moment, before = desk.moment(at), desk.conversations[conversation_id]
    after = {**before, "status": status}
    after.pop("closedAt", None)
    if status == "CLOSED":
        after["closedAt"] = desk.stamp(moment.at)
        # What comes after is another contact.
        desk.contacts.pop(conversation_id, None)
    desk.conversations[conversation_id] = after
    desk.add_item(moment, after, "status")["content"]["status"] = status
    _announce(desk, kind, moment, before)
    return conversation_id


def _change_topics(
    desk: State, moment: Moment, after: Record, *, added: str = "", removed: str = ""
) -> str:
    desk.conversations[after["id"]] = after
    topic_id, what = added or removed, "added" if added else "removed"
    item = desk.add_item(moment, after, "bare topic change")
    item["content"] = {"type": "TOPIC_CHANGE", f"{what}TopicIds": [topic_id]}
    kind = f"CONVERSATION/TOPIC_{what.upper()}"
    _announce(desk, kind, moment, after, {"topicId": topic_id})
    return topic_id


def _change_attributes(
    desk: State, moment: Moment, after: Record, what: str, changed: Record
) -> str:
    desk.conversations[after["id"]] = after
    attribute_id = str(changed["id"])
    content = {
        **ids_of(after),
        "customAttributeId": attribute_id,
        "customAttributeKey": desk.custom_attributes[attribute_id]["key"],
        "customAttributeValue": changed["value"],
    }
    desk.announce(f"CONVERSATION/CUSTOM_ATTRIBUTE_{what}", moment, content)
    return attribute_id


def _definition(desk: State, key: str, moment: Moment) -> str:
    for attribute_id, attribute in desk.custom_attributes.items():
        if attribute.get("key") == key:
            return attribute_id
    attribute_id = desk.new_id()
    desk.custom_attributes[attribute_id] = {
        "id": attribute_id,
        "key": key,
        "label": f"Label of {key}",
        "deactivated": False,
        "createdAt": desk.stamp(moment.at),
        "createdBy": desk.any_agent(),
    }
    return attribute_id


def _announce(  # noqa: PLR0913, PLR0917 - what an event is made of
    desk: State,
    kind: str,
    moment: Moment,
    before: Record,
    more: Record | None = None,
    by: str | None = None,
) -> None:
    context = {"assignee": assignee_of(before)}
    desk.announce(kind, moment, {**ids_of(before), **(more or {}), "context": context}, by)
