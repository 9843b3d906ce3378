"""A Gladly in which something happens at the bounds of twelve months, and runs between them."""

from __future__ import annotations

import contextlib
import typing as t
from datetime import datetime, timedelta, timezone

from tests.gladly.conftest import config
from tests.running import Tap, selected
from tests.sandbox.gladly import GladlySandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.running import Record, Run
    from tests.sandbox.gladly import Desk


def _months(count: int) -> list[str]:
    today = datetime.now(timezone.utc).date()
    # The last of them began a month ago at least.
    last = 12 * today.year + today.month - 2
    return [f"{each // 12}-{each % 12 + 1:02}-01" for each in range(last - count, last + 1)]


MONTHS = _months(12)
"""The first days of twelve months that are over for a month, and of the one after them."""

SUMMARY = {"metric_set": "ContactSummaryReportV2", "aggregation_level": "monthly", "name": "x"}
REPORTS = ["ConversationExportReport", "TaskTimestampsReport", "AgentDurationsReportV2", SUMMARY]

ROWS = {
    "report_conversation_export": "created_at",
    "report_task_timestamps": "timestamp",
    "report_agent_durations_v2": "start_time",
    "report_work_session_events": "contact_session_ended_at",
}
"""The streams whose rows are of one piece each, by the time that says of which."""

BY_ID = ("conversations", "conversation_items", "customer_profiles", "tasks", "task_comments")
"""What is read in each piece in which it changed."""

STREAMS = (*ROWS, "report_x", *BY_ID)


class Backfill(t.NamedTuple):
    """A Gladly, the tap for it, and the catalog of the account."""

    sandbox: GladlySandbox
    tap: Tap
    catalog: Record

    def piece(self, start: str, end: str | None, *streams: str, **options: t.Any) -> Run:
        """A run from one time to another."""
        catalog = selected(self.catalog, streams or STREAMS)
        run = self.tap.run(
            catalog=catalog, reports=REPORTS, start_date=start, end_date=end, **options
        )
        assert run.returncode == 0, run.log
        return run


@contextlib.contextmanager
def account_with_bounds(command: str) -> Iterator[Backfill]:
    """An account with changes at the first and the last millisecond of each month.

    Args:
        command: The tap, which should not wait between reports.
    """
    with GladlySandbox(days=0, history_days=0, customers=0) as sandbox:
        for number, first in enumerate(MONTHS):
            start = datetime.fromisoformat(f"{first}T00:00:00+00:00")
            for step in range(2):
                _happens(sandbox.desk, start - step * timedelta(milliseconds=1), number)
        tap = Tap(command, config(sandbox))
        yield Backfill(sandbox, tap, tap.discover(reports=REPORTS))


def _happens(desk: Desk, at: datetime, number: int) -> None:
    begin = at - timedelta(days=9)
    customer = desk.customer(at=begin)
    talk = desk.conversation(customer, at=begin)
    desk.message(talk, at=at)
    desk.comment(desk.task(customer, at=begin), at=at)
    # An agent comes and goes, and a contact ends, within the piece and at its bound.
    agent = str(desk.account.agents[number % len(desk.account.agents)]["id"])
    for moment in (begin, at):
        desk.happen("AGENT_STATUS/LOGGED_IN", at=moment, agentId=agent)
        desk.call(talk, at=moment)
    desk.happen("AGENT_STATUS/LOGGED_OUT", at=at, agentId=agent)
    if number % 4 == 2:
        # It changes in a later piece too.
        desk.close(talk, at=at + timedelta(days=40))
    if number % 4 == 3:
        other = desk.customer(at=begin)
        desk.conversation(other, at=begin)
        desk.merge(other, customer, at=at)
