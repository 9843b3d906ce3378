"""The made-up Gladly that the demo reads, and what happens there between two runs.

What happens there depends on the times at which the demo ran before, and on nothing else but the
day: so the next demo finds the account of this one, with the same ids, and what has come since.
"""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

from tests.demo.gladly_desk import desk_lives
from tests.sandbox.gladly import GladlySandbox

if t.TYPE_CHECKING:
    from collections.abc import Sequence

CONVERSATIONS = "ConversationExportReport"
REPORTS = (CONVERSATIONS, "ContactTimestampsReport", "AgentDurationsReportV2")
"""Three of the eight that are read by default: with all, a run waits for Gladly's ten a minute."""
START = f"{datetime.now(timezone.utc) - timedelta(days=30):%Y-%m-%d}"
SETTINGS = {
    "TAP_GLADLY_REPORTS": json.dumps(REPORTS),
    # One request a report, and not one for each part of a year.
    "TAP_GLADLY_START_DATE": START,
}

INBOXES = ("E-mail", "Voice", "Chat", "Returns")


def gladly_of_demo(present: datetime | None = None) -> GladlySandbox:
    """A Gladly with the limits of the vendor's."""
    return GladlySandbox(
        requests_per_second=10,
        reports_per_minute=10,
        concurrent_reports=2,
        days=0,
        history_days=0,
        customers=0,
        present=present,
    )


def gladly_lives_on(gladly: GladlySandbox, runs: Sequence[datetime]) -> None:
    """Let happen what happens between runs.

    Args:
        gladly: The Gladly, as the sandbox makes it.
        runs: When the demos before this one ended.
    """
    for inbox, name in zip(gladly.account.inboxes, INBOXES, strict=True):
        inbox["name"] = name
    desk_lives(gladly, runs)
