"""A job that was asked for without an answer: looked for, and neither paid twice nor mistaken."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest
from tap_clari.revenue.exports.jobs import Job
from tap_clari.revenue.streams.forecasts import _is_of

from tests.clari.revenue_truth import assert_same, forecast_rows
from tests.clari.test_exports import ONE_FORECAST, QUOTA_REACHED, START, assert_complete, unread
from tests.clari.test_revenue_errors import assert_told
from tests.sandbox.revenue.requests import ForecastRequest

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue


def start_a_forecast(revenue: Revenue, forecast_id: str, period: str | None = None) -> None:
    """Start a job as somebody else with the same token would."""
    account, exports = revenue.sandbox.account, revenue.sandbox.exports
    result = account.forecast_result(forecast_id, ForecastRequest(time_period=period))
    request = {"forecastId": forecast_id, **({"timePeriod": period} if period else {})}
    exports.start("FORECAST", request, result)


@pytest.mark.parametrize("other", ["renewals", "net_arr_emea", "all_net_arr"])
def test_the_job_of_another_forecast_is_not_taken_for_ones_own(
    revenue: Revenue, other: str
) -> None:
    tab = {"forecastName": "Other", "forecastId": other}
    revenue.sandbox.account.forecasts.append(tab)
    revenue.sandbox.faults.add(
        path=START, method="POST", reset=True, hook=lambda: start_a_forecast(revenue, other)
    )
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    started = revenue.sandbox.exports.started
    assert [job.request["forecastId"] for job in started] == [other, "net_arr"]
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries", started[1]))


def test_the_job_of_another_quarter_is_not_taken_for_that_of_the_current_one(
    revenue: Revenue,
) -> None:
    account = revenue.sandbox.account
    revenue.sandbox.faults.add(
        path=START,
        method="POST",
        reset=True,
        hook=lambda: start_a_forecast(revenue, "net_arr", account.periods[0]),
    )
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert run.returncode == 0, run.log
    found = {record["timePeriodId"] for record in run.records["forecast_entries"]}
    assert found == {account.current_period}
    assert len(revenue.sandbox.exports.started) == 2


def test_a_job_of_activities_is_not_taken_for_one_of_a_forecast(revenue: Revenue) -> None:
    account, exports = revenue.sandbox.account, revenue.sandbox.exports

    def start() -> None:
        exports.start("ACTIVITY", {}, account.activity_result(None, None, None, text_dates=True))

    revenue.sandbox.faults.add(path=START, method="POST", reset=True, hook=start)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert [job.module for job in exports.started] == ["ACTIVITY", "FORECAST"]
    truth = forecast_rows(revenue, "forecast_entries", exports.started[1])
    assert_same(run, "forecast_entries", truth)


def test_a_job_of_a_forecast_is_not_taken_for_one_of_activities(revenue: Revenue) -> None:
    exports = revenue.sandbox.exports
    revenue.sandbox.faults.add(
        path="/v4/export/activity",
        method="POST",
        reset=True,
        hook=lambda: start_a_forecast(revenue, "net_arr"),
    )
    run = revenue.tap.run("activities")
    assert [job.module for job in exports.started] == ["FORECAST", "ACTIVITY"]
    assert_same(run, "activities", exports.started[1].document()["activities"])


def test_a_job_that_starts_after_the_time_limit_of_its_request_is_waited_for(
    revenue: Revenue,
) -> None:
    # The tap waits two seconds; the job starts after three; nobody is there for the answer.
    revenue.sandbox.faults.add(
        path=START,
        method="POST",
        slow=3,
        status=504,
        hook=lambda: start_a_forecast(revenue, "net_arr"),
    )
    run = revenue.tap.run("forecast_entries", request_timeout_seconds=2, **ONE_FORECAST)
    assert_complete(run, revenue)
    assert "no answer in time; looking for the job" in run.log
    assert len(revenue.sandbox.exports.started) == 1
    assert revenue.sandbox.traffic.count(START, method="POST") == 1
    assert unread(run.state) == []


def test_a_quota_that_is_refused_for_no_reason_is_told_as_that(revenue: Revenue) -> None:
    revenue.sandbox.faults.add(
        path=START, method="POST", times=None, status=400, body=QUOTA_REACHED
    )
    run = revenue.tap.run("forecast_entries", job_timeout_seconds=0.5, **ONE_FORECAST)
    assert_told(
        run,
        "Clari refuses to start an export job for its quota, though 3 slots and 30 jobs of the "
        "month are said to be left",
    )
    assert revenue.sandbox.exports.started == []


def test_a_start_that_was_refused_does_not_stay_in_the_state(revenue: Revenue) -> None:
    revenue.sandbox.account.no_opt_in.add("net_arr")
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_told(run, "(no_optin)")
    assert unread(run.state) == []


@pytest.mark.parametrize(
    ("subject", "is_it"),
    [
        ("net_arr101", True),
        ("net_arr_{now.year}_Q{quarter}101", True),
        ("net_arr_{earlier}_Q1101", False),
        ("renewals_{now.year}_Q4101", False),
    ],
)
def test_the_file_of_the_current_quarter_may_be_named_after_it(
    subject: str, *, is_it: bool
) -> None:
    now = datetime.now(timezone.utc)
    named = subject.format(now=now, quarter=(now.month + 2) // 3, earlier=now.year - 1)
    job = Job(module="FORECAST", file_name=f"clari_export_{named}_20260101_120000.json")
    assert _is_of("net_arr", None, job) is is_it
