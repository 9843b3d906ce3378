"""Activities: all of the window, each once, and a bookmark that stays behind the clock."""

from __future__ import annotations

import typing as t
from datetime import date, datetime, timedelta, timezone

import pytest

from tests.clari.revenue_truth import assert_same
from tests.clari.test_revenue_errors import assert_told

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue, StartRevenue
    from tests.running import Record

DAY = timedelta(days=1)
AHEAD = timedelta(days=30)
TYPES = ["MEETING", "EMAIL_SENT", "EMAIL_RECEIVED", "ATTACHMENT_SENT", "ATTACHMENT_RECEIVED"]


def now() -> datetime:
    """The present."""
    return datetime.now(timezone.utc)


def noon(days_ago: int) -> datetime:
    """The middle of a day in the past."""
    return datetime.combine(now().date() - days_ago * DAY, datetime.min.time(), timezone.utc) + (
        timedelta(hours=12)
    )


def asked(revenue: Revenue, job: int = -1) -> tuple[date, date]:
    """The first and last day that a job was asked for."""
    request = revenue.sandbox.exports.started[job].request
    for name in ("startDate", "endDate"):
        assert request[name].endswith("T00:00:00Z")
    return date.fromisoformat(request["startDate"][:10]), date.fromisoformat(
        request["endDate"][:10]
    )


def between(revenue: Revenue, first: date, last: date) -> list[Record]:
    """The activities of some days, the last one included."""
    days = [datetime.combine(day, datetime.min.time(), timezone.utc) for day in (first, last + DAY)]
    start, end = (round(day.timestamp() * 1000) for day in days)
    return [each for each in revenue.sandbox.account.activities if start <= each["date"] < end]


def ids(activities: list[Record]) -> set[str]:
    """Their ids."""
    return {each["activityId"] for each in activities}


@pytest.mark.parametrize(("inclusive", "dates_as_text"), [(True, True), (False, False)])
def test_all_activities_of_a_year_and_the_meetings_of_the_next_month_arrive(
    start_revenue: StartRevenue, *, inclusive: bool, dates_as_text: bool
) -> None:
    revenue = start_revenue(activities=500)
    revenue.sandbox.account.end_date_inclusive = inclusive
    revenue.sandbox.exports.dates_as_text = dates_as_text
    before = now().date()
    run = revenue.tap.run("activities")
    [job] = revenue.sandbox.exports.started
    assert job.request["activityTypes"] == TYPES
    assert job.request["exportFormat"] == "JSON"
    first, last = asked(revenue)
    today = last - DAY - AHEAD
    assert today in {before, now().date()}
    assert first == today - timedelta(days=365)
    truth = between(revenue, first, last if inclusive else last - DAY)
    assert any(each["date"] > now().timestamp() * 1000 for each in truth)
    assert len(truth) < len(revenue.sandbox.account.activities)
    assert_same(run, "activities", truth)
    assert not run.warnings


def test_start_date_is_where_the_first_run_begins(revenue: Revenue) -> None:
    run = revenue.tap.run("activities", start_date=noon(90).isoformat())
    first, last = asked(revenue)
    assert first == noon(90).date()
    assert_same(run, "activities", between(revenue, first, last))


@pytest.mark.parametrize("shape", ["list", "results"])
def test_activities_come_in_other_shapes_too(revenue: Revenue, shape: str) -> None:
    revenue.sandbox.exports.shape = shape
    run = revenue.tap.run("activities")
    assert_same(run, "activities", between(revenue, *asked(revenue)))


def test_a_shape_that_nobody_has_seen_is_told(revenue: Revenue) -> None:
    revenue.sandbox.exports.shape = "unknown"
    run = revenue.tap.run("activities")
    assert_told(run, "'summary'", "'payload'", "'activities'")
    assert "columns" not in run.log


def test_the_types_are_asked_for(revenue: Revenue) -> None:
    types = ["MEETING", "ATTACHMENT_SENT"]
    run = revenue.tap.run("activities", activity_types=types)
    [job] = revenue.sandbox.exports.started
    assert job.request["activityTypes"] == types
    truth = between(revenue, *asked(revenue))
    assert_same(run, "activities", [each for each in truth if each["activityType"] in types])


def test_the_bookmark_does_not_follow_a_meeting_into_the_future(revenue: Revenue) -> None:
    meeting = revenue.sandbox.account.add_activity(now() + timedelta(hours=20))
    before = now()
    run = revenue.tap.run("activities")
    assert meeting["activityId"] in run.ids("activities", "activityId")
    bookmark = datetime.fromisoformat(run.bookmark("activities").replace("Z", "+00:00"))
    assert before - timedelta(seconds=1) <= bookmark <= now()


def test_a_later_run_reads_the_days_again_in_which_mail_is_indexed_late(revenue: Revenue) -> None:
    account = revenue.sandbox.account
    first = revenue.tap.run("activities", start_date="2024-01-01")
    bookmark = date.fromisoformat(first.bookmark("activities")[:10])
    late = account.add_activity(noon(4))
    too_late = account.add_activity(noon(30))

    second = revenue.tap.run("activities", state=first.state, start_date="2024-01-01")
    start, end = asked(revenue)
    assert start == bookmark - timedelta(days=7)
    assert_same(second, "activities", between(revenue, start, end))
    assert late["activityId"] in second.ids("activities", "activityId")
    assert too_late["activityId"] not in second.ids("activities", "activityId")
    assert second.bookmark("activities") > first.bookmark("activities")

    third = revenue.tap.run("activities", state=second.state, activity_lookback_days=40)
    assert too_late["activityId"] in third.ids("activities", "activityId")
    assert asked(revenue)[0] == bookmark - timedelta(days=40)


def test_a_meeting_that_was_still_to_come_arrives_when_its_day_does(revenue: Revenue) -> None:
    # What is planned beyond the window of a run is in that of a later one.
    planned = revenue.sandbox.account.add_activity(now() + AHEAD + 5 * DAY)
    first = revenue.tap.run("activities")
    assert planned["activityId"] not in first.ids("activities", "activityId")
    planned["date"] = round(noon(1).timestamp() * 1000)
    second = revenue.tap.run("activities", state=first.state)
    assert planned["activityId"] in second.ids("activities", "activityId")


def test_an_export_that_was_cut_is_asked_for_in_halves(start_revenue: StartRevenue) -> None:
    revenue = start_revenue(activities=150)
    exports = revenue.sandbox.exports
    exports.seconds, exports.max_rows, exports.monthly_quota = 0, 40, 1000
    run = revenue.tap.run("activities")
    first, last = asked(revenue, 0)
    assert_same(run, "activities", between(revenue, first, last))
    assert len(exports.started) > 4
    assert not run.warnings
    assert run.bookmark("activities")[:10] == (last - DAY - AHEAD).isoformat()


def test_a_day_that_is_too_large_with_its_neighbour_is_asked_for_alone(
    start_revenue: StartRevenue,
) -> None:
    revenue = start_revenue(activities=0)
    exports, account = revenue.sandbox.exports, revenue.sandbox.account
    exports.seconds, exports.max_rows = 0, 5
    truth = [account.add_activity(noon(day)) for day in (2, 3) for _ in range(4)]
    run = revenue.tap.run("activities", start_date=noon(4).isoformat())
    assert_same(run, "activities", truth)
    assert not run.warnings


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_day_that_is_too_large_is_named(start_revenue: StartRevenue, *, inclusive: bool) -> None:
    revenue = start_revenue(activities=0)
    exports, account = revenue.sandbox.exports, revenue.sandbox.account
    exports.seconds, exports.max_rows = 0, 5
    account.end_date_inclusive = inclusive
    crowd = [account.add_activity(noon(2)) for _ in range(9)]
    others = [account.add_activity(noon(day)) for day in (4, 0)]
    run = revenue.tap.run("activities", start_date=noon(4).isoformat())
    assert run.returncode == 0, run.log
    found = run.ids("activities", "activityId")
    assert len(found) == len(set(found))
    assert len(ids(crowd) & set(found)) == 5
    assert ids(others) <= set(found)
    [warning] = run.warnings
    assert noon(2).date().isoformat() in warning
    assert "activity_types" in warning
