"""Conversation items: every type of content, with all of its members and with the fewest."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.timestamps import DIGITS, SECOND, cycle_from, slug, stamp
from tests.sandbox.gladly.wording import AWKWARD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.gladly.account import Account

    Record = dict[str, Any]
    Maker = Callable[["Items"], tuple[Record, bool]]

_US, _THEM = "+14155550101", "+12145550102"
_OPTIONS = [{"id": "1", "label": "Furniture"}, {"id": "2", "label": "Träume\u2028…"}]
_INITIATORS = ("CUSTOMER", "AGENT", "API", "AUTOMATION", "SYSTEM", "INTERNAL", "EXTERNAL")
_STATUSES = ("FAILED", "READY", "PENDING", "REDACTED")


class Items:
    """Makes conversation items, one kind after the other and over again.

    Args:
        seed: Seed of all records.
        account: Whose agents and topics they name.
        customers: The customers they name.
        first: How many items there were before, made with other seeds.
    """

    def __init__(
        self, seed: int | str, account: Account, customers: list[Record], *, first: int = 0
    ) -> None:
        self._random = Random(f"items {seed}")
        self._account = account
        self._customers = customers
        self._texts = cycle_from(AWKWARD, first)
        self._digits = cycle_from(DIGITS, first)
        self._makers = cycle_from(_MAKERS, first)
        self._initiators = cycle_from(_INITIATORS, first)
        self._made = first
        self._session: tuple[str | None, str] | None = None
        self._at = 0

    def make(self, at: int) -> Record:
        """Make the next item.

        Args:
            at: Its timestamp in nanoseconds since 1970; digits beyond those written are cut off.
        """
        self._at = at
        self._made += 1
        content, whole = next(self._makers)(self)
        customer = self._random.choice(self._customers)
        item: Record = {
            "id": self._id(),
            "customerId": customer["id"],
            "timestamp": self._stamp(0),
            "content": content,
        }
        if whole:
            item["conversationId"] = self._id()
            item["initiator"] = {"id": customer["id"], "type": next(self._initiators)}
            item["responder"] = {"id": self._agent(), "type": "AGENT"}
        elif self._made % 3 == 0:
            item["initiator"] = {"id": "SIDEKICK_V2", "type": "SYSTEM"}
        return item

    def make_in(
        self,
        at: int,
        *,
        customer_id: str,
        conversation_id: str | None,
        maker: Maker | None = None,
    ) -> Record:
        """Make an item as it is read by id: of one conversation, with what files do not have.

        Args:
            at: Its timestamp in nanoseconds since 1970; digits beyond those written are cut off.
            customer_id: Whose item it is.
            conversation_id: Which conversation it is in; None for none.
            maker: Makes its content, such as ``Items.email``; None for the next one.
        """
        self._at = at
        self._made += 1
        content, whole = (maker or next(self._makers))(self)
        item: Record = {"id": self._id(), "customerId": customer_id}
        if conversation_id is not None:
            item["conversationId"] = conversation_id
        if "sessionId" in content:
            # A session has several messages.
            if self._session is None or self._session[0] != conversation_id or self._made % 4 == 0:
                self._session = (conversation_id, content["sessionId"])
            item["sessionId"] = content["sessionId"] = self._session[1]
        item["timestamp"] = self._stamp(0)
        if whole:
            kind = next(self._initiators)
            item["initiator"] = {
                "id": customer_id if kind == "CUSTOMER" else self._agent(),
                "type": kind,
            }
            item["responder"] = {"id": self._agent(), "type": "AGENT"}
        elif self._made % 3 == 0:
            item["initiator"] = {"id": "SIDEKICK_V2", "type": "SYSTEM"}
        if "recordingUrl" in content:
            content["recordingUrl"] = f"/api/v1/conversation-items/{item['id']}/media/recording"
        return {**item, "content": content}

    def _id(self) -> str:
        return slug(self._random)

    def _agent(self) -> str:
        agent_id = self._random.choice(self._account.agents)["id"]
        return str(agent_id)

    def _topics(self) -> list[str]:
        return [str(topic["id"]) for topic in self._random.sample(self._account.topics, 2)]

    def _stamp(self, seconds: int) -> str:
        return stamp(self._at + seconds * SECOND, next(self._digits))

    def _files(self) -> Record:
        attachment = {
            "id": self._id(),
            "contentType": "image/png",
            "filename": 'röntgen "1".png',
            "fileSize": 3_000_000_000,
        }
        return {"attachments": [attachment, {"id": self._id()}]}

    def _recording(self, duration: int | str) -> Record:
        summary = {"status": self._random.choice(_STATUSES), "summary": next(self._texts)}
        return {
            "recordingStatus": "AVAILABLE",
            "recordingUrl": f"/api/v1/conversation-items/{self._id()}/media/recording",
            "recordingDuration": duration,
            "recordingSummary": {**summary, "language": "en"},
        }

    def chat(self) -> Record:
        """Make what every chat message has."""
        return {"type": "CHAT_MESSAGE", "sessionId": self._id(), "content": next(self._texts)}

    def chat_text(self) -> tuple[Record, bool]:
        """Make a chat message of plain text."""
        return {**self.chat(), "messageType": "TEXT", **self._files()}, True

    def chat_untyped(self) -> tuple[Record, bool]:
        """Make a chat message without messageType, as in the vendor's examples."""
        return self.chat(), False

    def chat_request(self) -> tuple[Record, bool]:
        """Make a chat message that offers quick replies."""
        kind = {"messageType": "QUICK_REPLY_REQUEST", "messageData": {"options": _OPTIONS}}
        return {**self.chat(), **kind, **self._files()}, True

    def chat_response(self) -> tuple[Record, bool]:
        """Make a chat message that is a quick reply."""
        data = {
            "quickReplyRequest": {"options": _OPTIONS},
            "selectedOptionId": "1",
            "requestMessageId": self._id(),
        }
        kind = {"messageType": "QUICK_REPLY_RESPONSE", "messageData": data}
        return {**self.chat(), **kind, **self._files()}, True

    def status(self) -> tuple[Record, bool]:
        """Make a change of a conversation's status."""
        status = self._random.choice(("OPEN", "CLOSED"))
        return {"type": "CONVERSATION_STATUS_CHANGE", "status": status}, True

    def activity(self) -> tuple[Record, bool]:
        """Make an activity of another system."""
        content = {
            "type": "CUSTOMER_ACTIVITY",
            "title": "Survey answered",
            "body": next(self._texts)[:25_000],
            "activityType": self._random.choice(("EMAIL", "ISSUE", "SMS", "SURVEY")),
            "sourceName": "Survey Tool",
            "link": {"url": "https://acme.example/?a=1&b=2", "text": "Open"},
            "expandByDefault": True,
            "occurredAt": self._stamp(-3),
            "receivedAt": self._stamp(-2),
        }
        return content, True

    def activity_bare(self) -> tuple[Record, bool]:
        """Make an activity with the fewest members."""
        return {"type": "CUSTOMER_ACTIVITY", "activityType": "ISSUE"}, False

    def email(self) -> tuple[Record, bool]:
        """Make an e-mail."""
        content = {
            "type": "EMAIL",
            "from": '"Doe, Jane" <jane@acme.example>',
            "to": ["a@acme.example", "b@acme.example"],
            "cc": ["billing@acme.example"],
            "bcc": ["supervisor@acme.example"],
            "subject": next(self._texts)[:200],
            "content": next(self._texts),
            **self._files(),
        }
        return content, True

    def email_bare(self) -> tuple[Record, bool]:
        """Make an e-mail with the fewest members, and no recipient."""
        content = {"type": "EMAIL", "from": "a@acme.example", "to": [], "subject": ""}
        return {**content, "content": next(self._texts)}, False

    def facebook(self) -> tuple[Record, bool]:
        """Make a Facebook message."""
        ids = {"pageId": "112233445566778899", "userId": "998877665544332211"}
        content = {"type": "FACEBOOK_MESSAGE", **ids, "content": next(self._texts)}
        return {**content, **self._files()}, True

    def note(self) -> tuple[Record, bool]:
        """Make a note."""
        return {"type": "CONVERSATION_NOTE", "body": next(self._texts), **self._files()}, True

    def note_bare(self) -> tuple[Record, bool]:
        """Make a note without a body."""
        return {"type": "CONVERSATION_NOTE"}, False

    def call(self) -> tuple[Record, bool]:
        """Make a phone call."""
        return {
            "type": "PHONE_CALL",
            "from": _US,
            "to": _THEM,
            "startedAt": self._stamp(-90),
            "answeredAt": self._stamp(-80),
            "completedAt": self._stamp(-1),
            **self._recording(44),
        }, True

    def call_text(self) -> tuple[Record, bool]:
        """Make a phone call whose duration is a text, as in the vendor's example."""
        content = {"type": "PHONE_CALL", "from": _US, "to": _THEM, "startedAt": self._stamp(-99)}
        return {**content, **self._recording("100")}, True

    def call_bare(self) -> tuple[Record, bool]:
        """Make a phone call that nobody recorded."""
        content = {"type": "PHONE_CALL", "from": _US, "to": _THEM, "startedAt": self._stamp(-5)}
        return {**content, "recordingStatus": "DELETED"}, False

    def sms(self) -> tuple[Record, bool]:
        """Make a text message."""
        content = {"type": "SMS", "from": _US, "to": _THEM, "content": next(self._texts)}
        return {**content, **self._files()}, True

    def topic_change(self) -> tuple[Record, bool]:
        """Make a change of topics."""
        added, removed = self._topics()
        content = {"type": "TOPIC_CHANGE", "addedTopicIds": [added], "removedTopicIds": [removed]}
        return content, True

    def topic_change_bare(self) -> tuple[Record, bool]:
        """Make a change of topics that says nothing."""
        return {"type": "TOPIC_CHANGE", "addedTopicIds": []}, False

    def voice_ai(self) -> tuple[Record, bool]:
        """Make a spoken message; the vendor does not list it for exports."""
        content = {"type": "VOICE_AI_MESSAGE", "customerNumber": _US, "companyNumber": _THEM}
        status = self._random.choice(("PLAYED", "INTERRUPTED"))
        return {**content, "body": next(self._texts), "status": status}, True

    def voicemail(self) -> tuple[Record, bool]:
        """Make a voicemail."""
        content = {"type": "VOICEMAIL", "startedAt": self._stamp(-7)}
        return {**content, **self._recording(7)}, True

    def voicemail_bare(self) -> tuple[Record, bool]:
        """Make a voicemail that is known by nothing but its type."""
        return {"type": "VOICEMAIL"}, False

    def whatsapp(self) -> tuple[Record, bool]:
        """Make a WhatsApp message."""
        return {"type": "WHATSAPP", "content": next(self._texts), **self._files()}, True

    def instagram(self) -> tuple[Record, bool]:
        """Make an Instagram message."""
        return {"type": "INSTAGRAM_DIRECT", "content": next(self._texts), **self._files()}, True

    def twitter(self) -> tuple[Record, bool]:
        """Make a Twitter message; the vendor no longer lists it for exports."""
        return {"type": "TWITTER", "content": next(self._texts)}, True


_MAKERS: list[Maker] = [
    Items.chat_text,
    Items.email,
    Items.call,
    Items.chat_request,
    Items.voicemail,
    Items.chat_untyped,
    Items.sms,
    Items.activity,
    Items.note,
    Items.chat_response,
    Items.status,
    Items.facebook,
    Items.topic_change,
    Items.call_text,
    Items.whatsapp,
    Items.instagram,
    Items.voice_ai,
    Items.twitter,
    Items.email_bare,
    Items.activity_bare,
    Items.note_bare,
    Items.call_bare,
    Items.topic_change_bare,
    Items.voicemail_bare,
]
