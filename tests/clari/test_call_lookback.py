"""The look-back lists calls again, and asks only for the details of those that have changed."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta

import pytest

from tests.clari.truth import MODIFIED, assert_loaded, detailed
from tests.gladly.truth import ago
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot, Start
    from tests.running import Record, Run

DAYS = 30
SPAN = timedelta(days=DAYS) / 720
"""Calls of so long a time share a digest."""


@pytest.fixture
def copilot(start: Start) -> Copilot:
    """An account with a call in every second hour of the look-back, and older ones."""
    copilot = start(calls=20)
    for call_id in copilot.sandbox.account.call_ids():
        copilot.sandbox.account.touch(call_id, modified="2026-01-01T00:00:00Z")
    for number in range(12):
        moment = ago(days=3, hours=-2 * number).replace(minute=0, second=0)
        [call_id] = copilot.sandbox.account.add(
            1,
            modified_from=f"{moment:%Y-%m-%dT%H:%M:%S.000Z}",
            modified_to=f"{moment:%Y-%m-%dT%H:%M:%S.001Z}",
        )
        copilot.sandbox.account.touch(call_id, status="PROCESSED")
    return copilot


def read(copilot: Copilot, *streams: str, state: Record | None = None, **settings: t.Any) -> Run:
    """Run with a look-back, and forget the requests of earlier runs."""
    copilot.sandbox.traffic.clear()
    run = copilot.tap.run(
        *(streams or ("call_details",)), state=state, **{"lookback_days": DAYS, **settings}
    )
    assert run.returncode == 0, run.log
    return run


def asked(copilot: Copilot) -> list[str]:
    """The ids of the calls whose details were asked for."""
    exchanges = copilot.sandbox.traffic.exchanges("/call-details")
    return [value for each in exchanges for name, value in each.params or () if name == "id"]


def recent(copilot: Copilot) -> list[str]:
    """The calls of the look-back, oldest change first."""
    truth = detailed(copilot)
    found = {k: str(call[MODIFIED]) for k, call in truth.items() if call[MODIFIED] > "2026-02"}
    return sorted(found, key=found.__getitem__)


def test_what_has_not_changed_costs_the_list_alone(copilot: Copilot) -> None:
    first = read(copilot)
    assert_loaded(first, "call_details", detailed(copilot))
    again = read(copilot, state=first.state)
    assert asked(copilot) == []
    assert 0 < copilot.sandbox.traffic.count() <= 4
    assert again.state == first.state


def test_an_edit_that_does_not_move_the_modified_time_is_read(copilot: Copilot) -> None:
    first = read(copilot)
    edited = recent(copilot)[4]
    copilot.sandbox.account.override(edited, title="Edited")
    again = read(copilot, state=first.state)
    assert asked(copilot) == [edited]
    assert again.by_id("call_details")[edited]["title"] == "Edited"
    assert again.bookmark("call_details") == first.bookmark("call_details")
    read(copilot, state=again.state)
    assert asked(copilot) == []


def test_new_calls_and_calls_that_move_are_read_once(copilot: Copilot) -> None:
    first = read(copilot)
    *_, moved = recent(copilot)[:7]
    now = ago(hours=1)
    copilot.sandbox.account.touch(moved, modified=f"{now:%Y-%m-%dT%H:%M:%SZ}")
    again = read(copilot, state=first.state)
    assert asked(copilot) == [moved]
    read(copilot, state=again.state)
    assert asked(copilot) == []


def test_calls_of_one_span_are_read_together(copilot: Copilot) -> None:
    edited, other, *_ = recent(copilot)
    moment = datetime.fromisoformat(detailed(copilot)[edited][MODIFIED].replace("Z", "+00:00"))
    copilot.sandbox.account.touch(other, modified=f"{moment + SPAN / 100:%Y-%m-%dT%H:%M:%S.000Z}")
    first = read(copilot)
    copilot.sandbox.account.override(edited, title="Edited")
    read(copilot, state=first.state)
    assert set(asked(copilot)) <= {edited, other}
    assert edited in asked(copilot)


def test_the_state_does_not_grow_with_the_calls(start: Start) -> None:
    copilot = start(calls=1)
    account = copilot.sandbox.account
    account.add(
        1500,
        modified_from=f"{ago(days=45):%Y-%m-%dT%H:%M:%S.000Z}",
        modified_to=f"{ago(hours=1):%Y-%m-%dT%H:%M:%S.000Z}",
    )
    run = read(copilot)
    digests = run.state["bookmarks"]["call_details"]["digests"]
    assert 400 < len(digests) <= 722
    assert len(json.dumps(run.state)) < 40_000
    assert min(digests) >= f"{ago(days=DAYS + 1):%Y-%m-%d}"
    again = read(copilot, state=run.state)
    assert asked(copilot) == []
    assert again.state == run.state


@pytest.mark.parametrize("stream", ["call_details", "call_turns"])
def test_a_run_that_is_killed_loses_nothing(copilot: Copilot, stream: str) -> None:
    first = read(copilot, stream)
    for call_id in recent(copilot):
        copilot.sandbox.account.override(call_id, title="Edited", transcript="Edited")
    # The first answers are there, those behind them are not, when the signal comes.
    copilot.sandbox.faults.add(path="/call-details", after=5, times=None, slow=2)
    stopped = copilot.tap.run_until(
        lambda line: '"RECORD"' in line, stream, state=first.state, lookback_days=DAYS
    )
    assert stopped.returncode < 0
    copilot.sandbox.faults.clear()
    state = stopped.state if stopped.states else first.state
    resumed = read(copilot, stream, state=state)
    key = "id" if stream == "call_details" else "call_id"
    found = {each[key] for each in [*stopped.records[stream], *resumed.records[stream]]}
    assert found >= set(recent(copilot))
    read(copilot, stream, state=resumed.state)
    assert asked(copilot) == []


def test_a_look_back_that_is_set_later_reads_once_what_it_does_not_know(copilot: Copilot) -> None:
    first = read(copilot, lookback_days=0)
    newest = first.bookmark("call_details")[:19]
    assert [*first.state["bookmarks"]["call_details"]["digests"]] == [newest]
    second = read(copilot, state=first.state)
    *older, last = recent(copilot)
    assert set(asked(copilot)) - {last} == {*older}
    third = read(copilot, state=second.state)
    assert asked(copilot) == []
    # Without it, nothing is remembered that nobody needs.
    fourth = read(copilot, state=third.state, lookback_days=0)
    assert [*fourth.state["bookmarks"]["call_details"]["digests"]] == [newest]


def test_nothing_is_asked_for_of_calls_at_the_bookmark_that_have_not_changed(
    copilot: Copilot,
) -> None:
    streams = ("call_details", "accounts", "contacts", "deals")
    *_, other, last = recent(copilot)
    copilot.sandbox.account.touch(other, modified=str(detailed(copilot)[last][MODIFIED]))
    first = read(copilot, *streams, lookback_days=0)
    assert all(first.records[stream] for stream in streams)
    again = read(copilot, *streams, state=first.state, lookback_days=0)
    assert {each.path for each in copilot.sandbox.traffic.exchanges()} == {"/calls"}
    # The counts are asked for once by three of them, and once of the statuses with details.
    assert copilot.sandbox.traffic.count() == len(streams) + 2 * 2
    assert again.state == first.state
    copilot.sandbox.account.override(other, title="Edited")
    read(copilot, *streams, state=again.state, lookback_days=0)
    assert sorted(asked(copilot)) == sorted([other, last])


def test_a_call_that_could_not_be_read_is_asked_for_by_the_next_look_back(
    copilot: Copilot, impatient: str
) -> None:
    hit, *_ = recent(copilot)
    params = {"id": hit}
    copilot.sandbox.faults.add(path="/call-details", params=params, times=None, status=502)
    first = read(copilot._replace(tap=Tap(impatient, copilot.tap.config)))
    assert hit not in first.ids("call_details")
    copilot.sandbox.faults.clear()
    again = read(copilot, state=first.state)
    assert hit in again.ids("call_details")
    read(copilot, state=again.state)
    assert asked(copilot) == []


def test_turns_alone_remember_it_too(copilot: Copilot) -> None:
    first = read(copilot, "call_turns")
    read(copilot, "call_turns", state=first.state)
    assert asked(copilot) == []
    # Details that are selected later have not been read.
    later = read(copilot, "call_turns", "call_details", state=first.state)
    assert_loaded(later, "call_details", detailed(copilot))
