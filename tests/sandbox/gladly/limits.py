"""The vendor's limits: requests a second, reports a minute, and reports under way at once."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.sandbox.traffic import Limits

if TYPE_CHECKING:
    from starlette.types import Scope

REPORT_PATHS = frozenset({"/api/v1/reports", "/api/v1/reports/work-session-events"})

_MINUTE = 60.0


@dataclass
class GladlyLimits(Limits):
    """What an organization may ask; every attribute may be changed while the server runs.

    Attributes:
        reports_per_minute: Reports within any minute; None for no limit.
        concurrent_reports: Reports under way at once; None for no limit.
    """

    reports_per_minute: int | None = None
    concurrent_reports: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._reports: deque[float] = deque()
        self._under_way = 0

    def refuse(self, now: float, scope: Scope) -> str | None:
        """Count a request, and a report, unless it must be refused; returns why."""
        reason = super().refuse(now, scope)
        if reason is not None or not _is_report(scope):
            return reason
        while self._reports and now - self._reports[0] >= _MINUTE:
            self._reports.popleft()
        minute = self.reports_per_minute
        if minute is not None and len(self._reports) >= minute:
            return f"no more than {minute} reports a minute"
        if self.concurrent_reports is not None and self._under_way >= self.concurrent_reports:
            return f"no more than {self.concurrent_reports} reports at once"
        self._reports.append(now)
        self._under_way += 1
        return None

    def end(self, scope: Scope) -> None:
        """Count a report that was not refused as ended."""
        self._under_way -= _is_report(scope)

    def headers(self, *, refused: bool) -> dict[str, str]:
        """Return the headers of the rate, which every answer carries unless there is no limit."""
        headers = super().headers(refused=refused)
        if self.requests_per_second is not None:
            now = time.monotonic()
            taken = sum(now - arrival < 1 for arrival in tuple(self._accepted)) + self.others
            left = max(self.requests_per_second - taken, 0)
            headers["Ratelimit-Limit-Second"] = str(self.requests_per_second)
            headers["Ratelimit-Remaining-Second"] = str(left)
        return headers


def _is_report(scope: Scope) -> bool:
    return scope["method"] == "POST" and scope["path"] in REPORT_PATHS
