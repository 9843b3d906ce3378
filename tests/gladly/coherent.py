"""A Gladly in which everything tells of the same: what happened at its desk in eleven days."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from tests.demo.gladly_desk import desk_lives
from tests.gladly.truth import ago
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.helpdesk.ledger import export, keep_books, keep_shifts

BEGIN = ago(days=12).replace(hour=0, minute=0, second=0, microsecond=0)
"""A day before anything happened."""


def coherent_gladly() -> GladlySandbox:
    """The account, where nothing has happened yet."""
    return GladlySandbox(history_days=0, events=0, report_rows_per_day=0, customers=0)


def happen(gladly: GladlySandbox) -> None:
    """Let happen what happened at the desk: what the demo has, and more of what it has not."""
    desk_lives(gladly, ())
    desk, at = gladly.desk, ago(hours=3)
    customers = list(desk.customers)
    # Customers who are one: the first became the second, and that one the third.
    chain = customers[10:13]
    talks = [desk.conversation(each, at=at) for each in chain]
    for number, talk in enumerate(talks):
        desk.message(talk, at=at + timedelta(minutes=number))
    tasks = [desk.task(each, at=at) for each in chain]
    export(gladly, BEGIN, at + timedelta(minutes=10))
    for old, new in pairwise(chain):
        at += timedelta(minutes=15)
        desk.merge(old, new, at=at)
    # A conversation that is answered late, closed, opened again, answered soon, and closed again.
    talk = desk.conversation(customers[0], at=at)
    topic = desk.add_topic(talk, at=at)
    for number, wait in enumerate((40, 5)):
        desk.message(talk, "EMAIL", at=at)
        if number:
            desk.reopen(talk, at=at)
        desk.assign(talk, agent_id=gladly.account.agents[number]["id"], at=at)
        at += timedelta(minutes=wait)
        desk.message(talk, "EMAIL", inbound=False, at=at)
        desk.close(talk, at=at + timedelta(minutes=5))
        at += timedelta(minutes=10)
    desk.remove_topic(talk, topic, at=at)
    desk.set_attribute(talk, "orderId", "00007", at=at)
    desk.call(talks[2], at=at)
    desk.note(talks[2], at=at)
    desk.comment(tasks[0], at=at)
    # Of the tasks one is closed, one was for some time, and one is nobody's.
    desk.assign_task(tasks[0], at=at)
    desk.close_task(tasks[0], at=at)
    desk.assign_task(tasks[1], at=at)
    desk.close_task(tasks[1], at=at)
    desk.reopen_task(tasks[1], at=at)
    content = {"agentId": gladly.account.agents[0]["id"], "occurredAt": "2026-01-01T08:00:00Z"}
    gladly.events.add("AGENT_STATUS/LOGGED_IN", timestamp=at, content=content)
    keep_shifts(gladly, BEGIN, 11)
    keep_books(gladly)
    export(gladly, ago(hours=3) + timedelta(minutes=10), ago(minutes=10))
