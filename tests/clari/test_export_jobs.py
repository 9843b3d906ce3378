"""Export jobs as records, and the rows of their results."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.clari.revenue_truth import assert_same
from tests.clari.test_revenue_errors import assert_told
from tests.expected import JsonText
from tests.running import Tap
from tests.sandbox.revenue import FileHost
from tests.sandbox.revenue.requests import ForecastRequest

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue
    from tests.running import Record
    from tests.sandbox.revenue import Job

JOBS = "/v4/export/jobs"


def start(revenue: Revenue, *endings: str | None, seconds: float = 0) -> list[Job]:
    """Start jobs as somebody else with the same token would; they end so, or run on."""
    account, exports = revenue.sandbox.account, revenue.sandbox.exports
    exports.seconds = seconds
    # As in a tenant that has a job of each kind.
    results = [
        ("FORECAST", account.forecast_result("net_arr", ForecastRequest())),
        ("ACTIVITY", account.activity_result(None, None, None, text_dates=True)),
    ]
    jobs = []
    for number, ending in enumerate(endings):
        exports.endings.extend([] if ending is None else [ending])
        module, result = results[number % 2]
        jobs.append(exports.start(t.cast("t.Any", module), {"forecastId": "net_arr"}, result))
    return jobs


def described(revenue: Revenue) -> list[Record]:
    """All jobs as the API shows them."""
    exports = revenue.sandbox.exports
    return [exports.describe(job) for job in exports.started]


@pytest.mark.parametrize("wrapped", [True, False])
def test_export_jobs_arrive_however_they_ended(revenue: Revenue, *, wrapped: bool) -> None:
    revenue.sandbox.exports.list_wrapped = wrapped
    start(revenue, None, "FAILED", None, "CANCELLED", "ABORTED")
    start(revenue, None, seconds=600)
    run = revenue.tap.run("export_jobs")
    truth = described(revenue)
    assert len({job["status"] for job in truth}) == 5
    assert_same(run, "export_jobs", truth)
    assert not run.warnings


def test_no_link_to_a_result_is_told(revenue: Revenue) -> None:
    with FileHost(revenue.sandbox) as host:
        revenue.sandbox.exports.download_base = host.url
        jobs = start(revenue, None, None)
        assert all("downloadUrl" in job for job in described(revenue))
        run = revenue.tap.run("export_jobs")
        assert host.traffic.count() == 0
    assert set(run.ids("export_jobs", "jobId")) == {job.id for job in jobs}
    said = run.log + "".join(run.lines)
    assert host.url not in said
    assert "X-Signature" not in said
    assert not any("downloadUrl" in record for record in run.records["export_jobs"])
    assert not run.warnings


def rows_of(revenue: Revenue, *jobs: Job) -> list[Record]:
    """The rows of the jobs' results."""
    return [
        {
            "jobId": job.id,
            "section": section,
            "rowNumber": number,
            "module": job.module,
            "title": revenue.sandbox.exports.describe(job)["title"],
            "row": JsonText(row),
        }
        for job in jobs
        for section, rows in job.document().items()
        for number, row in enumerate(rows, start=1)
    ]


def assert_rows(revenue: Revenue, *jobs: Job) -> None:
    """The results of these jobs arrive, and of no others."""
    run = revenue.tap.run("export_job_results")
    assert run.returncode == 0, run.log
    # Compared as they are: a truth that is JSON text already is not to be made so again.
    key = run.keys["export_job_results"]
    found = {tuple(row[name] for name in key): row for row in run.records["export_job_results"]}
    assert len(found) == len(run.records["export_job_results"])
    assert found == {tuple(row[name] for name in key): row for row in rows_of(revenue, *jobs)}


def test_the_rows_of_all_results_arrive(revenue: Revenue) -> None:
    forecast, activities = start(revenue, None, None)
    assert_rows(revenue, forecast, activities)


def test_jobs_that_have_no_result_are_left_out(revenue: Revenue) -> None:
    done, _, aborted, expired, gone = start(revenue, None, "FAILED", "ABORTED", None, None)
    start(revenue, None, seconds=600)
    # The sandbox keeps no expired job in its list, and a vendor may.
    listed = [
        {**job, "expiredTime": 1_700_000_000_000 if job["jobId"] == expired.id else None}
        for job in described(revenue)
    ]
    revenue.sandbox.exports.forget(gone.id)
    revenue.sandbox.faults.add(path=JOBS, status=200, body=json.dumps(listed))
    assert_rows(revenue, done)
    asked = [each.path for each in revenue.sandbox.traffic.exchanges()]
    assert sorted(asked) == sorted([JOBS, *(f"{JOBS}/{job.id}/results" for job in (done, gone))])
    assert aborted.downloads == 0


def test_rows_of_a_result_that_is_a_bare_list_arrive(revenue: Revenue) -> None:
    revenue.sandbox.exports.shape = "list"
    [job] = start(revenue, None)
    run = revenue.tap.run("export_job_results")
    assert run.returncode == 0, run.log
    found = [(each["section"], each["rowNumber"]) for each in run.records["export_job_results"]]
    assert found == [("rows", number) for number in range(1, len(job.document()["entries"]) + 1)]


def test_results_that_are_not_json_are_left_out_and_named(revenue: Revenue) -> None:
    result = revenue.sandbox.account.forecast_result("net_arr", ForecastRequest())
    job = revenue.sandbox.exports.start("FORECAST", {"exportFormat": "CSV"}, result)
    job.finish("DONE")
    run = revenue.tap.run("export_jobs", "export_job_results")
    assert_same(run, "export_jobs", described(revenue))
    assert not run.records["export_job_results"]
    [warning] = run.warnings
    assert job.id in warning


def test_jobs_that_come_wrapped_in_a_list_keep_their_links_too(revenue: Revenue) -> None:
    with FileHost(revenue.sandbox) as host:
        revenue.sandbox.exports.download_base = host.url
        jobs = start(revenue, None, None)
        truth = described(revenue)
        listed = json.dumps([{"job": job} for job in truth])
        revenue.sandbox.faults.add(path=JOBS, times=None, status=200, body=listed)
        run = revenue.tap.run("export_jobs", "export_job_results")
    told = [{name: job[name] for name in job if name != "downloadUrl"} for job in truth]
    assert_same(run, "export_jobs", told)
    assert [
        (row["jobId"], row["section"], row["rowNumber"], row["row"])
        for row in run.records["export_job_results"]
    ] == [
        (row["jobId"], row["section"], row["rowNumber"], row["row"])
        for row in rows_of(revenue, *jobs)
    ]
    said = run.log + "".join(run.lines)
    assert "downloadUrl" not in "".join(line for line in run.lines if '"RECORD"' in line)
    assert host.url not in said
    assert "X-Signature" not in said


def test_a_job_that_has_no_status_does_not_hide_the_others(revenue: Revenue) -> None:
    [job] = start(revenue, None)
    others = [{"jobId": "no status"}, {"jobId": 7, "status": None}]
    listed = json.dumps([*others, *described(revenue)])
    revenue.sandbox.faults.add(path=JOBS, times=None, status=200, body=listed)
    run = revenue.tap.run("export_jobs")
    assert run.returncode == 0, run.log
    assert run.ids("export_jobs", "jobId") == ["no status", "7", job.id]
    assert_rows(revenue, job)


def test_credentials_that_are_refused_are_no_result_that_is_gone(revenue: Revenue) -> None:
    [job] = start(revenue, None)
    path = f"{JOBS}/{job.id}/results"
    revenue.sandbox.faults.add(path=path, status=401)
    assert_told(revenue.tap.run("export_job_results"), "does not accept the credentials (HTTP 401)")
    revenue.sandbox.faults.add(path=path, status=404, body={"code": "invalid_jobId"})
    run = revenue.tap.run("export_job_results")
    assert run.returncode == 0, run.log
    assert not run.records
    [warning] = run.warnings
    assert f"The results of 1 export jobs cannot be had: {job.id}" in warning


def test_a_result_that_clari_fails_on_does_not_hide_the_others(
    revenue: Revenue, impatient: str
) -> None:
    bad, good = start(revenue, None, None)
    path = f"{JOBS}/{bad.id}/results"
    revenue.sandbox.faults.add(path=path, times=None, status=500)
    run = Tap(impatient, revenue.tap.config).run("export_job_results")
    assert run.returncode == 0, run.log
    assert {row["jobId"] for row in run.records["export_job_results"]} == {good.id}
    assert f"The results of 1 export jobs cannot be read: {bad.id}" in run.log

    revenue.sandbox.faults.add(path=f"{JOBS}/{good.id}/results", times=None, status=500)
    assert_told(Tap(impatient, revenue.tap.config).run("export_job_results"), "HTTP 500")
