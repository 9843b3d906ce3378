"""The local Gladly is the same account whenever it is started."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Literal

import pytest

from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.report_sets import ALLOWED, EVENT_GRAIN, SESSIONS, anchor_of
from tests.sandbox.gladly.timestamps import HOUR, nanos, of

if TYPE_CHECKING:
    from tests.sandbox.gladly import ExportJob

EARLY = datetime(2026, 5, 6, 1, 2, 3, 456789, tzinfo=timezone.utc)
DAY = timedelta(days=1)
AFTER = (timedelta(minutes=37), timedelta(hours=11), DAY, DAY + timedelta(hours=7))


@pytest.mark.parametrize("after", AFTER, ids=str)
@pytest.mark.parametrize("frequency", ["DAILY", "HOURLY"])
def test_jobs_stay_the_same(frequency: Literal["DAILY", "HOURLY"], after: timedelta) -> None:
    before, later = (
        _jobs(GladlySandbox(seed=5, frequency=frequency, present=present))
        for present in (EARLY, EARLY + after)
    )
    common = before.keys() & later.keys()
    assert len(common) >= (11 if frequency == "DAILY" else 11 * 24)
    for job_id in common:
        assert before[job_id].describe() == later[job_id].describe()
        assert before[job_id].files == later[job_id].files
    ends = [max(nanos(job.end_at) for job in jobs.values()) for jobs in (before, later)]
    assert all(nanos(later[one].end_at) > ends[0] for one in later.keys() - common)
    if after >= DAY:
        assert ends[1] > ends[0]
    for jobs, present in ((before, EARLY), (later, EARLY + after)):
        assert all(nanos(job.updated_at) <= of(present) for job in jobs.values())


@pytest.mark.parametrize("after", AFTER[:2], ids=str)
def test_events_stay_the_same(after: timedelta) -> None:
    before, later = (
        GladlySandbox(seed=5, present=present).events.all for present in (EARLY, EARLY + after)
    )
    first, last = nanos(later[0]["timestamp"]), nanos(before[-1]["timestamp"])
    common = [one for one in before if nanos(one["timestamp"]) >= first]
    assert len(common) > 20
    assert common == [one for one in later if nanos(one["timestamp"]) <= last]
    assert last > of(EARLY) - 2 * HOUR


@pytest.mark.parametrize("after", AFTER, ids=str)
def test_rows_stay_the_same(after: timedelta) -> None:
    early, late = (
        GladlySandbox(seed=5, history_days=0, present=present) for present in (EARLY, EARLY + after)
    )
    # What began before the story is known to one of them alone.
    first = of(EARLY) - 36 * DAY // timedelta(microseconds=1) * 1000
    for metric_set in ALLOWED:
        created = "contact_session_created_at" if metric_set == SESSIONS else anchor_of(metric_set)
        # What goes on has other rows by now, but for events, which have happened.
        rows_change = metric_set not in EVENT_GRAIN or metric_set == "AgentDurationsReportV2"
        last = of(EARLY) - (60 if rows_change else 1) * HOUR
        before, later = (
            [
                {name: row[name] for name in row if name not in {"Customer ID", "customer_id"}}
                for row in each.reports.rows(metric_set)
                if first <= nanos(row[created]) < last
            ]
            for each in (early, late)
        )
        assert len(before) > 25, metric_set
        assert before == later


def test_lists_stay_the_same() -> None:
    early, late = (
        GladlySandbox(seed=5, present=present).account for present in (EARLY, EARLY + DAY)
    )
    for name in ("agents", "teams", "inboxes", "topics", "audiences", "answers", "webhooks"):
        assert getattr(early, name) == getattr(late, name)
    assert (early.organization, early.business_hours) == (late.organization, late.business_hours)
    assert early.schedules[0]["updatedAt"] == late.schedules[0]["updatedAt"]


def _jobs(gladly: GladlySandbox) -> dict[str, ExportJob]:
    return {job.id: job for job in gladly.exports.jobs}
