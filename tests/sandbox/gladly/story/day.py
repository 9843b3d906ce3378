"""A day of the story: the conversations and tasks that begin on it, and who is at work."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.story.talk import Talk
from tests.sandbox.gladly.timestamps import DAY, HOUR, MINUTE, SECOND, stamp

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from datetime import date, datetime

    from tests.sandbox.gladly.helpdesk import Desk
    from tests.sandbox.gladly.story.talk import Act

    Record = dict[str, Any]
    Step = tuple[int, Act]
    Steps = Generator[Step, None, int]

_MESSAGES: dict[str, tuple[str, ...]] = {
    "CHAT": ("chat", "bare chat"),
    "EMAIL": ("email", "bare email"),
    "SMS": ("sms",),
    "FB_MESSENGER": ("facebook",),
    "WHATSAPP": ("whatsapp",),
    "INSTAGRAM_DIRECT": ("instagram",),
}
"""The kinds of items by the channel of a message."""
_CHANNELS = (
    *("CHAT", "EMAIL", "PHONE_CALL", "SMS", "FB_MESSENGER", "VOICEMAIL", "CHAT", "WHATSAPP"),
    *("EMAIL", "INSTAGRAM_DIRECT", "PHONE_CALL"),
)
_CALLS = ("PHONE_CALL", "VOICEMAIL")
_BODIES = ("Call <b>back</b>\n\nsoon", 'She said "no", twice', " ")
_SIDE_ITEMS = ("activity", "voice ai", "bare activity", "twitter")
"""The kinds of items that no event tells of."""
_GRAINS = (SECOND, SECOND // 100, SECOND // 1000, 1000)
"""How exact times are, so that they are written with more and fewer digits."""


class Day:
    """What begins on a day of the organization.

    Args:
        desk: Where.
        seed: Seed of all random values.
        day: The day.
        begin: When it begins, in nanoseconds since 1970.
        per_day: How many conversations begin on it.
    """

    def __init__(self, desk: Desk, seed: int, day: date, begin: int, per_day: int) -> None:
        self._desk, self._begin, self._per_day = desk, begin, per_day
        self._random = Random(f"day {seed} {day}")
        self._number = day.toordinal()
        # Some customers never write.
        known = list(desk.customers)
        self._customers = known[: len(known) - len(known) // 4]

    def steps(self) -> Iterator[Step]:
        """What begins on this day, in no order."""
        for place in range(self._per_day):
            yield from self._talk(place)
        yield from self._shifts()
        customer = self._customers[self._number % len(self._customers)]
        if "address" in self._desk.customers[customer]:
            moved = {"address": f"{self._number} Oak Street\nFlat 7"}
            yield (
                self._begin + 5 * HOUR + MINUTE,
                lambda at: self._desk.update_customer(customer, at=at, **moved),
            )
        yield from self._merge(chain=self._number % 4 == 1)
        if self._number % 3 == 0:
            yield from self._deletion()

    def _agent(self) -> str:
        return str(self._random.choice(self._desk.account.agents)["id"])

    def _inbox(self) -> str:
        return str(self._random.choice(self._desk.account.inboxes)["id"])

    def _starts(self, place: int) -> int:
        """When a conversation begins: one at the very begin of the day, one at midnight UTC."""
        if place == 0:
            return self._begin
        if place == 1:
            return -(-self._begin // DAY) * DAY
        grain = _GRAINS[(self._number + place) % len(_GRAINS)]
        return self._begin + (DAY * place // self._per_day + 72_729_331) // grain * grain

    def _talk(self, place: int) -> Iterator[Step]:
        number = self._number * self._per_day + place
        random, at = self._random, self._starts(place)
        talk = Talk(self._desk, _CHANNELS[number % len(_CHANNELS)], self._agent())
        customer = self._customers[number * 5 % len(self._customers)]
        by_agent = number % 7 == 3
        yield at, talk.open(customer, by_agent=by_agent)
        is_call = talk.channel in _CALLS
        wait = random.randrange(1, 10 if talk.channel == "CHAT" else 90) * MINUTE
        if not by_agent:
            yield from self._offered(talk, number, at, wait)
        if is_call:
            at = yield from self._called(talk, number, at + SECOND, wait)
        else:
            at = yield from self._written(talk, number, at, wait, by_agent=by_agent)
        if number % 4 != 3:
            topics = self._desk.account.topics
            for topic in random.sample(topics, 1 + number % 2):
                at += SECOND
                yield at, talk.do("add_topic", topic["id"])
            if number % 5 == 0:
                yield at + SECOND, talk.do("remove_topic")
        for turn in self._asides(talk, number):
            at += random.randrange(1, 5 * MINUTE // 1000) * 1000
            for act in turn:
                yield at, act
        if number % 2:
            yield from self._task(customer, number, at)
        if number % 6 != 5:
            yield from self._ended(talk, number, at)

    def _ended(self, talk: Talk, number: int, at: int) -> Iterator[Step]:
        """It is closed, and some are opened again and closed once more."""
        random, is_call = self._random, talk.channel in _CALLS
        at += random.randrange(1, 120) * MINUTE
        yield at, talk.do("close")
        if number % 4 == 2:
            at += random.randrange(60, 1200) * MINUTE
            if not is_call:
                yield at, talk.say()
            yield at, talk.do("reopen")
            at += random.randrange(2, 60) * MINUTE
            yield at, talk.call("call", 90) if is_call else talk.say(inbound=False)
            yield at + 10 * MINUTE, talk.do("close")

    def _offered(self, talk: Talk, number: int, at: int, wait: int) -> Iterator[Step]:
        """It is offered to agents until one takes it."""
        other = self._agent()
        if number % 3 == 0:
            yield at + SECOND // 4, talk.tell("CONTACT/OFFERED", agentId=other)
            yield at + SECOND // 2, talk.tell("CONTACT/OFFER_REJECTED", agentId=other)
        # A call is taken as it comes.
        taken = at + (SECOND * 3 // 4 if talk.channel in _CALLS else wait)
        yield taken, talk.tell("CONTACT/OFFERED", agentId=talk.agent)
        yield taken, talk.tell("CONTACT/OFFER_ACCEPTED", agentId=talk.agent)
        yield taken, talk.do("assign", self._inbox(), talk.agent)
        yield taken, talk.tell("CONTACT/JOINED")

    def _called(self, talk: Talk, number: int, at: int, wait: int) -> Steps:
        """A call or a voicemail; returns when it is over."""
        seconds = self._random.randrange(30, 600)
        if talk.channel == "PHONE_CALL":
            kind = ("call", "call of a text", "bare call")[number // 3 % 3]
            yield at, talk.call(kind, seconds, inbound=number % 7 != 3)
            return at + seconds * SECOND
        yield at, talk.call(("voicemail", "bare voicemail")[number // 2 % 2], seconds % 40)
        at += wait
        if number // 2 % 3:
            yield at, talk.fulfil()
        return at + 10 * MINUTE

    def _written(self, talk: Talk, number: int, at: int, wait: int, *, by_agent: bool) -> Steps:
        """Messages to and fro; returns when the last one is."""
        kinds = _MESSAGES[talk.channel]
        kind = kinds[number // 2 % len(kinds)]
        if by_agent:
            yield at, talk.say(kind, inbound=False)
            yield at + wait, talk.say()
            return at + wait
        yield at, self._twice(talk.say(kind)) if number % 5 == 1 else talk.say(kind)
        at += wait + MINUTE
        if number % 9 == 8:
            # Nobody answers this one.
            return at
        yield at, talk.say(inbound=False)
        if talk.channel == "CHAT" and number % 2:
            yield at + 2 * SECOND, talk.say("quick reply request", inbound=False)
            yield at + 9 * SECOND, talk.say("quick reply")
        if number % 3 == 1:
            at += wait
            yield at, talk.say()
            yield at + wait, talk.say(inbound=False)
            at += wait
        return at + MINUTE

    def _asides(self, talk: Talk, number: int) -> Iterator[tuple[Act, ...]]:
        """What happens beside the messages: what happens at one instant, and the next."""
        note = ("note", "bare note")[number // 6 % 2]
        match number % 6:
            case 0:
                yield (self._twice(talk.do("note", kind=note)),)
            case 1:
                yield (talk.do("set_attribute", "orderId", f"{number:07}"),)
                if number % 4 == 1:
                    yield (talk.do("clear_attribute", "orderId"),)
            case 2:
                kind = _SIDE_ITEMS[number // 6 % len(_SIDE_ITEMS)]
                yield (talk.do("item", kind, loose=number % 4 == 2),)
            case 3:
                payment = {
                    "paymentRequestId": f"payment-{number}",
                    "context": {"currency": "USD", "monetaryUnit": number % 100 + 0.5},
                }
                yield (talk.tell("PAYMENT_REQUEST/CREATED", **payment),)
                yield (talk.tell("PAYMENT_REQUEST/VIEWED", **payment),)
                yield (talk.tell("PAYMENT_REQUEST/STATUS_CHANGED", **payment),)
            case 4:
                to = {"inboxId": self._inbox(), "agentId": self._agent()}
                yield (talk.tell("CONTACT/TRANSFERRED", assignee=to),)
                yield (talk.do("assign", to["inboxId"], to["agentId"]),)
                if talk.channel in _MESSAGES:
                    yield (talk.say(inbound=False),)
            case _:
                yield (talk.do("note", kind=note),)

    def _task(self, customer: str, number: int, at: int) -> Iterator[Step]:
        desk, task = self._desk, Talk(self._desk)

        def begin(moment: datetime) -> None:
            task.id = desk.task(customer, at=moment)
            desk.tasks[task.id]["body"] = _BODIES[number // 2 % len(_BODIES)]

        yield at + MINUTE, begin
        agent = self._agent()
        acts = [
            task.do("comment"),
            task.do("assign_task", None, agent),
            task.tell("TASK/FOLLOWER_ADDED", agentId=agent),
            task.do("edit_task"),
            task.do("move_task"),
            task.tell("TASK/FOLLOWER_REMOVED", agentId=agent),
            *([task.do("close_task")] if number % 4 == 1 else []),
            *([task.do("reopen_task")] if number % 12 == 1 else []),
        ][number % 3 :]
        for place, act in enumerate(acts, start=2):
            yield at + place * MINUTE, act
        if number % 10 == 1:
            yield at + HOUR, self._twice(task.do("comment", agent))

    def _shifts(self) -> Iterator[Step]:
        """Agents come and go, so that somebody is there at any time."""
        agents = self._desk.account.agents
        for place in range(3):
            agent = str(agents[(self._number + place * 5) % len(agents)]["id"])
            at = self._begin + place * 8 * HOUR + (place * 7 + 1) * MINUTE
            lunch = {"id": "lunch", "name": "Lunch, “late”"}
            away = at + 3 * HOUR
            back = {"awayAt": stamp(away, 0), "awayReason": lunch}
            everything = ["MAIL", "MESSAGING", "VOICE"]
            once_more = place == 2 and self._number % 2
            for after, kind, known in (
                (0, "AGENT_STATUS/LOGGED_IN", {}),
                (1, "AGENT_AVAILABILITY/UPDATED", {"availableFor": everything}),
                (60, "AGENT_AVAILABILITY/FOCUS_ENTERED", {}),
                (70, "AGENT_AVAILABILITY/FOCUS_EXITED", {}),
                (90, "AGENT_STATUS/CHANGED_ACTIVE_REASON", {"activeReason": {"id": "training"}}),
                (180, "AGENT_STATUS/WENT_AWAY", {"awayReason": lunch}),
                (211, "AGENT_STATUS/RETURNED_FROM_AWAY", back),
                (477, "AGENT_AVAILABILITY/UPDATED", {"availableFor": []}),
                (478, "AGENT_STATUS/LOGGED_OUT", {}),
            ):
                moment = at + after * MINUTE
                act = self._of_agent(
                    kind, {"agentId": agent, "occurredAt": stamp(moment, 0), **known}
                )
                is_away = "AWAY" in kind
                yield moment, self._twice(act) if is_away and once_more else act

    def _of_agent(self, kind: str, known: Record) -> Act:
        return lambda at: self._desk.happen(kind, at=at, **known)

    def _twice(self, act: Act) -> Act:
        """Do something twice at one instant, which makes two equal rows of a report."""

        def both(at: datetime) -> None:
            moments = self._desk.moments
            act(at)
            self._desk.moments = moments
            act(at)

        return both

    def _merge(self, *, chain: bool) -> Iterator[Step]:
        """Customers who turn out to be one: a new one and a known one, or three of them."""
        desk, begin = self._desk, self._begin + 3 * HOUR
        known = self._customers[self._number * 2 % len(self._customers)]
        twins: list[str] = []

        def come(at: datetime) -> None:
            twins.append(desk.customer(name=f"Twin {self._number}.{len(twins)}", at=at))
            talk = desk.conversation(twins[-1], at=at + timedelta(seconds=1))
            desk.message(talk, "EMAIL", at=at + timedelta(seconds=2))
            desk.task(twins[-1], at=at + timedelta(seconds=3))

        for place in range(2 if chain else 1):
            yield begin + place * MINUTE, come
        if chain:
            yield begin + HOUR, lambda at: desk.merge(twins[0], twins[1], at=at)
        yield begin + 2 * HOUR, lambda at: desk.merge(twins[-1], known, at=at)

    def _deletion(self) -> Iterator[Step]:
        """A customer who comes, and wants to be forgotten."""
        desk, begin = self._desk, self._begin + 4 * HOUR
        leaving: list[str] = []

        def come(at: datetime) -> None:
            leaving.append(desk.customer(name=f"Leaving {self._number}", at=at))
            talk = desk.conversation(leaving[0], at=at + timedelta(seconds=1))
            desk.message(talk, "CHAT", at=at + timedelta(seconds=2))
            desk.comment(desk.task(leaving[0], at=at), at=at + timedelta(seconds=9))

        yield begin, come
        yield begin + 7 * HOUR, lambda at: desk.delete(leaving[0], at=at)
