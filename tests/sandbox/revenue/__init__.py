"""A local Clari Revenue API: a real HTTP server with a made-up organization behind it.

Use::

    with RevenueSandbox(seed=7) as revenue:
        headers = {"apikey": revenue.api_key}
        requests.get(f"{revenue.url}/v4/admin/limits", headers=headers, timeout=10)
        revenue.exports.occupy(2)
        assert len(revenue.exports.started) <= 1
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from tests.sandbox.crm import Crm
from tests.sandbox.local_api import LocalApi
from tests.sandbox.revenue.account import Account
from tests.sandbox.revenue.app import API_KEY, CREDENTIAL_HEADERS, PARTNER_KEY, revenue_app
from tests.sandbox.revenue.errors import error_body
from tests.sandbox.revenue.exports import Exports
from tests.sandbox.revenue.filehost import FileHost
from tests.sandbox.revenue.jobs import Job
from tests.sandbox.traffic import Limits

if TYPE_CHECKING:
    from tests.sandbox.copilot import CopilotSandbox

__all__ = ["FileHost", "Job", "RevenueSandbox"]


@dataclass(kw_only=True)
class RevenueSandbox(LocalApi):
    """A local Revenue API; a context manager that serves while it is open.

    Attributes:
        seed: Seed of all records.
        port: TCP port; 0 for any free one.
        latency: Seconds that every answer takes at least; requests wait side by side.
        requests_per_second: How many requests may arrive within any second; None for no limit.
        activities: How many activities beside the meetings that Copilot knows.
        audit_events: How many audit events.
        copilot: The Copilot of the same company, whose CRM and calls it shows; None for none.
        account: The data: the truth to compare with, and the mutators.
        exports: The job machine.
        traffic: Every request that came in.
        faults: The troubles to play.
        limits: The limits of requests, to change while the server runs.
        api_key: The key that is let in.
        partner_key: The partner's key that is let in.
        headers: The headers of a request that is let in.
    """

    api_key: ClassVar[str] = API_KEY
    partner_key: ClassVar[str] = PARTNER_KEY
    headers: ClassVar[dict[str, str]] = {"apikey": API_KEY}
    seed: int = 1
    port: int = 0
    latency: float = 0.0
    requests_per_second: int | None = None
    activities: int = 60
    audit_events: int = 40
    copilot: CopilotSandbox | None = None

    def __post_init__(self) -> None:
        other = None if self.copilot is None else self.copilot.account
        crm, meetings = (Crm(self.seed), tuple) if other is None else (other.crm, other.meetings)
        self.account = Account(self.seed, self.activities, self.audit_events, crm, meetings)
        self.exports = Exports()
        self.limits = Limits(self.requests_per_second)
        super().__init__(
            revenue_app(self.account, self.exports),
            limits=self.limits,
            credential_headers=CREDENTIAL_HEADERS,
            error_body=error_body,
            latency=self.latency,
            port=self.port,
        )
