"""A conversation of the story: what customer and agents do in it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.sandbox.gladly.helpdesk import Desk

    Act = Callable[[datetime], object]


class Talk:
    """A conversation, which is there once it has begun; or a task, for `do` and `tell`.

    Each function returns what lets something happen at a time that is given later.

    Attributes:
        id: Its id; empty before it has begun.
        channel: By which channel the customer writes or calls.
        agent: Who gets it.
        contact: The id of the newest contact.
    """

    def __init__(self, desk: Desk, channel: str = "", agent: str = "") -> None:
        self._desk = desk
        self.id = self.contact = ""
        self.channel, self.agent = channel, agent
        self._asked = ""

    def open(self, customer: str, *, by_agent: bool) -> Act:
        """Let the customer, or the agent, open it."""

        def act(at: datetime) -> None:
            self.id = self._desk.conversation(customer, self.agent if by_agent else None, at=at)

        return act

    def say(self, kind: str | None = None, *, inbound: bool = True) -> Act:
        """Let the customer, or who has it, write."""

        def act(at: datetime) -> None:
            item_id = self._desk.message(self.id, self.channel, inbound, kind=kind, at=at)
            self.contact = self._desk.contacts[self.id]
            if kind == "quick reply request":
                self._asked = item_id
            elif kind == "quick reply":
                data = self._desk.items[item_id]["content"]["messageData"]
                data["requestMessageId"] = self._asked

        return act

    def call(self, kind: str, seconds: int, *, inbound: bool = True) -> Act:
        """Let the customer, or who has it, call, or leave a voicemail."""
        is_voicemail = kind.endswith("voicemail")

        def act(at: datetime) -> None:
            self.contact = self._desk.contacts.setdefault(self.id, self._desk.new_id())
            self._desk.call(
                self.id,
                voicemail=is_voicemail,
                inbound=inbound,
                kind=kind,
                seconds=seconds,
                transcript=seconds % 3 > 0,
                at=at,
            )

        return act

    def do(self, name: str, *args: Any, **more: Any) -> Act:
        """Let an action of the desk be done to it."""
        return lambda at: getattr(self._desk, name)(self.id, *args, at=at, **more)

    def tell(self, kind: str, **known: Any) -> Act:
        """Let an event be that changes no record."""
        return lambda at: self._desk.happen(kind, self.id, at=at, channel=self.channel, **known)

    def fulfil(self) -> Act:
        """Let a call be what answers a voicemail."""

        def act(at: datetime) -> None:
            old = self.contact
            self.call("call", 200, inbound=False)(at)
            known = {"contactId": old, "fulfilledType": "RESPONDED", "channel": "VOICEMAIL"}
            self._desk.happen("CONTACT/FULFILLED", self.id, at=at + timedelta(minutes=4), **known)
            self._desk.contacts.pop(self.id, None)

        return act
