"""The keys of rows, the same in every run; and what a later run reads again."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from tests.gladly.report_truth import (
    assert_rows,
    day,
    days_ago,
    moment,
    ranges,
    read,
    without_window,
)

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Run

EVENTS = {
    "ConversationTimestampsReport": "report_conversation_timestamps",
    "ContactTimestampsReport": "report_contact_timestamps",
    "AgentTimestampsReport": "report_agent_timestamps",
    "TaskTimestampsReport": "report_task_timestamps",
}
DURATIONS = "report_agent_durations_v2"
CONVERSATIONS = "report_conversation_export"


def at(run: Run, stream: str) -> datetime:
    """The stream's bookmark."""
    return datetime.fromisoformat(run.bookmark(stream).replace("Z", "+00:00"))


def assert_two_hours_behind(run: Run, stream: str) -> None:
    """The bookmark is as young as it may be."""
    behind = datetime.now(timezone.utc) - at(run, stream)
    assert timedelta(hours=2) <= behind < timedelta(hours=2, minutes=2)


def test_rows_that_are_equal_are_rows_of_their_own_with_keys_that_stay(start: Start) -> None:
    gladly = start(days=12)
    reports = gladly.sandbox.reports
    first, second = (gladly.tap.run(*EVENTS.values(), start_date=days_ago(14)) for _ in range(2))
    assert without_window(first) == without_window(second)
    for metric_set, stream in EVENTS.items():
        limit = moment(hours=1)
        rows = [row for row in reports.rows(metric_set) if row["Timestamp"] < limit]
        assert len({tuple(row.items()) for row in rows}) < len(rows)
        assert_rows(first, stream, rows)
    reports.add_column("AgentTimestampsReport", "Later", "")
    third = gladly.tap.run("report_agent_timestamps", start_date=days_ago(14))
    stream = "report_agent_timestamps"
    assert third.ids(stream, "row_hash") == first.ids(stream, "row_hash")
    # Another start or window changes no key either.
    fourth = gladly.tap.run(stream, start_date=days_ago(5))
    hashes = fourth.ids(stream, "row_hash")
    assert len(hashes) > 20
    assert hashes == first.ids(stream, "row_hash")[-len(hashes) :]


def test_a_duration_that_ends_keeps_its_key(gladly: Gladly) -> None:
    begun = {
        "Agent ID": "a1",
        "Agent": "Amy",
        "Start time": moment(hours=5),
        "End time": "",
        "Duration (mins)": "",
        "Type": "AWAY",
        "Context": "",
    }
    others = [{**begun, "Agent ID": "a2"}, {**begun, "Type": "ACTIVE"}, dict(begun)]
    reports = gladly.sandbox.reports
    reports.set("AgentDurationsReportV2", [begun, *others])
    first = gladly.tap.run(DURATIONS, start_date=days_ago(3))
    assert_rows(first, DURATIONS, [begun, *others])
    ended = {
        **begun,
        "End time": moment(hours=3),
        "Duration (mins)": "120.5",
        "Context": "Lunch",
    }
    reports.set("AgentDurationsReportV2", [ended, *others])
    second = gladly.tap.run(DURATIONS, start_date=days_ago(3), state=first.state)
    assert_rows(second, DURATIONS, [ended, *others])
    assert second.ids(DURATIONS, "row_hash") == first.ids(DURATIONS, "row_hash")
    assert second.records[DURATIONS][0]["duration_mins"] == 120.5


def test_a_duration_that_began_long_ago_is_read_again(gladly: Gladly) -> None:
    gladly.sandbox.reports.set(
        "AgentDurationsReportV2",
        [{"Agent ID": "a", "Start time": moment(ago), "Type": "X"} for ago in (40, 20)],
    )
    first = gladly.tap.run(DURATIONS, start_date=days_ago(60))
    assert len(first.records[DURATIONS]) == 2
    second = gladly.tap.run(DURATIONS, start_date=days_ago(60), state=first.state)
    assert without_window(second)[DURATIONS] == without_window(first)[DURATIONS][1:]


@pytest.mark.parametrize("level", [None, "weekly", "quarterly"])
def test_a_row_without_an_id_keeps_its_place(start: Start, level: str | None) -> None:
    gladly = start(days=100)
    entry = {"metric_set": "ContactSummaryReport", "name": "x"}
    if level:
        entry["aggregation_level"] = level
    first = read(gladly, entry, start_date=days_ago(80))
    windows = ranges(gladly.sandbox.reports.asked)
    for begin, _ in windows:
        if level == "weekly":
            assert begin.weekday() == 0
            assert (begin - windows[0][0]).days % 28 == 0
        else:
            assert begin.day == 1
            assert level is None or begin.month in {1, 4, 7, 10}
    assert windows[0][0] <= day(80)
    assert windows[-1][1] == day()

    second = read(gladly, entry, start_date=days_ago(80), state=first.state)
    again = ranges(gladly.sandbox.reports.asked)
    assert set(again) <= set(windows)
    assert again[0][0] <= day(30)
    records = {
        (each["window_start"], each["row_number"]): each for each in first.records["report_x"]
    }
    assert len(records) == len(first.records["report_x"]) > 0
    # The window that has not ended tells when it was asked for, and each row when it was read.
    told = {"window_end": "", "read_at": ""}
    for record in second.records["report_x"]:
        earlier = records[record["window_start"], record["row_number"]]
        assert {**record, **told} == {**earlier, **told}
        assert record["read_at"] > earlier["read_at"]
    counts = {start: 0 for start, _ in records}
    for start_, number in records:
        counts[start_] = max(counts[start_], number)
    assert sum(counts.values()) == len(records)
    assert len(second.records["report_x"]) < len(records) or level == "quarterly"


def test_the_rows_that_are_left_over_are_older_than_their_window(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    reports.lag = timedelta(0)
    rows = [{"Bucket Beginning": moment(1), "Name": name} for name in "abc"]
    reports.set("ContactSummaryReport", rows)
    entry = {"metric_set": "ContactSummaryReport", "name": "x"}
    first = read(gladly, entry, start_date=days_ago(1))
    reports.set("ContactSummaryReport", rows[:1])
    second = read(gladly, entry, start_date=days_ago(1), state=first.state)
    table = {
        (each["window_start"], each["row_number"]): each
        for run in (first, second)
        for each in run.records["report_x"]
    }
    newest = {start: "" for start, _ in table}
    for start, number in table:
        newest[start] = max(newest[start], table[start, number]["read_at"])
    left_over = [each for each in table.values() if each["read_at"] < newest[each["window_start"]]]
    assert [each["name"] for each in table.values() if each not in left_over] == ["a"]
    assert [each["name"] for each in left_over] == ["b", "c"]


def test_a_month_that_is_cut_gives_the_same_places(start: Start) -> None:
    gladly = start(days=1)
    reports = gladly.sandbox.reports
    days = day().day + 40
    reports.fill("AgentSummaryV2", {day(ago): 150 for ago in range(1, days)})
    entry = {"metric_set": "AgentSummaryV2", "name": "x"}
    catalog = gladly.tap.discover(reports=[entry])
    options = {"catalog": catalog, "start_date": days_ago(days - 20)}
    whole = read(gladly, entry, **options)
    asked = len(reports.asked)
    # As if it had been cut: the tap looks at the number of rows, and asks for less.
    header = b"Bucket Beginning,Bucket End,Name\n"
    reports.body_instead = header + b"x,,\n" * 95_000
    reports.content_type_instead = "text/csv"

    def mend() -> None:
        reports.body_instead = None

    gladly.sandbox.faults.add(path="/api/v1/reports", after=1, hook=mend)
    parted = read(gladly, entry, **options)
    assert len(reports.asked) > asked
    assert len(whole.records["report_x"]) > 5_000
    ended = str(day(31))
    for one, other in zip(whole.records["report_x"], parted.records["report_x"], strict=True):
        assert one["window_end"] == other["window_end"] or one["window_end"] >= ended
        told = {"window_end": "", "read_at": ""}
        assert {**one, **told} == {**other, **told}


def test_a_bookmark_stays_two_hours_behind(gladly: Gladly) -> None:
    streams = (*EVENTS.values(), CONVERSATIONS, DURATIONS)
    run = gladly.tap.run(*streams, start_date=days_ago(2))
    for stream in streams:
        assert_two_hours_behind(run, stream)


def test_what_happened_is_read_on_from_the_day_of_the_bookmark(gladly: Gladly) -> None:
    stream = "report_agent_timestamps"
    reports = gladly.sandbox.reports
    reports.as_of = datetime.now(timezone.utc) - timedelta(minutes=5)
    reports.set(
        "AgentTimestampsReport",
        [{"Timestamp": moment(minutes=age), "Agent ID": str(age)} for age in (5000, 90, 62, 30)],
    )
    first = gladly.tap.run(stream, start_date=days_ago(10))
    assert first.ids(stream, "agent_id") == ["5000", "90"]
    reports.as_of = datetime.now(timezone.utc) + timedelta(hours=1)
    reports.asked.clear()
    second = gladly.tap.run(stream, start_date=days_ago(10), state=first.state)
    # What came late, and lies before the newest row that was there, is not lost.
    assert second.ids(stream, "agent_id") in (["90", "62", "30"], ["62", "30"])
    [asked] = reports.asked
    assert asked["startAt"] == str(at(first, stream).date())
    assert asked["endAt"] == str(day())


def test_what_changes_is_read_again_for_a_month(start: Start) -> None:
    gladly = start(days=50)
    reports = gladly.sandbox.reports
    rows = reports.rows("ConversationExportReport")
    recent = next(row for row in rows if row["Created At"] > moment(20))
    old = next(row for row in rows if row["Created At"] > moment(40))
    first = gladly.tap.run(CONVERSATIONS, start_date=days_ago(60))
    for row in (recent, old):
        reports.change("ConversationExportReport", row["Conversation ID"], "Status", "REOPENED")
    reports.asked.clear()
    second = gladly.tap.run(CONVERSATIONS, start_date=days_ago(60), state=first.state)
    found = second.by_id(CONVERSATIONS, "conversation_id")
    assert found[recent["Conversation ID"]]["status"] == "REOPENED"
    assert old["Conversation ID"] not in found
    bookmark = at(first, CONVERSATIONS)
    asked = ranges(reports.asked)
    assert asked[0][0] == (bookmark - timedelta(days=30)).date()
    # Just after midnight the report of today is empty.
    assert len(asked) <= 2

    reports.asked.clear()
    third = gladly.tap.run(
        CONVERSATIONS, start_date=days_ago(60), state=first.state, report_lookback_days=45
    )
    found = third.by_id(CONVERSATIONS, "conversation_id")
    assert found[old["Conversation ID"]]["status"] == "REOPENED"
    assert ranges(reports.asked)[0][0] == (bookmark - timedelta(days=45)).date()


def test_nothing_is_read_from_before_the_start_date(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    streams = (CONVERSATIONS, DURATIONS, "report_agent_timestamps")
    first = gladly.tap.run(*streams, start_date=days_ago(10))
    second = gladly.tap.run(*streams, start_date=days_ago(4), state=first.state)
    assert second.returncode == 0, second.log
    asked = ranges(reports.asked)
    assert [begin for begin, _ in asked] == [
        *[day(10)] * 3,
        *[day(4)] * 2,
        at(first, "report_agent_timestamps").date(),
    ]


def test_a_full_table_is_read_from_the_start(gladly: Gladly) -> None:
    first = gladly.tap.run("report_agent_timestamps", start_date=days_ago(10))
    catalog = gladly.tap.discover(api_token=None)
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == "report_agent_timestamps":
            entry["replication_method"] = "FULL_TABLE"
            for each in entry["metadata"]:
                if not each["breadcrumb"]:
                    each["metadata"]["forced-replication-method"] = "FULL_TABLE"
                    each["metadata"]["replication-method"] = "FULL_TABLE"
    second = gladly.tap.run(
        "report_agent_timestamps", catalog=catalog, start_date=days_ago(10), state=first.state
    )
    assert second.returncode == 0, second.log
    assert without_window(second) == without_window(first)
