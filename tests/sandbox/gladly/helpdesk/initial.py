"""Whom events and reports name at the start: records that are there, and belong together."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.report_sets import SESSIONS

if TYPE_CHECKING:
    from random import Random

    from tests.sandbox.gladly.helpdesk.population import Population

    Record = dict[str, Any]

_CHANNELS = {
    "CHAT_MESSAGE": "CHAT",
    "EMAIL": "EMAIL",
    "FACEBOOK_MESSAGE": "FB_MESSENGER",
    "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
    "SMS": "SMS",
    "WHATSAPP": "WHATSAPP",
}
"""The channel of each type of message."""


class Cast:
    """Those who can be named; whatever happens to them later, they stay as they were."""

    def __init__(self, population: Population) -> None:
        self._customers = tuple(population.customers)
        self._conversations = [{**one} for one in population.conversations.values()]
        self._tasks = [{**one} for one in population.tasks.values()]
        self._merges = tuple(population.merges)
        self._deleted = tuple(population.deleted)
        self._attributes = [
            (attribute_id, one["key"]) for attribute_id, one in population.custom_attributes.items()
        ]
        # By conversation: all items, the notes, the messages with their channels.
        self._items: dict[str, list[str]] = defaultdict(list)
        self._notes: dict[str, list[str]] = defaultdict(list)
        self._messages: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for item_id, item in population.items.items():
            place, kind = item.get("conversationId", ""), item["content"]["type"]
            self._items[place].append(item_id)
            if kind in _CHANNELS:
                self._messages[place].append((item_id, _CHANNELS[kind]))
            if kind == "CONVERSATION_NOTE":
                self._notes[place].append(item_id)
        # By task.
        self._comments: dict[str, list[str]] = defaultdict(list)
        for comment_id, comment in population.comments.items():
            self._comments[comment["taskId"]].append(comment_id)

    def name_in_event(
        self, kind: str, content: Record, random: Random, *, conversations: bool
    ) -> None:
        """Let the content of an event name records that there are.

        Whoever is not there is left as it was. ``conversations`` tells whether a merge is one of
        conversations too.
        """
        if kind == "CUSTOMER/MERGED":
            content.update(self._merge(random, conversations=conversations))
        elif kind == "CUSTOMER_PROFILE/DELETED" and self._deleted:
            content["customerId"] = random.choice(self._deleted)
        elif "conversationId" in content:
            self._name_conversation(kind, content, random)
        elif "taskId" in content:
            self._name_task(content, random)
        elif "customerId" in content and self._customers:
            content["customerId"] = random.choice(self._customers)

    def _merge(self, random: Random, *, conversations: bool) -> dict[str, str]:
        """Return the content of the event of a merge; empty when there was none."""
        fitting = [
            one for one in self._merges if bool(one["sourceConversationId"]) == conversations
        ]
        found = fitting or self._merges
        return random.choice(found) if found else {}

    def _name_conversation(self, kind: str, content: Record, random: Random) -> None:
        fitting = self._conversations
        if "messageId" in content:
            fitting = [one for one in fitting if one["id"] in self._messages]
        elif "noteId" in content:
            noted = [one for one in fitting if one["id"] in self._notes]
            fitting = noted or [one for one in fitting if one["id"] in self._items]
        if not fitting:
            return
        found = random.choice(fitting)
        place = content["conversationId"] = found["id"]
        content["customerId"] = found["customerId"]
        if kind.startswith("CONTACT/MESSAGE_"):
            content["messageId"], content["channel"] = random.choice(self._messages[place])
        elif "noteId" in content:
            content["noteId"] = random.choice(self._notes.get(place) or self._items[place])
        elif "customAttributeId" in content and self._attributes:
            attribute = random.choice(self._attributes)
            content["customAttributeId"], content["customAttributeKey"] = attribute

    def _name_task(self, content: Record, random: Random) -> None:
        commented = "commentId" in content
        fitting = [one for one in self._tasks if not commented or one["id"] in self._comments]
        if not fitting:
            return
        found = random.choice(fitting)
        content["taskId"], content["customerId"] = found["id"], found["customerId"]
        content["context"]["createdAt"] = found["timestamp"]
        if commented:
            content["commentId"] = random.choice(self._comments[found["id"]])

    def name_in_row(self, metric_set: str, row: dict[str, str], random: Random) -> None:
        """Let a row of a report name records that there are."""
        if metric_set == SESSIONS:
            if self._conversations:
                found = random.choice(self._conversations)
                row["customer_id"], row["conversation_id"] = found["customerId"], found["id"]
            return
        if "Merged Customer ID" in row:
            row["Merged Customer ID"] = row["Merged Conversation ID"] = ""
            merge = self._merge(random, conversations=random.random() < 0.5)
            if row["Event Type"] == "CUSTOMER/MERGED" and merge:
                row["Customer ID"] = merge["destinationCustomerId"]
                row["Conversation ID"] = merge["destinationConversationId"]
                row["Merged Customer ID"] = merge["sourceCustomerId"]
                row["Merged Conversation ID"] = merge["sourceConversationId"]
                return
        for header, records in (
            ("Conversation ID", self._conversations),
            ("Task ID", self._tasks),
        ):
            if header in row and records:
                found = random.choice(records)
                row[header], row["Customer ID"] = found["id"], found["customerId"]
                return

    def name_once(self, header: str, row: dict[str, str], slot: int, slots: int) -> None:
        """Let a row name a record that no other row of the report names.

        The rows that are left over are about what was deleted together with its customer. The row
        has a number (slot) among all that the report may have (slots).
        """
        named = self._conversations if header == "Conversation ID" else self._tasks
        step = max(slots // len(named), 1) if named else slots
        if slot % step == 0 and slot // step < len(named):
            one = named[slot // step]
            row[header], row["Customer ID"] = one["id"], one["customerId"]
            row["Status"] = "CLOSED" if one["status"] == "CLOSED" else "OPEN"
        elif self._deleted:
            row["Customer ID"] = self._deleted[slot % len(self._deleted)]
