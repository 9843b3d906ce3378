"""Records that fit at once take a way of their own: what is written is the same, byte for byte."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

from tests.running import carefully, lines_of

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue, Start

MEMBERS: tuple[dict[str, t.Any], ...] = (
    {},
    {"title": None, "users": None, "metrics": None},
    {"title": "a \x00 and \u2028", "deal_close_date": ""},
    {"title": 5, "deal_value": 1e3, "icaluid": True},
    {"time": "2026-02-28T23:59:60Z", "deal_close_date": "2026-02-30T00:00:00Z"},
    {"time": "2026-03-31T01:02:03.123456789Z", "deal_close_date": "2024-02-29T00:00:00+0000"},
    {"time": 1_700_000_000_000, "deal_close_date": "2026-05-10", "original_start_time": {}},
    {"time": "2026-03-30T01:02:03+02:00", "deal_close_date": "2026-05-10T00:00:00.5+00:00"},
    {"bookmark_timestamps": ["2026-03-30T01:02:03Z", "x", None, 5]},
    {"bookmark_timestamps": ["2026-03-30T01:02:03Z", None]},
    {"unknown": [{"a": 1}], "crm_info": {"region": "EU"}},
    {"users": [{"userId": "u", "mood": "good"}, None, 7], "_extra": {"x": 1}},
    {"metrics": {"call_duration": 2**63, "num_questions_asked": 5.0, "talk_listen_ratio": 1}},
    {"metrics": {"call_duration": "60", "engaging_questions": 1.5, "talk_listen_ratio": "0.5"}},
    {"metrics": {"categories": [{"name": "n", "ai_detected": "true", "phrases_matched": [{}]}]}},
    {"contact_names": ["a", 1, None], "crm_info": "x", "id": ""},
)
"""What may come in a call."""


def test_calls_are_the_same_in_both_ways(start: Start) -> None:
    copilot = start(calls=150)
    account = copilot.sandbox.account
    for call_id, members in zip(account.call_ids(private=False), MEMBERS, strict=False):
        account.override(call_id, **members)
    quick = copilot.tap.run("calls")
    careful = copilot.tap.run("calls", catalog=carefully("tap-clari", "calls"))
    assert quick.returncode == careful.returncode == 0, quick.log + careful.log
    assert lines_of(quick, "calls") == lines_of(careful, "calls") != []


def test_activities_are_the_same_in_both_ways(revenue: Revenue) -> None:
    then = datetime.now(timezone.utc) - timedelta(days=3)
    made: tuple[dict[str, t.Any], ...] = (
        {"subject": "a \x00 and \u2028", "accounts": None},
        {"subject": 5},
        {"activityId": "", "unknown": {"a": [1]}},
        {"activityId": None, "participants": [{"name": "n", "isInternal": "false", "more": 1}]},
        {"activityId": 7, "opportunities": [{"opportunityId": 8}, None, "x"]},
        {"opportunities": {"a": 1}, "accounts": "x"},
    )
    for number, members in enumerate(made):
        activity = revenue.sandbox.account.add_activity(then - timedelta(hours=number))
        activity.update(members)
    revenue.sandbox.exports.dates_as_text = True
    quick = revenue.tap.run("activities", "opportunities")
    careful = revenue.tap.run(
        "activities", "opportunities", catalog=carefully("tap-clari", "activities")
    )
    assert quick.returncode == careful.returncode == 0, quick.log + careful.log
    assert lines_of(quick, "activities") == lines_of(careful, "activities") != []
    assert quick.returncode == careful.returncode == 0, quick.log + careful.log
    for run in (quick, careful):
        for opportunity in run.records["opportunities"]:
            assert opportunity.pop("readAt")
    assert lines_of(quick, "opportunities") == lines_of(careful, "opportunities") != []
