"""What goes wrong with the Revenue API ends in one sentence that says what to do."""

from __future__ import annotations

import typing as t

import pytest

from tests.clari.test_exports import ONE_FORECAST, START

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue
    from tests.running import Run

LIMITS = "/v4/admin/limits"
JOBS = "/v4/export/jobs"


def assert_told(run: Run, *parts: str) -> None:
    """The run ended with a sentence, and with nothing a user cannot read."""
    assert run.returncode == 1, run.log
    assert "Traceback" not in run.log
    for part in parts:
        assert part in run.last_word


def test_a_wrong_key(revenue: Revenue) -> None:
    run = revenue.tap.run("limits", api_key="wrong-token")
    assert_told(run, "Clari does not accept the credentials (HTTP 401): check api_key")
    assert "wrong-token" not in run.log


def test_a_key_that_is_missing(revenue: Revenue) -> None:
    run = revenue.tap.run("limits", api_key=None)
    assert_told(run, "The stream 'limits' needs the setting api_key.")


def test_a_key_that_may_not_read_something(revenue: Revenue) -> None:
    revenue.sandbox.faults.add(path="/v4/audit/events", status=403)
    assert_told(revenue.tap.run("audit_events"), "not for /v4/audit/events (HTTP 403)")


def test_an_address_that_is_not_that_of_the_api(revenue: Revenue) -> None:
    run = revenue.tap.run("limits", api_url=f"{revenue.sandbox.url}/other")
    assert_told(run, "has no /v4/admin/limits (HTTP 404): check api_url")


def test_a_redirect_is_not_followed(revenue: Revenue) -> None:
    revenue.sandbox.faults.add(path=LIMITS, redirect=f"{revenue.sandbox.url}{JOBS}")
    assert_told(revenue.tap.run("limits"), "redirects /v4/admin/limits elsewhere (HTTP 302)")
    assert revenue.sandbox.traffic.count(JOBS) == 0


def test_a_wait_that_nobody_should_sit_out(revenue: Revenue) -> None:
    revenue.sandbox.faults.add(path=LIMITS, status=429, retry_after=7200)
    assert_told(revenue.tap.run("limits"), "asks to wait 2:00:00")


def test_an_error_that_passes_is_retried(revenue: Revenue) -> None:
    for fault in ({"status": 500}, {"status": 429, "retry_after": 1}, {"reset": True}):
        revenue.sandbox.faults.add(path=LIMITS, **t.cast("t.Any", fault))
    run = revenue.tap.run("limits")
    assert run.returncode == 0, run.log
    assert len(run.records["limits"]) == 1


@pytest.mark.parametrize(
    ("stream", "method", "path", "body"),
    [
        ("limits", "GET", LIMITS, "[]"),
        ("limits", "GET", LIMITS, '{"jobs": 3}'),
        ("forecasts", "GET", "/v4/export/forecast/list", "null"),
        ("forecasts", "GET", "/v4/export/forecast/list", '{"forecasts": [1]}'),
        ("export_jobs", "GET", JOBS, '{"job": []}'),
        ("export_job_results", "GET", JOBS, '{"jobs": [1]}'),
        ("audit_events", "GET", "/v4/audit/events", '{"events": []}'),
        ("audit_events", "GET", "/v4/audit/events", '{"items": {}}'),
        ("opportunities", "GET", "/v4/opportunity", '{"id": 1}'),
    ],
)
def test_an_answer_of_another_shape(
    revenue: Revenue, stream: str, method: str, path: str, body: str
) -> None:
    revenue.sandbox.faults.add(path=path, method=method, times=None, status=200, body=body)
    run = revenue.tap.run(stream, opportunity_ids=["0061"], **ONE_FORECAST)
    assert_told(run, f"answers {path.replace('net_arr', '{forecastId}')} without ", "check api_url")


@pytest.mark.parametrize("body", ['{"job": {}}', '{"status": 3}', "[]", '"DONE"'])
def test_a_job_without_a_status(revenue: Revenue, body: str) -> None:
    revenue.sandbox.faults.add(
        path=START,
        method="POST",
        hook=lambda: revenue.sandbox.faults.add(method="GET", times=None, status=200, body=body),
    )
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_told(run, "answers /v4/export/jobs/{jobId} without a")
