"""Contacts, conversations and tasks as the events of the desk tell of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.timestamps import MINUTE, nanos

if TYPE_CHECKING:
    from collections.abc import Iterable

    Record = dict[str, Any]

IN_TIME = 15 * MINUTE
"""So soon a customer is to be answered."""


@dataclass
class Contact:
    """A contact: from a customer's or an agent's first word to its end.

    Attributes:
        id: Its id.
        first: Its first event.
        agents: Since when each agent has had it, in nanoseconds since 1970, by the agent's id.
        replied_at: When the first word of an agent was; empty for none.
        ended_at: When it ended; empty while it has not.
    """

    id: str
    first: Record
    agents: dict[str, int] = field(default_factory=dict)
    replied_at: str = ""
    ended_at: str = ""

    @property
    def content(self) -> Record:
        """What the first event says."""
        found: Record = self.first["content"]
        return found

    @property
    def is_inbound(self) -> bool:
        """Whether the customer began it."""
        return bool(self.first["initiator"]["type"] == "CUSTOMER")

    @property
    def handled(self) -> dict[str, int]:
        """For how long each agent handled it, in nanoseconds; empty before its end."""
        if not (self.ended_at and self.replied_at):
            return {}
        replied = nanos(self.replied_at)
        ends = [*list(self.agents.values())[1:], nanos(self.ended_at)]
        return {
            agent: max(end - max(begin, replied), 0)
            for (agent, begin), end in zip(self.agents.items(), ends, strict=True)
        }

    @property
    def is_in_time(self) -> bool:
        """Whether the customer was answered soon enough."""
        if not self.replied_at:
            return False
        return nanos(self.replied_at) - nanos(self.first["timestamp"]) <= IN_TIME


@dataclass
class Life:
    """What has happened to a conversation or a task.

    Attributes:
        id: Its id.
        customer: Whose it was at first.
        first: The event with which it began.
        times: When each type of event was.
        inboxes: The inboxes that it was in.
    """

    id: str
    customer: str
    first: Record
    times: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    inboxes: set[str] = field(default_factory=set)


def in_order(history: Iterable[Record]) -> list[Record]:
    """Return events by their timestamps."""
    return sorted(history, key=lambda event: nanos(event["timestamp"]))


def contacts_of(history: Iterable[Record]) -> dict[str, Contact]:
    """Return the contacts by id. The end of a conversation is the end of its contacts."""
    found: dict[str, Contact] = {}
    open_ones: dict[str, list[Contact]] = defaultdict(list)
    for event in in_order(history):
        content, kind, at = event["content"], event["type"], event["timestamp"]
        if kind == "CONVERSATION/CLOSED":
            for contact in open_ones.pop(content["conversationId"], ()):
                contact.ended_at = contact.ended_at or at
        if not kind.startswith("CONTACT/"):
            continue
        contact = found.setdefault(content["contactId"], Contact(content["contactId"], event))
        if contact.first is event:
            open_ones[content["conversationId"]].append(contact)
        if contact.ended_at:
            continue
        agent = content["context"]["assignee"].get("agentId")
        if agent:
            contact.agents.setdefault(agent, nanos(at))
        # A call is answered as it comes.
        answered = kind == "CONTACT/MESSAGE_SENT" or content["channel"] == "PHONE_CALL"
        if answered and agent and not contact.replied_at:
            contact.replied_at = at
        if kind == "CONTACT/ENDED":
            contact.ended_at = at
    return found


def lives_of(history: Iterable[Record], created: str, name: str) -> dict[str, Life]:
    """Return the conversations or tasks by id.

    Args:
        history: The events.
        created: The type of the event with which they begin.
        name: The member of events that names them.
    """
    found: dict[str, Life] = {}
    for event in in_order(history):
        content, kind = event["content"], event["type"]
        if kind == created:
            found[content[name]] = Life(content[name], content["customerId"], event)
        life = found.get(content.get(name, ""))
        if life is not None:
            life.times[kind].append(event["timestamp"])
            for assignee in (content.get("context", {}).get("assignee"), content.get("assignee")):
                life.inboxes |= {inbox for inbox in [(assignee or {}).get("inboxId")] if inbox}
    return found
