"""The columns of a report: names, types, and those that only this account has."""

from __future__ import annotations

import typing as t

import pytest

from tests.gladly.report_truth import STREAMS, assert_rows, day, days_ago, moment, read
from tests.running import discovered

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record

TIME: dict[str, t.Any] = {"type": ["string", "null"], "format": "date-time"}
NUMBER: dict[str, t.Any] = {"type": ["number", "null"]}
BOOLEAN: dict[str, t.Any] = {"type": ["boolean", "null"]}
TEXT: dict[str, t.Any] = {"type": ["string", "null"]}
KNOWN: dict[str, dict[str, t.Any]] = {
    "report_conversation_export": {
        "created_at": TIME,
        "first_closed_at": TIME,
        "last_closed_at": TIME,
        "created_to_first_closed_time": NUMBER,
        "created_to_last_closed_time": NUMBER,
        "conversation_handle_time": NUMBER,
        "count_of_contacts": NUMBER,
        "count_of_agents": NUMBER,
        "count_of_inboxes_assigned": NUMBER,
        "times_closed": NUMBER,
        "times_reopened": NUMBER,
        "billable_resolution_y_n": BOOLEAN,
        "inbox_id_current": TEXT,
        "topics_with_hierarchy": TEXT,
        "customer_id": TEXT,
    },
    "report_conversation_timestamps": {"timestamp": TIME, "timezone_filter": TEXT},
    "report_contact_export_v3": {"queued_at": TIME, "entry_point": TEXT},
    "report_agent_timestamps": {"timestamp": TIME, "occurred_at": TIME, "type": TEXT},
    "report_agent_durations_v2": {
        "start_time": TIME,
        "end_time": TIME,
        "duration_mins": NUMBER,
        "context": TEXT,
    },
    "report_task_export": {"created_at": TIME},
}


def columns(catalog: Record, stream: str) -> dict[str, Record]:
    """The columns of a stream in a catalog, without what is said of them."""
    [entry] = [each for each in catalog["streams"] if each["tap_stream_id"] == stream]
    return {
        name: {key: value for key, value in schema.items() if key != "description"}
        for name, schema in entry["schema"]["properties"].items()
    }


def days_asked(gladly: Gladly) -> list[tuple[str, str, str]]:
    """What was asked of reports, and for which days."""
    return [
        (each["metricSet"], each["startAt"], each["endAt"]) for each in gladly.sandbox.reports.asked
    ]


@pytest.mark.parametrize("stream", KNOWN)
def test_known_columns_have_types(stream: str) -> None:
    found = columns(discovered("tap-gladly"), stream)
    assert {name: found[name] for name in KNOWN[stream]} == KNOWN[stream]


def test_discovery_adds_the_columns_of_the_account(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    reports.add_column("ConversationExportReport", "Store \u2013 Region (US)", "West")
    reports.add_column("ConversationExportReport", "Count of Refunds", "3")
    reports.add_column("ConversationExportReport", "Refunded At", moment(1))
    catalog = gladly.tap.discover()
    yesterday = str(day(1))
    # Of one report all columns are known.
    asked = sorted({*STREAMS} - {"ConversationTimestampsReport"})
    assert sorted(days_asked(gladly)) == [(each, yesterday, yesterday) for each in asked]
    without = discovered("tap-gladly")
    found = columns(catalog, "report_conversation_export")
    added = {"store_region_us": TEXT, "count_of_refunds": NUMBER, "refunded_at": TIME}
    assert found == {**columns(without, "report_conversation_export"), **added}
    task = columns(catalog, "report_task_export")
    assert task["due_at"] == task["closed_at"] == TIME
    assert task["count_of_comments"] == NUMBER
    assert task["body"] == task["status"] == TEXT
    for stream in ("report_agent_timestamps", "report_contact_timestamps"):
        assert columns(catalog, stream) == columns(without, stream)

    run = gladly.tap.run(
        "report_conversation_export", "report_task_export", catalog=catalog, start_date=days_ago(5)
    )
    assert run.returncode == 0, run.log
    assert not run.warnings
    for stream in ("report_conversation_export", "report_task_export"):
        assert run.records[stream]
        assert not any("_extra" in record for record in run.records[stream])
    record = run.records["report_conversation_export"][0]
    assert (record["store_region_us"], record["count_of_refunds"]) == ("West", 3)
    assert record["refunded_at"].endswith(".000000Z")


def test_discovery_asks_for_a_month_where_a_day_is_empty(start: Start) -> None:
    gladly = start(days=1)
    reports = gladly.sandbox.reports
    reports.set("TaskExportReport", [{"Created At": moment(20), "Task ID": "1", "Mood": "good"}])
    catalog = gladly.tap.discover(reports=["TaskExportReport"])
    assert days_asked(gladly) == [
        ("TaskExportReport", str(day(1)), str(day(1))),
        ("TaskExportReport", str(day(31)), str(day(1))),
    ]
    assert columns(catalog, "report_task_export")["mood"] == TEXT

    reports.asked.clear()
    reports.set("TaskExportReport", [])
    catalog = gladly.tap.discover(reports=["TaskExportReport"])
    assert len(reports.asked) == 2
    without = columns(discovered("tap-gladly"), "report_task_export")
    assert columns(catalog, "report_task_export") == without


@pytest.mark.parametrize("missing", ["username", "api_token"])
def test_discovery_without_credentials_asks_nothing(gladly: Gladly, missing: str) -> None:
    catalog = gladly.tap.discover(**{missing: None})
    assert catalog == discovered("tap-gladly")
    assert gladly.sandbox.traffic.count() == 0


def test_a_metric_set_that_gladly_refuses_is_a_warning_at_discovery(gladly: Gladly) -> None:
    returncode, out, log = gladly.tap.output(
        "--discover", reports=["NoSuchReport", "AgentTimestampsReport"]
    )
    assert returncode == 0, log
    assert '"report_no_such"' in out
    assert '"report_agent_timestamps"' in out
    [warning] = [line for line in log.splitlines() if "| WARNING" in line]
    assert "report_no_such" in warning
    assert "HTTP 400, it says: metricSet invalid" in warning
    assert "is unknown" not in warning


def test_a_run_without_a_catalog_keeps_what_it_does_not_know(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    reports.add_column("AgentTimestampsReport", "Shift", "late")
    run = gladly.tap.run(reports=["AgentTimestampsReport"], start_date=days_ago(5))
    assert run.returncode == 0, run.log
    records = run.records["report_agent_timestamps"]
    assert len(records) > 20
    assert all(record["_extra"] == {"shift": "late"} for record in records)
    assert sum("'shift'" in line for line in run.warnings) == 1
    # Nobody looked at the account's columns first.
    assert [each.get("metricSet") for each in reports.asked].count("AgentTimestampsReport") == 1


def test_a_run_without_a_catalog_looks_at_the_columns_of_an_unknown_report(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    run = gladly.tap.run(reports=["AgentAwayTimeReport"], start_date=days_ago(1))
    assert run.returncode == 0, run.log
    asked = [each for each in reports.asked if each.get("metricSet")]
    [discovery, *months] = asked
    assert discovery["startAt"] == discovery["endAt"] == str(day(1))
    since = min(each["startAt"] for each in months)
    rows = [
        row
        for row in reports.rows("AgentAwayTimeReport")
        if row["Bucket Beginning"] >= since and row["Bucket Beginning"] < moment(hours=1)
    ]
    assert_rows(run, "report_agent_away_time", rows)
    schema = run.schemas["report_agent_away_time"]["properties"]
    assert schema["bucket_beginning"]["format"] == "date-time"
    assert "number" not in schema["name"]["type"]


def test_the_columns_of_a_catalog_stay_as_they_are(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    reports.add_column("AgentTimestampsReport", "Shift", "late")
    catalog = gladly.tap.discover(reports=["AgentTimestampsReport"])
    reports.add_column("AgentTimestampsReport", "Desk", "12")
    run = read(gladly, "AgentTimestampsReport", catalog=catalog, start_date=days_ago(5))
    schema = run.schemas["report_agent_timestamps"]["properties"]
    assert "shift" in schema
    assert "desk" not in schema
    for record in run.records["report_agent_timestamps"]:
        assert record["shift"] == "late"
        assert record["_extra"] == {"desk": "12"}
    assert len(run.warnings) == 1


def test_a_number_or_time_that_is_none_is_kept_beside(gladly: Gladly) -> None:
    row = {
        "Created At": moment(1),
        "Conversation ID": "c",
        "First Closed At": "soon",
        "Count of Contacts": "several",
        "Count of Agents": "1,200",
        "Times Closed": "1e3",
        "Times Reopened": "0",
        "Conversation Handle Time": "100:00:01",
        "Created-to-First Closed Time": "12.75",
        "Created-to-Last Closed Time": "-3",
        "Count of Inboxes Assigned": "1e400",
    }
    gladly.sandbox.reports.set("ConversationExportReport", [row])
    run = gladly.tap.run("report_conversation_export", start_date=days_ago(2))
    [record] = run.records["report_conversation_export"]
    assert record["_extra"] == {
        "first_closed_at": "soon",
        "count_of_contacts": "several",
        "count_of_agents": "1,200",
        "count_of_inboxes_assigned": "1e400",
    }
    assert record["first_closed_at"] is record["count_of_contacts"] is None
    assert record["times_closed"] == 1000
    assert record["times_reopened"] == 0
    assert record["conversation_handle_time"] == 360_001
    assert record["created_to_first_closed_time"] == 12.75
    assert record["created_to_last_closed_time"] == -3


def test_a_duration_is_in_the_unit_that_its_column_names(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    row = {
        "Created At": moment(1),
        "Conversation ID": "c",
        "Conversation Handle Time": "1:30:03",
        "Hold Time (sec)": "0:01:30",
        "Wrap-up minutes": "1:30:30",
        "Count of Agents": "1:30:00",
    }
    reports.set("ConversationExportReport", [row])
    duration = {"Start time": moment(1), "Agent ID": "a", "Duration (mins)": "2:00:15"}
    reports.set("AgentDurationsReportV2", [duration])
    run = read(gladly, "ConversationExportReport", "AgentDurationsReportV2", start_date=days_ago(2))
    [record] = run.records["report_conversation_export"]
    assert record["conversation_handle_time"] == 5403
    assert record["hold_time_sec"] == 90
    assert record["wrap_up_minutes"] == 90.5
    # A count is no duration.
    assert record["count_of_agents"] is None
    assert record["_extra"] == {"count_of_agents": "1:30:00"}
    [record] = run.records["report_agent_durations_v2"]
    assert record["duration_mins"] == 120.25

    said = {
        name: schema["description"]
        for stream in run.records
        for name, schema in run.schemas[stream]["properties"].items()
    }
    for name in ("conversation_handle_time", "hold_time_sec", "created_to_first_closed_time"):
        assert "in seconds" in said[name]
    for name in ("wrap_up_minutes", "duration_mins"):
        assert "in minutes" in said[name]
    for name in ("count_of_agents", "times_closed"):
        assert "count" in said[name]
        assert "duration" not in said[name]
    assert "UTC" in said["created_at"]
