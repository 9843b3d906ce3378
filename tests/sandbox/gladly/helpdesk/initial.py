"""Whom events and reports name at the start: records that are there, and belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tests.sandbox.gladly.report_sets import SESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    Record = dict[str, Any]

CHANNELS = {
    "CHAT_MESSAGE": "CHAT",
    "EMAIL": "EMAIL",
    "FACEBOOK_MESSAGE": "FB_MESSENGER",
    "INSTAGRAM_DIRECT": "INSTAGRAM_DIRECT",
    "SMS": "SMS",
    "WHATSAPP": "WHATSAPP",
}
"""The channel of each type of message."""


class Talk(NamedTuple):
    """A conversation: its messages with their channels, its notes, and all of its items."""

    id: str
    customer_id: str
    status: str
    messages: Sequence[tuple[str, str]]
    notes: Sequence[str]
    items: Sequence[str]


class Duty(NamedTuple):
    """A task, when it is from, and its comments."""

    id: str
    customer_id: str
    status: str
    timestamp: str
    comments: Sequence[str]


class Merge(NamedTuple):
    """Two customers who became one; the ids of conversations are empty when none was merged."""

    source: str
    destination: str
    source_conversation: str
    destination_conversation: str


class Cast(NamedTuple):
    """Those who can be named.

    Attributes:
        customers: Ids of the customers who are there.
        talks: The conversations.
        duties: The tasks.
        merges: The merges of the past.
        deleted: Ids of deleted customers.
        attributes: Ids and keys of the definitions of freeform topics.
    """

    customers: Sequence[str] = ()
    talks: Sequence[Talk] = ()
    duties: Sequence[Duty] = ()
    merges: Sequence[Merge] = ()
    deleted: Sequence[str] = ()
    attributes: Sequence[tuple[str, str]] = ()

    def name_in_event(
        self, kind: str, content: Record, random: Random, *, conversations: bool
    ) -> None:
        """Let an event name records that there are; whoever is not there is left as it was.

        Args:
            kind: The event's type.
            content: Its content.
            random: Chooses.
            conversations: Whether a merge is one of conversations too.
        """
        if kind == "CUSTOMER/MERGED":
            merge = self._merge(random, conversations=conversations)
            if merge is not None:
                content["sourceCustomerId"] = merge.source
                content["destinationCustomerId"] = merge.destination
                content["sourceConversationId"] = merge.source_conversation
                content["destinationConversationId"] = merge.destination_conversation
        elif kind == "CUSTOMER_PROFILE/DELETED" and self.deleted:
            content["customerId"] = random.choice(self.deleted)
        elif "conversationId" in content:
            self._name_talk(kind, content, random)
        elif "taskId" in content:
            self._name_duty(content, random)
        elif "customerId" in content and self.customers:
            content["customerId"] = random.choice(self.customers)

    def _merge(self, random: Random, *, conversations: bool) -> Merge | None:
        fitting = [one for one in self.merges if bool(one.source_conversation) == conversations]
        found = fitting or self.merges
        return random.choice(found) if found else None

    def _name_talk(self, kind: str, content: Record, random: Random) -> None:
        talks: Sequence[Talk] = self.talks
        if "messageId" in content:
            talks = [talk for talk in talks if talk.messages]
        elif "noteId" in content:
            talks = [talk for talk in talks if talk.notes] or [one for one in talks if one.items]
        if not talks:
            return
        talk = random.choice(talks)
        content["conversationId"], content["customerId"] = talk.id, talk.customer_id
        if kind.startswith("CONTACT/MESSAGE_"):
            content["messageId"], content["channel"] = random.choice(talk.messages)
        elif "noteId" in content:
            content["noteId"] = random.choice(talk.notes or talk.items)
        elif "customAttributeId" in content and self.attributes:
            attribute = random.choice(self.attributes)
            content["customAttributeId"], content["customAttributeKey"] = attribute

    def _name_duty(self, content: Record, random: Random) -> None:
        duties: Sequence[Duty] = self.duties
        if "commentId" in content:
            duties = [duty for duty in duties if duty.comments]
        if not duties:
            return
        duty = random.choice(duties)
        content["taskId"], content["customerId"] = duty.id, duty.customer_id
        content["context"]["createdAt"] = duty.timestamp
        if "commentId" in content:
            content["commentId"] = random.choice(duty.comments)

    def name_in_row(self, metric_set: str, row: dict[str, str], random: Random) -> None:
        """Let a row of a report name records that there are."""
        if metric_set == SESSIONS:
            if self.talks:
                talk = random.choice(self.talks)
                row["customer_id"], row["conversation_id"] = talk.customer_id, talk.id
            return
        if "Merged Customer ID" in row:
            row["Merged Customer ID"] = row["Merged Conversation ID"] = ""
            merge = self._merge(random, conversations=random.random() < 0.5)
            if row["Event Type"] == "CUSTOMER/MERGED" and merge is not None:
                row["Customer ID"], row["Merged Customer ID"] = merge.destination, merge.source
                row["Conversation ID"] = merge.destination_conversation
                row["Merged Conversation ID"] = merge.source_conversation
                return
        if "Conversation ID" in row and self.talks:
            talk = random.choice(self.talks)
            row["Conversation ID"], row["Customer ID"] = talk.id, talk.customer_id
        elif "Task ID" in row and self.duties:
            duty = random.choice(self.duties)
            row["Task ID"], row["Customer ID"] = duty.id, duty.customer_id

    def name_once(self, header: str, row: dict[str, str], slot: int, slots: int) -> None:
        """Let a row name a record that no other row of the report names.

        The rows that are left over are about what was deleted together with its customer.

        Args:
            header: The column of the report's key.
            row: The row.
            slot: Its number.
            slots: How many rows the report has at most.
        """
        named: Sequence[Talk | Duty] = self.talks if header == "Conversation ID" else self.duties
        step = max(slots // len(named), 1) if named else slots
        if slot % step == 0 and slot // step < len(named):
            one = named[slot // step]
            row[header], row["Customer ID"] = one.id, one.customer_id
            row["Status"] = "CLOSED" if one.status == "CLOSED" else "OPEN"
        elif self.deleted:
            row["Customer ID"] = self.deleted[slot % len(self.deleted)]
