"""A quarter that has closed is exported once more when it has settled, and then no more."""

from __future__ import annotations

import typing as t
from copy import deepcopy
from datetime import date, datetime, timedelta, timezone

import pytest

from tests.clari.revenue_truth import SECTIONS, assert_same, forecast_rows
from tests.clari.test_exports import unread

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue
    from tests.running import Record, Run

ONE: dict[str, t.Any] = {"forecast_ids": ["net_arr"]}


def set_quarter(revenue: Revenue, index: int, *, over_for: int = 0) -> str:
    """Make a quarter the current one; it ends, as the organization counts, days before today.

    Its fiscal quarters are not those of the calendar.
    """
    account = revenue.sandbox.account
    period = account.periods[index]
    last = datetime.now(timezone.utc).date() - timedelta(days=over_for + 1)
    account.period_dates[period] = (last - timedelta(days=90), last)
    account.current_period = period
    return period


def exported(revenue: Revenue, since: int = 0) -> list[str | None]:
    """The quarters that jobs were asked for; `None` for the current one."""
    return [job.request.get("timePeriod") for job in revenue.sandbox.exports.started[since:]]


def read(revenue: Revenue, *streams: str, state: Record | None = None, **settings: t.Any) -> Run:
    """Read the forecast net_arr."""
    run = revenue.tap.run(*(streams or ("forecast_entries",)), state=state, **ONE, **settings)
    assert run.returncode == 0, run.log
    return run


def aged(state: Record, days: int) -> Record:
    """The state as it would be if quarters had ended some days earlier."""
    older = deepcopy(state)
    for each in older["bookmarks"]["forecast_time_periods"]["open"]:
        end = datetime.fromisoformat(each["endsAt"][:19]) - timedelta(days=days)
        each["endsAt"] = f"{end:%Y-%m-%dT%H:%M:%S.%fZ}"
    return older


def test_a_closed_quarter_is_exported_once_more_when_it_has_settled(revenue: Revenue) -> None:
    closed = set_quarter(revenue, -2, over_for=1)
    first = read(revenue, *SECTIONS)
    set_quarter(revenue, -1, over_for=-90)
    second = read(revenue, *SECTIONS, state=first.state)
    # Its values may still change.
    assert exported(revenue) == [None, None]

    revenue.sandbox.account.restate()
    third = read(revenue, *SECTIONS, state=aged(second.state, 2))
    assert exported(revenue, since=2) == [None, closed]
    for stream in SECTIONS:
        jobs = revenue.sandbox.exports.started[2:]
        assert_same(third, stream, forecast_rows(revenue, stream, *jobs))
    found = {each["timePeriodId"] for each in third.records["forecast_entries"]}
    assert found == {closed, revenue.sandbox.account.periods[-1]}

    fourth = read(revenue, *SECTIONS, state=third.state)
    assert exported(revenue, since=4) == [None]
    assert not fourth.warnings


def turned(revenue: Revenue, *streams: str) -> Record:
    """The state of a run that has read a quarter which closed 40 days before the next run."""
    set_quarter(revenue, -2)
    state = aged(read(revenue, *streams).state, 40)
    set_quarter(revenue, -1, over_for=-50)
    return state


def test_a_run_that_was_away_for_two_quarters_owes_both(revenue: Revenue) -> None:
    known = set_quarter(revenue, -3)
    first = read(revenue)
    missed = revenue.sandbox.account.periods[-2]
    now = set_quarter(revenue, -1, over_for=-50)
    second = read(revenue, *SECTIONS, state=aged(first.state, 130))
    assert exported(revenue, since=1) == [None, known, missed]
    found = {each["timePeriodId"] for each in second.records["forecast_entries"]}
    assert found == {known, missed, now}
    read(revenue, state=second.state)
    assert exported(revenue, since=4) == [None]


def test_a_missed_quarter_that_has_just_ended_is_owed_to_a_later_run(revenue: Revenue) -> None:
    known = set_quarter(revenue, -3)
    first = read(revenue)
    missed = revenue.sandbox.account.periods[-2]
    set_quarter(revenue, -1, over_for=-90)
    second = read(revenue, state=aged(first.state, 95))
    assert exported(revenue, since=1) == [None, known]
    third = read(revenue, state=aged(second.state, 3))
    assert exported(revenue, since=3) == [None, missed]
    assert {each["timePeriodId"] for each in third.records["forecast_entries"]} >= {missed}


def test_the_setting_switches_it_off(revenue: Revenue) -> None:
    second = read(revenue, state=turned(revenue), reread_closed_periods=False)
    assert exported(revenue) == [None, None]
    # What closed while it was off is not owed later.
    read(revenue, state=second.state)
    assert exported(revenue) == [None, None, None]


def test_quarters_of_the_setting_are_read_alone(revenue: Revenue) -> None:
    closed, state = revenue.sandbox.account.periods[-2], turned(revenue)
    second = read(revenue, state=state, time_periods=[revenue.sandbox.account.periods[0]])
    assert exported(revenue, since=1) == [revenue.sandbox.account.periods[0]]
    read(revenue, state=second.state)
    assert exported(revenue, since=2) == [None, closed]


def test_a_killed_run_pays_for_no_quarter_again(revenue: Revenue) -> None:
    streams = ("forecast_entries", "forecast_users")
    killed = revenue.tap.run_until(
        lambda line: '"type":"SCHEMA","stream":"forecast_users"' in line,
        *streams,
        state=turned(revenue),
        **ONE,
    )
    assert len(unread(killed.state)) == 2
    rest = read(revenue, *streams, state=killed.state)
    jobs = revenue.sandbox.exports.started
    assert len(jobs) == 3
    for stream in streams:
        assert_same(rest, stream, forecast_rows(revenue, stream, *jobs[1:]))
    read(revenue, *streams, state=rest.state)
    assert exported(revenue, since=3) == [None]


def test_what_a_failed_stream_did_not_read_stays_owed(revenue: Revenue) -> None:
    state, closed = turned(revenue), revenue.sandbox.account.periods[-2]
    revenue.sandbox.exports.endings.append("FAILED")
    failed = revenue.tap.run("forecast_entries", state=state, **ONE)
    assert failed.returncode == 1
    read(revenue, state=failed.state)
    # The job that did not fail is not paid for again.
    assert exported(revenue, since=1) == [None, closed, None]


def test_the_quota_must_suffice_for_it_too(revenue: Revenue) -> None:
    state = turned(revenue)
    revenue.sandbox.exports.monthly_quota = 2
    run = revenue.tap.run("forecast_entries", state=state, **ONE)
    assert run.returncode == 1
    assert "this run needs 2, and 1 of 2 are left" in run.last_word
    assert exported(revenue) == [None]


def test_a_quarter_that_clari_no_longer_has_is_named_and_asked_for_once(revenue: Revenue) -> None:
    set_quarter(revenue, -1)
    first = read(revenue)
    state = deepcopy(first.state)
    gone = {
        "forecastId": "net_arr",
        "timePeriodId": "2019_Q1",
        "endsAt": "2019-04-01T00:00:00.000000Z",
    }
    state["bookmarks"]["forecast_time_periods"]["open"].append(gone)
    second = read(revenue, "forecast_entries", "forecast_users", state=state)
    assert exported(revenue, since=1) == [None, "2019_Q1"]
    [warning] = second.warnings
    assert "2019_Q1 does not exist, or has no data" in warning
    assert len(second.records["forecast_entries"]) == len(first.records["forecast_entries"])
    read(revenue, state=second.state)
    assert exported(revenue, since=3) == [None]


def test_a_quarter_that_stays_the_current_one_after_its_end_costs_one_job(revenue: Revenue) -> None:
    set_quarter(revenue, -1, over_for=10)
    state: Record | None = None
    for _ in range(3):
        state = read(revenue, state=state).state
    assert exported(revenue) == [None, None, None]


@pytest.mark.parametrize("value", [5, [{"forecastId": 1}], ["2026_Q1"]])
def test_a_state_of_another_form_gets_a_sentence(revenue: Revenue, value: object) -> None:
    state = {"bookmarks": {"forecast_time_periods": {"open": value}}}
    run = revenue.tap.run("forecast_entries", state=state, **ONE)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert "correct or remove 'open' at the stream forecast_time_periods" in run.last_word
    assert exported(revenue) == []


def test_a_quarter_without_an_end_is_read_and_never_owed(revenue: Revenue) -> None:
    period = set_quarter(revenue, -1)
    dates = revenue.sandbox.account.period_dates
    dates[period] = (dates[period][0], date.max)
    state = read(revenue).state
    read(revenue, state=state)
    assert exported(revenue) == [None, None]
