"""What a run of the demo cost at Gladly, and what a later one did not have to read again."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from tests.demo.gladly import START
from tests.demo.keeping import rows_if_there
from tests.demo.showing import console
from tests.sandbox.gladly.limits import REPORT_PATHS
from tests.sandbox.gladly.query import ExportJobsQuery
from tests.sandbox.gladly.timestamps import DAY, nanos, now

if t.TYPE_CHECKING:
    from psycopg import Connection

    from tests.pipeline import StreamMetrics
    from tests.sandbox.gladly import GladlySandbox

    Conversations = dict[str, tuple[str, t.Any]]

_CONVERSATIONS = """
    SELECT conversation_id, status, created_to_last_closed_time
    FROM tap_gladly.report_conversation_export
"""


def conversations(connection: Connection) -> Conversations:
    """How far conversations are, by their ids; of a demo that has not run yet, nothing."""
    rows = rows_if_there(connection, "tap_gladly.report_conversation_export", _CONVERSATIONS)
    return {key: (status, took) for key, status, took in rows}


BY_ID = ("conversations/", "customer-profiles/", "customers/", "tasks/", "custom-attributes/")
TOO_LATE = timedelta(seconds=45)
"""How long before its end a run has what happens no more."""


@dataclass
class GladlyCost:
    """What a run cost.

    Args:
        gladly: The Gladly that was read.
        metrics: What the tap says of each stream.
        seconds: How long it took.
        last_run: When the demo before ended; none if there was none.
    """

    gladly: GladlySandbox
    metrics: dict[str, StreamMetrics]
    seconds: float
    last_run: datetime | None

    def show(self) -> None:
        """Say what was asked for, of everything that Gladly limits."""
        traffic = self.gladly.traffic
        reports = sum(traffic.count(path) for path in REPORT_PATHS)
        files = self._files()
        console.print(
            f"{sum(stream.records for stream in self.metrics.values())} records in "
            f"{self.seconds:.0f} s, with {traffic.count()} requests to Gladly (at most "
            f"{traffic.busiest_second()} in any second; 10 are allowed): {reports} reports (10 a "
            f"minute are allowed; Meltano's discovery asks for some, to see their columns), "
            f"{len(files)} files (export jobs: {len({job for job, _ in files})}), and "
            f"{traffic.count() - reports - len(files)} others."
        )
        made, least = self._by_id(), self._least()
        console.print(
            f"Of these, {made} were made by id. The least possible are {least}, one for each that "
            f"changed and each stream that has it. The other {made - least} were for what a merge "
            "moved, for custom attributes that were met again, and for the minute before the end "
            "of the last run, of which each run reads the changes once more."
        )

    def show_increment(
        self, earlier_runs: int, before: Conversations, after: Conversations
    ) -> None:
        """Say that the run was incremental, if it was."""
        if not earlier_runs:
            return
        jobs = self.gladly.exports.listed(ExportJobsQuery())
        events = [
            event for event in self.gladly.events.all if nanos(event["timestamp"]) > now() - DAY
        ]
        restated = sum(after.get(key) != value for key, value in before.items())
        console.print(
            f"This was run {earlier_runs + 1}, and incremental. It downloaded the files of the "
            f"{len({job for job, _ in self._files()})} export jobs made since the last run (of "
            f"{len(jobs)}). It read the {self.metrics['conversations'].records} conversations that "
            f"changed since then (of {len(self.gladly.desk.conversations)}), and the "
            f"{self.metrics['events'].records} events since then and of the minute before (of "
            f"{len(events)} of a day). Rows of reports change, so it read 30 days of them again: "
            f"{self.metrics['report_conversation_export'].records} conversations, {restated} of "
            f"them restated and {len(after.keys() - before.keys())} new. Timestamps of contacts do "
            f"not change: it read the {self.metrics['report_contact_timestamps'].records} since "
            "the day of the last run."
        )

    def _by_id(self) -> int:
        """How many requests were made for what is read by id, lists of one customer included."""
        paths = (each.path for each in self.gladly.traffic.exchanges())
        return sum(path.removeprefix("/api/v1/").startswith(BY_ID) for path in paths)

    def _least(self) -> int:
        """How many would do if it were known what changed: the sandbox knows."""
        desk = self.gladly.desk
        since = self.last_run - TOO_LATE if self.last_run else datetime.fromisoformat(START)
        changed = desk.truth(since.replace(tzinfo=timezone.utc))
        talks, tasks = len(changed["conversation"]), len(changed["task"])
        attributes = 0 if self.last_run else len(desk.custom_attributes)
        return 2 * talks + len(changed["customer"]) + 2 * tasks + attributes

    def _files(self) -> list[tuple[str, str]]:
        paths = [each.path.split("/") for each in self.gladly.traffic.exchanges()]
        return [(path[-3], path[-1]) for path in paths if path[-2:-1] == ["files"]]
