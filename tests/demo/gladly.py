"""The made-up Gladly that the demo reads, and what happens there between two runs.

The sandbox's records are the same from day to day. What is done to them here depends on the times
at which the demo ran before, and on nothing else but the day: so the next demo finds the account of
this one, with the same ids, and what has come since.
"""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone
from itertools import product
from random import Random

from tests.demo.gladly_desk import NAMES, desk_lives
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.event_types import MEMBERS
from tests.sandbox.gladly.items import Items
from tests.sandbox.gladly.timestamps import DAY, MINUTE, SECOND, nanos, now, of, stamp

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    Record = dict[str, t.Any]

CONVERSATIONS = "ConversationExportReport"
REPORTS = (CONVERSATIONS, "ContactTimestampsReport", "AgentDurationsReportV2")
"""Three of the eight that are read by default: with all, a run waits for Gladly's ten a minute."""
START = f"{datetime.now(timezone.utc) - timedelta(days=30):%Y-%m-%d}"
SETTINGS = {
    "TAP_GLADLY_REPORTS": json.dumps(REPORTS),
    # One request a report, and not one for each part of a year.
    "TAP_GLADLY_START_DATE": START,
}

CLOSED_IN = {"E-mail": 300, "Voice": 15, "Chat": 25, "Returns": 900}
"""The inboxes, and in how many minutes conversations there are closed on average."""
ITEMS_PER_DAY, ITEMS_OF_A_RUN = 30, 12
"""How many items jobs have: by the length of their windows, and at least after a run."""
EVENTS_OF_A_RUN, CLOSED_AFTER_A_RUN = 5, 3


def gladly_of_demo(present: datetime | None = None) -> GladlySandbox:
    """A Gladly with the limits of the vendor's."""
    return GladlySandbox(
        requests_per_second=10,
        reports_per_minute=10,
        concurrent_reports=2,
        # Two more than are served, so that also the oldest of these has one before it.
        history_days=16,
        items_per_day=ITEMS_PER_DAY,
        events=280,
        report_rows_per_day=15,
        customers=0,
        present=present,
    )


def gladly_lives_on(gladly: GladlySandbox, runs: Sequence[datetime]) -> None:
    """Let happen what happens between runs.

    Args:
        gladly: The Gladly, as the sandbox makes it.
        runs: When the demos before this one ended.
    """
    for inbox, name in zip(gladly.account.inboxes, CLOSED_IN, strict=True):
        inbox["name"] = name
    desk_lives(gladly, runs)
    _add_jobs(gladly, runs)
    _add_events(gladly, runs)
    _close_conversations(gladly, runs)


def _add_jobs(gladly: GladlySandbox, runs: Sequence[datetime]) -> None:
    """Have an export job made after each run, between those that Gladly makes at night.

    A job begins where the one made before it ends, so that windows neither overlap nor leave a gap:
    the job of a night has what came after the day's last run, and none is made of a day that a run
    in the early hours was quicker to export.
    """
    exports = gladly.exports
    ids = sorted({line["id"] for _, line in exports.records("customers.jsonl")})
    customers = [{"id": id_, "name": name} for id_, name in zip(ids, NAMES, strict=False)]
    after_runs = [
        exports.add(start=run, end=run, updated=run, number=of(run) // SECOND) for run in runs
    ]
    made = sorted(exports.jobs, key=lambda job: nanos(job.updated_at))
    exports.jobs.clear()
    begin, files = made[0].start_at, made[0].files
    for job in made:
        job.start_at = begin
        first, end = nanos(begin), nanos(job.end_at)
        if end <= first:
            continue
        if job in after_runs:
            maker = Items(job.id, gladly.account, customers)
            count = max(ITEMS_OF_A_RUN, (end - first) * ITEMS_PER_DAY // DAY)
            items = [
                maker.make_for_file(first + (end - first) * each // count) for each in range(count)
            ]
        else:
            lines = map(json.loads, b"".join(job.chunks("conversation_items.jsonl")).splitlines())
            items = [item for item in lines if nanos(item["timestamp"]) >= first]
            files = job.files
        seen = {item["customerId"] for item in items}
        job.files = {
            **files,
            "conversation_items.jsonl": _lines(items),
            "customers.jsonl": _lines([each for each in customers if each["id"] in seen]),
        }
        exports.jobs.append(job)
        begin = job.end_at


def _lines(records: list[Record]) -> bytes:
    return "".join(f"{json.dumps(each)}\n" for each in records).encode()


def _add_events(gladly: GladlySandbox, runs: Sequence[datetime]) -> None:
    """Have some events of agents come late: from while a run lasted, which had not waited for them.

    Those of the runs of the days before are no longer served.
    """
    kinds = [kind for kind in MEMBERS if kind.startswith("AGENT_")]
    for number, (run, second) in enumerate(product(runs, range(EVENTS_OF_A_RUN))):
        at = run - timedelta(seconds=45 + second)
        gladly.events.add(kinds[number * 7 % len(kinds)], timestamp=at)


def _close_conversations(gladly: GladlySandbox, runs: Sequence[datetime]) -> None:
    """Have conversations closed sooner or later, by inbox; some only after a run."""
    midnight = now(gladly.reports.as_of) // DAY * DAY
    rows = gladly.reports.rows(CONVERSATIONS)
    waiting: list[dict[str, str]] = []
    for row in rows:
        random = Random(row["Conversation ID"])
        minutes = random.expovariate(1 / CLOSED_IN[row["Inbox Name - Current"]]) + 1
        closed = nanos(row["Created At"]) + round(minutes) * MINUTE
        # One in six waits for its customer.
        waits = random.randrange(6) == 0
        if waits:
            waiting.append(row)
        _close(row, closed if not waits and closed < midnight else None)
    for run in runs:
        before = of(run) // DAY * DAY
        older = [row for row in waiting if nanos(row["Created At"]) < before]
        for row in older[-CLOSED_AFTER_A_RUN:]:
            _close(row, of(run))
            waiting.remove(row)
    gladly.reports.set(CONVERSATIONS, rows)


def _close(row: dict[str, str], at: int | None) -> None:
    """Have a conversation closed at an instant, or open still."""
    closed = took = ""
    if at is not None:
        seconds = (at - nanos(row["Created At"])) // SECOND
        closed = stamp(at)
        took = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    for which in ("First", "Last"):
        row[f"{which} Closed At"] = closed
        row[f"Created-to-{which} Closed Time"] = took
    row["Status"] = "CLOSED" if closed else "OPEN"
    row["Billable Resolution (Y/N)"] = "Y" if closed else "N"
    # One in nine of those that were closed had been closed before.
    again = bool(closed) and Random(f"again {row['Conversation ID']}").randrange(9) == 0
    row["Times Closed"] = str(bool(closed) + again)
    row["Times Reopened"] = str(int(again))
