"""From when on events are asked for: as far back as Gladly's clock lets the tap."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tests.gladly.test_events import EVENTS, KIND, state_of, windows
from tests.gladly.truth import ago, assert_same, moment

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly

DAY = timedelta(hours=24)


def test_a_bookmark_just_beyond_the_day_loses_seconds_and_no_minutes(gladly: Gladly) -> None:
    events = gladly.sandbox.events
    for number in range(240):
        events.add(KIND, timestamp=ago(hours=24) + timedelta(seconds=number / 2))
    began = ago(hours=24, seconds=1)
    bookmark = ago(hours=24, minutes=5).replace(microsecond=0)
    run = gladly.tap.run("events", state=state_of(bookmark))
    # A busy machine may be refused once.
    asked = [start for start, _ in windows(gladly)]
    assert began <= asked[0] <= ago(hours=24) + timedelta(seconds=2)
    wanted = [each for each in events.all if moment(each["timestamp"]) >= asked[-1]]
    assert_same(run, "events", wanted)
    [warning] = run.warnings
    assert "| WARNING" in warning
    gap = f"from {bookmark:%Y-%m-%dT%H:%M:%SZ} to {asked[-1]:%Y-%m-%dT%H:%M:%SZ} are missing"
    assert gap in warning


def test_a_clock_ahead_of_ours_is_asked_for_less(gladly: Gladly) -> None:
    events = gladly.sandbox.events
    bookmark = ago(days=2).replace(microsecond=0)
    events.add(KIND, timestamp=ago(hours=23, minutes=55))
    first = ago(minutes=0)
    events.as_of = first + timedelta(minutes=3)
    run = gladly.tap.run("events", state=state_of(bookmark))
    starts = [start for start, _ in windows(gladly)]
    assert starts == sorted(starts)
    assert len(starts) == 4
    # The last is what the other clock lets pass, and no more than a quarter of an hour is lost.
    assert starts[2] < first + timedelta(minutes=3) - DAY <= starts[3]
    assert starts[3] < ago(hours=24) + timedelta(minutes=15, seconds=1)
    wanted = [each for each in events.all if moment(each["timestamp"]) >= starts[3]]
    assert 0 < len(wanted) < len(events.all)
    assert_same(run, "events", wanted)
    [warning] = run.warnings
    assert f"to {starts[3]:%Y-%m-%dT%H:%M:%SZ} are missing" in warning


def test_a_first_run_is_not_ended_by_a_clock_ahead_of_ours(gladly: Gladly) -> None:
    detail = "startAt must be within the last 24 hours"
    body = {"errors": [{"attr": "startAt", "code": "invalid", "detail": detail}]}
    gladly.sandbox.faults.add(path=EVENTS, status=400, body=body)
    run = gladly.tap.run("events")
    starts = [start for start, _ in windows(gladly)]
    assert len(starts) == 2
    assert timedelta(seconds=15) < starts[1] - starts[0] < timedelta(seconds=25)
    events = gladly.sandbox.events.all
    assert_same(run, "events", [each for each in events if moment(each["timestamp"]) >= starts[1]])
    assert not run.warnings


def test_a_window_at_the_edge_that_is_asked_for_again_loses_no_more_than_minutes(
    gladly: Gladly,
) -> None:
    bookmark = ago(days=2).replace(microsecond=0)
    for _ in range(2):
        gladly.sandbox.faults.add(path=EVENTS, status=503)
    run = gladly.tap.run("events", state=state_of(bookmark))
    asked, _ = windows(gladly)[-1]
    assert asked < ago(hours=24) + timedelta(minutes=2, seconds=1)
    wanted = [each for each in gladly.sandbox.events.all if moment(each["timestamp"]) >= asked]
    assert_same(run, "events", wanted)
    *again, warning = run.warnings
    assert all("trying again" in line for line in again)
    assert f"to {asked:%Y-%m-%dT%H:%M:%SZ} are missing" in warning


def test_a_window_that_is_refused_for_another_reason_ends_the_run(gladly: Gladly) -> None:
    detail = "entities must be among those of the plan"
    body = {"errors": [{"attr": "entities", "code": "invalid", "detail": detail}]}
    gladly.sandbox.faults.add(path=EVENTS, times=None, status=400, body=body)
    run = gladly.tap.run("events", state=state_of(ago(hours=1)))
    assert run.returncode == 1
    assert "it says: entities invalid" in run.last_word
    assert detail not in run.log
    assert "Traceback" not in run.log
    assert gladly.sandbox.traffic.count() == 1


def test_a_window_that_is_refused_in_any_case_ends_the_run(gladly: Gladly) -> None:
    body = {"errors": [{"attr": "startAt", "code": "invalid", "detail": "startAt is not for you"}]}
    gladly.sandbox.faults.add(path=EVENTS, times=None, status=400, body=body)
    run = gladly.tap.run("events")
    assert run.returncode == 1
    assert "it says: startAt invalid" in run.last_word
    assert "not for you" not in run.log
    assert "Traceback" not in run.log
    assert gladly.sandbox.traffic.count() == 5


def test_events_come_first(gladly: Gladly) -> None:
    run = gladly.tap.run("agents", "organization", "events", "export_schedules")
    assert run.returncode == 0, run.log
    assert next(iter(run.schemas)) == "events"
    assert gladly.sandbox.traffic.exchanges()[0].path == EVENTS
