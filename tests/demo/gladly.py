"""The made-up Gladly that the demo reads, and what happens there between two runs.

What is there depends on the days alone, and on the times at which the demo ran before: so the next
one finds the account of this one, with the same ids, and what has come since.
"""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone
from random import Random

from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.event_types import MEMBERS, EventContents
from tests.sandbox.gladly.items import Items
from tests.sandbox.gladly.stamps import MINUTE, SECOND, nanos, of, slug, stamp

if t.TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.sandbox.gladly import ExportJob

    Record = dict[str, t.Any]

CONVERSATIONS = "ConversationExportReport"
REPORTS = (CONVERSATIONS, "ContactTimestampsReport", "AgentDurationsReportV2")
"""Three of the eight that are read by default: with all, a run waits for Gladly's ten a minute."""
SETTINGS = {
    "TAP_GLADLY_REPORTS": json.dumps(REPORTS),
    # One request a report, and not one for each part of a year.
    "TAP_GLADLY_START_DATE": f"{datetime.now(timezone.utc) - timedelta(days=30):%Y-%m-%d}",
}

ITEMS = "conversation_items.jsonl"
NAMES = (
    "Ada Okafor",
    "Bo Lindqvist",
    "Carla Mendes",
    "Dai Nakamura",
    "Elif Kaya",
    "Finn O'Hara",
    "Grace Njeri",
    "Hugo Martin",
    "Ines Duarte",
)
INBOXES = ("E-mail", "Voice", "Chat", "Returns")
SECONDS_BETWEEN_EVENTS = 300
NEW_ITEMS, NEW_EVENTS, RESTATED = 12, 5, 3
CLOSED_IN = {"E-mail": 300, "Voice": 15, "Chat": 25, "Returns": 900}
"""Minutes until a conversation of an inbox is closed."""


def gladly_of_demo() -> GladlySandbox:
    """A Gladly with the limits of the vendor's."""
    return GladlySandbox(
        requests_per_second=10,
        reports_per_minute=10,
        concurrent_reports=2,
        events=0,
        report_rows_per_day=15,
    )


class GladlyHistory:
    """Lets a Gladly have been there.

    Args:
        gladly: The Gladly, as the sandbox makes it.
        runs: When the demos before this one ended.
    """

    def __init__(self, gladly: GladlySandbox, runs: Sequence[datetime]) -> None:
        self._gladly = gladly
        self._runs = runs
        for inbox, name in zip(gladly.account.inboxes, INBOXES, strict=True):
            inbox["name"] = name
        lines = [line for _, line in gladly.exports.records("customers.jsonl")]
        ids = {str(line["id"]) for line in lines}
        self._customers = [
            {"id": each, "name": NAMES[number % len(NAMES)]}
            for number, each in enumerate(sorted(ids))
        ]

    def live(self) -> None:
        """Let everything happen."""
        self._date_jobs()
        self._add_jobs()
        self._add_events()
        self._write_conversations()

    def _date_jobs(self) -> None:
        """Name jobs and items after their day, since tomorrow's account has other days."""
        for job in self._gladly.exports.jobs:
            day = job.start_at[:10]
            job.id = slug(Random(f"job {day}"))
            job.updated_at = job.end_at
            lines = b"".join(job.chunks(ITEMS)).splitlines()
            self._fill(job, [json.loads(line) for line in lines], day)

    def _add_jobs(self) -> None:
        """After each demo, Gladly exports what has come since the job before."""
        exports = self._gladly.exports
        maker = Items(2, self._gladly.account, self._customers)
        for number, run in enumerate(self._runs):
            # The day before is in a job of its own.
            start = max([_midnight(run), *self._runs[:number][-1:]])
            files = exports.jobs[-1].files
            job = exports.add(start=start, end=run, updated=run, files=files)
            job.id = slug(Random(f"job {run}"))
            step = (run - start) / NEW_ITEMS
            items = [maker.make(of(start + each * step)) for each in range(NEW_ITEMS)]
            self._fill(job, items, f"run {run}")

    def _fill(self, job: ExportJob, items: list[Record], seed: str) -> None:
        random = Random(seed)
        for item in items:
            item["id"] = slug(random)
        seen = {item["customerId"] for item in items}
        customers = [each for each in self._customers if each["id"] in seen]
        for name, records in ((ITEMS, items), ("customers.jsonl", customers)):
            job.files[name] = "".join(f"{json.dumps(each)}\n" for each in records).encode()

    def _add_events(self) -> None:
        """Something happens every five minutes, and some things while a demo ran."""
        now = datetime.now(timezone.utc)
        newest = int(now.timestamp()) // SECONDS_BETWEEN_EVENTS
        for number in range(newest - 23 * 3600 // SECONDS_BETWEEN_EVENTS, newest):
            at = datetime.fromtimestamp(number * SECONDS_BETWEEN_EVENTS, timezone.utc)
            self._add_event(at, number)
        for run in self._runs:
            for number in range(NEW_EVENTS):
                # They come late, and the demo had not waited for them.
                at = run - timedelta(seconds=45 + number)
                if at > now - timedelta(hours=23):
                    self._add_event(at, int(at.timestamp() * 1000))

    def _add_event(self, at: datetime, number: int) -> None:
        kinds = [*MEMBERS]
        kind = kinds[number * 7 % len(kinds)]
        content = EventContents(number, self._gladly.account).make(kind, of(at), whole=True)
        event_id = slug(Random(f"event {at}"))
        self._gladly.events.add(kind, timestamp=at, content=content, id=event_id)

    def _write_conversations(self) -> None:
        """Conversations are closed sooner or later, by inbox; some only between two runs."""
        today = _midnight(datetime.now(timezone.utc))
        rows = self._gladly.reports.rows(CONVERSATIONS)
        waiting: list[dict[str, str]] = []
        for row in rows:
            created = nanos(row["Created At"])
            random = Random(row["Created At"][:19])
            row["Conversation ID"] = slug(random)
            inbox = random.choice(self._gladly.account.inboxes)
            row["Inbox ID - Current"], row["Inbox Name - Current"] = inbox["id"], inbox["name"]
            closed = created + round(random.expovariate(1 / CLOSED_IN[inbox["name"]]) + 1) * MINUTE
            _open(row)
            # One in six waits for its customer.
            if random.randrange(6) == 0:
                waiting.append(row)
            elif closed < of(today):
                _close(row, closed)
        for run in self._runs:
            older = [row for row in waiting if nanos(row["Created At"]) < of(_midnight(run))]
            for row in older[-RESTATED:]:
                _close(row, of(run))
                waiting.remove(row)
        self._gladly.reports.set(CONVERSATIONS, rows)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _close(row: dict[str, str], at: int) -> None:
    seconds = (at - nanos(row["Created At"])) // SECOND
    took = f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    for which in ("First", "Last"):
        row[f"{which} Closed At"] = stamp(at)
        row[f"Created-to-{which} Closed Time"] = took
    row["Status"] = "CLOSED"


def _open(row: dict[str, str]) -> None:
    for which in ("First", "Last"):
        row[f"{which} Closed At"] = row[f"Created-to-{which} Closed Time"] = ""
    row["Status"] = "OPEN"
