"""The desk of the demo's Gladly: customers who write and call, and agents who answer.

What happens has its times: those of eleven days that end with the day of the first demo, and some
around the end of each demo. All of it happens in the order of these times, up to the present. So a
later demo finds everything of an earlier one, with the same ids, and what has come since.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from itertools import product
from random import Random

from tests.sandbox.gladly.timestamps import moment_of, nanos, now

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.sandbox.gladly import Desk, GladlySandbox

    Record = dict[str, t.Any]
    Step = tuple[datetime, Callable[[datetime], object]]

TIMESTAMPS = ("ConversationTimestampsReport", "ContactTimestampsReport", "TaskTimestampsReport")
AGENTS = (
    *("Amara Diallo", "Björn Falk", "Chloë Renard", "Dmitri Orlov", "Eşref Kaya", "Fatima Noor"),
    *("Grace Lin", "Hugo Prada", "Ines Vidal", "Jonas Weber", "Kofi Mensah", "Lena Sato"),
)
TOPICS = ("Returns", "Broken", "Sizing", "Shipping", "Late delivery", "Praise", "VIP")
DAYS, TALKS, CUSTOMERS = 10, 38, 24
SAID: dict[str, tuple[tuple[str, str], ...]] = {
    "Returns": (
        ("The shoes are too narrow. How do I send them back?", "A label is on its way to you."),
        ("Can I return two parcels in one?", "Yes, one label is enough for both."),
    ),
    "Broken": (
        ("The handle came off after two days.", "I am sorry! A new one leaves today."),
        ("One of the four glasses is cracked.", "Keep it; we send you another."),
    ),
    "Sizing": (
        ("I am between M and L. Which one?", "Take L: it is cut narrow."),
        ("Do the boots run small?", "A little. Half a size up is best."),
    ),
    "Shipping": (
        ("Do you deliver to Malta?", "We do, in five days."),
        ("May I change the address?", "Done: it goes to Elm Street now."),
    ),
    "Late delivery": (
        ("My parcel has not moved since Monday.", "It is stuck in Leipzig; I have called them."),
        ("Where is my order?", "It comes tomorrow before noon."),
    ),
}
"""What customers write of each topic, and what they are answered."""
NOTES = ("Has called before about this.", "Refund approved by Grace.", "Prefers to be called.")
CALLED = ("Caller asks for the refund; promised by Friday.", "Caller confirms the new address.")
NAMES = [
    f"{first} {last}"
    for last, first in product(
        ("Okafor", "Lindqvist", "Mendes", "Nakamura", "O'Hara"),
        ("Ada", "Bo", "Carla", "Dai", "Elif"),
    )
]
"""One for each of the customers, and for each of those in export files."""
LIVELIEST = 32
"""The conversation in which most happens."""
AFTER_A_RUN = 5
"""How many conversations go on after a run."""


class Talk:
    """A conversation, which is there once it has begun."""

    def __init__(self, desk: Desk, topic: str, topic_id: str) -> None:
        self.id = ""
        self.topic, self.topic_id = topic, topic_id
        self._desk = desk

    def begin(self, customer: str, inbox: str, agent: str, at: datetime) -> None:
        """The customer begins it, and somebody gets it."""
        self.id = self._desk.conversation(customer, at=at)
        self._desk.assign(self.id, inbox, agent, at=at)

    def say(self, text: str, channel: str, at: datetime, *, inbound: bool) -> None:
        """Somebody writes."""
        item = self._desk.items[self._desk.message(self.id, channel, inbound, at=at)]
        item["content"].pop("attachments", None)
        item["content"]["content"] = text
        if channel == "EMAIL":
            item["content"].update(subject=self.topic, **{"from": "jane@acme.example"})

    def note(self, text: str, at: datetime) -> None:
        """Its agent writes a note."""
        item = self._desk.items[self._desk.note(self.id, at=at)]
        item["initiator"] = {"id": self._desk.conversations[self.id]["agentId"], "type": "AGENT"}
        item["content"] = {"type": "CONVERSATION_NOTE", "body": text}

    def call(self, text: str, at: datetime) -> None:
        """The customer calls."""
        item = self._desk.items[self._desk.call(self.id, at=at)]
        item["initiator"] = {"id": item["customerId"], "type": "CUSTOMER"}
        item["content"]["recordingSummary"]["summary"] = text

    def tag(self, at: datetime) -> None:
        """It gets its topic."""
        self._desk.add_topic(self.id, self.topic_id, at=at)

    def close(self, at: datetime) -> None:
        """It is closed."""
        self._desk.close(self.id, at=at)


def desk_lives(gladly: GladlySandbox, runs: Sequence[datetime]) -> None:
    """Let happen what has happened at the desk by now.

    Args:
        gladly: The Gladly, as the sandbox makes it, without customers.
        runs: When the demos before this one ended.
    """
    for agent, name in zip(gladly.account.agents, AGENTS, strict=True):
        agent["name"] = name
    for topic, name in zip(gladly.account.topics, TOPICS, strict=True):
        topic["name"] = name
    for report in TIMESTAMPS:
        # Their rows are made up, and here what happens tells what is in them.
        gladly.reports.set(report, [])
    present = moment_of(now(gladly.events.as_of))
    # A demo takes a minute or two.
    began = runs[0] - timedelta(minutes=2) if runs else present
    midnight = datetime(began.year, began.month, began.day, tzinfo=timezone.utc)
    _keep_events_of_agents(gladly)
    story = _Story(gladly, midnight - timedelta(days=DAYS))
    steps = [
        *story.steps(),
        *(step for number, run in enumerate(runs) for step in story.after(number, run)),
    ]
    for at, act in sorted(steps, key=lambda step: step[0]):
        if at <= present:
            act(at)


def _keep_events_of_agents(gladly: GladlySandbox) -> None:
    """Forget events of conversations that are not there."""
    events = [each for each in gladly.events.all if each["type"].startswith("AGENT_")]
    gladly.events.clear()
    for each in events:
        at = moment_of(nanos(each["timestamp"]))
        gladly.events.add(each["type"], timestamp=at, content=each["content"], id=each["id"])


class _Story:
    """What happens, and when.

    Args:
        gladly: Where.
        begin: From when on.
    """

    def __init__(self, gladly: GladlySandbox, begin: datetime) -> None:
        self._desk, self._account = gladly.desk, gladly.account
        self._begin = begin
        topics = {each["name"]: each["id"] for each in gladly.account.topics}
        names = [*SAID]
        self._talks = [
            Talk(gladly.desk, names[number % len(names)], topics[names[number % len(names)]])
            for number in range(TALKS)
        ]
        self._customers: list[str] = []
        self._tasks: list[str] = []

    def steps(self) -> Iterator[Step]:
        """What happens in eleven days."""
        yield self._begin, self._add_customers
        for number, talk in enumerate(self._talks):
            begin = self._begin + timedelta(hours=1, minutes=number * (DAYS + 1) * 1440 / TALKS)
            yield from self._talk(number, talk, begin)
            if number % 5 == 2:
                yield begin + timedelta(minutes=50), self._task(number)
        twins = timedelta(days=DAYS - 1, hours=20)
        yield (
            self._begin + twins,
            lambda at: self._desk.merge(self._customers[-1], self._customers[3], at=at),
        )

    def after(self, number: int, run: datetime) -> Iterator[Step]:
        """What happens around the end of a demo, too late for its run."""
        desk = self._desk
        for place in range(AFTER_A_RUN):
            talk = self._talks[(LIVELIEST if place == 0 else number * 3 + place * 7) % TALKS]
            at = run - timedelta(seconds=40 - place)
            yield at, self._go_on(talk, (number + place) % 4)
        yield run - timedelta(seconds=30), lambda at: desk.comment(self._tasks[0], at=at)
        yield (
            run - timedelta(seconds=29),
            lambda at: desk.update_customer(
                self._customers[number % 20], at=at, address=f"Elm Street {number + 1}"
            ),
        )

    def _add_customers(self, at: datetime) -> None:
        for number in range(CUSTOMERS):
            name = NAMES[number]
            mail = f"{name.lower().replace(' ', '.').replace(chr(39), '')}@acme.example"
            self._customers.append(
                self._desk.customer(
                    at=at + timedelta(minutes=number),
                    name=name,
                    emails=[{"normalized": mail, "original": mail, "primary": True}],
                    phones=[{"original": f"415555{number:04}", "type": ("", "MOBILE")[number % 2]}],
                    customAttributes={"tier": ("gold", "silver", "none")[number % 3]},
                )
            )

    def _talk(self, number: int, talk: Talk, begin: datetime) -> Iterator[Step]:
        random = Random(f"talk {number}")
        customer, channel = number * 7 % CUSTOMERS, ("CHAT", "EMAIL")[number % 2]
        inbox = self._account.inboxes[2 if channel == "CHAT" else 0]["id"]
        agent = self._account.agents[number % len(AGENTS)]["id"]
        pace = timedelta(minutes=2 if channel == "CHAT" else 40)
        yield begin, lambda at: talk.begin(self._customers[customer], inbox, agent, at)
        at = begin + timedelta(seconds=1)
        for question, answer in random.sample(SAID[talk.topic], 2 if number == LIVELIEST else 1):
            yield at, self._say(talk, question, channel, inbound=True)
            yield at + pace, self._say(talk, answer, channel, inbound=False)
            at += 2 * pace
        yield at, talk.tag
        if number % 3 == 0 or number == LIVELIEST:
            at += pace
            yield at, self._note(talk, random.choice(NOTES))
        if number % 4 == 1 or number == LIVELIEST:
            at += pace
            yield at, self._call(talk, random.choice(CALLED))
        if number % 6 == 3:
            yield at, lambda at: self._desk.set_attribute(talk.id, "orderId", f"{number:05}", at=at)
        if number == LIVELIEST:
            yield at + pace, self._say(talk, "Thank you for calling back!", "EMAIL", inbound=True)
            yield at + 2 * pace, self._note(talk, "Wants an answer by mail, not by chat.")
        elif number % 5:
            yield at + 2 * pace, talk.close

    def _task(self, number: int) -> Callable[[datetime], None]:
        def act(at: datetime) -> None:
            task = self._desk.task(self._customers[number * 7 % CUSTOMERS], at=at)
            self._desk.tasks[task]["body"] = "Call back about the refund"
            comment = self._desk.comment(task, at=at + timedelta(minutes=1))
            self._desk.comments[comment]["comment"] = "Not at home; again tomorrow."
            self._tasks.append(task)

        return act

    def _go_on(self, talk: Talk, how: int) -> Callable[[datetime], None]:
        def act(at: datetime) -> None:
            if how == 0:
                talk.say("Any news?", "CHAT", at, inbound=True)
            elif how == 1:
                talk.note("Asked the carrier once more.", at)
            elif how == 2:
                self._desk.reopen(talk.id, at=at)
            else:
                talk.call(CALLED[0], at)

        return act

    @staticmethod
    def _say(talk: Talk, text: str, channel: str, *, inbound: bool) -> Callable[[datetime], None]:
        return lambda at: talk.say(text, channel, at, inbound=inbound)

    @staticmethod
    def _note(talk: Talk, text: str) -> Callable[[datetime], None]:
        return lambda at: talk.note(text, at)

    @staticmethod
    def _call(talk: Talk, text: str) -> Callable[[datetime], None]:
        return lambda at: talk.call(text, at)
