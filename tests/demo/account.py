"""The made-up accounts that the demo reads, and what happens there between two runs."""

from __future__ import annotations

import contextlib
import json
import typing as t
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from tests.demo.gladly import gladly_lives_on, gladly_of_demo
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.sandbox.gladly import GladlySandbox

CALLS = 60
ACTIVITIES = 300
"""How many there are beside the calls."""
JOBS_OF_A_RUN = 3
JOB_SECONDS = 2.0
"""How long an export job takes: minutes in life."""


SELECTION = {
    "TAP_CLARI__SELECT": json.dumps(["*.*", "!export_job_results.*", "!forecast_live_entries.*"])
}
"""With the turns of calls, which cost no request and are not read by default."""


@dataclass
class Account:
    """Both APIs of Clari, and Gladly, which run."""

    copilot: CopilotSandbox
    revenue: RevenueSandbox
    gladly: GladlySandbox

    def live_on(self, runs: Sequence[datetime]) -> None:
        """Let happen what happens between runs: once for each run before this one.

        Args:
            runs: When they ended.
        """
        for run in range(len(runs)):
            self._copilot_changes(run)
            self._revenue_changes()
        # The jobs of earlier runs still count, for 30 days; not all, or in the end none were left.
        self.revenue.exports.spend(min(JOBS_OF_A_RUN * len(runs), 15))
        gladly_lives_on(self.gladly, runs)

    def _copilot_changes(self, run: int) -> None:
        """Three calls change, and two new ones come."""
        account = self.copilot.account
        day = date(2026, 10, 2) + timedelta(days=run)
        calls = account.call_ids(private=False)
        for number in range(3):
            changed = calls[(3 * run + number) % len(calls)]
            account.touch(changed, modified=f"{day}T09:00:0{number}Z", status="PROCESSED")
        account.add(2, modified_from=f"{day}T10:00:00Z", modified_to=f"{day}T11:00:00Z")

    def _revenue_changes(self) -> None:
        """Clari restates the weeks that are over, and four activities come."""
        account = self.revenue.account
        account.restate()
        now = datetime.now(timezone.utc)
        for hours in (1, 5, 20, 50):
            account.add_activity(now - timedelta(hours=hours))


@contextlib.contextmanager
def running_account(runs: Sequence[datetime]) -> Iterator[Account]:
    """Start it, as it is after these runs."""
    with (
        CopilotSandbox(calls=CALLS) as copilot,
        RevenueSandbox(copilot=copilot, activities=ACTIVITIES) as revenue,
        gladly_of_demo() as gladly,
    ):
        revenue.exports.seconds = JOB_SECONDS
        account = Account(copilot, revenue, gladly)
        account.live_on(runs)
        yield account
