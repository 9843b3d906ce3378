"""A local Gladly REST API: a real HTTP server with a made-up organization behind it.

Use::

    with GladlySandbox(seed=7) as gladly:
        requests.get(f"{gladly.url}/api/v1/agents", headers=gladly.headers, timeout=10)
        gladly.exports.vanish(gladly.exports.jobs[-1].id)
        assert not gladly.exports.deleted
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from tests.sandbox.gladly.account import Account
from tests.sandbox.gladly.app import (
    API_TOKEN,
    AUTHORIZATION,
    CREDENTIAL_HEADERS,
    USERNAME,
    gladly_app,
)
from tests.sandbox.gladly.errors import ErrorShape, error_body
from tests.sandbox.gladly.events import Events
from tests.sandbox.gladly.exports import ExportJob, Exports
from tests.sandbox.gladly.helpdesk import Change, Desk
from tests.sandbox.gladly.helpdesk.population import Population
from tests.sandbox.gladly.hosts import GladlyHosts
from tests.sandbox.gladly.limits import GladlyLimits
from tests.sandbox.gladly.reports import Reports
from tests.sandbox.gladly.story import tell
from tests.sandbox.local_api import LocalApi

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Change", "Desk", "ExportJob", "GladlyHosts", "GladlySandbox"]


class GladlySandbox(LocalApi):
    """A local Gladly; a context manager that serves while it is open.

    Args:
        seed: Seed of all records.
        port: TCP port; 0 for any free one.
        latency: Seconds that every answer takes at least; requests wait side by side.
        requests_per_second: How many requests may arrive within any second; None for no limit,
            and then no answer tells of one.
        reports_per_minute: How many reports may be asked for within any minute; None for no limit.
        concurrent_reports: How many reports may be under way at once; None for no limit.
        frequency: How often export jobs are made.
        days: For how many days before the start something has happened.
        talks_per_day: How many conversations began on each of these days, with their messages,
            tasks, and all else of which events, reports and export jobs tell; 0 for nothing.
        history_days: How many days of export jobs there are at the start.
        customers: How many customers there are at the start; besides them, some were merged or
            deleted, unless there are none at all, and then nothing has happened.
        conversations: How many conversations they have of before.
        tasks: How many tasks they have of before.
        present: When the sandbox is started, as far as exports, events and reports go; None for
            now. What belongs to a past day is the same for a seed, whenever that is.

    Attributes:
        account: The lists: the truth to compare with, and to change.
        exports: The export jobs.
        events: The events.
        reports: The reports.
        desk: Customers, conversations, items and tasks, which are read by id, and what happens to
            them.
        traffic: Every request that came in.
        faults: The troubles to play.
        limits: The limits of requests, to change while the server runs.
        error_shape: How the errors of a bad request are wrapped.
        forbidden: Answer 403 to everything.
        gone: Answer 404 to everything: there is no such organization.
        username: E-mail address of the agent who owns the token.
        api_token: The token that is let in.
        headers: The headers of a request that is let in.
    """

    username: ClassVar[str] = USERNAME
    api_token: ClassVar[str] = API_TOKEN
    headers: ClassVar[dict[str, str]] = {"Authorization": AUTHORIZATION}

    def __init__(  # noqa: PLR0913 - one argument for each amount, all by keyword
        self,
        *,
        seed: int = 1,
        port: int = 0,
        latency: float = 0.0,
        requests_per_second: int | None = None,
        reports_per_minute: int | None = None,
        concurrent_reports: int | None = 2,
        frequency: Literal["HOURLY", "DAILY"] = "DAILY",
        days: int = 40,
        talks_per_day: int = 3,
        history_days: int = 13,
        customers: int = 12,
        conversations: int = 14,
        tasks: int = 5,
        present: datetime | None = None,
    ) -> None:
        self.error_shape: ErrorShape = "list"
        self.forbidden = False
        self.gone = False
        self.account = Account(seed, frequency, present)
        self.exports = Exports(seed, self.account, present)
        population = Population(
            seed, self.account, customers=customers, conversations=conversations, tasks=tasks
        )
        self.events = Events(seed, self.account, present)
        self.desk = Desk(seed, self.account, population, self.events)
        self.reports = Reports(self.account, self.desk, present)
        tell(
            self.desk,
            self.exports,
            seed=seed,
            days=days,
            per_day=talks_per_day,
            history_days=history_days,
            present=present,
        )
        self.events.forget_old()
        self.limits = GladlyLimits(
            requests_per_second,
            reports_per_minute=reports_per_minute,
            concurrent_reports=concurrent_reports,
        )
        super().__init__(
            gladly_app(self),
            limits=self.limits,
            credential_headers=CREDENTIAL_HEADERS,
            error_body=error_body,
            latency=latency,
            port=port,
        )

    def others_use(self, requests: int) -> None:
        """Let somebody else take so many requests of every second from now on."""
        self.limits.others = requests
