"""The vendor's limits: requests a second, reports a minute, and reports under way at once."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.responses import Response

from tests.sandbox.gladly.errors import too_many
from tests.sandbox.traffic import Limits

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REPORT_PATHS = frozenset({"/api/v1/reports", "/api/v1/reports/work-session-events"})

_MINUTE = 60.0


@dataclass
class GladlyLimits(Limits):
    """What an organization may ask; every attribute may be changed while the server runs.

    Attributes:
        others: Requests of every second that somebody else makes with the same organization.
        reports_per_minute: Reports within any minute; None for no limit.
        concurrent_reports: Reports under way at once; None for no limit.
    """

    others: int = 0
    reports_per_minute: int | None = None
    concurrent_reports: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self._reports: deque[float] = deque()
        self._under_way = 0

    def refuse(self, now: float) -> str | None:
        """Count a request, unless it must be refused; returns why."""
        limit = self.requests_per_second
        if limit is None:
            return super().refuse(now)
        # What others take is not there for the client; the rest is the ordinary sliding second.
        self.requests_per_second = max(limit - self.others, 0)
        try:
            return super().refuse(now)
        finally:
            self.requests_per_second = limit

    def headers(self) -> dict[str, str]:
        """Return the headers of a refusal, which hold no Retry-After unless a test asks for it."""
        return {**super().headers(), **self.rate_headers()}

    def rate_headers(self) -> dict[str, str]:
        """Return the headers that every answer carries; none when there is no limit."""
        if self.requests_per_second is None:
            return {}
        now = time.monotonic()
        taken = sum(now - arrival < 1 for arrival in tuple(self._accepted)) + self.others
        return {
            "Ratelimit-Limit-Second": str(self.requests_per_second),
            "Ratelimit-Remaining-Second": str(max(self.requests_per_second - taken, 0)),
        }

    def begin_report(self) -> str | None:
        """Count a report, unless it must be refused; returns why.

        One that was not refused must be ended with `end_report`.
        """
        now = time.monotonic()
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

    def end_report(self) -> None:
        """Count a report that `begin_report` let pass as ended."""
        self._under_way -= 1


class LimitsMiddleware:
    """Limits the reports, and writes the headers of the limit into every answer.

    The latency belongs here, since a report is under way while it is waited for.

    Args:
        app: The application inside.
        limits: The vendor's limits.
        latency: Seconds that every answer takes at least; requests wait side by side.
    """

    def __init__(self, app: ASGIApp, limits: GladlyLimits, latency: float) -> None:
        self._app = app
        self._limits = limits
        self._latency = latency

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    *(
                        (name.lower().encode(), value.encode())
                        for name, value in self._limits.rate_headers().items()
                    ),
                ]
            await send(message)

        report = scope["method"] == "POST" and scope["path"] in REPORT_PATHS
        refusal = self._limits.begin_report() if report else None
        if refusal is not None:
            body = too_many(refusal).body("list")
            answer = Response(body, 429, media_type="application/json")
            await answer(scope, receive, with_headers)
            return
        try:
            if self._latency > 0:
                await asyncio.sleep(self._latency)
            await self._app(scope, receive, with_headers)
        finally:
            if report:
                self._limits.end_report()
