"""What happens in conversations, messages, notes and calls: functions for `Desk`."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.event_types import EventContents
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
_ENTRIES = (
    {"entryPoint": "+14155550101", "finalIVRSelection": "Press 2: Returns"},
    {"entryPoint": "Help, us", "finalIVRSelection": 'Press "2"'},
    {"entryPoint": "+14155550101", "finalIVRSelection": "Returns\nand more"},
)
"""Where calls came in."""


@action
def message(  # noqa: PLR0913 - all by keyword but for what is most used
    desk: State,
    conversation_id: str,
    channel: str = "CHAT",
    inbound: bool = True,  # noqa: FBT001, FBT002 - as short as an action should be
    *,
    kind: str | None = None,
    at: datetime | None = None,
) -> str:
    """Send a message, or receive one (inbound), by a channel of events; returns its item's id.

    The kind of the item is a key of `CONTENTS`; by default it is that of the channel.
    """
    moment, conversation = desk.moment(at), desk.conversations[conversation_id]
    item = desk.add_item(moment, conversation, kind or _KINDS[channel])
    customer = {"id": item["customerId"], "type": "CUSTOMER"}
    agent = {"id": conversation.get("agentId") or desk.any_agent(), "type": "AGENT"}
    item["initiator"], item["responder"] = (customer, agent) if inbound else (agent, customer)
    if inbound:
        # Nobody has answered yet.
        del item["responder"]
    event, by = (_RECEIVED, "CUSTOMER") if inbound else ("CONTACT/MESSAGE_SENT", "AGENT")
    content = contact_of(desk, conversation, channel, messageId=item["id"])
    desk.announce(event, moment, content, by)
    return str(item["id"])


@action
def note(
    desk: State, conversation_id: str, *, kind: str = "note", at: datetime | None = None
) -> str:
    """Write a note; returns the id of its item, whose kind is a key of `CONTENTS`."""
    moment, conversation = desk.moment(at), desk.conversations[conversation_id]
    item = desk.add_item(moment, conversation, kind)
    by_id = conversation.get("agentId") or desk.any_agent()
    item["initiator"] = {"id": by_id, "type": "AGENT"}
    ids = {"noteId": item["id"], **ids_of(conversation)}
    desk.announce("CONVERSATION/NOTE_CREATED", moment, ids, "AGENT", by_id)
    return str(item["id"])


@action
def call(  # noqa: PLR0913 - all by keyword but for what is most used
    desk: State,
    conversation_id: str,
    transcript: bool = True,  # noqa: FBT001, FBT002 - as short as an action should be
    voicemail: bool = False,  # noqa: FBT001, FBT002
    *,
    inbound: bool = True,
    seconds: int = 0,
    kind: str | None = None,
    at: datetime | None = None,
) -> str:
    """Make a recorded call, or leave a voicemail; returns its item's id, which no event has.

    A call of some seconds is on hold for a while in the middle. The kind of the item is a key of
    `CONTENTS`.
    """
    moment, conversation = desk.moment(at), desk.conversations[conversation_id]
    item = desk.add_item(moment, conversation, kind or ("voicemail" if voicemail else "call"))
    desk.calls += 1
    content, channel = item["content"], "VOICEMAIL" if voicemail else "PHONE_CALL"
    if kind is None or not kind.startswith("bare "):
        customer = {"id": item["customerId"], "type": "CUSTOMER"}
        agent = {"id": conversation.get("agentId") or desk.any_agent(), "type": "AGENT"}
        item["initiator"], item["responder"] = (customer, agent) if inbound else (agent, customer)
        if voicemail:
            del item["responder"]
    for name, share in (("startedAt", 0.0), ("answeredAt", 0.1), ("completedAt", 1.0)):
        if name in content and seconds:
            content[name] = desk.stamp(moment.at + int(seconds * share) * SECOND)
    if "recordingDuration" in content and seconds:
        content["recordingDuration"] = seconds
    if "recordingDuration" in content and desk.calls % 2 == 0:
        # As in the vendor's example, which its own schema does not allow.
        content["recordingDuration"] = str(content["recordingDuration"])
    if transcript and "recordingUrl" in content:
        digits = DIGITS[desk.calls % 5]
        created, updated = (stamp(moment.at + wait * SECOND, digits) for wait in (0, 30))
        desk.transcripts[item["id"]] = new_transcript(
            conversation["customerId"], f"Call {desk.calls}", created, updated
        )
    entry = _ENTRIES[desk.calls % len(_ENTRIES)]
    by = "CUSTOMER" if inbound else "AGENT"
    desk.announce("CONTACT/STARTED", moment, contact_of(desk, conversation, channel, **entry), by)
    if seconds and not voicemail:
        for event, share in (("STARTED", 0.4), ("ENDED", 0.5)):
            held = contact_of(desk, conversation, channel, reason="MANUAL")
            at_ = desk.write(moment.at + int(seconds * share) * SECOND)
            desk.announce(f"CONTACT/HOLD_{event}", at_, held, "AGENT")
    ended = {"reason": "AGENT_ENDED", "status": "ANSWERED"}
    end = desk.write(moment.at + seconds * SECOND) if seconds else moment
    desk.announce("CONTACT/ENDED", end, contact_of(desk, conversation, channel, **ended))
    del desk.contacts[conversation_id]
    return str(item["id"])


@action
def item(
    desk: State, conversation_id: str, kind: str, *, loose: bool = False, at: datetime | None = None
) -> str:
    """Add an item of which no event tells, to a conversation or only to its customer (loose).

    The kind is a key of `CONTENTS`. Returns the item's id.
    """
    moment, conversation = desk.moment(at), desk.conversations[conversation_id]
    found = {**conversation, "id": None} if loose else conversation
    return str(desk.add_item(moment, found, kind)["id"])


@action
def happen(
    desk: State, /, kind: str, of: str = "", *, at: datetime | None = None, **known: Any
) -> None:
    """Let an event of any type be, which changes no record.

    It is of a conversation or of a task, or of neither. Members that are known are taken from
    there, and the others are made up.
    """
    moment = desk.moment(at)
    about: Record = {}
    if of in desk.tasks:
        task = desk.tasks[of]
        kept: Record = {name: task[name] for name in ("assignee", "dueAt") if name in task}
        context = {"createdAt": task["timestamp"], **kept}
        about = {"customerId": task["customerId"], "taskId": of, "context": context}
    elif of:
        channel = str(known.get("channel", "CHAT"))
        about = contact_of(desk, desk.conversations[of], channel)
    made = EventContents(desk.random, desk.account, desk.moments)
    content = made.make(kind, moment.at, whole=desk.moments % 2 == 0, known={**about, **known})
    desk.announce(kind, moment, content, "AGENT")


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
