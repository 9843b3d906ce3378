"""The windows by which reports are asked for: complete, few, and as short as the row cap asks."""

from __future__ import annotations

import itertools
import json
import typing as t
from datetime import date, timedelta

import pytest

from tests.gladly.report_truth import (
    REPORTS,
    WINDOW,
    assert_rows,
    day,
    days_ago,
    moment,
    ranges,
    read,
    without_added,
)
from tests.gladly.truth import ago, written
from tests.running import Run, selected

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record

STREAM = "report_contact_export_v3"
CONTACTS = "ContactExportReportV3"
PER_DAY = 20_000


def assert_no_day_twice_or_never(asked: list[tuple[date, date]], first: date) -> None:
    """The ranges cover every day from the first one to today once."""
    assert asked[0][0] == first
    assert asked[-1][1] == day()
    for (_, last), (begin, _) in itertools.pairwise(asked):
        assert begin == last + timedelta(days=1)


@pytest.mark.slow
def test_400_000_rows_arrive_at_ten_reports_a_minute(start: Start) -> None:
    gladly = start(reports_per_minute=10, concurrent_reports=2, days=1)
    reports = gladly.sandbox.reports
    reports.fill(CONTACTS, {day(ago): PER_DAY for ago in range(1, 21)})
    contacts: set[str] = set()
    count = 0
    with gladly.tap.started(streams=(STREAM,), start_date=days_ago(22)) as (process, log):
        for line in t.cast("t.IO[str]", process.stdout):
            message = json.loads(line)
            if message["type"] == "RECORD":
                count += 1
                contacts.add(message["record"]["contact_id"])
        process.wait(timeout=60)
        text = log.read_text(encoding="utf-8")
    assert process.returncode == 0, text
    assert count == len(contacts) == 20 * PER_DAY
    # Today has no rows yet, and is read again by the next run.
    assert not Run(0, [], text).warnings
    assert "asking again" not in text
    arrivals = gladly.sandbox.traffic.arrivals()
    assert gladly.sandbox.traffic.count(REPORTS, 200) == len(arrivals) > 10
    assert all(later - first > 60 for first, later in zip(arrivals, arrivals[10:], strict=False))


def test_a_window_that_is_cut_is_asked_for_in_parts(start: Start) -> None:
    gladly = start(days=1)
    reports = gladly.sandbox.reports
    # The rows are few: only the cap that the tap knows makes a report one that may be cut.
    header = "Timestamp,Event Type\n"
    reports.body_instead = (header + "2026-01-01T00:00:00Z,A\n" * 95_000).encode()
    reports.content_type_instead = "text/csv"

    def mend() -> None:
        reports.body_instead = f"{header}2026-01-01T00:00:00Z,A\n".encode()

    gladly.sandbox.faults.add(path=REPORTS, after=1, hook=mend)
    run = gladly.tap.run("report_task_timestamps", start_date=days_ago(19))
    assert run.returncode == 0, run.log
    first, *others = reports.asked
    assert (first["startAt"], first["endAt"]) == (str(day(19)), str(day()))
    assert_no_day_twice_or_never(ranges(others), day(19))
    assert len(run.records["report_task_timestamps"]) == len(others)
    assert not run.warnings


@pytest.mark.slow
def test_a_day_that_may_be_cut_is_named(gladly: Gladly) -> None:
    reports = gladly.sandbox.reports
    reports.content_type_instead = "text/csv"
    for rows, is_named in ((95_000, True), (94_999, False)):
        reports.body_instead = b"Timestamp,Event Type\n" + b"2026-01-01T00:00:00Z,A\n" * rows
        run = gladly.tap.run("report_task_timestamps", start_date=f"{day()}")
        assert run.returncode == 0, run.log
        assert len(run.records["report_task_timestamps"]) == rows
        found = [line for line in run.warnings if str(day()) in line and f"{rows} rows" in line]
        assert len(run.warnings) == len(found) == is_named


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_years_of_a_quiet_account_are_few_requests(gladly: Gladly, zone: str) -> None:
    reports = gladly.sandbox.reports
    rows = [{"Contact ID": f"c{ago}", "Queued At": moment(ago)} for ago in range(728, 0, -60)]
    reports.set(CONTACTS, rows)
    run = read(
        gladly, {"metric_set": CONTACTS, "timezone": zone, "name": "x"}, start_date=days_ago(730)
    )
    assert_rows(run, "report_x", rows)
    asked = ranges(reports.asked)
    assert len(asked) <= 6
    assert asked[0][0] in {day(730), day(731)}
    for (_, last), (begin, _) in itertools.pairwise(asked):
        assert begin == last + timedelta(days=1)


def test_without_a_start_date_a_year_is_read(gladly: Gladly) -> None:
    rows = [
        {"Contact ID": str(ago), "Queued At": moment(ago, hours=-1)} for ago in (400, 364, 100, 3)
    ]
    gladly.sandbox.reports.set(CONTACTS, rows)
    run = gladly.tap.run(STREAM)
    assert run.ids(STREAM, "contact_id") == ["364", "100", "3"]
    assert_no_day_twice_or_never(ranges(gladly.sandbox.reports.asked), day(365))
    assert len(gladly.sandbox.reports.asked) <= 4


def test_two_reports_at_most_are_under_way_at_once(start: Start) -> None:
    gladly = start(concurrent_reports=2, days=10)
    gladly.sandbox.faults.add(path=REPORTS, times=None, slow=0.7)
    run = gladly.tap.run(STREAM, "report_agent_timestamps", start_date=days_ago(730))
    assert run.returncode == 0, run.log
    traffic = gladly.sandbox.traffic
    assert traffic.count(REPORTS, 200) == traffic.count() >= 8
    arrivals = traffic.arrivals()
    # Some were made side by side.
    gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    assert any(gap < 0.3 for gap in gaps)
    assert all(b - a >= 0.65 for a, b in zip(arrivals, arrivals[2:], strict=False))


def test_a_run_that_is_killed_reads_on_and_loses_nothing(start: Start) -> None:
    gladly = start(days=1)
    reports = gladly.sandbox.reports
    reports.fill("TaskTimestampsReport", {day(ago): 300 for ago in range(1, 61)})
    whole = gladly.tap.run("report_task_timestamps", start_date=days_ago(62))
    records = without_added(whole.records["report_task_timestamps"])
    assert len(records) == 18_000

    written = itertools.count()
    killed = gladly.tap.run_until(
        lambda line: '"type":"RECORD"' in line and next(written) > 12_000,
        "report_task_timestamps",
        start_date=days_ago(62),
    )
    assert killed.returncode < 0
    reports.asked.clear()
    rest = gladly.tap.run("report_task_timestamps", start_date=days_ago(62), state=killed.state)
    assert rest.returncode == 0, rest.log
    assert min(each["startAt"] for each in reports.asked) > str(day(62))
    stream = "report_task_timestamps"
    hashes = {*killed.ids(stream, "row_hash"), *rest.ids(stream, "row_hash")}
    assert hashes == set(whole.ids(stream, "row_hash"))


def test_a_run_that_fails_at_the_second_window_has_read_one(gladly: Gladly) -> None:
    stream = "report_agent_timestamps"
    reports = gladly.sandbox.reports
    times = [moment(ago) for ago in (55, 45, 20, 3)]
    reports.set("AgentTimestampsReport", [{"Timestamp": each, "Agent ID": "a"} for each in times])
    fault = gladly.sandbox.faults.add(path=REPORTS, after=1, status=400)
    first = gladly.tap.run(stream, start_date=days_ago(60))
    assert first.returncode == 1
    [(_, last)] = ranges(reports.asked)
    assert first.bookmark(stream).startswith(f"{last + timedelta(days=1)}T00:00:00")
    gladly.sandbox.faults.remove(fault)
    reports.asked.clear()
    second = gladly.tap.run(stream, start_date=days_ago(60), state=first.state)
    assert second.returncode == 0, second.log
    assert_no_day_twice_or_never(ranges(reports.asked), last + timedelta(days=1))
    seen = [*first.records[stream], *second.records[stream]]
    assert [each["timestamp"][:19] for each in seen] == [each[:19] for each in times]


TIMES = "report_contact_timestamps"
"""Its rows do not change, so that no day before that of the bookmark is read again."""


@pytest.mark.parametrize(
    ("stream", "bookmark_days", "after", "asked_again"),
    [
        # The first of a first run: there were no rows before it.
        (TIMES, None, 0, False),
        # The one after a window with rows.
        (TIMES, None, 1, True),
        # After an outage.
        (TIMES, 4, 0, True),
        # All that is new in it is read again by the next run.
        (STREAM, 4, 0, False),
    ],
)
def test_an_empty_answer_is_doubted_where_rows_could_be_lost(
    start: Start, stream: str, bookmark_days: int | None, after: int, *, asked_again: bool
) -> None:
    gladly = start(days=36)
    settings: Record = {"start_date": days_ago(40)}
    if bookmark_days:
        read_until = written(ago(days=bookmark_days))
        settings["state"] = {"bookmarks": {stream: {"replication_key_value": read_until}}}
    calm = gladly.tap.run(stream, **settings)
    count = gladly.sandbox.traffic.count(REPORTS)
    gladly.sandbox.traffic.clear()
    gladly.sandbox.faults.add(path=REPORTS, after=after, times=1, status=200, body=b"")
    run = gladly.tap.run(stream, **settings)
    assert run.returncode == 0, run.log
    assert ("an empty answer" in run.log) == asked_again
    assert (gladly.sandbox.traffic.count(REPORTS) > count) == asked_again
    healthy = gladly.tap.run(stream, **{**settings, "state": run.state})
    if after or bookmark_days:
        # What is older was read by the runs before.
        [key], at = calm.keys[stream], "queued_at" if stream == STREAM else "timestamp"
        since = written(ago(days=bookmark_days or 40))
        wanted = {each[key] for each in calm.records[stream] if each[at] > since}
        assert {*run.ids(stream, key), *healthy.ids(stream, key)} >= wanted > set()


def test_a_start_date_in_the_future_is_told(gladly: Gladly) -> None:
    run = gladly.tap.run(STREAM, "report_agent_timestamps", start_date=days_ago(-2))
    assert run.returncode == 0, run.log
    assert not run.records
    assert gladly.sandbox.traffic.count() == 0
    assert [line for line in run.warnings if "start_date lies in the future" in line]
    assert len(run.warnings) == 1


def test_each_row_says_in_which_window_it_was_last_asked_for(start: Start) -> None:
    gladly = start(days=70)
    streams = {
        "report_conversation_export": "created_at",
        "report_agent_timestamps": "timestamp",
        "report_gladly_ai_sessions_detail": "created_date",
    }
    began = ago(seconds=1)
    catalog = selected(gladly.tap.discover(), streams)
    gladly.sandbox.reports.asked.clear()
    run = gladly.tap.run(*streams, catalog=catalog, start_date=days_ago(60))
    assert run.returncode == 0, run.log
    asked = ranges(gladly.sandbox.reports.asked)
    starts = {f"{first}T00:00:00.000000Z": last for first, last in asked}
    assert len(starts) > 1
    for stream, time in streams.items():
        seen = set()
        for record in run.records[stream]:
            begin, end = (record[name] for name in WINDOW)
            seen.add(begin)
            assert begin <= record[time] < end
            if starts[begin] == day():
                assert written(began) <= end <= written(ago(seconds=0))
            else:
                assert end == f"{starts[begin] + timedelta(days=1)}T00:00:00.000000Z"
        assert seen == {*starts}
    assert not run.warnings
    # A catalog of before has no such columns, and nothing is said of them.
    for entry in catalog["streams"]:
        for name in WINDOW:
            entry["schema"]["properties"].pop(name, None)
    run = gladly.tap.run(*streams, catalog=catalog, start_date=days_ago(3))
    for stream in streams:
        assert run.records[stream]
        assert not {*WINDOW, "_extra"} & {name for each in run.records[stream] for name in each}
    assert not run.warnings
