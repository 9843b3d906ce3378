"""Reports of changes that could not be read: kept in the state until a run can read them.

Without them the bookmark would move past changes that nobody has read.
"""

from __future__ import annotations

import typing as t
from datetime import date

from tap_gladly.changes.facts import REPORTS
from tap_gladly.changes.sources import ReportWindow
from tap_gladly.reports.windows import DateRange

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

UNREAD_REPORTS = "unread_reports"
"""In the state: the first and the last day of each report that could not be read, by its name."""

UnreadDays = dict[str, tuple[date, date]]
"""Its form."""


class UnreadReports:
    """The reports that could not be read when a stream asked what changed.

    Args:
        state: The stream's part of the state.
        kind: What the stream asks for.
    """

    def __init__(self, state: dict[str, t.Any], kind: str) -> None:
        self._state = state
        self._kind = kind

    def windows(self) -> list[ReportWindow]:
        """The windows that are to be asked for again."""
        found = self._state.get(UNREAD_REPORTS) or {}
        return [
            ReportWindow(
                name, (self._kind,), DateRange(date.fromisoformat(first), date.fromisoformat(last))
            )
            for name, (first, last) in found.items()
            if name in REPORTS[self._kind]
        ]

    def start(self) -> datetime | None:
        """The oldest time that they cover."""
        return min((each.days.start for each in self.windows()), default=None)

    def keep(self, windows: Iterable[ReportWindow]) -> None:
        """Keep those that this run could not read, and no others."""
        missing: dict[str, list[str]] = {}
        for window in windows:
            name = window.metric_set
            if name in REPORTS[self._kind]:
                days = [window.days.first.isoformat(), window.days.last.isoformat()]
                first, last = missing.get(name, days)
                missing[name] = [min(first, days[0]), max(last, days[1])]
        if missing:
            self._state[UNREAD_REPORTS] = missing
        else:
            self._state.pop(UNREAD_REPORTS, None)
