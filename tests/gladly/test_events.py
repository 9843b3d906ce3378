"""Events: all of the last day, each once it can be there, and none lost between two runs."""

from __future__ import annotations

import signal
import time
import typing as t
from datetime import timedelta

import pytest

from tests.gladly.truth import API, ago, assert_same, moment, written
from tests.sandbox.gladly.event_types import MEMBERS, entity_of

if t.TYPE_CHECKING:
    from datetime import datetime

    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record

EVENTS = f"{API}/events"
KIND = "CONVERSATION/CREATED"


def state_of(bookmark: datetime) -> Record:
    """A state in which events were read up to a time."""
    value = {"replication_key": "timestamp", "replication_key_value": written(bookmark)}
    return {"bookmarks": {"events": value}}


def windows(gladly: Gladly) -> list[tuple[datetime, datetime]]:
    """From when to when was asked, request by request."""
    asked = [dict(each.params or ()) for each in gladly.sandbox.traffic.exchanges(EVENTS)]
    return [(moment(each["startAt"]), moment(each["endAt"])) for each in asked]


def test_all_events_of_the_day_come_in_their_order(gladly: Gladly) -> None:
    for at in (ago(hours=23, minutes=55), ago(minutes=2)):
        gladly.sandbox.events.add(KIND, timestamp=at)
    run = gladly.tap.run("events")
    assert_same(run, "events", gladly.sandbox.events.all)
    times = [each["timestamp"] for each in run.records["events"]]
    assert times == sorted(times)
    assert moment(times[-1]) - moment(times[0]) > timedelta(hours=23, minutes=30)
    assert run.keys["events"] == ["id"]
    assert gladly.sandbox.traffic.count() == 1
    assert not run.warnings


def test_every_type_has_its_columns(start: Start) -> None:
    gladly = start(days=0)
    assert len(MEMBERS) == 45
    for number, kind in enumerate(MEMBERS):
        gladly.sandbox.events.add(kind, timestamp=ago(minutes=90 - number))
    run = gladly.tap.run("events")
    assert_same(run, "events", gladly.sandbox.events.all)
    assert [each["type"] for each in run.records["events"]] == list(MEMBERS)
    content = run.schemas["events"]["properties"]["content"]["properties"]
    for record in run.records["events"]:
        assert "_extra" not in record
        assert set(record["content"]) <= set(content)
    assert not run.warnings


def test_what_is_not_yet_whole_is_left_to_the_next_run(gladly: Gladly) -> None:
    began = ago(seconds=0)
    gladly.sandbox.events.add(KIND, late=14)
    run = gladly.tap.run("events")
    [(_, end)] = windows(gladly)
    assert timedelta(seconds=15) <= ago(seconds=0) - end
    assert began - timedelta(seconds=32) <= end <= ago(seconds=30)
    assert moment(run.bookmark("events")) == end


def test_late_events_arrive_with_the_next_run(start: Start) -> None:
    gladly = start()
    now = ago(seconds=0)
    late = [
        gladly.sandbox.events.add(KIND, timestamp=now - timedelta(seconds=age), late=14)["id"]
        for age in (60, 45, 31, 28, 26)
    ]
    # Gladly's clock is behind: the third is not there yet, though the first run asks for its time.
    gladly.sandbox.events.as_of = now - timedelta(seconds=18)
    first = gladly.tap.run("events")
    assert [each for each in late if each in first.ids("events")] == late[:2]
    gladly.sandbox.events.as_of = None
    time.sleep(max(0.0, (now + timedelta(seconds=5.1) - ago(seconds=0)).total_seconds()))
    second = gladly.tap.run("events", state=first.state)
    assert {*first.ids("events"), *second.ids("events")} == {
        each["id"] for each in gladly.sandbox.events.all
    }


def test_an_event_that_shows_up_before_the_bookmark_is_found(gladly: Gladly) -> None:
    first = gladly.tap.run("events")
    bookmark = moment(first.bookmark("events"))
    late = gladly.sandbox.events.add(KIND, timestamp=bookmark - timedelta(seconds=20))
    second = gladly.tap.run("events", state=first.state)
    assert late["id"] in second.ids("events")
    assert len(second.ids("events")) < 10
    [(_, first_end), (second_start, _)] = windows(gladly)
    assert first_end - timedelta(seconds=60) == second_start
    assert moment(second.bookmark("events")) >= bookmark


@pytest.mark.parametrize("entities", [["TASK"], ["CUSTOMER_PROFILE", "CONVERSATION"]])
def test_only_the_entities_of_the_settings_are_read(gladly: Gladly, entities: list[str]) -> None:
    run = gladly.tap.run("events", event_entities=[*entities, entities[0]])
    wanted = [each for each in gladly.sandbox.events.all if entity_of(each["type"]) in entities]
    assert wanted
    assert_same(run, "events", wanted)
    [asked] = gladly.sandbox.traffic.exchanges(EVENTS)
    assert [each for name, each in asked.params or () if name == "entities"] == entities


def test_a_start_date_limits_the_first_run(gladly: Gladly) -> None:
    since = ago(hours=5).replace(microsecond=0)
    run = gladly.tap.run("events", start_date=written(since))
    wanted = [each for each in gladly.sandbox.events.all if moment(each["timestamp"]) >= since]
    assert 0 < len(wanted) < len(gladly.sandbox.events.all)
    assert_same(run, "events", wanted)
    run = gladly.tap.run("events", start_date="2020-01-01")
    assert_same(run, "events", gladly.sandbox.events.all)
    assert not run.warnings


def test_a_bookmark_of_more_than_a_day_ago_names_the_gap_once(gladly: Gladly) -> None:
    bookmark = ago(days=3).replace(microsecond=0)
    first = gladly.tap.run("events", state=state_of(bookmark))
    assert_same(first, "events", gladly.sandbox.events.all)
    [(oldest, _)] = windows(gladly)
    assert ago(hours=24) < oldest < ago(hours=23, minutes=55)
    [warning] = first.warnings
    assert f"from {bookmark:%Y-%m-%dT%H:%M:%SZ} to {oldest:%Y-%m-%dT%H:%M:%SZ}" in warning
    assert "| WARNING" in warning
    assert "report_conversation_timestamps" in warning
    second = gladly.tap.run("events", state=first.state)
    assert second.returncode == 0
    assert not second.warnings


def test_a_bookmark_within_the_day_names_no_gap(gladly: Gladly) -> None:
    bookmark = ago(hours=23)
    run = gladly.tap.run("events", state=state_of(bookmark))
    assert set(run.ids("events")) >= {
        each["id"] for each in gladly.sandbox.events.all if moment(each["timestamp"]) >= bookmark
    }
    assert not run.warnings


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_run_is_resumed(start: Start, signal_number: signal.Signals) -> None:
    gladly = start(days=0)
    for number in range(1000):
        gladly.sandbox.events.add(KIND, timestamp=ago(hours=23, seconds=-80 * number))
    events = gladly.sandbox.events.all
    middle = f'"id":"{events[550]["id"]}"'
    first = gladly.tap.run_until(lambda line: middle in line, "events", signal_number=signal_number)
    assert first.returncode != 0
    # Never past what was written.
    assert moment(first.bookmark("events")) <= max(
        moment(each["timestamp"]) for each in first.records["events"]
    )
    second = gladly.tap.run("events", state=first.state)
    assert second.returncode == 0, second.log
    assert {*first.ids("events"), *second.ids("events")} == {each["id"] for each in events}
    assert len(second.ids("events")) < 600


def test_events_that_were_cut_off_are_received_again(gladly: Gladly) -> None:
    gladly.sandbox.faults.add(path=EVENTS, truncate=True)
    gladly.sandbox.faults.add(path=EVENTS, unframed=True)
    # Away from the edge of the day, which the window would have left by the third time.
    since = ago(hours=20).replace(microsecond=0)
    run = gladly.tap.run("events", start_date=written(since))
    wanted = [each for each in gladly.sandbox.events.all if moment(each["timestamp"]) >= since]
    assert_same(run, "events", wanted)
    assert gladly.sandbox.traffic.count() == 3


def test_a_line_that_is_no_event_is_named(gladly: Gladly) -> None:
    body = b'{"id": "1", "type": "X/Y"}\n?\n{"id": "2", "timestamp": "2026-01-01T00:00:00Z"}'
    gladly.sandbox.faults.add(path=EVENTS, status=200, body=body)
    run = gladly.tap.run("events")
    assert run.returncode == 0, run.log
    assert run.ids("events") == ["1", "2"]
    [told] = run.warnings
    assert "| ERROR" in told
    assert "/events, line 2" in told


def test_no_events_move_the_bookmark_all_the_same(start: Start) -> None:
    gladly = start(days=0)
    run = gladly.tap.run("events")
    assert_same(run, "events", [])
    # What is empty is believed when it comes twice. Until then, its window of all 24 hours may have
    # come to begin too early; then a shorter one is asked for.
    [window, again, *shorter] = windows(gladly)
    assert window == again
    assert len(shorter) <= 1
    assert moment(run.bookmark("events")) == window[1]
    assert not run.warnings
    [told] = [line for line in run.log.splitlines() if "trying again" in line]
    assert "GET /events: an empty answer; trying again" in told
