"""Export jobs as records, and which of them are read, in which order."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from tests.gladly.truth import (
    API,
    ago,
    assert_came_late,
    assert_exported,
    assert_same,
    by_window,
    downloads,
    moment,
    written,
)

if t.TYPE_CHECKING:
    from datetime import datetime

    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record, Run
    from tests.sandbox.gladly import ExportJob

JOBS = f"{API}/export/jobs"
TOPICS = ("export_topics",)
ITEMS = "export_conversation_items"


def add(
    gladly: Gladly, day: int, updated: datetime | str | None = None, **options: t.Any
) -> ExportJob:
    """Add a job of a day, made three hours after: it renames the one topic, and has an item."""
    end = ago(days=day).replace(minute=0, second=0, microsecond=0)
    topic = {"id": "topic", "name": f"As of {day} days ago", "disabled": False}
    item = {"id": f"item {len(gladly.sandbox.exports.jobs)}", "content": {"type": "SMS"}}
    files = {"topics.jsonl": [topic], "conversation_items.jsonl": [item]}
    return gladly.sandbox.exports.add(
        start=end - timedelta(days=1),
        end=end,
        updated=updated or end + timedelta(hours=3, milliseconds=day),
        **{"files": files, **options},
    )


def jobs_in(run: Run) -> list[str]:
    """The jobs that topics came from, in order."""
    return list(dict.fromkeys(run.ids("export_topics", "exportJobId")))


def assert_jobs(run: Run, jobs: list[ExportJob]) -> None:
    """The stream of jobs has these; Gladly lists them in no order."""
    by_id = {each["id"]: each for each in run.records["export_jobs"]}
    run.records["export_jobs"] = [by_id[job.id] for job in jobs if job.id in by_id]
    assert len(by_id) == len(jobs)
    assert_same(run, "export_jobs", [job.describe() for job in jobs])


def assert_nothing_more(gladly: Gladly, run: Run) -> None:
    """A run after this one asks for no file, and has nothing to say."""
    gladly.sandbox.traffic.clear()
    later = gladly.tap.run(*TOPICS, ITEMS, state=run.state)
    assert later.returncode == 0, later.log
    assert not later.records
    assert not later.warnings
    assert [each.path for each in gladly.sandbox.traffic.exchanges()] == [JOBS]


def test_jobs_arrive_in_whatever_state_they_are(gladly: Gladly) -> None:
    exports = gladly.sandbox.exports
    for status in ("PENDING", "IN_PROGRESS", "FAILED"):
        exports.add(start=ago(days=1), end=ago(hours=2), updated=ago(hours=1), status=status)
    run = gladly.tap.run("export_jobs")
    assert_jobs(run, exports.jobs)
    assert len({each["status"] for each in run.records["export_jobs"]}) == 4
    assert gladly.sandbox.traffic.count() == 1
    assert not run.warnings


def test_a_later_run_asks_for_jobs_since_the_bookmark(gladly: Gladly) -> None:
    exports = gladly.sandbox.exports
    waiting = exports.add(
        start=ago(days=1), end=ago(hours=2), updated=ago(hours=1), status="PENDING"
    )
    first = gladly.tap.run("export_jobs")
    assert moment(first.bookmark("export_jobs")) == moment(waiting.updated_at)
    waiting.status, waiting.updated_at = "COMPLETED", written(ago(seconds=5))
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run("export_jobs", state=first.state)
    assert_jobs(second, [waiting])
    [asked] = gladly.sandbox.traffic.exchanges()
    params = dict(asked.params or ())
    assert set(params) == {"startAt"}
    assert moment(params["startAt"]) <= moment(first.bookmark("export_jobs"))
    third = gladly.tap.run("export_jobs", state=second.state)
    assert_jobs(third, [waiting])


@pytest.mark.parametrize("days", [13.5, 20])
def test_a_bookmark_beyond_what_gladly_keeps_asks_for_all(gladly: Gladly, days: float) -> None:
    bookmark = {"replication_key": "updatedAt", "replication_key_value": written(ago(days=days))}
    run = gladly.tap.run("export_jobs", state={"bookmarks": {"export_jobs": bookmark}})
    assert_jobs(run, gladly.sandbox.exports.jobs)


def test_the_list_is_asked_for_once_by_all_files(gladly: Gladly) -> None:
    run = gladly.tap.run("export_topics", "export_agents", "export_customers")
    assert_exported(run, gladly)
    assert gladly.sandbox.traffic.count(path=JOBS) == 1
    assert gladly.sandbox.exports.deleted == []


def test_only_jobs_that_are_complete_are_read(start: Start) -> None:
    gladly = start(history_days=0)
    for day, status in enumerate(("COMPLETED", "IN_PROGRESS", "PENDING", "COMPLETED"), start=2):
        add(gladly, day, status=status)
    run = gladly.tap.run(*TOPICS)
    assert downloads(gladly) == sorted(job.id for job in by_window(gladly))
    assert len(jobs_in(run)) == 2
    assert_exported(run, gladly)


def test_jobs_are_read_oldest_first_as_instants_and_not_as_texts(start: Start) -> None:
    gladly = start(history_days=0)
    second = f"{ago(days=3):%Y-%m-%dT%H:%M:%S}"
    # In the order of time, which is nowhere that of the text.
    fractions = ("", ".00001", ".07", ".0701", ".070272933", ".1", ".12", ".123", ".1231")
    in_time = sorted(fractions, key=lambda text: float(text or 0))
    assert sorted(in_time, key=lambda text: f"{text}Z") != in_time
    jobs = []
    for fraction in in_time:
        job = add(gladly, 3, updated=f"{second}{fraction}Z")
        job.end_at = f"{second}{fraction}Z"
        jobs.append(job.id)
    gladly.sandbox.exports.jobs.reverse()
    run = gladly.tap.run(*TOPICS)
    assert jobs_in(run) == jobs
    assert downloads(gladly) == sorted(jobs)
    assert run.bookmark("export_topics").startswith(f"{second}.1231")


def test_jobs_of_one_window_are_read_in_the_order_of_their_update(start: Start) -> None:
    gladly = start(history_days=0)
    later = add(gladly, 3, ago(days=2))
    first = add(gladly, 3, ago(days=2, hours=3))
    run = gladly.tap.run(*TOPICS)
    assert jobs_in(run) == [first.id, later.id]


def test_jobs_that_were_updated_at_one_time_are_all_read_once(start: Start) -> None:
    gladly = start(history_days=0)
    same = written(ago(days=1))
    jobs = [add(gladly, day, same) for day in (4, 3, 2)]
    first = gladly.tap.run(*TOPICS, ITEMS)
    assert jobs_in(first) == [job.id for job in jobs]
    late = add(gladly, 5, same)
    second = gladly.tap.run(*TOPICS, ITEMS, state=first.state)
    assert_came_late(second, gladly, late, *jobs)
    assert_nothing_more(gladly, second)


def test_a_run_without_a_new_job_downloads_no_file(gladly: Gladly) -> None:
    streams = ("export_topics", "export_agents", "export_customers", "export_conversation_items")
    first = gladly.tap.run(*streams)
    assert_exported(first, gladly)
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(*streams, state=first.state)
    assert second.returncode == 0, second.log
    assert not second.records
    assert second.state == first.state
    assert [each.path for each in gladly.sandbox.traffic.exchanges()] == [JOBS]
    assert not second.warnings


def test_a_job_that_shows_up_late_is_read(start: Start) -> None:
    gladly = start(history_days=0)
    *_, newest = (add(gladly, day) for day in (5, 4, 2))
    first = gladly.tap.run(*TOPICS, ITEMS)
    bookmark = moment(first.bookmark("export_topics"))
    late = add(gladly, 3, bookmark - timedelta(hours=20))
    second = gladly.tap.run(*TOPICS, ITEMS, state=first.state)
    assert_came_late(second, gladly, late, newest)
    assert downloads(gladly).count(late.id) == 2
    assert_nothing_more(gladly, second)
    for stream in (*TOPICS, ITEMS):
        assert moment(second.bookmark(stream)) == bookmark


def test_a_job_that_is_completed_late_is_read(start: Start) -> None:
    gladly = start(history_days=0)
    add(gladly, 4)
    slow = add(gladly, 3, status="IN_PROGRESS")
    newest = add(gladly, 2)
    first = gladly.tap.run(*TOPICS, ITEMS)
    assert slow.id not in jobs_in(first)
    slow.status, slow.updated_at = "COMPLETED", written(ago(minutes=1))
    second = gladly.tap.run(*TOPICS, ITEMS, state=first.state)
    assert_came_late(second, gladly, slow, newest)
    assert_nothing_more(gladly, second)


def test_a_job_that_was_made_again_changes_no_newer_value(start: Start) -> None:
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in (5, 4, 3)]
    first = gladly.tap.run(*TOPICS, ITEMS)
    topics: list[Record] = [
        {"id": "topic", "name": "Corrected", "disabled": True},
        {"id": "only then", "name": "Only then", "disabled": True},
    ]
    files = {"topics.jsonl": topics, "conversation_items.jsonl": [{"id": "corrected"}]}
    again = add(gladly, 4, ago(minutes=3), files=files)
    again.id = jobs[1].id
    gladly.sandbox.exports.jobs.remove(jobs[1])
    second = gladly.tap.run(*TOPICS, ITEMS, state=first.state)
    assert_came_late(second, gladly, again, jobs[2])
    names = {key: each["name"] for key, each in second.by_id("export_topics").items()}
    assert names == {"topic": "As of 3 days ago", "only then": "Only then"}
    assert not second.warnings
    assert_nothing_more(gladly, second)


@pytest.mark.parametrize("frequency", ["DAILY", "HOURLY"])
def test_a_start_date_limits_the_jobs_of_every_run(start: Start, frequency: str) -> None:
    gladly = start(history_days=4, frequency=frequency, talks_per_day=6)
    since = ago(days=1.5 if frequency == "DAILY" else 0.3)
    jobs = [job for job in by_window(gladly) if moment(job.end_at) > since]
    assert 0 < len(jobs) < len(by_window(gladly))
    first = gladly.tap.run(*TOPICS, start_date=written(since))
    assert downloads(gladly) == sorted(job.id for job in jobs)
    assert_exported(first, gladly, *jobs)
    assert not first.warnings
    second = gladly.tap.run(*TOPICS, start_date=written(since), state=first.state)
    assert downloads(gladly) == sorted(job.id for job in jobs)
    assert not second.records


def test_what_was_exported_last_of_a_customer_comes_last(gladly: Gladly) -> None:
    run = gladly.tap.run("export_customers", "export_topics")
    for stream, filename in (("export_customers", "customers"), ("export_topics", "topics")):
        last = {
            record["id"]: job.id
            for job, record in gladly.sandbox.exports.records(f"{filename}.jsonl")
        }
        assert len(run.records[stream]) > len(last)
        by_id = run.by_id(stream)
        assert {key: each["exportJobId"] for key, each in by_id.items()} == last
    assert_exported(run, gladly)
