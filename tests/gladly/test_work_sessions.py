"""Work sessions: every row of contacts that have ended, also of those without an agent."""

from __future__ import annotations

import itertools
import typing as t
from datetime import datetime, timedelta, timezone

from tests.gladly.report_truth import SESSIONS, assert_rows, days_ago, moment, without_window

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record, Run

STREAM = "report_work_session_events"
NOBODY = "none"
"""The agent of a contact that nobody handled."""


def by_key(run: Run) -> dict[tuple[str, str], Record]:
    """The records by their key."""
    records = run.records[STREAM]
    found = {(each["contact_session_id"], each["agent_id"]): each for each in records}
    assert len(found) == len(records)
    return found


def assert_truth(run: Run, rows: list[dict[str, str]]) -> None:
    """The run has those of these rows whose contact has ended, value by value and in its window."""
    assert run.returncode == 0, run.log
    assert not run.warnings
    found = by_key(run)
    rows = [row for row in rows if row["contact_session_ended_at"]]
    assert len(found) == len(rows) > 0
    for record in found.values():
        at = record["contact_session_ended_at"]
        assert record["window_start"] <= at <= record["window_end"]
    for row in rows:
        # Where nobody handled the contact, the key has a word for it: it is never empty.
        record = found[row["contact_session_id"], row["agent_id"] or NOBODY]
        one = type(run)(0, [], "", run.schemas)
        one.records[STREAM] = [{**record, "agent_id": row["agent_id"] or None}]
        one.keys[STREAM] = ["contact_session_id"]
        assert_rows(one, STREAM, [row])


def test_all_work_sessions_arrive(start: Start) -> None:
    gladly = start(days=35)
    reports = gladly.sandbox.reports
    reports.lag = timedelta(0)
    rows = list(reports.work_sessions)
    began = datetime.now(timezone.utc)
    run = gladly.tap.run(STREAM, start_date=days_ago(40))
    assert_truth(run, rows)
    assert NOBODY in {agent for _, agent in by_key(run)}
    assert run.keys[STREAM] == ["contact_session_id", "agent_id"]
    columns = run.schemas[STREAM]["properties"]
    assert all(columns[name]["type"] == "string" for name in run.keys[STREAM])
    assert columns["contact_session_created_at"]["format"] == "date-time"
    assert "number" in columns["work_session_handle_time_sec"]["type"]

    asked = sorted((each["startAtTime"], each["endAtTime"]) for each in reports.asked)
    assert {each["path"] for each in reports.asked} == {SESSIONS}
    assert all(set(each) == {"startAtTime", "endAtTime", "path"} for each in reports.asked)
    for (_, end), (begin, _) in itertools.pairwise(asked):
        assert begin == end
    last = datetime.fromisoformat(asked[-1][1].replace("Z", "+00:00"))
    assert began - timedelta(minutes=1) < last <= began + timedelta(minutes=1)
    behind = datetime.fromisoformat(run.bookmark(STREAM).replace("Z", "+00:00"))
    assert behind <= began - timedelta(hours=1, minutes=59)


def test_the_report_has_the_same_rows_by_the_same_key(start: Start) -> None:
    gladly = start(days=35)
    gladly.sandbox.reports.lag = timedelta(0)
    options: dict[str, t.Any] = {"reports": ["WorkSessionEventsReportV4"]}
    options["catalog"] = gladly.tap.discover(**options)
    run = gladly.tap.run(STREAM, f"{STREAM}_v4", start_date=days_ago(40), **options)
    assert run.returncode == 0, run.log
    assert run.keys[STREAM] == run.keys[f"{STREAM}_v4"]
    found = without_window(run)
    assert found[f"{STREAM}_v4"] == found[STREAM]
    assert any(each["agent_id"] == NOBODY for each in found[STREAM])


def test_a_session_that_ends_is_read_again_with_its_last_values(start: Start) -> None:
    gladly = start(days=30)
    reports = gladly.sandbox.reports
    reports.lag = timedelta(0)
    # Open since before the look-back, and since yesterday. While a contact is open, its row has no
    # agent yet: with that key it would stay open in a target for ever.
    old, young = (
        {
            "id": "",
            "contact_session_id": name,
            "contact_session_created_at": moment(age),
            "agent_id": "",
            "contact_session_ended_at": "",
            "status": "ACTIVE",
            "within_sla": "",
            "work_session_unknown_time_sec": "",
        }
        for name, age in (("old", 20), ("young", 1))
    )
    reports.set("WorkSessionEventsReportV4", [old, young])
    options: dict[str, t.Any] = {"start_date": days_ago(30), "report_lookback_days": 5}
    first = gladly.tap.run(STREAM, **options)
    assert first.returncode == 0, first.log
    assert first.records[STREAM] == []
    assert not first.warnings

    reports.end_session("old")
    [ended] = [row for row in reports.work_sessions if row["contact_session_id"] == "old"]
    ended["work_session_unknown_time_sec"] = "12.25"
    second = gladly.tap.run(STREAM, state=first.state, **options)
    assert_truth(second, reports.work_sessions)
    record = by_key(second)["old", NOBODY]
    assert record["status"] == "ANSWERED"
    assert record["work_session_unknown_time_sec"] == 12.25
    assert record["contact_session_ended_at"]
    assert record["id"] == ended["id"]
    # What goes on to change after the end is read again too.
    ended["work_session_unknown_time_sec"] = "99"
    third = gladly.tap.run(STREAM, state=second.state, **options)
    assert by_key(third)["old", NOBODY]["work_session_unknown_time_sec"] == 99


def test_a_session_of_this_minute_comes_in_the_next_run_at_the_latest(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    row = {
        "contact_session_id": "new",
        "contact_session_created_at": moment(),
        "contact_session_ended_at": moment(),
        "agent_id": "a",
    }
    reports.set("WorkSessionEventsReportV4", [row])
    first = gladly.tap.run(STREAM, start_date=days_ago(2))
    assert first.records[STREAM] == []
    reports.as_of = datetime.now(timezone.utc) + timedelta(hours=2)
    second = gladly.tap.run(
        STREAM, start_date=days_ago(2), report_lookback_days=0, state=first.state
    )
    assert set(by_key(second)) == {("new", "a")}


def test_a_start_date_is_not_passed_by_the_look_back(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    first = gladly.tap.run(STREAM, start_date=days_ago(10))
    reports.asked.clear()
    since = days_ago(3)
    gladly.tap.run(STREAM, start_date=since, state=first.state)
    assert min(each["startAtTime"] for each in reports.asked) == f"{since[:10]}T00:00Z"
