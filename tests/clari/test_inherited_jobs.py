"""Jobs that an earlier run left behind: read where they are of use, and never paid twice."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from tests.clari.revenue_truth import assert_same, forecast_rows
from tests.clari.test_activities import asked, between, noon
from tests.clari.test_exports import (
    ONE_FORECAST,
    START,
    assert_complete,
    has_started_a_job,
    unread,
)
from tests.clari.test_results import spoil_the_result
from tests.clari.test_revenue_errors import assert_told
from tests.running import TIME_LIMIT, Run
from tests.sandbox.revenue.requests import ForecastRequest

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from tests.clari.conftest import Revenue, StartRevenue
    from tests.running import Record

ACTIVITIES = "/v4/export/activity"
OPPORTUNITIES = "/v4/opportunity"


def killed_after_the_start(revenue: Revenue, *streams: str, **settings: t.Any) -> Run:
    """A run that is killed when it has started a job, which ends well afterwards."""
    exports = revenue.sandbox.exports
    exports.seconds, seconds = 600, exports.seconds
    killed = revenue.tap.run_until(has_started_a_job, *streams, **settings)
    exports.seconds = seconds
    exports.started[-1].finish(exports.success)
    assert [each["jobId"] for each in unread(killed.state)] == [exports.started[-1].id]
    return killed


def killed_while_asking(
    revenue: Revenue,
    path: str,
    *streams: str,
    method: str = "GET",
    before: Callable[[], object] = lambda: None,
    **settings: t.Any,
) -> Run:
    """A run that is killed while the API has its request for a path, and after what it did."""
    with revenue.tap.started(streams=streams, **settings) as (process, log):

        def kill() -> None:
            before()
            process.kill()
            process.wait(timeout=TIME_LIMIT)

        revenue.sandbox.faults.add(path=path, method=method, status=500, hook=kill)
        out, _ = process.communicate(timeout=TIME_LIMIT)
        run = Run(process.returncode, out.split("\n")[:-1], log.read_text(encoding="utf-8"))
    assert run.returncode < 0
    return run


# Activities


def test_activities_of_an_unchanged_window_cost_no_second_job(revenue: Revenue) -> None:
    settings: dict[str, t.Any] = {"start_date": noon(300).isoformat()}
    killed = killed_after_the_start(revenue, "activities", **settings)
    run = revenue.tap.run("activities", state=killed.state, **settings)
    assert_same(run, "activities", between(revenue, *asked(revenue)))
    assert asked(revenue)[0] == noon(300).date()
    assert len(revenue.sandbox.exports.started) == 1
    [job] = revenue.sandbox.exports.started
    # Each job is asked for a day more than the window has.
    first, last = asked(revenue)[0], asked(revenue)[1] - timedelta(days=1)
    assert re.search(
        f"Reading the export job {job.id}, .* for activities of {first} to {last}\n", run.log
    )
    assert unread(run.state) == []


def test_activities_before_the_days_of_an_inherited_job_arrive_too(revenue: Revenue) -> None:
    killed = killed_after_the_start(revenue, "activities", start_date=noon(10).isoformat())
    _, last = asked(revenue)
    settings: dict[str, t.Any] = {"start_date": noon(300).isoformat()}
    run = revenue.tap.run("activities", state=killed.state, **settings)
    assert_same(run, "activities", between(revenue, noon(300).date(), last))
    assert len(revenue.sandbox.exports.started) == 2


def two_halves(start_revenue: StartRevenue) -> tuple[Revenue, list[Record], Record]:
    """More activities than an export has rows, and not more than two have, from `start_date` on."""
    revenue = start_revenue(activities=0)
    account, exports = revenue.sandbox.account, revenue.sandbox.exports
    exports.max_rows = 40
    past = [account.add_activity(noon(day)) for day in range(1, 16) for _ in range(2)]
    planned = [account.add_activity(noon(-day)) for day in range(8, 23)]
    return revenue, [*past, *planned], {"start_date": noon(20).isoformat()}


def test_a_half_that_failed_is_not_left_out_when_the_whole_is_gone(
    start_revenue: StartRevenue,
) -> None:
    revenue, truth, settings = two_halves(start_revenue)
    exports = revenue.sandbox.exports
    revenue.sandbox.faults.add(
        path=ACTIVITIES, method="POST", after=1, hook=lambda: exports.endings.append("FAILED")
    )
    failed = revenue.tap.run("activities", **settings)
    whole, half, _ = exports.started
    assert_told(failed, f"job {half.id} ended with FAILED")
    assert not failed.records["activities"]
    exports.forget(whole.id)

    run = revenue.tap.run("activities", state=failed.state, **settings)
    assert_same(run, "activities", truth)
    assert not run.warnings


def test_a_run_killed_between_two_halves_leaves_them_and_the_whole_to_the_next(
    start_revenue: StartRevenue,
) -> None:
    revenue, truth, settings = two_halves(start_revenue)
    exports = revenue.sandbox.exports

    def last() -> None:
        exports.seconds = 600

    revenue.sandbox.faults.add(path=ACTIVITIES, method="POST", after=2, hook=last)
    killed = revenue.tap.run_until(lambda line: '"RECORD"' in line, "activities", **settings)
    assert killed.records["activities"]
    jobs = [*exports.started]
    assert len(jobs) == 3
    jobs[-1].finish(exports.success)

    run = revenue.tap.run("activities", state=killed.state, **settings)
    assert_same(run, "activities", truth)
    assert exports.started == jobs
    assert unread(run.state) == []


def test_opportunities_that_a_killed_run_did_not_reach_arrive_without_another_job(
    revenue: Revenue,
) -> None:
    streams = ("activities", "opportunities")
    killed = killed_while_asking(revenue, OPPORTUNITIES, *streams)
    [job] = revenue.sandbox.exports.started
    assert len(killed.records["activities"]) == len(between(revenue, *asked(revenue)))
    assert killed.bookmark("activities")
    run = revenue.tap.run(*streams, state=killed.state)
    about = {
        opportunity["opportunityId"]
        for activity in job.document()["activities"]
        for opportunity in activity["opportunities"]
    }
    known = revenue.sandbox.account.opportunities
    assert_same(run, "opportunities", [known[each] for each in about])
    assert revenue.sandbox.exports.started == [job]
    assert unread(run.state) == []


def test_a_job_whose_id_was_never_told_stays_in_the_state_until_all_its_readers_have_ended(
    revenue: Revenue,
) -> None:
    account, exports = revenue.sandbox.account, revenue.sandbox.exports

    def start() -> None:
        exports.start("ACTIVITY", {}, account.activity_result(None, None, None, text_dates=True))

    streams = ("activities", "opportunities")
    unanswered = killed_while_asking(revenue, ACTIVITIES, *streams, method="POST", before=start)
    [job] = exports.started
    assert [each.get("jobId") for each in unread(unanswered.state)] == [None]
    killed = killed_while_asking(revenue, OPPORTUNITIES, *streams, state=unanswered.state)
    assert len(unread(killed.state)) == 1
    run = revenue.tap.run(*streams, state=killed.state)
    assert run.returncode == 0, run.log
    assert run.records["opportunities"]
    assert exports.started == [job]
    assert unread(run.state) == []


def test_a_quota_is_not_spent_on_a_part_when_an_inherited_job_is_gone(revenue: Revenue) -> None:
    exports = revenue.sandbox.exports
    killed = killed_after_the_start(revenue, "activities")
    exports.forget(exports.started[0].id)
    exports.spend(exports.monthly_quota - 2)
    run = revenue.tap.run("forecast_entries", "activities", state=killed.state, **ONE_FORECAST)
    assert_told(run, "this run needs 2, and 1 of 30 are left")
    assert len(exports.started) == 1


# Forecasts


def test_the_age_of_a_job_that_is_read_late_is_told(revenue: Revenue) -> None:
    killed = killed_after_the_start(revenue, "forecast_entries", **ONE_FORECAST)
    state = killed.state
    long_ago = datetime.now(timezone.utc) - timedelta(days=20, hours=1)
    unread(state)[0]["startedAt"] = f"{long_ago:%Y-%m-%dT%H:%M:%S.%fZ}"
    run = revenue.tap.run("forecast_entries", state=state, **ONE_FORECAST)
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries"))
    [job] = revenue.sandbox.exports.started
    [warning] = run.warnings
    assert f"The export job {job.id} is 20 days old" in warning
    assert unread(run.state) == []


@pytest.mark.parametrize("status", [400, 404])
def test_an_inherited_job_whose_result_is_gone_is_replaced_in_the_same_run(
    revenue: Revenue, status: int
) -> None:
    killed = killed_after_the_start(revenue, "forecast_entries", **ONE_FORECAST)
    [gone] = revenue.sandbox.exports.started
    path = f"/v4/export/jobs/{gone.id}/results"
    revenue.sandbox.faults.add(path=path, times=None, status=status, body={"code": "invalid_jobId"})
    run = revenue.tap.run("forecast_entries", state=killed.state, **ONE_FORECAST)
    _, job = revenue.sandbox.exports.started
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries", job))
    [warning] = run.warnings
    assert gone.id in warning
    assert unread(run.state) == []


def test_a_job_of_ones_own_whose_result_is_gone_is_named_and_replaced_by_the_next_run(
    revenue: Revenue,
) -> None:
    spoil_the_result(revenue, times=None, status=404, body={"code": "invalid_jobId"})
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    [gone] = revenue.sandbox.exports.started
    assert_told(run, f"The Clari export job {gone.id} is done, but its result cannot be had.")
    assert unread(run.state) == []
    revenue.sandbox.faults.clear()
    again = revenue.tap.run("forecast_entries", state=run.state, **ONE_FORECAST)
    assert_complete(again, revenue, job=1)


def test_a_quarter_that_does_not_exist_stands_in_nobodys_way(revenue: Revenue) -> None:
    run = revenue.tap.run("forecast_entries", time_periods=["1999_Q1"], **ONE_FORECAST)
    assert_told(run, "1999_Q1 does not exist, or has no data")
    assert unread(run.state) == []
    again = revenue.tap.run(
        "forecast_entries",
        state=run.state,
        time_periods=[revenue.sandbox.account.current_period],
        **ONE_FORECAST,
    )
    assert_complete(again, revenue, job=1)
    assert unread(again.state) == []


@pytest.mark.parametrize("was_started", [True, False])
def test_a_run_killed_while_it_asks_for_a_job_leaves_it_to_the_next(
    revenue: Revenue, *, was_started: bool
) -> None:
    account, exports = revenue.sandbox.account, revenue.sandbox.exports

    def start() -> None:
        if was_started:
            result = account.forecast_result("net_arr", ForecastRequest())
            exports.start("FORECAST", {"forecastId": "net_arr"}, result)

    killed = killed_while_asking(
        revenue, START, "forecast_entries", method="POST", before=start, **ONE_FORECAST
    )
    assert [each.get("jobId") for each in unread(killed.state)] == [None]
    assert len(exports.started) == was_started
    run = revenue.tap.run("forecast_entries", state=killed.state, **ONE_FORECAST)
    assert_complete(run, revenue)
    assert len(exports.started) == 1
    assert unread(run.state) == []


# A state that somebody has edited


def entry(**members: t.Any) -> Record:
    """A job as it stands in the state, with some members as no tap writes them."""
    now = datetime.now(timezone.utc)
    return {
        "path": ACTIVITIES,
        "ids": {},
        "body": {},
        "startedAt": f"{now:%Y-%m-%dT%H:%M:%S.%fZ}",
        "jobId": "x",
        **members,
    }


@pytest.mark.parametrize("unreadable", [{"body": []}, {"jobId": 5}, {"startedAt": "yesterday"}])
def test_a_job_in_the_state_that_cannot_be_read_is_told(
    revenue: Revenue, unreadable: Record
) -> None:
    state = {"bookmarks": {"export_jobs": {"unread": [entry(**unreadable)]}}}
    run = revenue.tap.run("activities", state=state)
    assert_told(run, "The list of unread export jobs in the state cannot be read")
    assert revenue.sandbox.exports.started == []


@pytest.mark.parametrize(
    "days",
    [
        [{}, {"startDate": None, "endDate": 5}, {"startDate": {}, "endDate": []}],
        [{"startDate": day, "endDate": day} for day in ("then", "9999-12-31T00:00:00Z")],
        # The last day would be the one before the first that there is.
        [{"startDate": day, "endDate": day} for day in ("0001-01-01T00:00:00Z",)],
    ],
)
def test_a_job_in_the_state_that_asks_for_no_days_is_let_alone(
    revenue: Revenue, days: list[Record]
) -> None:
    state = {"bookmarks": {"export_jobs": {"unread": [entry(body=body) for body in days]}}}
    run = revenue.tap.run("activities", state=state)
    assert run.returncode == 0, run.log
    assert_same(run, "activities", between(revenue, *asked(revenue)))
    assert unread(run.state) == []


def test_a_job_whose_result_a_gateway_denies_is_not_paid_for_again(revenue: Revenue) -> None:
    spoil_the_result(revenue, times=None, status=404)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    [job] = revenue.sandbox.exports.started
    assert_told(run, f"The result of the Clari export job {job.id} for the forecast net_arr cannot")
    revenue.sandbox.faults.clear()
    again = revenue.tap.run("forecast_entries", state=run.state, **ONE_FORECAST)
    assert again.returncode == 0, again.log
    assert revenue.sandbox.exports.started == [job]
    assert_same(again, "forecast_entries", forecast_rows(revenue, "forecast_entries", job))
