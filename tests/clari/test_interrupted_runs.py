"""Runs that are stopped anywhere: the next one pays for nothing again, and nothing is missing."""

from __future__ import annotations

import signal
import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from tests.clari.revenue_truth import SECTIONS, assert_same, forecast_rows
from tests.clari.test_activities import asked, between
from tests.clari.test_exports import unread

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue
    from tests.running import Record, Run

STREAMS = (*SECTIONS, "activities", "opportunities", "audit_events")


def is_record(line: str, stream: str) -> bool:
    """Whether the line is a record of a stream."""
    return '"type":"RECORD"' in line and f'"stream":"{stream}"' in line


def ago(hours: float) -> str:
    """A time of so many hours before now, as it stands in a state."""
    moment = datetime.now(timezone.utc) - timedelta(hours=hours)
    return f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_stopped_at_any_stream_leaves_all_its_jobs_to_the_next(
    revenue: Revenue, number: signal.Signals
) -> None:
    exports = revenue.sandbox.exports
    state: Record | None = None
    runs: list[Run] = []
    for stream in ("audit_events", "forecast_entries", "forecast_users", "activities"):
        runs.append(
            revenue.tap.run_until(
                lambda line, stream=stream: is_record(line, stream),  # type: ignore[misc]
                *STREAMS,
                signal_number=number,
                is_all_read=True,
                state=state,
            )
        )
        assert runs[-1].returncode != 0
        state = runs[-1].states[-1] if runs[-1].states else state
    last = revenue.tap.run(*STREAMS, state=state)
    # Two forecasts and the activities: what five runs, four of them stopped, needed.
    assert [job.module for job in exports.started] == ["FORECAST", "FORECAST", "ACTIVITY"]
    for stream in SECTIONS:
        assert_same(last, stream, forecast_rows(revenue, stream, *exports.started[:2]))
    assert_same(last, "activities", between(revenue, *asked(revenue)))
    events = {
        each["correlationID"] for run in (*runs, last) for each in run.records["audit_events"]
    }
    assert events == {each["correlationID"] for each in revenue.sandbox.account.audit_events}
    assert unread(last.state) == []


@pytest.mark.parametrize(("hours", "jobs"), [(5, 1), (7, 2)])
def test_a_job_that_was_read_serves_again_for_some_hours_only(
    revenue: Revenue, hours: int, jobs: int
) -> None:
    streams = ("forecast_entries", "activities")
    settings: dict[str, t.Any] = {"forecast_ids": ["net_arr"]}
    # At its schema: few records come at once, with the end of the run behind them.
    stopped = revenue.tap.run_until(
        lambda line: '"type":"SCHEMA","stream":"activities"' in line, *streams, **settings
    )
    [forecast] = [each for each in unread(stopped.state) if each.get("isRead")]
    forecast["startedAt"] = ago(hours)
    run = revenue.tap.run("forecast_entries", state=stopped.state, **settings)
    assert run.returncode == 0, run.log
    started = [job for job in revenue.sandbox.exports.started if job.module == "FORECAST"]
    assert len(started) == jobs


def test_what_a_later_job_says_of_an_activity_comes_last(revenue: Revenue) -> None:
    account = revenue.sandbox.account
    meeting = account.add_activity(datetime.now(timezone.utc) - timedelta(hours=3), subject="old")
    for number in range(3000):
        # With few, the run would have ended before it is killed.
        account.add_activity(datetime.now(timezone.utc) - timedelta(hours=4, seconds=number))
    stopped = revenue.tap.run_until(lambda line: is_record(line, "activities"), "activities")
    # As if that run had been a day ago.
    [job] = unread(stopped.state)
    job["startedAt"] = ago(24)
    started = revenue.sandbox.exports.started[0]
    for name in ("startDate", "endDate"):
        day = datetime.fromisoformat(job["body"][name][:10]) - timedelta(days=1)
        job["body"][name] = f"{day:%Y-%m-%d}T00:00:00Z"
    meeting["subject"] = "new"
    run = revenue.tap.run("activities", state=stopped.state)
    assert run.returncode == 0, run.log
    assert f"Reading the export job {started.id}" in run.log
    assert len(revenue.sandbox.exports.started) == 2
    said = [
        each["subject"]
        for each in run.records["activities"]
        if each["activityId"] == meeting["activityId"]
    ]
    assert said == ["old", "new"]


def test_what_the_tap_adds_is_never_missing_whatever_the_api_calls_so(revenue: Revenue) -> None:
    revenue.sandbox.account.tenant_columns = {"forecastId": None, "exportedAt": "then"}
    run = revenue.tap.run("forecast_entries", keep_forecast_snapshots=True)
    assert run.returncode == 0, run.log
    ended = {record["exportedAt"] for record in run.records["forecast_entries"]}
    assert all(datetime.fromisoformat(each.replace("Z", "+00:00")) for each in ended)
    for record in run.records["forecast_entries"]:
        assert record["forecastId"] in {"net_arr", "renewals"}
        assert record["_extra"]["exportedAt (as sent)"] == "then"
