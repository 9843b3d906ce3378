"""Export jobs: each is paid for, so they are counted at the one who is paid."""

from __future__ import annotations

import json
import signal
import typing as t

import pytest

from tests.running import Run
from tests.sandbox.revenue.requests import ForecastRequest

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue

FORECAST_STREAMS = (
    "forecast_entries",
    "forecast_users",
    "forecast_fields",
    "forecast_time_periods",
    "forecast_time_frames",
)
START = "/v4/export/forecast/net_arr"
ONE_FORECAST: dict[str, t.Any] = {"forecast_ids": ["net_arr"]}
QUOTA_REACHED = {
    "code": "export_monthly_quota_reached",
    "message": "The monthly quota limit of 30 or concurrent limit of 1 has been reached.",
}


def assert_complete(run: Run, revenue: Revenue, job: int = 0) -> None:
    """The run ended well, with all entries of the job."""
    assert run.returncode == 0, run.log
    entries = revenue.sandbox.exports.started[job].document()["entries"]
    assert len(run.records["forecast_entries"]) == len(entries) > 0


def has_started_a_job(line: str) -> bool:
    """Whether the line is a state with a job in it."""
    message = json.loads(line)
    return message["type"] == "STATE" and any(job.get("jobId") for job in unread(message["value"]))


def unread(state: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """The jobs in a state."""
    jobs: list[dict[str, t.Any]] = (
        state.get("bookmarks", {}).get("export_jobs", {}).get("unread", [])
    )
    return jobs


def test_five_streams_cost_one_job(revenue: Revenue) -> None:
    run = revenue.tap.run(*FORECAST_STREAMS, **ONE_FORECAST)
    assert run.returncode == 0, run.log
    assert [job.request["forecastId"] for job in revenue.sandbox.exports.started] == ["net_arr"]
    assert all(run.records[stream] for stream in FORECAST_STREAMS)
    assert unread(run.state) == []


def test_a_sync_of_everything_costs_a_job_for_each_forecast_and_period_and_one_for_activities(
    revenue: Revenue,
) -> None:
    periods = revenue.sandbox.account.periods[-2:]
    run = revenue.tap.run(time_periods=periods)
    assert run.returncode == 0, run.log
    asked = [
        (job.request["forecastId"], job.request["timePeriod"])
        for job in revenue.sandbox.exports.started
        if job.module == "FORECAST"
    ]
    assert asked == [
        (each, period) for each in ("net_arr", "renewals") for period in reversed(periods)
    ]
    assert [job.module for job in revenue.sandbox.exports.started[4:]] == ["ACTIVITY"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_killed_before_the_result_leaves_its_job_to_the_next(
    revenue: Revenue, number: signal.Signals
) -> None:
    revenue.sandbox.exports.seconds = 2
    killed = revenue.tap.run_until(
        has_started_a_job, *FORECAST_STREAMS, signal_number=number, **ONE_FORECAST
    )
    assert killed.returncode != 0
    assert not killed.records["forecast_entries"]
    [job] = revenue.sandbox.exports.started
    assert [each["jobId"] for each in unread(killed.state)] == [job.id]

    run = revenue.tap.run(*FORECAST_STREAMS, state=killed.state, **ONE_FORECAST)
    assert_complete(run, revenue)
    assert revenue.sandbox.exports.started == [job]
    assert f"Reading the export job {job.id}, which an earlier run started" in run.log
    assert unread(run.state) == []


def test_a_run_killed_while_it_reads_leaves_its_job_to_the_next(revenue: Revenue) -> None:
    killed = revenue.tap.run_until(
        lambda line: '"forecast_fields"' in line and '"RECORD"' in line,
        *FORECAST_STREAMS,
        **ONE_FORECAST,
    )
    assert killed.records["forecast_entries"]
    run = revenue.tap.run(*FORECAST_STREAMS, state=killed.state, **ONE_FORECAST)
    assert_complete(run, revenue)
    assert len(revenue.sandbox.exports.started) == 1
    # What is done with is paid for anew.
    assert revenue.tap.run("forecast_users", state=run.state, **ONE_FORECAST).returncode == 0
    assert len(revenue.sandbox.exports.started) == 2


def test_a_signal_during_the_start_of_a_job_waits_for_its_id(revenue: Revenue) -> None:
    with revenue.tap.started(streams=["forecast_entries"], **ONE_FORECAST) as (process, log):
        revenue.sandbox.faults.add(
            path=START, method="POST", slow=0.5, hook=lambda: process.send_signal(signal.SIGTERM)
        )
        assert process.stdout
        lines = process.stdout.read().split("\n")[:-1]
        process.wait()
        run = Run(process.returncode, lines, log.read_text(encoding="utf-8"))
    assert run.returncode == 128 + signal.SIGTERM
    [job] = revenue.sandbox.exports.started
    assert [each["jobId"] for each in unread(run.state)] == [job.id]


def test_a_job_that_is_not_there_any_more_is_replaced(revenue: Revenue) -> None:
    killed = revenue.tap.run_until(has_started_a_job, "forecast_entries", **ONE_FORECAST)
    revenue.sandbox.exports.forget(revenue.sandbox.exports.started[0].id)
    run = revenue.tap.run("forecast_entries", state=killed.state, **ONE_FORECAST)
    assert_complete(run, revenue, job=1)
    assert len(revenue.sandbox.exports.started) == 2


def test_a_job_for_another_question_stays_in_the_state_and_is_not_used(revenue: Revenue) -> None:
    killed = revenue.tap.run_until(has_started_a_job, "forecast_entries", **ONE_FORECAST)
    run = revenue.tap.run(
        "forecast_entries", state=killed.state, include_historical=False, **ONE_FORECAST
    )
    assert_complete(run, revenue, job=1)
    assert unread(run.state) == unread(killed.state)


def test_jobs_run_side_by_side_as_far_as_there_are_slots(revenue: Revenue) -> None:
    exports = revenue.sandbox.exports
    exports.seconds, exports.concurrent_limit = 0.6, 2
    run = revenue.tap.run("forecast_entries", time_periods=revenue.sandbox.account.periods[-2:])
    assert run.returncode == 0, run.log
    first, second, third, fourth = exports.started
    assert second.began - first.began < 400
    assert third.began >= first.began + 600
    assert fourth.began >= second.began + 600
    traffic = revenue.sandbox.traffic
    assert traffic.count(method="POST") == 4
    assert traffic.count(status=400) == 0


def test_a_slot_that_others_have_is_waited_for_and_told(revenue: Revenue) -> None:
    exports = revenue.sandbox.exports
    exports.occupy(exports.concurrent_limit)
    revenue.sandbox.faults.add(path="/v4/admin/limits", after=4, hook=exports.release)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_complete(run, revenue)
    # Once in 30 seconds, and this took less.
    assert (
        len([line for line in run.warnings if "slots for Clari export jobs are taken" in line]) == 1
    )
    assert revenue.sandbox.traffic.count(method="POST") == 1


def test_a_slot_that_never_comes_free_ends_the_run_with_a_sentence(revenue: Revenue) -> None:
    revenue.sandbox.exports.occupy(3)
    run = revenue.tap.run("forecast_entries", job_timeout_seconds=0.5, **ONE_FORECAST)
    assert run.returncode == 1
    assert run.last_word.startswith("All 3 slots for Clari export jobs are taken (running: ")
    assert "did not change in 0:00:0" in run.last_word
    assert "Traceback" not in run.log
    assert revenue.sandbox.exports.started == []


def test_a_spent_quota_starts_no_job(revenue: Revenue) -> None:
    exports = revenue.sandbox.exports
    exports.spend(exports.monthly_quota - 2)
    run = revenue.tap.run()
    assert run.returncode == 1
    assert run.last_word.startswith(
        "The monthly quota of Clari export jobs does not suffice: this run needs 3, and 2 of 30 "
        "are left in the rolling 30 days. None was started. Wait until older jobs are 30 days "
        "old, ask your Clari customer success manager for a larger quota, or select less: "
        "fewer forecast_ids or time_periods, not the activities, or no reread_closed_periods. "
        "Incomplete for this: forecast_entries, "
    )
    assert run.last_word.endswith("activities. The other streams are whole.")
    assert "Traceback" not in run.log
    assert exports.started == []
    # What costs no job was read.
    assert run.records["limits"][0]["availableMonthlyQuota"] == 2


def test_jobs_of_an_earlier_run_are_not_counted_against_the_quota(revenue: Revenue) -> None:
    exports = revenue.sandbox.exports
    killed = revenue.tap.run_until(has_started_a_job, "forecast_entries", **ONE_FORECAST)
    exports.spend(exports.monthly_quota)
    run = revenue.tap.run("forecast_entries", state=killed.state, **ONE_FORECAST)
    assert_complete(run, revenue)


def test_a_quota_that_others_were_quicker_to_take_is_asked_about(revenue: Revenue) -> None:
    revenue.sandbox.faults.add(path=START, method="POST", times=2, status=400, body=QUOTA_REACHED)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_complete(run, revenue)
    exports = revenue.sandbox.exports
    revenue.sandbox.faults.add(
        path=START,
        method="POST",
        status=400,
        body=QUOTA_REACHED,
        hook=lambda: exports.spend(exports.monthly_quota),
    )
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert run.returncode == 1
    assert "this run needs 1, and 0 of 30 are left" in run.last_word


@pytest.mark.parametrize("ending", ["FAILED", "CANCELLED", "ABORTED"])
def test_a_job_that_fails_is_named_and_replaced_by_the_next_run(
    revenue: Revenue, ending: str
) -> None:
    revenue.sandbox.exports.endings.append(ending)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert run.returncode == 1
    [job] = revenue.sandbox.exports.started
    assert run.last_word.startswith(
        f"The Clari export job {job.id} ended with {ending} after 0:00:0"
    )
    assert "It was for the forecast net_arr." in run.last_word
    assert f"Started the export job {job.id} for the forecast net_arr" in run.log
    assert "Traceback" not in run.log
    assert_complete(
        revenue.tap.run("forecast_entries", state=run.state, **ONE_FORECAST), revenue, job=1
    )


def test_a_job_that_never_ends_is_named_and_taken_up_by_the_next_run(revenue: Revenue) -> None:
    revenue.sandbox.exports.endings.append("NEVER")
    run = revenue.tap.run("forecast_entries", job_timeout_seconds=1, **ONE_FORECAST)
    assert run.returncode == 1
    [job] = revenue.sandbox.exports.started
    assert run.last_word.startswith(f"The Clari export job {job.id} is still STARTED after 0:00:01")
    again = revenue.tap.run(
        "forecast_entries", state=run.state, job_timeout_seconds=1, **ONE_FORECAST
    )
    assert f"job {job.id} is still STARTED" in again.last_word
    assert revenue.sandbox.exports.started == [job]


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_job_is_understood_in_every_form_that_was_seen(
    revenue: Revenue, *, wrapped: bool
) -> None:
    exports = revenue.sandbox.exports
    exports.wrapped, exports.success = wrapped, "COMPLETED"
    exports.running_statuses = ("QUEUED", "RUNNING")
    assert_complete(revenue.tap.run("forecast_entries", **ONE_FORECAST), revenue)


@pytest.mark.parametrize(
    "fault", [{"lost": True}, {"reset": True}, {"status": 500}, {"status": 503}, {"status": 429}]
)
def test_a_start_without_an_answer_is_not_paid_twice(
    revenue: Revenue, fault: dict[str, t.Any]
) -> None:
    revenue.sandbox.faults.add(path=START, method="POST", **fault)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_complete(run, revenue)
    assert len(revenue.sandbox.exports.started) == 1


def test_a_job_that_starts_late_after_its_start_was_not_answered_is_found(
    revenue: Revenue,
) -> None:
    account, exports = revenue.sandbox.account, revenue.sandbox.exports

    def start_late() -> None:
        result = account.forecast_result("net_arr", ForecastRequest())
        exports.start("FORECAST", {"forecastId": "net_arr"}, result)

    revenue.sandbox.faults.add(path=START, method="POST", reset=True)
    # The quota is asked for at the run's begin, before all jobs, and before each start: this is the
    # second start.
    revenue.sandbox.faults.add(path="/v4/admin/limits", after=3, hook=start_late)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_complete(run, revenue)
    assert len(exports.started) == 1
    assert revenue.sandbox.traffic.count(START, method="POST") == 1


def test_a_start_that_is_never_answered_ends_in_a_sentence(revenue: Revenue) -> None:
    revenue.sandbox.faults.add(path=START, method="POST", times=None, status=500)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert run.returncode == 1
    assert run.last_word.startswith("Clari does not start an export job (HTTP 500, 6 tries)")
    assert "Traceback" not in run.log
    assert revenue.sandbox.exports.started == []


def test_a_start_that_has_to_wait_for_long_leaves_nothing_behind(revenue: Revenue) -> None:
    # What stood in the state could be taken for a job that somebody else started later.
    revenue.sandbox.faults.add(path=START, method="POST", status=429, retry_after=3600)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert run.returncode == 1
    assert "asks to wait 1:00:00" in run.last_word
    assert unread(run.state) == []


def test_a_list_of_jobs_in_the_state_that_cannot_be_read_is_named(revenue: Revenue) -> None:
    state = {"bookmarks": {"export_jobs": {"unread": [{"jobId": "x"}]}}}
    run = revenue.tap.run("forecast_entries", state=state, **ONE_FORECAST)
    assert run.returncode == 1
    assert run.last_word.startswith("The list of unread export jobs in the state cannot be read")
    assert "Traceback" not in run.log
