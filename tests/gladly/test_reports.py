"""Reports: which there are, what is asked of Gladly for them, and every value of their rows."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
import requests

from tests.gladly.report_truth import (
    REPORTS,
    STREAMS,
    assert_rows,
    csv_rows,
    day,
    days_ago,
    moment,
    named,
    read,
    without_added,
)

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start

KEYS = {
    "report_conversation_export": ["conversation_id"],
    "report_contact_export_v3": ["contact_id"],
    "report_task_export": ["task_id"],
    "report_gladly_ai_sessions_detail": ["session_id"],
}
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_all_rows_of_the_default_reports_arrive(start: Start, newline: str) -> None:
    gladly = start(days=28, talks_per_day=12)
    reports = gladly.sandbox.reports
    reports.lag = timedelta(0)
    reports.newline = newline
    truth = {metric_set: reports.rows(metric_set) for metric_set in STREAMS}
    run = gladly.tap.run(*STREAMS.values(), start_date=days_ago(30))
    assert run.returncode == 0, run.log
    for metric_set, stream in STREAMS.items():
        assert_rows(run, stream, truth[metric_set])
        assert run.keys[stream] == KEYS.get(stream, ["row_hash"])
    # Without a catalog of the account, a column that is not known is kept and named once.
    unknown = {
        (stream, named(header))
        for metric_set, stream in STREAMS.items()
        for header in truth[metric_set][0]
        if named(header) not in run.schemas[stream]["properties"]
    }
    assert {stream for stream, _ in unknown} == {"report_task_export", "report_task_timestamps"}
    assert len(run.warnings) == len(unknown)
    for stream, column in unknown:
        assert sum(f".{stream} " in line and f"'{column}'" in line for line in run.warnings) == 1


def test_a_report_is_a_name_or_an_object(gladly: Gladly) -> None:
    # Without credentials nothing is asked.
    catalog = gladly.tap.discover(
        api_token=None,
        reports=[
            "ContactSummaryReportV2",
            {"metric_set": "IvrEndStatesReportV2"},
            {"metric_set": "ConversationExportReport", "name": "EMEA: Conversations"},
            {"metric_set": "ConversationExportReport"},
            "GladlyAISessionsDetailReport",
            "IVRExecutiveSummaryReportV2",
            "WorkSessionEventsReportV4",
            "AgentSummary",
        ],
    )
    assert gladly.sandbox.traffic.count() == 0
    entries = {
        entry["tap_stream_id"]: (entry["key_properties"], entry["replication_key"])
        for entry in catalog["streams"]
        if entry["tap_stream_id"].startswith("report_")
    }
    placed = (["window_start", "row_number"], "window_start")
    assert entries == {
        "report_contact_summary_v2": placed,
        "report_ivr_end_states_v2": placed,
        "report_emea_conversations": (["conversation_id"], "created_at"),
        "report_conversation_export": (["conversation_id"], "created_at"),
        "report_gladly_ai_sessions_detail": (["session_id"], "created_date"),
        "report_ivr_executive_summary_v2": placed,
        "report_work_session_events_v4": (
            ["contact_session_id", "agent_id"],
            "contact_session_ended_at",
        ),
        "report_agent_summary": placed,
        "report_work_session_events": (["contact_session_id", "agent_id"], "window_start"),
    }


def test_what_a_report_is_limited_to_is_asked_for(gladly: Gladly) -> None:
    sandbox = gladly.sandbox
    inboxes = [sandbox.account.inboxes[1]["id"]]
    entries: list[str | dict[str, t.Any]] = [
        "AgentTimestampsReport",
        {
            "metric_set": "ContactExportReportV3",
            "name": "chats",
            "filters": {"channel": "chat"},
            "timezone": "Asia/Kolkata",
        },
        {"metric_set": "ConversationExportReport", "filters": {"inboxes": inboxes}},
        {
            "metric_set": "ContactSummaryReport",
            "aggregation_level": "monthly",
            "filters": {"channel": "voice"},
        },
    ]
    run = read(gladly, *entries, start_date=days_ago(5))
    asked = {each["metricSet"]: each for each in sandbox.reports.asked}
    today = datetime.now(timezone.utc)
    in_india = today.astimezone(ZoneInfo("Asia/Kolkata"))
    here = {"startAt": str(day(5)), "endAt": str(day()), "timezone": "UTC", "path": REPORTS}
    assert asked["AgentTimestampsReport"] == {"metricSet": "AgentTimestampsReport", **here}
    assert asked["ContactExportReportV3"] == {
        "metricSet": "ContactExportReportV3",
        "startAt": f"{in_india - timedelta(days=5):%Y-%m-%d}",
        "endAt": f"{in_india:%Y-%m-%d}",
        "timezone": "Asia/Kolkata",
        "filters": {"channel": "chat"},
        "path": REPORTS,
    }
    assert asked["ConversationExportReport"] == {
        "metricSet": "ConversationExportReport",
        **here,
        "filters": {"inboxes": inboxes},
    }
    summary = asked["ContactSummaryReport"]
    assert summary["aggregationLevel"] == "monthly"
    assert summary["filters"] == {"channel": "voice"}
    assert {each["channel"] for each in run.records["report_chats"]} == {"CHAT"}
    found = {each["inbox_id_current"] for each in run.records["report_conversation_export"]}
    assert found == set(inboxes)


def test_a_summary_has_the_rows_that_gladly_gives(gladly: Gladly) -> None:
    levels = ("halfHourly", "daily", "weekly", "monthly", "quarterly")
    entries: list[str | dict[str, t.Any]] = [
        {
            "metric_set": "ContactSummaryReportV2",
            "aggregation_level": level,
            "timezone": "America/New_York",
            "name": level,
        }
        for level in levels
    ]
    run = read(gladly, *entries, start_date=days_ago(39))
    rows: dict[str, list[dict[str, str]]] = {level: [] for level in levels}
    for asked in [*gladly.sandbox.reports.asked]:
        path = asked.pop("path")
        answer = requests.post(
            f"{gladly.sandbox.url}{path}", json=asked, headers=gladly.sandbox.headers, timeout=30
        )
        rows[asked["aggregationLevel"]] += csv_rows(answer.content)
    for level in levels:
        stream = f"report_{named(level)}"
        assert_rows(run, stream, rows[level])
        # What is added up is added up once: no bucket comes in parts.
        buckets = [(each["bucket_beginning"], each["name"]) for each in run.records[stream]]
        assert len(set(buckets)) == len(buckets) or level == "halfHourly"


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_times_without_a_zone_are_of_the_reports(gladly: Gladly, zone: str) -> None:
    reports = gladly.sandbox.reports
    # A year has days with and without daylight saving time.
    rows = [
        {"Contact ID": f"c{ago}", "Queued At": moment(ago, hours=6), "Channel": "CHAT"}
        for ago in range(350, 0, -25)
    ]
    reports.set("ContactExportReportV3", rows)
    reports.naive_times = True
    offsets = {
        datetime.fromisoformat(row["Queued At"].replace("Z", "+00:00"))
        .astimezone(NEW_YORK)
        .utcoffset()
        for row in rows
    }
    assert len(offsets) == 2
    run = gladly.tap.run(
        "report_contact_export_v3",
        reports=[{"metric_set": "ContactExportReportV3", "timezone": zone}],
    )
    assert_rows(run, "report_contact_export_v3", rows)
    assert not run.warnings


def test_times_have_any_number_of_digits(gladly: Gladly) -> None:
    begin = f"{day(2)}T10:00:"
    times = [f"{begin}0{digits}.{'123456789'[:digits]}Z" for digits in range(1, 10)]
    times = [f"{begin}00Z", *times, f"{day(2)}T13:00:00.5+02:30", f"{day(2)}T12:00:00-00:00"]
    written = [
        f"{begin}00.000000Z",
        *(f"{begin}0{digits}.{'123456'[:digits]:0<6}Z" for digits in range(1, 10)),
        f"{day(2)}T10:30:00.500000Z",
        f"{day(2)}T12:00:00.000000Z",
    ]
    gladly.sandbox.reports.set(
        "ConversationExportReport",
        [
            {"Created At": f"{begin}{n:02}Z", "Conversation ID": f"c{n}", "First Closed At": each}
            for n, each in enumerate(times)
        ],
    )
    run = gladly.tap.run("report_conversation_export", start_date=days_ago(3))
    assert run.ids("report_conversation_export", "first_closed_at") == written
    assert not run.warnings


def test_headers_with_a_dash_of_another_length_are_the_same_columns(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    options: dict[str, t.Any] = {"start_date": days_ago(5), "reports": ["ConversationExportReport"]}
    first = gladly.tap.run("report_conversation_export", **options)
    reports.en_dash = True
    second = gladly.tap.run("report_conversation_export", **options)
    records = without_added(first.records["report_conversation_export"])
    # A conversation that was merged away is in no inbox.
    there = [record for record in records if record["status"] != "MERGED"]
    assert there
    assert all(record["inbox_id_current"] for record in there)
    assert without_added(second.records["report_conversation_export"]) == records
    assert not second.warnings


def test_no_reports_are_as_good_as_any_number(gladly: Gladly) -> None:
    run = gladly.tap.run("agents", "report_work_session_events", reports=[], start_date=days_ago(2))
    assert run.returncode == 0, run.log
    assert run.records["agents"]
    assert [each["path"] for each in gladly.sandbox.reports.asked] == [
        f"{REPORTS}/work-session-events"
    ]
