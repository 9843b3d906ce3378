"""Conversation items: every type of content, with all of its members and with the fewest."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.timestamps import DIGITS, SECOND, cycle_from, slug, stamp
from tests.sandbox.gladly.wording import AWKWARD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.sandbox.gladly.account import Account

    Record = dict[str, Any]
    Cell = Callable[["Items"], Any]

_INITIATORS = ("CUSTOMER", "AGENT", "API", "AUTOMATION", "SYSTEM", "INTERNAL", "EXTERNAL")


class Items:
    """Makes conversation items, one kind after the other and over again.

    Args:
        seed: Seed of all records.
        account: The account whose agents and topics they name.
        customers: The customers that items of export files name.
        first: How many items were made before, with other seeds.

    Attributes:
        random: Draws ids and choices.
    """

    def __init__(
        self,
        seed: int | str,
        account: Account,
        customers: Sequence[Record] = (),
        *,
        first: int = 0,
    ) -> None:
        self.random = Random(f"items {seed}")
        self._account = account
        self._customers = customers
        self._texts = cycle_from(AWKWARD, first)
        self._digits = cycle_from(DIGITS, first)
        self._kinds = cycle_from(tuple(CONTENTS), first)
        self._initiators = cycle_from(_INITIATORS, first)
        self._made = first
        self._session: tuple[str | None, str] | None = None
        self._at = 0

    def make_for_file(self, at: int) -> Record:
        """Make the next item as an export file has it: of any customer, without a session.

        Args:
            at: Its timestamp in nanoseconds since 1970; digits beyond those written are cut off.
        """
        customer_id = self.random.choice(self._customers)["id"]
        item = self.make(at, customer_id=customer_id, conversation_id=self.new_id())
        if "responder" not in item:
            del item["conversationId"]
        return as_in_file(item)

    def make(
        self, at: int, *, customer_id: str, conversation_id: str | None, kind: str | None = None
    ) -> Record:
        """Make an item as it is read by id.

        Args:
            at: Its timestamp in nanoseconds since 1970; digits beyond those written are cut off.
            customer_id: The customer whose item it is.
            conversation_id: The conversation it is in; None for none.
            kind: A key of `CONTENTS`; None for the next one.
        """
        self._at = at
        self._made += 1
        kind = kind or next(self._kinds)
        content = self._fill(CONTENTS[kind])
        item: Record = {"id": self.new_id(), "customerId": customer_id}
        if conversation_id is not None:
            item["conversationId"] = conversation_id
        if "sessionId" in content:
            # A session has several messages.
            if self._session is None or self._session[0] != conversation_id or self._made % 4 == 0:
                self._session = (conversation_id, content["sessionId"])
            item["sessionId"] = content["sessionId"] = self._session[1]
        item["timestamp"] = self.stamp(0)
        if not kind.startswith("bare "):
            by = next(self._initiators)
            by_id = customer_id if by == "CUSTOMER" else self._agent()
            item["initiator"] = {"id": by_id, "type": by}
            item["responder"] = {"id": self._agent(), "type": "AGENT"}
        elif self._made % 3 == 0:
            item["initiator"] = {"id": "SIDEKICK_V2", "type": "SYSTEM"}
        if "recordingUrl" in content:
            content["recordingUrl"] = f"/api/v1/conversation-items/{item['id']}/media/recording"
        return {**item, "content": content}

    def new_id(self) -> str:
        """Draw an id."""
        return slug(self.random)

    def text(self) -> str:
        """Return the next text."""
        return next(self._texts)

    def stamp(self, seconds: int) -> str:
        """Write a time so many seconds after the item's."""
        return stamp(self._at + seconds * SECOND, next(self._digits))

    def topic_change(self) -> Record:
        """Draw the content of a change of topics."""
        added, removed = (str(each["id"]) for each in self.random.sample(self._account.topics, 2))
        return {"type": "TOPIC_CHANGE", "addedTopicIds": [added], "removedTopicIds": [removed]}

    def _agent(self) -> str:
        return str(self.random.choice(self._account.agents)["id"])

    def _fill(self, value: Any) -> Any:  # noqa: ANN401 - any JSON, and what draws it
        """Return a copy of a template in which each `Cell` is replaced by its value."""
        if callable(value):
            return value(self)
        if isinstance(value, dict):
            return {name: self._fill(each) for name, each in value.items()}
        return [self._fill(each) for each in value] if isinstance(value, list) else value


def as_in_file(item: Record) -> Record:
    """An item as an export file has it: without a session."""
    return {name: each for name, each in item.items() if name != "sessionId"}


def _text(most: int) -> Cell:
    return lambda items: items.text()[:most]


def _stamp(seconds: int) -> Cell:
    return lambda items: items.stamp(seconds)


def _one_of(*values: str) -> Cell:
    return lambda items: items.random.choice(values)


_US, _THEM = "+14155550101", "+12145550102"
_OPTIONS = [{"id": "1", "label": "Furniture"}, {"id": "2", "label": "Träume\u2028…"}]
_FILES: Record = {
    "attachments": [
        {
            "id": Items.new_id,
            "contentType": "image/png",
            "filename": 'röntgen "1".png',
            "fileSize": 3_000_000_000,
        },
        {"id": Items.new_id},
    ]
}
_CHAT: Record = {"type": "CHAT_MESSAGE", "sessionId": Items.new_id, "content": Items.text}
_CALL: Record = {"type": "PHONE_CALL", "from": _US, "to": _THEM}
_RECORDING: Record = {
    "recordingStatus": "AVAILABLE",
    "recordingSummary": {
        "status": _one_of("FAILED", "READY", "PENDING", "REDACTED"),
        "summary": Items.text,
        "language": "en",
    },
    "recordingUrl": Items.new_id,
}

CONTENTS: dict[str, Record | Cell] = {
    "chat": {**_CHAT, "messageType": "TEXT", **_FILES},
    "email": {
        "type": "EMAIL",
        "from": '"Doe, Jane" <jane@acme.example>',
        "to": ["a@acme.example", "b@acme.example"],
        "cc": ["billing@acme.example"],
        "bcc": ["supervisor@acme.example"],
        "subject": _text(200),
        "content": Items.text,
        **_FILES,
    },
    "call": {
        **_CALL,
        "startedAt": _stamp(-90),
        "answeredAt": _stamp(-80),
        "completedAt": _stamp(-1),
        **_RECORDING,
        "recordingDuration": 44,
    },
    "quick reply request": {
        **_CHAT,
        "messageType": "QUICK_REPLY_REQUEST",
        "messageData": {"options": _OPTIONS},
        **_FILES,
    },
    "voicemail": {
        "type": "VOICEMAIL",
        "startedAt": _stamp(-7),
        **_RECORDING,
        "recordingDuration": 7,
    },
    # As in the vendor's examples, which have no messageType.
    "bare chat": _CHAT,
    "sms": {"type": "SMS", "from": _US, "to": _THEM, "content": Items.text, **_FILES},
    "activity": {
        "type": "CUSTOMER_ACTIVITY",
        "title": "Survey answered",
        "body": _text(25_000),
        "activityType": _one_of("EMAIL", "ISSUE", "SMS", "SURVEY"),
        "sourceName": "Survey Tool",
        "link": {"url": "https://acme.example/?a=1&b=2", "text": "Open"},
        "expandByDefault": True,
        "occurredAt": _stamp(-3),
        "receivedAt": _stamp(-2),
    },
    "note": {"type": "CONVERSATION_NOTE", "body": Items.text, **_FILES},
    "quick reply": {
        "messageType": "QUICK_REPLY_RESPONSE",
        "messageData": {
            "quickReplyRequest": {"options": _OPTIONS},
            "selectedOptionId": "1",
            "requestMessageId": Items.new_id,
        },
        **_CHAT,
        **_FILES,
    },
    "status": {"type": "CONVERSATION_STATUS_CHANGE", "status": _one_of("OPEN", "CLOSED")},
    "facebook": {
        "type": "FACEBOOK_MESSAGE",
        "pageId": "112233445566778899",
        "userId": "998877665544332211",
        "content": Items.text,
        **_FILES,
    },
    "topic change": Items.topic_change,
    # As in the vendor's example, whose duration is a text.
    "call of a text": {
        **_CALL,
        "startedAt": _stamp(-99),
        **_RECORDING,
        "recordingDuration": "100",
    },
    "whatsapp": {"type": "WHATSAPP", "content": Items.text, **_FILES},
    "instagram": {"type": "INSTAGRAM_DIRECT", "content": Items.text, **_FILES},
    # The vendor does not list this type and the next for exports.
    "voice ai": {
        "type": "VOICE_AI_MESSAGE",
        "customerNumber": _US,
        "companyNumber": _THEM,
        "status": _one_of("PLAYED", "INTERRUPTED"),
        "body": Items.text,
    },
    "twitter": {"type": "TWITTER", "content": Items.text},
    "bare email": {
        "type": "EMAIL",
        "from": "a@acme.example",
        "to": [],
        "subject": "",
        "content": Items.text,
    },
    "bare activity": {"type": "CUSTOMER_ACTIVITY", "activityType": "ISSUE"},
    "bare note": {"type": "CONVERSATION_NOTE"},
    "bare call": {
        **_CALL,
        "startedAt": _stamp(-5),
        "recordingStatus": "DELETED",
    },
    "bare topic change": {"type": "TOPIC_CHANGE", "addedTopicIds": []},
    "bare voicemail": {"type": "VOICEMAIL"},
}
"""The content of each kind of item: JSON, in which a `Cell` stands for what it returns.

A kind that begins with ``bare`` has the fewest members that the vendor allows, also around it.
"""
