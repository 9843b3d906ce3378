"""What Gladly gives by id: how the rate is used, what it costs, and the index of what changed."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from random import Random

from rich.table import Table

from tests.bench.measuring import console, measure, show
from tests.gladly.conftest import config
from tests.running import Tap
from tests.sandbox.gladly import GladlySandbox

if t.TYPE_CHECKING:
    from tests.sandbox.gladly import Desk

BY_ID = (
    "conversations",
    "conversation_items",
    "customer_profiles",
    "tasks",
    "task_comments",
    "custom_attributes",
)
RATE = 10
DAYS, TALKS_PER_DAY = 30, 20
YEARS_BACK = 730
EVENTS_AND_REPORTS = 1 + 3
"""What tells what changed before yesterday; a run a day begins a minute before."""
CONVERSATION_EVENTS = "ConversationTimestampsReport"


def show_changes() -> None:
    """Show all three."""
    show_fan_out(600, latency=0.3)
    show_requests()
    show_index([40_000, 400_000])


def show_fan_out(conversations: int, latency: float) -> None:
    """Read conversations and their items at the rate that the API allows."""
    with (
        console.status(f"Reading {conversations} conversations at {RATE} requests a second ..."),
        quiet(requests_per_second=RATE, latency=latency) as sandbox,
    ):
        desk, traffic = sandbox.desk, sandbox.traffic
        customer = desk.customer(at=ago(hours=21))
        for number in range(conversations):
            at = ago(hours=20) + timedelta(seconds=number)
            desk.message(desk.conversation(customer, at=at), at=at)
        taken = measure(
            Tap("tap-gladly", config(sandbox)), BY_ID[:2], requests_per_second=float(RATE)
        )
        table = Table(
            title=f"{conversations} conversations and their items, every answer takes "
            f"{latency * 1000:.0f} ms"
        )
        for column in ("records", "seconds", "requests/s", f"of {RATE}", "busiest second"):
            table.add_column(column, justify="right")
        table.add_column("refused", justify="right")
        asked = [
            exchange.arrived
            for exchange in traffic.exchanges()
            if "/conversations/" in exchange.path
        ]
        rate = (len(asked) - 1) / (asked[-1] - asked[0])
        table.add_row(
            f"{taken.records:,}",
            f"{taken.seconds:.1f}",
            f"{rate:.2f}",
            f"{rate / RATE:.1%}",
            str(traffic.busiest_second()),
            str(traffic.count(status=429)),
        )
    show(table)


def show_requests() -> None:
    """Count requests of runs that have more or less to catch up with."""
    table = Table(
        title="requests for what changed: a first run of 30 days, and later ones",
        caption="changed: conversations / customers / tasks; asked: requests",
    )
    table.add_column("run", no_wrap=True)
    for column in ("changed", "records", "reports", "asked", "least", "share"):
        table.add_column(column, justify="right", no_wrap=True)
    with quiet() as sandbox:
        _let_days_pass(sandbox.desk)
        for what, days in (
            ("first run", None),
            ("a day", 1),
            ("20 days", 20),
        ):
            since = ago(days=DAYS if days is None else days)
            sandbox.traffic.clear()
            with console.status(f"Reading what changed ({what}) ..."):
                taken = measure(
                    Tap("tap-gladly", config(sandbox, start_date=f"{ago(days=DAYS):%Y-%m-%d}")),
                    BY_ID,
                    state=None if days is None else _state(since),
                )
            changed = {kind: len(ids) for kind, ids in sandbox.desk.truth(since).items()}
            reports = sandbox.traffic.count("/api/v1/reports")
            talks, customers, tasks = (
                changed[kind] for kind in ("conversation", "customer", "task")
            )
            # One for each id and stream, one for each definition that is met, and what tells of it.
            least = 2 * talks + customers + 2 * tasks + len(sandbox.desk.custom_attributes)
            least += EVENTS_AND_REPORTS
            requests = sandbox.traffic.count()
            table.add_row(
                what,
                f"{talks:,} / {customers:,} / {tasks:,}",
                f"{taken.records:,}",
                str(reports),
                f"{requests:,}",
                f"{least:,}",
                f"{least / requests:.1%}",
            )
    show(table)


def show_index(sizes: list[int]) -> None:
    """Look two years back, in an account where much was told, and read nothing by it."""
    table = Table(title="the index of what changed in two years; nothing is read by it")
    for column in ("rows", "reports", "seconds", "rows/s", "peak MiB", "1st half", "2nd half"):
        table.add_column(column, justify="right")
    for size in sizes:
        with console.status(f"Reading {size:,} rows of changes ..."), quiet() as sandbox:
            yesterday = datetime.now(timezone.utc).date() - timedelta(days=1)
            days = [yesterday - timedelta(days=ago) for ago in reversed(range(YEARS_BACK))]
            # Every row names a conversation that no other names.
            sandbox.reports.fill(CONVERSATION_EVENTS, dict.fromkeys(days, size // YEARS_BACK))
            for column in ("Merged Customer ID", "Merged Conversation ID"):
                sandbox.reports.add_column(CONVERSATION_EVENTS, column, "")
            taken = measure(Tap("tap-gladly", config(sandbox, start_date=f"{days[0]}")), ["tasks"])
            reports = sandbox.traffic.count("/api/v1/reports")
        rows = size // YEARS_BACK * YEARS_BACK
        table.add_row(
            f"{rows:,}",
            str(reports),
            f"{taken.seconds:.1f}",
            f"{rows / taken.seconds:,.0f}",
            f"{taken.peak:.0f}",
            f"{taken.peak_of(slice(0, 50)):.0f}",
            f"{taken.peak_of(slice(50, 100)):.0f}",
        )
    show(table)


def quiet(**options: t.Any) -> GladlySandbox:
    """A Gladly where nothing has happened."""
    return GladlySandbox(days=0, history_days=0, customers=0, **options)


def ago(**amount: float) -> datetime:
    """A time so long before now."""
    return datetime.now(timezone.utc) - timedelta(**amount)


def _state(since: datetime) -> dict[str, t.Any]:
    """The state of a run that read up to this time."""
    at = f"{since:%Y-%m-%dT%H:%M:%S.%fZ}"
    bookmark = {"replication_key": "changedAt", "replication_key_value": at}
    return {"bookmarks": {stream: dict(bookmark) for stream in BY_ID[:-1]}}


def _let_days_pass(desk: Desk) -> None:
    """Let a month pass: conversations begin and go on, tasks come, customers merge and leave."""
    random = Random("a month")
    begin = ago(days=DAYS) + timedelta(hours=1)
    talks: list[str] = []
    for day in range(DAYS):
        at = begin + timedelta(days=day)
        for _ in range(TALKS_PER_DAY):
            at += timedelta(minutes=50)
            # The older ones go on at times.
            known = [each for each in talks[-100:] if each in desk.conversations]
            for talk in random.sample(known, min(2, len(known))):
                desk.message(talk, "EMAIL", at=at)
            customer = desk.customer(at=at)
            talk = desk.conversation(customer, at=at)
            desk.message(talk, at=at)
            desk.set_attribute(talk, f"key {random.randrange(5)}", at=at)
            talks.append(talk)
        desk.comment(desk.task(customer, at=at), at=at)
        owner = desk.conversations[random.choice(known)]["customerId"]
        desk.delete(owner, at=at) if day % 5 == 0 else desk.merge(owner, customer, at=at)
