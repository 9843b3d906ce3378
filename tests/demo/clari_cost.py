"""What a run of the demo cost at Clari, and what a later one did not have to read again."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tests.demo.keeping import rows_if_there
from tests.demo.showing import console

if t.TYPE_CHECKING:
    from decimal import Decimal

    from psycopg import Connection

    from tests.demo.account import Account
    from tests.pipeline import StreamMetrics

    Forecast = dict[tuple[str, ...], Decimal]

_FORECAST = """
    SELECT "forecastId", "timePeriodId", "timeFrameId", "userId", "fieldId", "forecastValue"
    FROM tap_clari.forecast_entries WHERE "forecastValue" IS NOT NULL
"""


def forecast(connection: Connection) -> Forecast:
    """What was forecast, by the entries' keys; of a demo that has not run yet, nothing."""
    rows = rows_if_there(connection, "tap_clari.forecast_entries", _FORECAST)
    return {(*key,): value for *key, value in rows}


@dataclass
class ClariCost:
    """What a run cost.

    Args:
        account: The account that was read.
        metrics: What the tap says of each stream.
        seconds: How long it took.
    """

    account: Account
    metrics: dict[str, StreamMetrics]
    seconds: float

    def show(self) -> None:
        """Say what was spent, of each of the two APIs of Clari."""
        copilot, revenue = self.account.copilot.traffic, self.account.revenue.traffic
        exports = self.account.revenue.exports
        limits = exports.limits()
        console.print(
            f"{sum(stream.records for stream in self.metrics.values())} records in "
            f"{self.seconds:.0f} s, with {copilot.count()} requests to Copilot (at most "
            f"{copilot.busiest_second()} in any second; 10 are allowed), {revenue.count()} to "
            f"Revenue, and {len(exports.started)} export jobs of {exports.seconds:.0f} s each: one "
            f"a forecast, one for the activities. The organization may start "
            f"{limits['monthlyQuota']} in 30 days; {limits['availableMonthlyQuota']} are left."
        )

    def show_increment(self, earlier_runs: int, before: Forecast, after: Forecast) -> None:
        """Say that the run was incremental, if it was."""
        if not earlier_runs:
            return
        calls = len(self.account.copilot.account.call_ids(private=False))
        sales = self.account.revenue.account
        activities = len(sales.activities) + len(sales.meetings())
        restated = sum(after.get(key) != value for key, value in before.items())
        console.print(
            f"This was run {earlier_runs + 1}, and incremental. It read the "
            f"{self.metrics['calls'].records} calls that changed since the last run or at its last "
            f"moment (of {calls}), and the details of {self.metrics['call_details'].records}. It "
            f"read the {self.metrics['activities'].records} activities (of {activities}) since the "
            "last run, of 7 days before it, and to come. A forecast comes whole and replaces what "
            f"was there: {restated} of {len(before)} values have been restated."
        )
