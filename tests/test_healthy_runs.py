"""Nothing is wrong, and so no warning is logged: in a first run, in a later one, of any stream."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from tests import impatient
from tests.clari.conftest import config as copilot_config
from tests.clari.conftest import revenue_config
from tests.gladly.conftest import config as gladly_config
from tests.running import Tap, selected_by_default
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from pathlib import Path

LEVELS = ("WARNING", "ERROR", "CRITICAL")


def alarming(log: str) -> list[str]:
    """The lines that somebody would have to look at, Python's own too."""
    return [line for line in log.splitlines() if any(f"| {level}" in line for level in LEVELS)]


def assert_quiet(tap: Tap, *streams: str) -> None:
    """Neither a first run nor a later one has anything to warn of."""
    # Discovered as a user does: the columns of a report are those that the account has.
    catalog = tap.discover()
    first = tap.run(*streams, catalog=catalog)
    assert (first.returncode, alarming(first.log)) == (0, [])
    assert set(first.schemas) == set(streams)
    second = tap.run(*streams, catalog=catalog, state=first.state)
    assert (second.returncode, alarming(second.log)) == (0, [])


def test_tap_clari_warns_of_nothing() -> None:
    with CopilotSandbox(calls=30, requests_per_second=None) as copilot, RevenueSandbox() as revenue:
        revenue.exports.seconds = 0.1
        settings = {
            **copilot_config(copilot),
            **revenue_config(revenue),
            "partner_key": revenue.partner_key,
            "ingest_job_ids": [*revenue.account.ingest_jobs],
        }
        assert_quiet(Tap("tap-clari", settings), *selected_by_default("tap-clari"))


def test_tap_gladly_warns_of_nothing(tmp_path: Path) -> None:
    # Ten reports a minute would take minutes.
    command = impatient.command(tmp_path, "tap-gladly")
    with GladlySandbox() as sandbox:
        start = datetime.now(timezone.utc) - timedelta(days=20)
        settings = gladly_config(sandbox, start_date=f"{start:%Y-%m-%d}")
        assert_quiet(Tap(command, settings), *selected_by_default("tap-gladly"))
