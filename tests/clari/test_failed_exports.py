"""Exports that fail: paid once in a run, and no reason to leave the other exports unread."""

from __future__ import annotations

import typing as t

import msgspec
import pytest

from tests.clari.revenue_truth import forecast_rows
from tests.clari.test_exports import (
    FORECAST_STREAMS,
    ONE_FORECAST,
    START,
    assert_complete,
    unread,
)
from tests.clari.test_unanswered_starts import start_a_forecast

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue

JOBS = "/v4/export/jobs"
LIMITS = "/v4/admin/limits"
TWO: dict[str, t.Any] = {"forecast_ids": ["net_arr", "renewals"]}


def test_a_job_that_fails_is_not_paid_again_for_each_stream_that_reads_it(
    revenue: Revenue,
) -> None:
    revenue.sandbox.exports.endings.append("FAILED")
    run = revenue.tap.run(*FORECAST_STREAMS, **ONE_FORECAST)
    [job] = revenue.sandbox.exports.started
    assert run.returncode == 1
    assert run.last_word.startswith(f"The Clari export job {job.id} ended with FAILED")
    assert unread(run.state) == []


@pytest.mark.parametrize("ending", ["FAILED", "NEVER"])
def test_a_forecast_whose_job_brings_nothing_does_not_keep_the_others_away(
    revenue: Revenue, ending: str
) -> None:
    exports = revenue.sandbox.exports
    exports.endings.append(ending)
    run = revenue.tap.run(*FORECAST_STREAMS, job_timeout_seconds=2, **TWO)
    failed, other = exports.started
    assert run.returncode == 1
    assert f"The Clari export job {failed.id} " in run.last_word
    for stream in FORECAST_STREAMS:
        assert len(run.records[stream]) == len(forecast_rows(revenue, stream, other)) > 0
    # The other one was read whole: the next run asks for it anew, as it is then.
    assert other.id not in {job["jobId"] for job in unread(run.state)}


def test_a_forecast_that_is_refused_does_not_keep_the_others_away(revenue: Revenue) -> None:
    run = revenue.tap.run("forecast_entries", "forecast_users", forecast_ids=["no_such", "net_arr"])
    [job] = revenue.sandbox.exports.started
    assert run.returncode == 1
    assert run.last_word.startswith("Clari has no forecast 'no_such'")
    for stream in ("forecast_entries", "forecast_users"):
        assert len(run.records[stream]) == len(forecast_rows(revenue, stream, job)) > 0
    assert revenue.sandbox.traffic.count("/v4/export/forecast/no_such", method="POST") == 1


def test_a_quarter_that_does_not_exist_does_not_keep_the_others_away(revenue: Revenue) -> None:
    current = revenue.sandbox.account.current_period
    run = revenue.tap.run(
        "forecast_entries", "forecast_users", time_periods=["2199_Q1", current], **ONE_FORECAST
    )
    assert run.returncode == 1
    assert "for 2199_Q1 with" in run.last_word
    assert len(revenue.sandbox.exports.started) == 2
    assert {entry["timePeriodId"] for entry in run.records["forecast_entries"]} == {current}
    assert run.records["forecast_users"]


@pytest.mark.parametrize("body", ["{}", '{"job": null}', '[{"jobId": "1"}]', "5"])
def test_a_start_that_is_answered_without_an_id_is_looked_for(revenue: Revenue, body: str) -> None:
    start_in_silence(revenue, status=200, body=body)
    run = revenue.tap.run(*FORECAST_STREAMS, **ONE_FORECAST)
    assert_complete(run, revenue)
    assert len(revenue.sandbox.exports.started) == 1


def test_a_start_without_an_id_that_is_not_found_is_paid_once_and_found_by_the_next_run(
    revenue: Revenue,
) -> None:
    start_in_silence(revenue, status=200, body="{}")
    revenue.sandbox.faults.add(path=JOBS, times=None, status=200, body="[]")
    run = revenue.tap.run(*FORECAST_STREAMS, **ONE_FORECAST)
    assert run.returncode == 1
    assert "none is found that was started" in run.last_word
    assert len(revenue.sandbox.exports.started) == 1
    revenue.sandbox.faults.clear()
    assert_complete(revenue.tap.run(*FORECAST_STREAMS, state=run.state, **ONE_FORECAST), revenue)
    assert len(revenue.sandbox.exports.started) == 1


@pytest.mark.parametrize("fault", [{"lost": True}, {"truncate": True}, {"half_json": True}])
def test_a_list_of_jobs_that_lags_makes_no_job_be_paid_twice(
    revenue: Revenue, fault: dict[str, t.Any]
) -> None:
    revenue.sandbox.faults.add(path=START, method="POST", **fault)
    revenue.sandbox.faults.add(path=JOBS, times=2, status=200, body="[]")
    assert_complete(revenue.tap.run("forecast_entries", **ONE_FORECAST), revenue)
    assert len(revenue.sandbox.exports.started) == 1


def test_a_list_of_jobs_with_another_name_for_the_id_is_understood(revenue: Revenue) -> None:
    exports = revenue.sandbox.exports
    revenue.sandbox.faults.add(path=START, method="POST", lost=True)
    listed = revenue.sandbox.faults.add(path=JOBS, times=None, status=200, body="[]")

    def list_them() -> None:
        jobs = [exports.describe(job) for job in exports.jobs()]
        for job in jobs:
            inner = job.get("job", job)
            inner["id"] = inner.pop("jobId")
        listed.body = msgspec.json.encode(jobs)

    listed.hook = list_them
    run = revenue.tap.run("forecast_entries", "export_jobs", **ONE_FORECAST)
    assert_complete(run, revenue)
    [job] = exports.started
    assert run.ids("export_jobs", "jobId") == [job.id]


def test_a_job_that_is_not_there_right_after_its_start_is_waited_for(revenue: Revenue) -> None:
    unknown = '[{"code": "invalid_export_job", "message": "no such job"}]'
    start = revenue.sandbox.faults.add(path=START, method="POST", status=200, body="{}")

    def begin() -> None:
        start_a_forecast(revenue, "net_arr")
        [job] = revenue.sandbox.exports.started
        start.body = {"jobId": job.id}
        revenue.sandbox.faults.add(path=f"{JOBS}/{job.id}", times=3, status=404, body=unknown)

    start.hook = begin
    assert_complete(revenue.tap.run("forecast_entries", **ONE_FORECAST), revenue)
    assert len(revenue.sandbox.exports.started) == 1


def start_in_silence(revenue: Revenue, **answer: t.Any) -> None:
    """Start the job that is asked for, once, and answer without its id."""
    revenue.sandbox.faults.add(
        path=START, method="POST", hook=lambda: start_a_forecast(revenue, "net_arr"), **answer
    )


@pytest.mark.parametrize("body", ["{}", "[]", '{"jobs": {"availableConcurrentLimit": null}}'])
def test_limits_that_cannot_be_read_start_one_job_at_a_time(revenue: Revenue, body: str) -> None:
    revenue.sandbox.faults.add(path=LIMITS, times=None, status=200, body=body)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_complete(run, revenue)
    assert "The limits of export jobs cannot be read" in run.log
