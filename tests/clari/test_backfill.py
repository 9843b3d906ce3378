"""`end_date`: a backfill in pieces, each with a state of its own, joined without a gap."""

from __future__ import annotations

import itertools
import typing as t
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from tests.clari.backfill import LINKED, STREAMS, account_with_bounds, months

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clari.backfill import Backfill
    from tests.clari.conftest import Copilot, Revenue
    from tests.running import Record, Run
    from tests.sandbox.copilot.call_search import Bounds

FIRST, *_, LAST = months()


@pytest.fixture(scope="module", params=["strict", "inclusive"])
def backfill(request: pytest.FixtureRequest) -> Iterator[Backfill]:
    """An account, whose APIs take their bounds in or not."""
    bounds: Bounds = request.param
    with account_with_bounds(bounds) as made:
        yield made


def keyed(run: Run, stream: str) -> list[tuple[str, Record]]:
    """The records of a stream by key."""
    [key] = run.keys[stream]
    return [(record[key], record) for record in run.records[stream]]


def test_twelve_months_are_the_year_and_no_record_comes_twice(backfill: Backfill) -> None:
    whole = backfill.piece(FIRST, LAST)
    pieces = [backfill.piece(*each) for each in itertools.pairwise(months())]
    for stream in (*STREAMS, *LINKED):
        parts = [each for run in pieces for each in keyed(run, stream)]
        assert dict(parts) == dict(keyed(whole, stream)), stream
        assert len(whole.records[stream]) > 0
        if stream in STREAMS:
            assert set(Counter(key for key, _ in parts).values()) == {1}, stream


def test_the_bounds_are_those_that_records_show(backfill: Backfill) -> None:
    run = backfill.piece(FIRST, LAST)
    for stream, name in (
        ("calls", "last_modified_time"),
        ("call_details", "last_modified_time"),
        ("audit_events", "eventTimestamp"),
        ("activities", "date"),
    ):
        times = sorted(filter(None, (record.get(name) for record in run.records[stream])))
        assert times[0] == f"{FIRST}T00:00:00.000000Z", stream
        assert times[-1][10:] == "T23:59:59.999000Z", stream
        assert times[-1] < LAST, stream


def test_a_piece_that_has_ended_is_not_read_again(backfill: Backfill) -> None:
    streams = [stream for stream in (*STREAMS, *LINKED) if stream != "scorecards"]
    first = backfill.piece(*months()[-3:-1], *streams, lookback_days=3)
    end = f"{months()[-2]}T00:00:00.000000Z"
    assert {stream: first.bookmark(stream) for stream in streams} == dict.fromkeys(streams, end)
    jobs = len(backfill.revenue.exports.started)
    backfill.copilot.traffic.clear()
    again = backfill.piece(*months()[-3:-1], *streams, lookback_days=3, state=first.state)
    assert not again.records
    assert again.state["bookmarks"] == first.state["bookmarks"]
    assert len(backfill.revenue.exports.started) == jobs
    assert backfill.copilot.traffic.count() == 0


def test_a_piece_that_was_killed_resumes(backfill: Backfill) -> None:
    window = months()[-4], months()[-1]
    killed = backfill.tap.run_until(
        lambda line: '"RECORD"' in line and '"calls"' in line,
        "audit_events",
        "calls",
        start_date=window[0],
        end_date=window[1],
    )
    rest = backfill.piece(*window, "audit_events", "calls", state=killed.state)
    whole = backfill.piece(*window, "audit_events", "calls")
    for stream in ("audit_events", "calls"):
        parts = dict(each for run in (killed, rest) for each in keyed(run, stream))
        assert parts == dict(keyed(whole, stream))


def test_the_run_after_the_last_piece_goes_on_from_its_state(backfill: Backfill) -> None:
    piece = backfill.piece(*months()[-2:], "audit_events", "calls")
    rest = backfill.tap.run("audit_events", "calls", state=piece.state)
    both = backfill.tap.run("audit_events", "calls", start_date=months()[-2])
    for stream in ("audit_events", "calls"):
        parts = dict(each for run in (piece, rest) for each in keyed(run, stream))
        assert parts == dict(keyed(both, stream))


def test_days_of_activities_are_cut_where_the_window_ends(revenue: Revenue) -> None:
    noon = datetime.now(timezone.utc).replace(hour=12, minute=0, second=0, microsecond=0)
    noon -= timedelta(days=20)
    before = revenue.sandbox.account.add_activity(noon - timedelta(milliseconds=1))
    after = revenue.sandbox.account.add_activity(noon)
    week = timedelta(days=7)
    runs = [
        revenue.tap.run("activities", start_date=start.isoformat(), end_date=end.isoformat())
        for start, end in ((noon - week, noon), (noon, noon + week))
    ]
    found = [set(run.ids("activities", "activityId")) for run in runs]
    assert before["activityId"] in found[0]
    assert after["activityId"] in found[1]
    assert not found[0] & found[1]
    assert runs[0].bookmark("activities") == f"{noon:%Y-%m-%dT%H:%M:%S.%fZ}"
    again = revenue.tap.run("activities", end_date=noon.isoformat(), state=runs[0].state)
    assert not again.records
    assert len(revenue.sandbox.exports.started) == 2


def test_a_run_of_the_past_pays_for_no_forecast_of_today(revenue: Revenue) -> None:
    run = revenue.tap.run("forecast_entries", "forecast_users", end_date="2026-01-01")
    assert run.returncode == 0, run.log
    assert not run.records
    assert not revenue.sandbox.exports.started
    assert "the current quarter is not before end_date" in run.log
    period = revenue.sandbox.account.periods[0]
    named = revenue.tap.run("forecast_entries", end_date="2026-01-01", time_periods=[period])
    assert {each["timePeriodId"] for each in named.records["forecast_entries"]} == {period}


def test_an_end_date_to_come_changes_nothing_yet(copilot: Copilot) -> None:
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    run = copilot.tap.run("calls", end_date=tomorrow.isoformat())
    whole = copilot.tap.run("calls")
    assert run.records == whole.records
    assert run.state == whole.state


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"end_date": "soon"}, "The setting end_date is no ISO 8601 time: 'soon'."),
        (
            {"start_date": "2026-02-01", "end_date": "2026-02-01"},
            "The setting end_date must be later than start_date",
        ),
    ],
)
def test_an_end_date_that_leaves_nothing(
    copilot: Copilot, settings: dict[str, t.Any], words: str
) -> None:
    run = copilot.tap.run("calls", **settings)
    assert run.returncode == 1
    assert words in run.last_word
    assert not copilot.sandbox.traffic.count()
