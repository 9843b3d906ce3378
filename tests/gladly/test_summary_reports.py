"""Reports whose rows have nothing but a place: buckets that come whole, and columns of any name."""

from __future__ import annotations

import typing as t
from datetime import date, timedelta

import pytest

from tests.gladly.report_truth import REPORTS, day, days_ago, moment, ranges, read

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly
    from tests.running import Run

FULL = 95_000
"""So many rows, and the tap takes a report for one that may have been cut."""

FEW = 3


def read_full(gladly: Gladly, level: str, start: date, full: int = 1) -> Run:
    """Read a summary of which the first reports are full, and every later one has a few rows."""
    reports = gladly.sandbox.reports
    reports.body_instead = b"Name\n" + b"x\n" * FULL
    reports.content_type_instead = "text/csv"

    def mend() -> None:
        reports.body_instead = b"Name\n" + b"x\n" * FEW

    gladly.sandbox.faults.add(path=REPORTS, after=full, times=None, hook=mend)
    entry = {"metric_set": "AgentSummaryV2", "aggregation_level": level, "name": "x"}
    # Without a token nothing is asked at discovery.
    catalog = gladly.tap.discover(reports=[entry], api_token=None)
    run = gladly.tap.run("report_x", reports=[entry], catalog=catalog, start_date=str(start))
    assert run.returncode == 0, run.log
    return run


def windows_of(run: Run) -> dict[str, list[int]]:
    """The places of the rows of each window."""
    places: dict[str, list[int]] = {}
    for record in run.records["report_x"]:
        places.setdefault(record["window_start"][:10], []).append(record["row_number"])
    return places


@pytest.mark.parametrize(("level", "months"), [("monthly", 1), ("quarterly", 3)])
def test_a_bucket_of_months_is_one_request_however_full(
    gladly: Gladly, level: str, months: int
) -> None:
    bucket = _begin(day(), months)
    # The one that is over is full, and named as such; the one that is not comes after it.
    run = read_full(gladly, level, bucket - timedelta(days=1))
    before = _begin(bucket - timedelta(days=1), months)
    asked = ranges(gladly.sandbox.reports.asked)
    assert asked == [(before, bucket - timedelta(days=1)), (bucket, day())]
    places = windows_of(run)
    assert {window: len(each) for window, each in places.items()} == {
        str(before): FULL,
        str(bucket): FEW,
    }
    assert all(each == list(range(1, len(each) + 1)) for each in places.values())
    [warning] = run.warnings
    assert f"{FULL} rows from {before}" in warning


def test_a_week_is_not_cut_in_two(gladly: Gladly) -> None:
    # Blocks of four weeks: the one before that of today is whole.
    block = date.fromordinal((day().toordinal() - 1) // 28 * 28 + 1)
    # Half of it is full, and a quarter: a week is not halved.
    run = read_full(gladly, "weekly", block - timedelta(days=1), full=3)
    begin = block - timedelta(days=28)
    whole, half, *others = [
        (date.fromisoformat(each["startAt"]), date.fromisoformat(each["endAt"]))
        for each in gladly.sandbox.reports.asked
    ]
    assert whole == (begin, block - timedelta(days=1))
    assert half == (begin, block - timedelta(days=15))
    assert others[0] == (begin, block - timedelta(days=22))
    for first, last in others:
        assert first.weekday() == 0
        assert last.weekday() == 6 or last == day()
    rows = FULL + FEW * sum(first < block for first, _ in others[1:])
    assert windows_of(run)[str(begin)] == list(range(1, rows + 1))
    [warning] = run.warnings
    assert f"{FULL} rows from {begin} to {others[0][1]}" in warning


def test_a_month_of_days_is_cut_and_its_rows_are_counted_on(gladly: Gladly) -> None:
    this_month = _begin(day(), 1)
    run = read_full(gladly, "daily", this_month - timedelta(days=1))
    month = _begin(this_month - timedelta(days=1), 1)
    whole, *parts = [
        (date.fromisoformat(each["startAt"]), date.fromisoformat(each["endAt"]))
        for each in gladly.sandbox.reports.asked
    ]
    assert whole == (month, this_month - timedelta(days=1))
    of_month = [each for each in parts if each[0] < this_month]
    assert len(of_month) > 1
    assert of_month[0][0] == month
    assert of_month[-1][1] == whole[1]
    places = windows_of(run)
    assert places[str(month)] == list(range(1, FEW * len(of_month) + 1))
    assert not run.warnings


def test_a_column_may_have_the_name_of_one_that_the_tap_adds(gladly: Gladly) -> None:
    row = {
        "Bucket Beginning": moment(1),
        "Name": "n",
        "Window Start": "9:00",
        "Row Number": "seven",
        "Window End": "17:00",
        "Row Hash": "#",
    }
    gladly.sandbox.reports.set("ContactSummaryReportV2", [row])
    event = {"Timestamp": moment(1), "Row Hash": "#", "Row hash": "##", "Window Start": "9:00"}
    gladly.sandbox.reports.set("AgentTimestampsReport", [event])
    run = read(gladly, "ContactSummaryReportV2", "AgentTimestampsReport", start_date=days_ago(1))
    records = run.records["report_contact_summary_v2"]
    record = next(each for each in records if each["name"] == "n")
    assert record["row_number"] == 1
    assert record["window_start"].startswith(str(_begin(day(1), 1)))
    kept = ("window_start_2", "row_number_2", "window_end_2", "row_hash")
    assert [record[name] for name in kept] == ["9:00", "seven", "17:00", "#"]
    [event_record] = run.records["report_agent_timestamps"]
    assert event_record["row_hash"].startswith("sha256:")
    assert [event_record[name] for name in ("row_hash_2", "row_hash_3")] == ["#", "##"]
    assert event_record["window_start_2"] == "9:00"
    assert not run.warnings


def _begin(of: date, months: int) -> date:
    return of.replace(month=(of.month - 1) // months * months + 1, day=1)
