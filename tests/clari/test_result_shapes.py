"""Results, jobs and limits in forms that no document has: read, or told in a sentence."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

import pytest

from tests.clari.revenue_truth import assert_same
from tests.clari.test_exports import ONE_FORECAST, START
from tests.clari.test_results import spoil_the_result
from tests.clari.test_revenue_errors import JOBS, LIMITS, assert_told
from tests.sandbox.revenue.requests import ForecastRequest

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue
    from tests.running import Record

ACTIVITIES = "/v4/export/activity"
KEY = {"timePeriodId": "2026_Q1", "timeFrameId": "W01", "userId": "7", "fieldId": "commit"}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"data": {"activities": []}}, "'data'"),
        ({"activities": {"items": []}}, "'activities'"),
        ({"activities": "no"}, "'activities'"),
        ({"entries": {}}, "'entries'"),
    ],
)
def test_an_export_without_a_list_of_activities_is_told_and_no_bookmark_moves(
    revenue: Revenue, body: Record, found: str
) -> None:
    place = {"replication_key": "date", "replication_key_value": "2026-01-02T03:04:05.000000Z"}
    spoil_the_result(revenue, ACTIVITIES, times=None, status=200, body=body)
    run = revenue.tap.run("activities", state={"bookmarks": {"activities": place}})
    assert_told(run, "without a list in 'activities'", f"(it has {found})")
    assert not run.records
    assert run.bookmark("activities") == place["replication_key_value"]


@pytest.mark.parametrize("body", [{"entries": {}}, {"data": {"entries": []}}])
def test_an_export_without_a_list_of_entries_is_told(revenue: Revenue, body: Record) -> None:
    spoil_the_result(revenue, times=None, status=200, body=body)
    run = revenue.tap.run("forecast_entries", "forecast_users", **ONE_FORECAST)
    assert_told(run, "without a list in 'entries'", f"(it has {next(iter(body))!r})")
    assert not run.records


def test_entries_are_found_beside_a_list_that_has_its_name(revenue: Revenue) -> None:
    entry = {**KEY, "forecastValue": 1.5}
    spoil_the_result(revenue, status=200, body={"users": [], "data": [entry]})
    run = revenue.tap.run("forecast_entries", "forecast_users", **ONE_FORECAST)
    assert run.returncode == 0, run.log
    [record] = run.records["forecast_entries"]
    assert record.items() >= {**entry, "forecastId": "net_arr"}.items()
    assert not run.records["forecast_users"]


def test_a_list_that_is_null_is_empty(revenue: Revenue) -> None:
    activity = {"activityId": "a", "date": 1_700_000_000_000}
    body = {"activities": None, "data": [activity]}
    spoil_the_result(revenue, ACTIVITIES, status=200, body=body)
    run = revenue.tap.run("activities")
    assert_same(run, "activities", [activity])


def test_json_of_a_depth_that_no_machine_has_is_told(revenue: Revenue) -> None:
    deep = "[" * 3000 + "]" * 3000
    spoil_the_result(revenue, times=None, status=200, body=f'{{"entries": [{{"deep": {deep}}}]}}')
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_told(run, "without a depth of less than 500 levels")
    assert not run.records


@pytest.mark.parametrize("is_answered", [True, False])
def test_numbers_as_text_and_ids_as_numbers_are_understood(
    revenue: Revenue, *, is_answered: bool
) -> None:
    result = revenue.sandbox.account.forecast_result("net_arr", ForecastRequest())
    limits = {
        "concurrentLimit": "3",
        "monthlyQuota": "30",
        "availableConcurrentLimit": "3",
        "availableMonthlyQuota": "30",
        "runningJobIds": [5],
        "submittedJobIds": [5, "6"],
    }
    now = datetime.now(timezone.utc)
    names = {"module": "FORECAST", "fileName": "clari_export_net_arr101_20260101_000000.json"}
    job = {
        **names,
        "jobId": 123,
        "status": "done",
        "startTime": round(now.timestamp() * 1000),
        "endTime": round(now.timestamp() * 1000),
    }
    # Of another one's job, only the id in the limits tells that it was there before.
    jobs = {"jobs": [{**job, "jobId": 5}, {**job, "jobId": 6}, job]}
    faults = revenue.sandbox.faults
    faults.add(path=LIMITS, times=None, status=200, body={"jobs": limits})
    faults.add(path=JOBS, times=None, status=200, body=jobs)
    faults.add(path=f"{JOBS}/123", times=None, status=200, body={"job": job})
    faults.add(path=f"{JOBS}/123/results", status=200, body=result.document())
    if is_answered:
        faults.add(path=START, method="POST", status=200, body={"jobId": 123})
    else:
        faults.add(path=START, method="POST", status=500)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    added = {"forecastId": "net_arr", "exportedAt": job["endTime"]}
    assert_same(
        run, "forecast_entries", [{**entry, **added} for entry in result.document()["entries"]]
    )
    assert revenue.sandbox.traffic.count(START, method="POST") == 1
