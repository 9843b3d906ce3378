"""An account with something at the bounds of twelve months, and the tap for both its APIs."""

from __future__ import annotations

import contextlib
import typing as t
from datetime import datetime, timedelta, timezone

from tests.clari.conftest import config, revenue_config
from tests.running import Tap
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.running import Run
    from tests.sandbox.copilot.call_search import Bounds

STREAMS = ("audit_events", "activities", "calls", "call_details", "scorecards")
"""The streams whose records are cut by a time of their own."""

LINKED = ("accounts", "contacts", "deals")
"""The streams of what calls refer to: one of them may come with calls of several months."""


def months(count: int = 12) -> list[str]:
    """The first days of the last months, and of the current one."""
    today = datetime.now(timezone.utc).date()
    first = 12 * today.year + today.month - 1 - count
    return [f"{month // 12}-{month % 12 + 1:02}-01" for month in range(first, first + count + 1)]


class Backfill(t.NamedTuple):
    """Both APIs, and the tap pointed at them."""

    copilot: CopilotSandbox
    revenue: RevenueSandbox
    tap: Tap

    def piece(self, start: str, end: str, *streams: str, **options: t.Any) -> Run:
        """A run from one time to another."""
        run = self.tap.run(
            *(streams or (*STREAMS, *LINKED)), start_date=start, end_date=end, **options
        )
        assert run.returncode == 0, run.log
        return run


@contextlib.contextmanager
def account_with_bounds(bounds: Bounds = "strict") -> Iterator[Backfill]:
    """An account with records at the first and the last millisecond of each month."""
    with (
        CopilotSandbox(
            calls=400, undated=12, scorecards=60, requests_per_second=None, bounds=bounds
        ) as copilot,
        RevenueSandbox(activities=200) as revenue,
    ):
        revenue.account.end_date_inclusive = bounds == "inclusive"
        revenue.account.audit_bounds = bounds
        revenue.exports.seconds = 0.05
        account = copilot.account
        ids = sorted(account.call_ids(private=False))
        dated = [each for each in ids if account.listed(each).get("last_modified_time")]
        undated = [each for each in ids if each not in dated]
        for number, first in enumerate(months()):
            start = datetime.fromisoformat(f"{first}T00:00:00+00:00")
            for step in range(2):
                moment = start - step * timedelta(milliseconds=1)
                text = f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"
                account.touch(dated[2 * number + step], modified=text, status="PROCESSED")
                revenue.account.add_activity(moment)
                revenue.account.add_audit_event(moment)
            if number < len(undated):
                account.touch(undated[number], time=f"{first}T00:00:00.000Z")
        settings = {**config(copilot), **revenue_config(revenue)}
        yield Backfill(copilot, revenue, Tap("tap-clari", settings))
