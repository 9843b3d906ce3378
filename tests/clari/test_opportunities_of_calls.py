"""With a setting, the deals of the calls that a run lists are opportunities that it reads."""

from __future__ import annotations

import typing as t

import pytest

from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot, Revenue, Start
    from tests.running import Run

STREAMS = ("calls", "opportunities")


@pytest.fixture
def tap(start: Start, revenue: Revenue) -> tuple[Tap, Copilot]:
    """A tap of both APIs with the setting, and the Copilot of it."""
    copilot = start(calls=60)
    settings = {**copilot.tap.config, **revenue.tap.config, "opportunities_of_calls": True}
    return Tap("tap-clari", settings), copilot


def deals(copilot: Copilot) -> set[str]:
    """The deals of all calls."""
    account = copilot.sandbox.account
    calls = [account.listed(call_id) for call_id in account.call_ids(private=False)]
    return {
        call["crm_info"]["deal_id"] for call in calls if call.get("crm_info", {}).get("deal_id")
    }


def read(run: Run) -> set[str]:
    """The opportunities that a run has read."""
    assert run.returncode == 0, run.log
    return set(run.ids("opportunities"))


def test_the_deals_of_calls_are_opportunities_if_the_setting_asks(
    tap: tuple[Tap, Copilot], revenue: Revenue
) -> None:
    clari, copilot = tap
    wanted = deals(copilot) & revenue.sandbox.account.opportunities.keys()
    assert wanted
    first = clari.run(*STREAMS)
    assert read(first) == wanted
    assert "calls_from" not in first.state["bookmarks"]["opportunities"]
    assert revenue.sandbox.traffic.count("/v4/opportunity") == 1

    # Only those of changed calls come again; without the setting, none.
    assert read(clari.run(*STREAMS, state=first.state)) < wanted
    assert not read(clari.run(*STREAMS, opportunities_of_calls=False))


def test_a_run_that_stops_before_them_leaves_them_to_the_next(
    tap: tuple[Tap, Copilot], revenue: Revenue
) -> None:
    clari, copilot = tap
    revenue.sandbox.faults.add(path="/v4/opportunity", status=403)
    failed = clari.run(*STREAMS)
    assert failed.returncode == 1
    assert failed.bookmark("calls")
    revenue.sandbox.faults.clear()
    run = clari.run(*STREAMS, state=failed.state)
    assert read(run) == deals(copilot) & revenue.sandbox.account.opportunities.keys()
    assert "calls_from" not in run.state["bookmarks"]["opportunities"]
