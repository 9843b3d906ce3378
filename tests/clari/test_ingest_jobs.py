"""What became of data that was sent in: the status of the answer is that of the job."""

from __future__ import annotations

import typing as t

import pytest

from tests.clari.revenue_truth import assert_same
from tests.clari.test_revenue_errors import assert_told
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue
    from tests.running import Record

INGEST = "/v2/ingest/job/"


def ingest_truth(revenue: Revenue) -> list[Record]:
    """The ingest jobs as records."""
    jobs = [dict(job) for job in revenue.sandbox.account.ingest_jobs.values()]
    for job in jobs:
        if isinstance(job["message"], list):
            job["validationErrors"] = job.pop("message")
    return jobs


def test_ingest_jobs_arrive_whatever_became_of_them(revenue: Revenue) -> None:
    ids = list(revenue.sandbox.account.ingest_jobs)
    run = revenue.tap.run(
        "ingest_jobs", ingest_job_ids=[*ids, ids[0]], partner_key=revenue.sandbox.partner_key
    )
    assert_same(run, "ingest_jobs", ingest_truth(revenue))
    assert any(record.get("validationErrors") for record in run.records["ingest_jobs"])
    asked = [(each.path, each.status) for each in revenue.sandbox.traffic.exchanges()]
    assert sorted(asked) == sorted(
        (f"{INGEST}{job_id}", status)
        for job_id, status in zip(ids, (200, 202, 400, 500), strict=True)
    )
    assert not run.warnings
    assert revenue.sandbox.partner_key not in run.log


def test_an_ingest_job_that_is_unknown_is_named(revenue: Revenue) -> None:
    ids = list(revenue.sandbox.account.ingest_jobs)
    run = revenue.tap.run(
        "ingest_jobs",
        ingest_job_ids=["never", *ids, "../seen"],
        partner_key=revenue.sandbox.partner_key,
    )
    assert_same(run, "ingest_jobs", ingest_truth(revenue))
    warning = run.warnings[-1]
    assert "never, ../seen" in warning
    assert "ingest_job_ids" in warning


def test_too_many_requests_and_errors_of_the_server_are_retried(revenue: Revenue) -> None:
    ids = list(revenue.sandbox.account.ingest_jobs)
    for job_id, fault in zip(
        ids, ({"status": 429}, {"status": 500}, {"status": 503}, {"reset": True}), strict=True
    ):
        revenue.sandbox.faults.add(path=f"{INGEST}{job_id}", **t.cast("t.Any", fault))
    run = revenue.tap.run(
        "ingest_jobs", ingest_job_ids=ids, partner_key=revenue.sandbox.partner_key
    )
    assert_same(run, "ingest_jobs", ingest_truth(revenue))
    # The first answer of too many requests is no warning.
    assert len(run.warnings) == 3
    assert run.log.count("; trying again in ") == 4
    assert not any(job_id in run.log for job_id in ids)


def test_a_partner_key_that_is_missing(revenue: Revenue) -> None:
    run = revenue.tap.run("ingest_jobs", ingest_job_ids=["1"])
    assert_told(run, "The stream 'ingest_jobs' needs the setting partner_key.")
    assert revenue.sandbox.traffic.count() == 0


def test_a_partner_key_that_is_wrong(revenue: Revenue) -> None:
    run = revenue.tap.run("ingest_jobs", ingest_job_ids=["1"], partner_key="wrong-partner")
    assert_told(run, "does not accept the partner key (HTTP 401): check partner_key")
    assert "wrong-partner" not in run.log


def test_an_ingest_that_is_refused_is_no_job(revenue: Revenue) -> None:
    revenue.sandbox.faults.add(
        path=f"{INGEST}1",
        status=400,
        body='[{"errorCode": "INVALID_INPUT_FORMAT", "errorSummary": "SECRET-IN-BODY"}]',
    )
    run = revenue.tap.run(
        "ingest_jobs", ingest_job_ids=["1"], partner_key=revenue.sandbox.partner_key
    )
    assert_told(run, "/v2/ingest/job/{jobId} (HTTP 400, INVALID_INPUT_FORMAT)", "ingest_job_ids")
    assert "SECRET-IN-BODY" not in run.log


def test_no_partner_key_is_needed_where_there_is_nothing_to_ask(revenue: Revenue) -> None:
    run = revenue.tap.run("ingest_jobs")
    assert run.returncode == 0, run.log
    assert revenue.sandbox.traffic.count() == 0


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, '{"message": "hello"}'), (202, "[]"), (400, '{"message": "bad"}'), (403, "")],
)
def test_a_job_that_is_refused_or_answered_wrongly_does_not_keep_the_others_away(
    revenue: Revenue, impatient: str, status: int, body: str
) -> None:
    bad, *others = revenue.sandbox.account.ingest_jobs
    revenue.sandbox.faults.add(path=f"{INGEST}{bad}", times=None, status=status, body=body)
    tap = Tap(impatient, revenue.tap.config)
    run = tap.run(
        "ingest_jobs", ingest_job_ids=[bad, *others], partner_key=revenue.sandbox.partner_key
    )
    assert run.returncode == 0, run.log
    assert run.ids("ingest_jobs", "jobId") == others
    assert f"or does not give them: {bad}" in run.log
