"""What happens in conversations, messages, notes and calls: functions for `Desk`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.helpdesk.conversations import assignee_of, ids_of
from tests.sandbox.gladly.helpdesk.population import transcript as new_transcript
from tests.sandbox.gladly.helpdesk.state import action
from tests.sandbox.gladly.timestamps import DIGITS, MILLISECOND, SECOND, moment_of, stamp

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.helpdesk.state import State

    Record = dict[str, Any]

_KINDS = {
    "CHAT": "chat",
    "EMAIL": "email",
    "FB_MESSENGER": "facebook",
    "INSTAGRAM_DIRECT": "instagram",
    "SMS": "sms",
    "WHATSAPP": "whatsapp",
}
"""The kind of the item that each channel makes."""
_RECEIVED = "CONTACT/MESSAGE_RECEIVED"


@action
def message(
    desk: State,
    conversation_id: str,
    channel: str = "CHAT",
    inbound: bool = True,  # noqa: FBT001, FBT002 - as short as an action should be
    *,
    at: datetime | None = None,
) -> str:
    """Send a message, or receive one (inbound), by a channel of events; returns its item's id."""
    moment, conversation = desk.moment(at), desk.conversations[conversation_id]
    item = desk.add_item(moment, conversation, _KINDS[channel])
    customer = {"id": item["customerId"], "type": "CUSTOMER"}
    agent = {"id": conversation.get("agentId") or desk.any_agent(), "type": "AGENT"}
    item["initiator"], item["responder"] = (customer, agent) if inbound else (agent, customer)
    if inbound:
        # Nobody has answered yet.
        del item["responder"]
    kind, by = (_RECEIVED, "CUSTOMER") if inbound else ("CONTACT/MESSAGE_SENT", "AGENT")
    content = contact_of(desk, conversation, channel, messageId=item["id"])
    desk.announce(kind, moment, content, by)
    return str(item["id"])


@action
def note(desk: State, conversation_id: str, *, at: datetime | None = None) -> str:
    """Write a note; returns the id of its item."""
    moment, conversation = desk.moment(at), desk.conversations[conversation_id]
    item = desk.add_item(moment, conversation, "note")
    ids = {"noteId": item["id"], **ids_of(conversation)}
    desk.announce("CONVERSATION/NOTE_CREATED", moment, ids, "AGENT")
    return str(item["id"])


@action
def call(
    desk: State,
    conversation_id: str,
    transcript: bool = True,  # noqa: FBT001, FBT002 - as short as an action should be
    voicemail: bool = False,  # noqa: FBT001, FBT002
    *,
    at: datetime | None = None,
) -> str:
    """Make a recorded call, or leave a voicemail; returns its item's id, which no event has."""
    moment, conversation = desk.moment(at), desk.conversations[conversation_id]
    item = desk.add_item(moment, conversation, "voicemail" if voicemail else "call")
    desk.calls += 1
    if desk.calls % 2 == 0:
        # As in the vendor's example, which its own schema does not allow.
        item["content"]["recordingDuration"] = str(item["content"]["recordingDuration"])
    if transcript:
        digits = DIGITS[desk.calls % 5]
        created, updated = (stamp(moment.at + wait * SECOND, digits) for wait in (0, 30))
        desk.transcripts[item["id"]] = new_transcript(
            conversation["customerId"], f"Call {desk.calls}", created, updated
        )
    channel = "VOICEMAIL" if voicemail else "PHONE_CALL"
    entry = {"entryPoint": "+14155550101", "finalIVRSelection": "Press 2: Returns"}
    desk.announce("CONTACT/STARTED", moment, contact_of(desk, conversation, channel, **entry))
    ended = {"reason": "AGENT_ENDED", "status": "ANSWERED"}
    desk.announce("CONTACT/ENDED", moment, contact_of(desk, conversation, channel, **ended))
    del desk.contacts[conversation_id]
    return str(item["id"])


@action
def fill_items(
    desk: State,
    conversation_id: str,
    count: int,
    *,
    at: datetime | None = None,
    events: bool = True,
) -> list[str]:
    """Add many short chat messages of the customer, a millisecond apart; returns their ids.

    The time is that of the first one. By default it is so long ago that the last one is of just
    now. With ``events``, each is announced as by `message`.
    """
    if at is None:
        at = moment_of(desk.now()) - timedelta(milliseconds=count)
    first, conversation = desk.moment(at), desk.conversations[conversation_id]
    session, added = desk.new_id(), []
    for number in range(count):
        moment = desk.write(first.at + number * MILLISECOND)
        item: Record = {
            "id": desk.new_id(),
            **ids_of(conversation),
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
        desk.items[item["id"]] = item
        added.append(item["id"])
        if events:
            content = contact_of(desk, conversation, "CHAT", messageId=item["id"])
            desk.announce(_RECEIVED, moment, content, "CUSTOMER")
    return added


def contact_of(desk: State, conversation: Record, channel: str, **more: str) -> Record:
    """Return the content of an event of a contact: each conversation has one, until it ends."""
    return {
        "channel": channel,
        "contactId": desk.contacts.setdefault(conversation["id"], desk.new_id()),
        **ids_of(conversation),
        **more,
        "context": {"assignee": assignee_of(conversation)},
    }
