"""What a run will need is said before it is spent; and what a run with nothing new costs."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from tests.clari.test_closed_quarters import aged, set_quarter
from tests.clari.truth import detailed, listed

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot, Revenue, Start
    from tests.running import Record, Run

REFERENCE = ("users", "topics", "keyword_topics", "scorecard_templates")


def estimate(run: Run) -> list[str]:
    """The lines of the estimate."""
    lines = [line.split("|", 3)[-1].rstrip() for line in run.log.splitlines()]
    [first] = [index for index, line in enumerate(lines) if "This run needs at least" in line]
    found = [lines[first].strip()]
    for line in lines[first + 1 :]:
        if not line.startswith("   "):
            break
        found.append(line.strip())
    # Nothing was spent before.
    assert not any("Started the export job" in line for line in lines[:first])
    return found


def test_jobs_are_told_by_forecast_and_quarter_with_the_quota_that_is_left(
    revenue: Revenue,
) -> None:
    revenue.sandbox.exports.spend(12)
    closed = set_quarter(revenue, -2)
    settings: dict[str, t.Any] = {"opportunity_ids": [f"006-{n}" for n in range(250)]}
    streams = ("forecast_entries", "forecast_users", "activities", "opportunities")
    first = revenue.tap.run(*streams, **settings)
    whole, *lines = estimate(first)
    # 3 requests for each job, and 3 for 250 opportunities.
    assert whole.startswith("This run needs at least 12 requests, 3 export jobs, and 0:00:00")
    assert whole.endswith(
        "at 500 requests a second; 18 of 30 export jobs are left in the rolling 30 days"
    )
    assert lines[0] == (
        "forecast_entries: 6 requests, 2 export jobs (the forecast net_arr; the forecast renewals)"
    )
    assert lines[1].startswith("activities: 3 requests, 1 export jobs (activities of ")
    assert lines[2] == "opportunities: 3 requests (and those of the activities)"
    assert len(lines) == 3

    set_quarter(revenue, -1, over_for=-50)
    again = revenue.tap.run("forecast_entries", state=aged(first.state, 40), **settings)
    _, line = estimate(again)
    assert line == (
        "forecast_entries: 12 requests, 4 export jobs (the forecast net_arr; "
        f"the forecast net_arr, {closed}; the forecast renewals; the forecast renewals, {closed})"
    )
    assert len(revenue.sandbox.exports.started) == 3 + 4


def test_a_job_of_an_earlier_run_costs_nothing_more(revenue: Revenue) -> None:
    stopped = revenue.tap.run_until(lambda line: '"RECORD"' in line, "forecast_entries")
    run = revenue.tap.run("forecast_entries", state=stopped.state)
    assert run.returncode == 0, run.log
    assert estimate(run) == [
        "This run needs at least nothing, and 0:00:00 (h:mm:ss) at 500 requests a second"
    ]
    assert len(revenue.sandbox.exports.started) == 2


def test_an_estimate_that_cannot_be_made_stops_no_run(revenue: Revenue) -> None:
    revenue.sandbox.faults.add(path="/v4/admin/limits", status=403)
    run = revenue.tap.run("limits", "forecast_entries", forecast_ids=["net_arr"])
    whole, *lines = estimate(run)
    assert "left in the rolling 30 days" not in whole
    assert len(lines) == 2
    assert run.records["forecast_entries"]


def test_calls_are_counted_and_their_details_expected(start: Start) -> None:
    copilot = start(calls=230)
    calls, details = len(listed(copilot)), len(detailed(copilot))
    assert 100 < details < calls
    streams = ("calls", "call_details", "accounts")
    first = copilot.tap.run(*streams)
    whole, *lines = estimate(first)
    pages = -(-calls // 100), -(-details // 100)
    assert sorted(lines) == [
        f"accounts: {pages[0]} requests (and 1 for each of the accounts of {calls} calls)",
        f"call_details: {pages[1] + details} requests (the details of {details} calls)",
        f"calls: {pages[0]} requests ({calls} calls)",
    ]
    assert whole.startswith(
        f"This run needs at least {2 * pages[0] + pages[1] + details} requests,"
    )
    # What was counted is not counted again.
    own = copilot.sandbox.traffic.count() - 2 * pages[0] - pages[1] - details
    assert own == 2 * 2 + copilot.sandbox.traffic.count("/get-account")

    # How much has changed since is seen when it is listed.
    again = copilot.tap.run(*streams, state=first.state)
    assert all("the list of changed calls" in line for line in estimate(again)[1:])


def test_a_count_that_fails_stops_no_other_stream(copilot: Copilot) -> None:
    copilot.sandbox.faults.add(path="/calls", status=403, times=3)
    run = copilot.tap.run("users", "calls", "accounts")
    assert run.returncode == 1
    assert run.records["users"]
    assert run.records["accounts"]
    assert "Incomplete for this: calls." in run.last_word


def test_what_rarely_changes_is_read_when_its_time_has_come(copilot: Copilot) -> None:
    streams = (*REFERENCE, "calls")
    hours: dict[str, t.Any] = {"reference_data_interval_hours": 20}
    first = copilot.tap.run(*streams, **hours)
    assert all(first.records[stream] for stream in streams)
    copilot.sandbox.traffic.clear()

    second = copilot.tap.run(*streams, state=first.state, **hours)
    assert second.returncode == 0, second.log
    assert not any(second.records[stream] for stream in REFERENCE)
    assert {each.path for each in copilot.sandbox.traffic.exchanges()} == {"/calls"}
    assert not any(stream in line for line in estimate(second) for stream in REFERENCE)
    assert second.state["bookmarks"]["users"] == first.state["bookmarks"]["users"]

    # Without the setting, every run reads them.
    third = copilot.tap.run(*streams, state=second.state)
    assert all(third.records[stream] for stream in REFERENCE)

    fourth = copilot.tap.run(*streams, state=_read_hours_ago(second.state, 21), **hours)
    assert all(fourth.records[stream] for stream in REFERENCE)


def test_a_list_that_failed_is_not_spared(copilot: Copilot) -> None:
    hours: dict[str, t.Any] = {"reference_data_interval_hours": 20}
    copilot.sandbox.faults.add(path="/users", status=403)
    failed = copilot.tap.run("users", "topics", **hours)
    assert failed.returncode == 1
    copilot.sandbox.faults.clear()
    run = copilot.tap.run("users", "topics", state=failed.state, **hours)
    assert run.records["users"]
    assert not run.records["topics"]


def test_no_table_is_emptied_of_what_was_not_read_again(copilot: Copilot) -> None:
    settings: dict[str, t.Any] = {
        "reference_data_interval_hours": 20,
        "emit_activate_version_messages": True,
    }
    first = copilot.tap.run("users", **settings)
    second = copilot.tap.run("users", state=first.state, **settings)
    assert any('"ACTIVATE_VERSION"' in line for line in first.lines)
    assert not any('"ACTIVATE_VERSION"' in line for line in second.lines)


def _read_hours_ago(state: Record, hours: int) -> Record:
    moment = datetime.now(timezone.utc) - timedelta(hours=hours)
    read_at = {"read_at": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"}
    bookmarks = {
        name: {**each, **(read_at if name in REFERENCE else {})}
        for name, each in state["bookmarks"].items()
    }
    return {"bookmarks": bookmarks}
