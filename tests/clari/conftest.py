"""A Clari of one's own for each test, either API of it, and the tap pointed at it."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests import impatient as impatient_tap
from tests.running import Tap
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Copilot(t.NamedTuple):
    """A sandbox that runs, and the tap for it."""

    sandbox: CopilotSandbox
    tap: Tap


def config(sandbox: CopilotSandbox, **settings: t.Any) -> dict[str, t.Any]:
    """What a user would set to read the sandbox; fast, since most tests are not about the rate."""
    return {
        "copilot_api_url": sandbox.url,
        "copilot_api_key": sandbox.api_key,
        "copilot_api_password": sandbox.api_password,
        "requests_per_second": 500,
        **settings,
    }


class Start(t.Protocol):
    """Starts a Copilot; the options are those of the sandbox."""

    def __call__(self, **options: t.Any) -> Copilot:
        """Start one."""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Copilots that last as long as the test; without a rate limit unless one is given."""
    with contextlib.ExitStack() as running:

        def begin(**options: t.Any) -> Copilot:
            sandbox = running.enter_context(
                CopilotSandbox(**{"calls": 12, "requests_per_second": None, **options})
            )
            return Copilot(sandbox, Tap("tap-clari", config(sandbox)))

        yield begin


@pytest.fixture
def copilot(start: Start) -> Copilot:
    """A small Copilot."""
    return start()


class Revenue(t.NamedTuple):
    """A sandbox of the Revenue API that runs, and the tap for it."""

    sandbox: RevenueSandbox
    tap: Tap


def revenue_config(sandbox: RevenueSandbox, **settings: t.Any) -> dict[str, t.Any]:
    """What a user would set to read the sandbox; jobs are looked at often, since they are short."""
    return {
        "api_url": sandbox.url,
        "api_key": sandbox.api_key,
        "job_poll_interval_seconds": 0.05,
        "requests_per_second": 500,
        **settings,
    }


class StartRevenue(t.Protocol):
    """Starts a Revenue API; the options are those of the sandbox."""

    def __call__(self, **options: t.Any) -> Revenue:
        """Start one."""


@pytest.fixture
def start_revenue() -> Iterator[StartRevenue]:
    """Start Revenue APIs that last as long as the test."""
    with contextlib.ExitStack() as running:

        def begin(**options: t.Any) -> Revenue:
            sandbox = running.enter_context(RevenueSandbox(**options))
            sandbox.exports.seconds = 0.1
            return Revenue(sandbox, Tap("tap-clari", revenue_config(sandbox)))

        yield begin


@pytest.fixture
def revenue(start_revenue: StartRevenue) -> Revenue:
    """A small one."""
    return start_revenue()


@pytest.fixture(scope="session")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The command of a tap that does not wait before it asks again."""
    return impatient_tap.command(tmp_path_factory.mktemp("command"), "tap-clari")
