"""What events hold: the members of each type, and values for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from tests.sandbox.gladly.query import Entity
from tests.sandbox.gladly.timestamps import DIGITS, SECOND, cycle_from, slug, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from tests.sandbox.gladly.account import Account

    Record = dict[str, Any]

ENTITIES: tuple[Entity, ...] = get_args(Entity)

_ON_CONTACT = "channel contactId conversationId customerId context"
_ON_TALK = "customerId conversationId"
_ON_ATTRIBUTE = f"{_ON_TALK} customAttributeId customAttributeKey customAttributeValue"
_ON_PAYMENT = "contactId conversationId customerId paymentRequestId context"
_ON_TASK = "customerId taskId context"
_ON_MERGE = "destinationCustomerId destinationConversationId sourceCustomerId sourceConversationId"

MEMBERS = {
    "AGENT_AVAILABILITY/FOCUS_ENTERED": "agentId context",
    "AGENT_AVAILABILITY/FOCUS_EXITED": "agentId context",
    "AGENT_AVAILABILITY/UPDATED": "agentId availableFor occurredAt",
    "AGENT_STATUS/CHANGED_ACTIVE_REASON": "agentId occurredAt activeReason?",
    "AGENT_STATUS/LOGGED_IN": "agentId occurredAt activeReason?",
    "AGENT_STATUS/LOGGED_OUT": "agentId occurredAt",
    "AGENT_STATUS/RETURNED_FROM_AWAY": "agentId awayAt activeReason? awayReason? occurredAt",
    "AGENT_STATUS/WENT_AWAY": "agentId awayReason? occurredAt",
    "CONTACT/ENDED": f"{_ON_CONTACT} reason? status",
    "CONTACT/FULFILLED": f"{_ON_CONTACT} fulfilledType",
    "CONTACT/HOLD_ENDED": f"{_ON_CONTACT} reason",
    "CONTACT/HOLD_STARTED": f"{_ON_CONTACT} reason",
    "CONTACT/JOINED": _ON_CONTACT,
    "CONTACT/MESSAGE_RECEIVED": f"{_ON_CONTACT} messageId",
    "CONTACT/MESSAGE_SENT": f"{_ON_CONTACT} messageId",
    "CONTACT/OFFERED": f"{_ON_CONTACT} agentId matchReasons?",
    "CONTACT/OFFER_ACCEPTED": f"{_ON_CONTACT} agentId",
    "CONTACT/OFFER_REJECTED": f"{_ON_CONTACT} agentId reason",
    "CONTACT/STARTED": f"{_ON_CONTACT} dueAt? entryPoint? finalIVRSelection?",
    "CONTACT/TRANSFERRED": f"{_ON_CONTACT} transferType reason assignee",
    "CONVERSATION/CLOSED": f"{_ON_TALK} context",
    "CONVERSATION/CREATED": f"{_ON_TALK} context",
    "CONVERSATION/CUSTOM_ATTRIBUTE_ADDED": _ON_ATTRIBUTE,
    "CONVERSATION/CUSTOM_ATTRIBUTE_REMOVED": _ON_ATTRIBUTE,
    "CONVERSATION/NOTE_CREATED": f"noteId {_ON_TALK}",
    "CONVERSATION/REOPENED": f"{_ON_TALK} context",
    "CONVERSATION/TOPIC_ADDED": f"{_ON_TALK} topicId context",
    "CONVERSATION/TOPIC_REMOVED": f"{_ON_TALK} topicId context",
    "CONVERSATION_ASSIGNEE/UPDATED": f"{_ON_TALK} reason assignee context",
    "CUSTOMER/MERGED": _ON_MERGE,
    "CUSTOMER_PROFILE/CREATED": "customerId",
    "CUSTOMER_PROFILE/DELETED": "customerId",
    "CUSTOMER_PROFILE/UPDATED": "customerId",
    "PAYMENT_REQUEST/CREATED": _ON_PAYMENT,
    "PAYMENT_REQUEST/STATUS_CHANGED": f"{_ON_PAYMENT} oldStatus newStatus",
    "PAYMENT_REQUEST/VIEWED": _ON_PAYMENT,
    "TASK/ASSIGNEE_UPDATED": f"assignee {_ON_TASK}",
    "TASK/CLOSED": _ON_TASK,
    "TASK/COMMENT_ADDED": f"commentId {_ON_TASK}",
    "TASK/CONTENT_UPDATED": _ON_TASK,
    "TASK/CREATED": _ON_TASK,
    "TASK/DUE_DATE_UPDATED": f"dueAt? {_ON_TASK}",
    "TASK/FOLLOWER_ADDED": f"agentId {_ON_TASK}",
    "TASK/FOLLOWER_REMOVED": f"agentId {_ON_TASK}",
    "TASK/REOPENED": _ON_TASK,
}
"""The members of each type's content; those with a question mark are not always there."""

_CHOICES = {
    "channel": ("CHAT", "EMAIL", "FB_MESSENGER", "INSTAGRAM_DIRECT", "SMS", "WHATSAPP"),
    "status": ("ABANDONED", "ANSWERED", "UNANSWERED", "UNKNOWN"),
    "fulfilledType": ("CANCELED", "RESPONDED"),
    "transferType": ("COLD", "WARM"),
    "oldStatus": ("REQUESTING", "SUBMITTED"),
    "newStatus": ("COMPLETED", "DECLINED", "ERROR", "TIMED_OUT"),
    "entryPoint": ("+14155550101", "https://acme.example/help?x=1"),
    "finalIVRSelection": ("Press 2: Returns", "\u2028"),
    "customAttributeKey": ("orderId",),
    "customAttributeValue": ("1234567890", 'quo"ted\u2028', ""),
    "CONTACT/ENDED reason": ("AGENT_ENDED", "CUSTOMER_NO_REPLY", "MERGED", "STARTED_NEW"),
    "CONTACT/HOLD_ENDED reason": ("COLD_TRANSFER", "CONFERENCE", "MANUAL", "WARM_TRANSFER"),
    "CONTACT/HOLD_STARTED reason": ("COLD_TRANSFER", "CONFERENCE", "MANUAL", "WARM_TRANSFER"),
    "CONTACT/OFFER_REJECTED reason": ("DEVICE ERROR", "DECLINED", "MISSED"),
    "CONTACT/TRANSFERRED reason": ("AUTOMATION", "MANUAL", "MERGE", "UNKNOWN"),
    "CONVERSATION_ASSIGNEE/UPDATED reason": ("DEVICE_ERROR", "MANUAL", "CONTACT_INBOUND"),
    "CONTACT/HOLD_ENDED channel": ("PHONE_CALL",),
    "CONTACT/HOLD_STARTED channel": ("PHONE_CALL",),
}
_INSTANTS = {"occurredAt": 0, "awayAt": -600, "dueAt": 86_400}


class EventContents:
    """Makes the contents of events, which name agents, inboxes and topics of the account.

    ``first`` tells how many events there were before.
    """

    def __init__(self, random: Random, account: Account, first: int = 0) -> None:
        self._random = random
        self._account = account
        self._digits = cycle_from(DIGITS, first)

    def new_id(self) -> str:
        """Make an id that no event has."""
        return slug(self._random)

    def digits(self) -> int:
        """Return how many digits of the second are written next."""
        return next(self._digits)

    def make(
        self, kind: str, at: int, *, whole: bool = True, known: Mapping[str, Any] | None = None
    ) -> Record:
        """Make the content of an event at an instant in nanoseconds since 1970.

        ``whole`` tells whether members that are not always there are. What is known of the members
        is taken from there, and what else it has is left out.

        Raises:
            KeyError: The vendor has no such type.
        """
        held = known or {}
        names = [name for name in MEMBERS[kind].split() if whole or not name.endswith("?")]
        return {
            name: held[name] if name in held else self._value(kind, name, at)
            for name in map(_bare, names)
        }

    def _value(self, kind: str, name: str, at: int) -> Any:  # noqa: ANN401 - any JSON
        choices = _CHOICES.get(f"{kind} {name}") or _CHOICES.get(name)
        if choices is not None:
            return self._random.choice(choices)
        makers: dict[str, Callable[[], Any]] = {
            **dict.fromkeys(_INSTANTS, lambda: self._instant(name, at)),
            "availableFor": lambda: self._random.choice((["MAIL", "MESSAGING", "VOICE"], [])),
            "matchReasons": lambda: ["SKILL", "LAST_AGENT"],
            "activeReason": self._reason,
            "awayReason": self._reason,
            "assignee": self._assignee,
            "context": lambda: self._context(kind, at),
            "agentId": lambda: self._random.choice(self._account.agents)["id"],
            "topicId": lambda: self._random.choice(self._account.topics)["id"],
        }
        return makers.get(name, self.new_id)()

    def _instant(self, name: str, at: int) -> str:
        return stamp(at + _INSTANTS[name] * SECOND, next(self._digits))

    def _reason(self) -> Record:
        reason = {"id": self.new_id(), "name": "Lunch, “late”"}
        if self._random.random() < 0.3:
            del reason["name"]
        return reason

    def _assignee(self) -> Record:
        assignee = {"inboxId": self._random.choice(self._account.inboxes)["id"]}
        if self._random.random() < 0.7:
            assignee["agentId"] = self._random.choice(self._account.agents)["id"]
        return assignee

    def _context(self, kind: str, at: int) -> Record:
        entity = kind.partition("/")[0]
        if entity == "AGENT_AVAILABILITY":
            return {"availableFor": ["VOICE"]}
        if entity == "PAYMENT_REQUEST":
            return {"currency": "USD", "monetaryUnit": self._random.choice((12.5, 100, 0.1))}
        if entity != "TASK":
            return {"assignee": self._assignee()}
        context: Record = {"createdAt": stamp(at - 3600 * SECOND, next(self._digits))}
        if self._random.random() < 0.7:
            context["assignee"] = self._assignee()
            context["dueAt"] = stamp(at + 3600 * SECOND, next(self._digits))
        return context


def entity_of(kind: str) -> str:
    """Return the entity that a type of event is asked for by."""
    entity = kind.partition("/")[0]
    return "CONVERSATION" if entity == "CONVERSATION_ASSIGNEE" else entity


def _bare(name: str) -> str:
    return name.rstrip("?")
