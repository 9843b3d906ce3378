"""What happens to customers and to conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tests.sandbox.gladly.helpdesk.state import Moment, World
from tests.sandbox.gladly.items import Items

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.items import Maker

    Record = dict[str, Any]


class Talks(World):
    """Customers and conversations.

    Each action takes the time at which it happens (``at``; None for now), returns an id, and
    raises a ``KeyError`` for what is not there.
    """

    def customer(self, *, at: datetime | None = None, **members: Any) -> str:
        """Add a customer.

        Args:
            at: When.
            **members: Members of the profile beyond those that every new one has, or instead.

        Returns:
            Its id.
        """
        with self.lock:
            moment, number = self._moment(at), len(self.customers) + len(self.deleted)
            customer = {
                "id": self._new_id(),
                "name": f"New “{number}”",
                "emails": [],
                "createdAt": self._stamp(moment.at),
                "updatedAt": self._stamp(moment.at),
                **members,
            }
            self.customers[customer["id"]] = customer
            self._tell("CUSTOMER_PROFILE/CREATED", moment, {"customerId": customer["id"]})
            return str(customer["id"])

    def update_customer(
        self, customer_id: str, *, at: datetime | None = None, **members: Any
    ) -> str:
        """Change a profile.

        Args:
            customer_id: Whose.
            at: When.
            **members: What changes; None takes a member away. Without any, the name changes.

        Returns:
            The customer's id.
        """
        with self.lock:
            moment = self._moment(at)
            members = members or {"name": f"Renamed {self._exact}"}
            changed = {**self.customers[customer_id], **members}
            changed["updatedAt"] = members.get("updatedAt", self._stamp(moment.at))
            self.customers[customer_id] = {
                name: one for name, one in changed.items() if one is not None
            }
            self._tell("CUSTOMER_PROFILE/UPDATED", moment, {"customerId": customer_id})
            return customer_id

    def conversation(self, customer_id: str | None = None, *, at: datetime | None = None) -> str:
        """Open a conversation.

        Args:
            customer_id: Whose; None for any customer, who is new when there is none.
            at: When.

        Returns:
            Its id.
        """
        with self.lock:
            customer_id = self._any_customer(customer_id, at)
            moment = self._moment(at)
            conversation: Record = {
                "id": self._new_id(),
                "customerId": customer_id,
                "inboxId": self._inbox(),
                "createdAt": self._stamp(moment.at),
                "status": "OPEN",
            }
            self.conversations[conversation["id"]] = conversation
            self._tell_talk("CONVERSATION/CREATED", moment, conversation)
            return str(conversation["id"])

    def note(self, conversation_id: str, *, at: datetime | None = None) -> str:
        """Write a note; returns the id of its item."""
        with self.lock:
            moment, conversation = self._moment(at), self.conversations[conversation_id]
            item = self._add_item(moment, conversation, Items.note)
            names = {"noteId": item["id"], **names_of(conversation)}
            self._tell("CONVERSATION/NOTE_CREATED", moment, names, "AGENT")
            return str(item["id"])

    def add_topic(
        self, conversation_id: str, topic_id: str | None = None, *, at: datetime | None = None
    ) -> str:
        """Add a topic, by default one that the conversation does not have.

        Returns:
            The topic's id.
        """
        with self.lock:
            had = self.conversations[conversation_id].get("topicIds", [])
            topics = [str(one["id"]) for one in list(self._account.topics)]
            new = [one for one in topics if one not in had] or topics
            topic_id = self._random.choice(new) if topic_id is None else topic_id
            added = [*had, *([] if topic_id in had else [topic_id])]
            self._topics(conversation_id, "ADDED", topic_id, added, at)
            return topic_id

    def remove_topic(
        self, conversation_id: str, topic_id: str | None = None, *, at: datetime | None = None
    ) -> str:
        """Remove a topic, by default the last one.

        Returns:
            The topic's id.

        Raises:
            KeyError: The conversation does not have it.
        """
        with self.lock:
            had = self.conversations[conversation_id].get("topicIds", [])
            if not had or (topic_id is not None and topic_id not in had):
                raise KeyError(topic_id)
            topic_id = str(had[-1]) if topic_id is None else topic_id
            left = [one for one in had if one != topic_id]
            self._topics(conversation_id, "REMOVED", topic_id, left, at)
            return topic_id

    def assign(
        self,
        conversation_id: str,
        inbox_id: str | None = None,
        agent_id: str | Literal[False] | None = None,
        *,
        at: datetime | None = None,
    ) -> str:
        """Assign a conversation.

        Args:
            conversation_id: Which.
            inbox_id: To which inbox; None for the one where it is.
            agent_id: To which agent; None for any other one, False for nobody.
            at: When.

        Returns:
            The conversation's id.
        """
        with self.lock:
            moment, before = self._moment(at), self.conversations[conversation_id]
            if agent_id is None:
                agent_id = self._agent(before.get("agentId"))
            after = {**before, "inboxId": inbox_id or before["inboxId"], "agentId": agent_id}
            if agent_id is False:
                del after["agentId"]
            self.conversations[conversation_id] = after
            more = {"reason": "MANUAL", "assignee": assignee_of(after)}
            self._tell_talk("CONVERSATION_ASSIGNEE/UPDATED", moment, before, more)
            return conversation_id

    def close(self, conversation_id: str, *, at: datetime | None = None) -> str:
        """Close a conversation; returns its id."""
        return self._turn(conversation_id, "CLOSED", "CONVERSATION/CLOSED", at)

    def reopen(self, conversation_id: str, *, at: datetime | None = None) -> str:
        """Open a conversation again; returns its id."""
        return self._turn(conversation_id, "OPEN", "CONVERSATION/REOPENED", at)

    def set_attribute(
        self,
        conversation_id: str,
        key: str,
        value: str | None = None,
        *,
        at: datetime | None = None,
    ) -> str:
        """Add a value of a freeform topic; one that was there before stays.

        Args:
            conversation_id: Where.
            key: The key of the definition, which is made when there is none.
            value: The value; None for a new one.
            at: When.

        Returns:
            The definition's id.
        """
        with self.lock:
            moment, before = self._moment(at), self.conversations[conversation_id]
            attribute_id = self._definition(key, moment)
            value = f"value “{self._exact}”" if value is None else value
            held = [*before.get("customAttributes", ()), {"id": attribute_id, "value": value}]
            self.conversations[conversation_id] = {**before, "customAttributes": held}
            self._tell_attribute("ADDED", moment, before, attribute_id, value)
            return attribute_id

    def clear_attribute(self, conversation_id: str, key: str, *, at: datetime | None = None) -> str:
        """Remove the oldest value of a freeform topic.

        Returns:
            The definition's id.

        Raises:
            KeyError: The conversation has none.
        """
        with self.lock:
            moment, before = self._moment(at), self.conversations[conversation_id]
            ids = {id_ for id_, one in self.custom_attributes.items() if one.get("key") == key}
            held = list(before.get("customAttributes", ()))
            found = next((one for one in held if one["id"] in ids), None)
            if found is None:
                raise KeyError(key)
            held.remove(found)
            self.conversations[conversation_id] = {**before, "customAttributes": held}
            self._tell_attribute("REMOVED", moment, before, found["id"], found["value"])
            return str(found["id"])

    def _any_customer(self, customer_id: str | None, at: datetime | None) -> str:
        if customer_id is None:
            known = list(self.customers)
            return self._random.choice(known) if known else self.customer(at=at)
        if customer_id not in self.customers:
            raise KeyError(customer_id)
        return customer_id

    def _turn(self, conversation_id: str, status: str, kind: str, at: datetime | None) -> str:
        with self.lock:
            moment, before = self._moment(at), self.conversations[conversation_id]
            after = {**before, "status": status}
            after.pop("closedAt", None)
            if status == "CLOSED":
                after["closedAt"] = self._stamp(moment.at)
            self.conversations[conversation_id] = after
            item = self._add_item(moment, after, Items.status)
            item["content"]["status"] = status
            self._tell_talk(kind, moment, before)
            return conversation_id

    def _topics(
        self,
        conversation_id: str,
        what: str,
        topic_id: str,
        topics: list[str],
        at: datetime | None,
    ) -> None:
        moment, before = self._moment(at), self.conversations[conversation_id]
        self.conversations[conversation_id] = {**before, "topicIds": topics}
        item = self._add_item(moment, before, Items.topic_change_bare)
        added, removed = "addedTopicIds", "removedTopicIds"
        item["content"] = {
            "type": "TOPIC_CHANGE",
            added if what == "ADDED" else removed: [topic_id],
        }
        self._tell_talk(f"CONVERSATION/TOPIC_{what}", moment, before, {"topicId": topic_id})

    def _definition(self, key: str, moment: Moment) -> str:
        for attribute_id, attribute in self.custom_attributes.items():
            if attribute.get("key") == key:
                return attribute_id
        attribute_id = self._new_id()
        self.custom_attributes[attribute_id] = {
            "id": attribute_id,
            "key": key,
            "label": f"Label of {key}",
            "deactivated": False,
            "createdAt": self._stamp(moment.at),
            "createdBy": self._agent(),
        }
        return attribute_id

    def _add_item(self, moment: Moment, conversation: Record, maker: Maker) -> Record:
        item = self._maker.make_in(
            moment.at,
            customer_id=conversation["customerId"],
            conversation_id=conversation["id"],
            maker=maker,
        )
        self.items[item["id"]] = item
        return item

    def _tell_attribute(
        self, what: str, moment: Moment, conversation: Record, attribute_id: str, value: str
    ) -> None:
        content = {
            **names_of(conversation),
            "customAttributeId": attribute_id,
            "customAttributeKey": self.custom_attributes[attribute_id]["key"],
            "customAttributeValue": value,
        }
        self._tell(f"CONVERSATION/CUSTOM_ATTRIBUTE_{what}", moment, content)

    def _tell_talk(
        self, kind: str, moment: Moment, before: Record, more: Record | None = None
    ) -> None:
        context = {"assignee": assignee_of(before)}
        self._tell(kind, moment, {**names_of(before), **(more or {}), "context": context})


def names_of(conversation: Record) -> Record:
    """Return the ids by which events name a conversation."""
    return {"customerId": conversation["customerId"], "conversationId": conversation["id"]}


def assignee_of(conversation: Record) -> Record:
    """Return where a conversation is."""
    return {name: conversation[name] for name in ("inboxId", "agentId") if name in conversation}
