"""The desk of the demo's Gladly: customers who write and call, and agents who answer.

What happens has its times: those of fifteen days that end with the day of the first demo, and some
around the end of each demo. All of it happens in the order of these times, up to the present. So a
later demo finds everything of an earlier one, with the same ids, and what has come since.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from itertools import product
from random import Random

from tests.sandbox.gladly.export_files import export
from tests.sandbox.gladly.exports import Window, windows
from tests.sandbox.gladly.timestamps import SECOND, moment_of, now, of

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.sandbox.gladly import Desk, GladlySandbox

    Record = dict[str, t.Any]
    Step = tuple[datetime, Callable[[datetime], object]]

AGENTS = (
    *("Amara Diallo", "Björn Falk", "Chloë Renard", "Dmitri Orlov", "Eşref Kaya", "Fatima Noor"),
    *("Grace Lin", "Hugo Prada", "Ines Vidal", "Jonas Weber", "Kofi Mensah", "Lena Sato"),
)
TOPICS = ("Returns", "Broken", "Sizing", "Shipping", "Late delivery", "Praise", "VIP")
DAYS, TALKS, CUSTOMERS = 14, 50, 24
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
"""One for each of the customers."""
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
        item["content"] = {"type": "CONVERSATION_NOTE", "body": text}

    def call(self, text: str, at: datetime) -> None:
        """The customer calls."""
        item = self._desk.items[self._desk.call(self.id, seconds=240, at=at)]
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
    present = moment_of(now(gladly.events.as_of))
    # A demo takes a minute or two.
    began = runs[0] - timedelta(minutes=2) if runs else present
    midnight = datetime(began.year, began.month, began.day, tzinfo=timezone.utc)
    story = _Story(gladly, midnight - timedelta(days=DAYS))
    steps = [
        *story.steps(),
        *(step for number, run in enumerate(runs) for step in story.after(number, run)),
        *_jobs(gladly, runs, present),
    ]
    for at, act in sorted(steps, key=lambda step: step[0]):
        if at <= present:
            act(at)
    gladly.events.forget_old()


def _jobs(gladly: GladlySandbox, runs: Sequence[datetime], present: datetime) -> Iterator[Step]:
    """Have an export job made in each night, and one after each run.

    A job begins where the one made before it ends, so that windows neither overlap nor leave a gap.
    """
    # Two more than are served, so that also the oldest of these has one before it.
    nights = windows("DAILY", 16, present)
    ends = [(moment_of(each.made), each.end) for each in nights] + [(run, run) for run in runs]
    begin = nights[0].start
    for made, end in sorted(ends):
        if end > begin:
            window = Window(of(end) // SECOND, begin, end, of(made))
            yield made, export(gladly.desk, gladly.exports, window)
            begin = end


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
        """What happens in fifteen days."""
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
        for day, shift in product(range(DAYS + 1), range(4)):
            yield from self._shift(day, shift)

    def _shift(self, day: int, shift: int) -> Iterator[Step]:
        """An agent comes, has lunch, and goes."""
        agent = str(self._account.agents[(day + shift * 3) % len(AGENTS)]["id"])
        begin = self._begin + timedelta(days=day, hours=6 + 3 * shift, minutes=7 * shift + day)
        lunch = {"awayReason": {"id": "lunch", "name": "Lunch"}}
        for minutes, kind, known in (
            (0, "LOGGED_IN", {}),
            (200 + 5 * shift, "WENT_AWAY", lunch),
            (230 + 9 * shift, "RETURNED_FROM_AWAY", lunch),
            (480, "LOGGED_OUT", {}),
        ):
            yield begin + timedelta(minutes=minutes), self._of_agent(kind, agent, known)

    def _of_agent(self, kind: str, agent: str, known: Record) -> Callable[[datetime], None]:
        return lambda at: self._desk.happen(f"AGENT_STATUS/{kind}", at=at, agentId=agent, **known)

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
        place = 3 if talk.topic == "Returns" else 2 if channel == "CHAT" else 0
        inbox = self._account.inboxes[place]["id"]
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
        elif number % 6:
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
