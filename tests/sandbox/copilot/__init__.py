"""A local Clari Copilot: a real HTTP server with a made-up account behind it.

Use::

    with CopilotSandbox(calls=1000, seed=7) as sandbox:
        requests.get(f"{sandbox.url}/calls", headers=sandbox.headers, timeout=10)
        sandbox.faults.add(path="/calls", times=2, status=503)
        assert sandbox.traffic.busiest_second() <= 10
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tests.sandbox.copilot.account import ABSENT, Account
from tests.sandbox.copilot.app import (
    API_KEY,
    API_PASSWORD,
    CREDENTIAL_HEADERS,
    FORBIDDEN,
    KEY_HEADER,
    PASSWORD_HEADER,
    PageFaults,
    copilot_app,
    error_body,
)
from tests.sandbox.copilot.records import SIGNATURE
from tests.sandbox.local_api import LocalApi
from tests.sandbox.traffic import Limits

if TYPE_CHECKING:
    from tests.sandbox.copilot.call_search import Bounds

__all__ = ["ABSENT", "FORBIDDEN", "SIGNATURE", "CopilotSandbox"]


@dataclass(kw_only=True)
class CopilotSandbox(LocalApi):
    """A local Copilot API; a context manager that serves while it is open.

    Attributes:
        calls: How many calls, from 1 to 1,000,000 or so.
        seed: Seed of all records: the same seed and sizes are the same data, always, but for what
            becomes of deals until now.
        latency: Seconds that every answer takes at least; requests wait side by side.
        requests_per_second: How many requests may arrive within any second; None for no limit.
        weekly_quota: How many requests are answered in all; None for no limit.
        retry_after: Retry-After of a refusal in seconds; None for no such header.
        bounds: Whether ``Gt`` and ``Lt`` of a time leave the bound itself out (``strict``) or not
            (``inclusive``).
        burst: How many further calls were modified within one second, and that second.
        burst_call_time: When all calls of the burst started; None spreads them over a year.
        undated: How many further calls are scheduled and have no last modified time.
        scorecards: How many scorecards; None for a share of the calls.
        port: TCP port; 0 for any free one.
        account: The data: the truth to compare with, and the mutators.
        traffic: Every request that came in.
        faults: The troubles to play.
        page_faults: What is wrong with the pages of long lists.
        limits: The limits, to change while the server runs.
        api_key: The key that is let in.
        api_password: The password that is let in.
        headers: The headers of a request that is let in.
    """

    api_key: ClassVar[str] = API_KEY
    api_password: ClassVar[str] = API_PASSWORD
    headers: ClassVar[dict[str, str]] = {KEY_HEADER: API_KEY, PASSWORD_HEADER: API_PASSWORD}
    calls: int = 12
    seed: int = 1
    latency: float = 0.0
    requests_per_second: int | None = 10
    weekly_quota: int | None = 100_000
    retry_after: int | None = None
    bounds: Bounds = "strict"
    burst: tuple[int, str] | None = None
    burst_call_time: str | None = None
    undated: int = 0
    scorecards: int | None = None
    port: int = 0

    def __post_init__(self) -> None:
        self.account = Account(self)
        self.limits = Limits(self.requests_per_second, self.weekly_quota, self.retry_after)
        self.page_faults = PageFaults()
        super().__init__(
            copilot_app(self.account, self.page_faults),
            limits=self.limits,
            credential_headers=CREDENTIAL_HEADERS,
            error_body=error_body,
            latency=self.latency,
            port=self.port,
        )
