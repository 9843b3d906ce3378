"""What happens in conversations: messages and calls."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.helpdesk.conversations import Talks, assignee_of, names_of
from tests.sandbox.gladly.helpdesk.population import transcript as transcript_of
from tests.sandbox.gladly.items import Items
from tests.sandbox.gladly.timestamps import DIGITS, SECOND, moment_of, now, stamp

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.helpdesk.state import Moment
    from tests.sandbox.gladly.items import Maker

    Record = dict[str, Any]

_MAKERS: dict[str, Maker] = {
    "CHAT": Items.chat_text,
    "EMAIL": Items.email,
    "FB_MESSENGER": Items.facebook,
    "INSTAGRAM_DIRECT": Items.instagram,
    "SMS": Items.sms,
    "WHATSAPP": Items.whatsapp,
}
_MILLISECOND = 1_000_000


class Contacts(Talks):
    """Messages and calls; see `Talks` for what all actions have in common."""

    def message(
        self,
        conversation_id: str,
        channel: str = "CHAT",
        inbound: bool = True,  # noqa: FBT001, FBT002 - as short as an action should be
        *,
        at: datetime | None = None,
    ) -> str:
        """Send or receive a message.

        Args:
            conversation_id: Where.
            channel: How, as events call it.
            inbound: Whether the customer wrote it.
            at: When.

        Returns:
            The id of its item.
        """
        with self.lock:
            moment, conversation = self._moment(at), self.conversations[conversation_id]
            item = self._add_item(moment, conversation, _MAKERS[channel])
            _write_by(item, inbound=inbound, agent_id=conversation.get("agentId") or self._agent())
            self._tell_message(moment, conversation, item["id"], channel, inbound=inbound)
            return str(item["id"])

    def call(
        self,
        conversation_id: str,
        transcript: bool = True,  # noqa: FBT001, FBT002 - as short as an action should be
        voicemail: bool = False,  # noqa: FBT001, FBT002
        *,
        at: datetime | None = None,
    ) -> str:
        """Make a recorded call, or leave a voicemail; no event names its item.

        Args:
            conversation_id: Where.
            transcript: Whether there is a transcript.
            voicemail: Whether it is a voicemail.
            at: When.

        Returns:
            The id of its item.
        """
        with self.lock:
            moment, conversation = self._moment(at), self.conversations[conversation_id]
            maker = Items.voicemail if voicemail else Items.call
            item = self._add_item(moment, conversation, maker)
            self._calls += 1
            if self._calls % 2 == 0:
                # As in the vendor's example, which its own schema does not allow.
                item["content"]["recordingDuration"] = str(item["content"]["recordingDuration"])
            if transcript:
                self.transcripts[item["id"]] = self._transcript(moment, conversation)
            channel = "VOICEMAIL" if voicemail else "PHONE_CALL"
            entry = {"entryPoint": "+14155550101", "finalIVRSelection": "Press 2: Returns"}
            self._tell_contact("CONTACT/STARTED", moment, conversation, channel, entry)
            ended = {"reason": "AGENT_ENDED", "status": "ANSWERED"}
            self._tell_contact("CONTACT/ENDED", moment, conversation, channel, ended)
            del self._contacts[conversation_id]
            return str(item["id"])

    def fill_items(
        self,
        conversation_id: str,
        count: int,
        *,
        at: datetime | None = None,
        events: bool = True,
    ) -> list[str]:
        """Add many short chat messages of the customer.

        Args:
            conversation_id: Where.
            count: How many.
            at: When the first one is; each is a millisecond later than the one before. None for
                so long ago that the last one is just now.
            events: Whether each is told of, as by `message`.

        Returns:
            The ids of the items.
        """
        with self.lock:
            if at is None:
                at = moment_of(now(self._events.as_of)) - timedelta(milliseconds=count)
            first, conversation = self._moment(at), self.conversations[conversation_id]
            session, added = self._new_id(), []
            for number in range(count):
                moment = self._write(first.at + number * _MILLISECOND)
                item: Record = {
                    "id": self._new_id(),
                    "customerId": conversation["customerId"],
                    "conversationId": conversation_id,
                    "sessionId": session,
                    "timestamp": moment.text,
                    "initiator": {"id": conversation["customerId"], "type": "CUSTOMER"},
                    "content": {
                        "type": "CHAT_MESSAGE",
                        "sessionId": session,
                        "content": f"message {number}",
                        "messageType": "TEXT",
                    },
                }
                self.items[item["id"]] = item
                added.append(item["id"])
                if events:
                    self._tell_message(moment, conversation, item["id"], "CHAT", inbound=True)
            return added

    def _transcript(self, moment: Moment, conversation: Record) -> Record:
        times = (stamp(moment.at + wait * SECOND, DIGITS[self._calls % 5]) for wait in (0, 30))
        return transcript_of(conversation["customerId"], f"Call {self._calls}", *times)

    def _tell_message(
        self, moment: Moment, conversation: Record, item_id: str, channel: str, *, inbound: bool
    ) -> None:
        kind = "CONTACT/MESSAGE_RECEIVED" if inbound else "CONTACT/MESSAGE_SENT"
        by = "CUSTOMER" if inbound else "AGENT"
        self._tell_contact(kind, moment, conversation, channel, {"messageId": item_id}, by)

    def _tell_contact(  # noqa: PLR0913, PLR0917 - what an event of a contact consists of
        self,
        kind: str,
        moment: Moment,
        conversation: Record,
        channel: str,
        more: Record,
        by: str | None = None,
    ) -> None:
        """Tell of a contact: each conversation has one, until it ends."""
        content = {
            "channel": channel,
            "contactId": self._contacts.setdefault(conversation["id"], self._new_id()),
            **names_of(conversation),
            **more,
            "context": {"assignee": assignee_of(conversation)},
        }
        self._tell(kind, moment, content, by)


def _write_by(item: Record, *, inbound: bool, agent_id: str) -> None:
    customer = {"id": item["customerId"], "type": "CUSTOMER"}
    agent = {"id": agent_id, "type": "AGENT"}
    item["initiator"], item["responder"] = (customer, agent) if inbound else (agent, customer)
    if inbound:
        # Nobody has answered yet.
        del item["responder"]
