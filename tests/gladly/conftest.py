"""A Gladly of one's own for each test, and the tap pointed at it."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests import impatient as impatient_tap
from tests.running import Tap
from tests.sandbox.gladly import GladlySandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator


class Gladly(t.NamedTuple):
    """A sandbox that runs, and the tap for it."""

    sandbox: GladlySandbox
    tap: Tap


def config(sandbox: GladlySandbox, **settings: t.Any) -> dict[str, t.Any]:
    """What a user would set to read the sandbox; fast, since most tests are not about the rate."""
    return {
        "api_url": sandbox.url,
        "username": sandbox.username,
        "api_token": sandbox.api_token,
        "requests_per_second": 500,
        **settings,
    }


class Start(t.Protocol):
    """Starts a Gladly; the options are those of the sandbox."""

    def __call__(self, **options: t.Any) -> Gladly:
        """Start one."""


@pytest.fixture
def start() -> Iterator[Start]:
    """Start Gladlys that last as long as the test; without limits unless they are given."""
    with contextlib.ExitStack() as running:

        def begin(**options: t.Any) -> Gladly:
            sandbox = running.enter_context(GladlySandbox(**options))
            return Gladly(sandbox, Tap("tap-gladly", config(sandbox)))

        yield begin


@pytest.fixture
def gladly(start: Start) -> Gladly:
    """A small one."""
    return start()


@pytest.fixture(scope="session")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The command of a tap that does not wait before it asks again."""
    return impatient_tap.command(tmp_path_factory.mktemp("command"), "tap-gladly")
