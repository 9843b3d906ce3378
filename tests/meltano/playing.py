"""A desk with a past, and what happens there while nobody reads it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import timedelta

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.sandbox.gladly import Desk

MANY = 1500
"""More items than Gladly lists of a conversation."""

JUST_NOW = timedelta(seconds=35)
"""What is younger is left to the run after."""


@dataclass
class Cast:
    """Those who are there before the play begins.

    Attributes:
        talks: Conversations, one for each thing that may happen to one.
        merging: Three customers, of whom one becomes another, and that one the third.
        leaving: A customer who has an open conversation and a task.
        silent: A customer who has neither.
        quiet: A customer whose profile alone changes.
        tasks: Tasks, one of each of those who merge, and others.
        busy: A conversation that gets more items than Gladly lists.
    """

    talks: dict[str, str]
    merging: tuple[str, str, str]
    leaving: str
    silent: str
    quiet: str
    tasks: list[str]
    busy: str


WHAT_HAPPENS_TO_TALKS = (
    *("message", "mail", "topic", "untopic", "note", "assign", "unassign", "close", "reopen"),
    *("attribute", "unattribute", "call", "voicemail", "nothing"),
)


def before(desk: Desk, at: datetime) -> Cast:
    """Let a past have been, which ends at this time.

    Args:
        desk: The desk.
        at: When it is over.
    """
    first = at - timedelta(days=2)
    talks = {}
    for number, what in enumerate(WHAT_HAPPENS_TO_TALKS):
        customer = desk.customer(name=f"Of {what}", at=first + timedelta(minutes=number))
        talk = talks[what] = desk.conversation(customer, at=first + timedelta(hours=1))
        desk.message(talk, at=first + timedelta(hours=2, seconds=number))
        desk.add_topic(talk, at=first + timedelta(hours=3))
        desk.set_attribute(talk, f"key {number % 3}", at=first + timedelta(hours=3))
    desk.close(talks["reopen"], at=first + timedelta(hours=4))
    desk.close(talks["nothing"], at=first + timedelta(hours=4))
    merging = [desk.customer(name=f"Merging {name}", at=first) for name in "abc"]
    tasks = []
    for customer in merging:
        for number in range(3):
            talk = desk.conversation(customer, at=first + timedelta(hours=5 + number))
            desk.message(talk, "EMAIL", at=first + timedelta(hours=9))
            desk.call(talk, at=first + timedelta(hours=10))
            if number < 2:
                desk.close(talk, at=first + timedelta(hours=12))
        tasks.append(desk.task(customer, at=first + timedelta(hours=13)))
        desk.comment(tasks[-1], at=first + timedelta(hours=14))
    leaving = desk.customer(name="Leaving", at=first)
    for number in range(2):
        talk = desk.conversation(leaving, at=first + timedelta(hours=number))
        desk.note(talk, at=first + timedelta(hours=10))
    desk.close(talk, at=first + timedelta(hours=11))
    desk.comment(desk.task(leaving, at=first), at=first + timedelta(hours=15))
    silent = desk.customer(name="Silent", at=first)
    desk.close(desk.conversation(silent, at=first), at=first + timedelta(hours=1))
    quiet = desk.customer(name="Quiet", at=first)
    desk.close(desk.conversation(quiet, at=first), at=first + timedelta(hours=1))
    dutiful = desk.customer(name="Dutiful", at=first)
    tasks += [desk.task(dutiful, at=first + timedelta(hours=1)) for _ in range(5)]
    busy = desk.conversation(desk.customer(name="Busy", at=first), at=first)
    desk.message(busy, at=first)
    a, b, c = merging
    return Cast(talks, (a, b, c), leaving, silent, quiet, tasks, busy)


def happens(desk: Desk, cast: Cast, many: int = MANY) -> list[Callable[[datetime], object]]:
    """What happens, one after the other; each is told when.

    Args:
        desk: The desk.
        cast: To whom it happens.
        many: How many items the busy conversation gets.
    """
    talks, (a, b, c) = cast.talks, cast.merging
    new: list[str] = []
    return [
        lambda at: desk.message(talks["message"], at=at),
        lambda at: desk.fill_items(cast.busy, many, at=at),
        lambda at: desk.merge(a, b, at=at),
        lambda at: desk.message(talks["mail"], "EMAIL", inbound=False, at=at),
        lambda at: desk.add_topic(talks["topic"], at=at),
        lambda at: desk.remove_topic(talks["untopic"], at=at),
        lambda at: desk.note(talks["note"], at=at),
        lambda at: desk.assign(talks["assign"], at=at),
        lambda at: desk.assign(talks["unassign"], agent_id=False, at=at),
        lambda at: desk.close(talks["close"], at=at),
        lambda at: desk.reopen(talks["reopen"], at=at),
        lambda at: desk.set_attribute(talks["attribute"], "a new key", at=at),
        lambda at: desk.clear_attribute(talks["unattribute"], "key 1", at=at),
        lambda at: desk.call(talks["call"], at=at),
        lambda at: desk.call(talks["voicemail"], voicemail=True, at=at),
        lambda at: desk.delete(cast.leaving, at=at),
        lambda at: desk.comment(cast.tasks[3], at=at),
        lambda at: desk.assign_task(cast.tasks[4], at=at),
        lambda at: desk.edit_task(cast.tasks[5], at=at),
        lambda at: desk.close_task(cast.tasks[6], at=at),
        lambda at: new.append(desk.customer(name="New", at=at)),
        lambda at: new.append(desk.conversation(new[0], at=at)),
        lambda at: desk.message(new[1], "SMS", at=at),
        lambda at: desk.comment(desk.task(new[0], at=at), at=at),
        lambda at: desk.merge(b, c, at=at),
    ]


def untold_after_a_day(desk: Desk, cast: Cast) -> list[Callable[[datetime], object]]:
    """What happens to profiles alone."""
    return [
        lambda at: desk.update_customer(cast.quiet, at=at, address="Elm Street 2"),
        lambda at: desk.delete(cast.silent, at=at),
        lambda at: desk.update_customer(cast.quiet, at=at, name="Still quiet"),
    ]


def play(actions: list[Callable[[datetime], object]], begin: datetime, end: datetime) -> None:
    """Let things happen, evenly over a time."""
    for number, act in enumerate(actions):
        act(begin + (end - begin) * (number + 1) / (len(actions) + 1))
