"""What Gladly no longer has, or never made, is named; a run that was stopped loses nothing."""

from __future__ import annotations

import json
import signal
import typing as t
from datetime import timedelta

import pytest

from tests.gladly.truth import (
    API,
    FILES,
    ago,
    assert_came_late,
    assert_exported,
    by_window,
    downloads,
    exported,
    file_path,
    moment,
    written,
)

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record, Run
    from tests.sandbox.gladly import ExportJob

ITEMS = "export_conversation_items"
TOPICS = "export_topics"


def second(text: str) -> str:
    """A time as a warning has it."""
    return f"{moment(text):%Y-%m-%dT%H:%M:%SZ}"


def reach(gladly: Gladly, days: float) -> list[ExportJob]:
    """Let it be so many days ago for jobs; those that are complete and kept then."""
    then = ago(days=days)
    gladly.sandbox.exports.as_of = then
    kept = then - timedelta(days=14)
    return [job for job in by_window(gladly) if kept <= moment(job.updated_at) <= then]


def records(stream: str, *runs: Run) -> list[Record]:
    """What came in several runs."""
    return [record for run in runs for record in run.records[stream]]


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_a_stopped_run_is_resumed_at_its_job(start: Start, signal_number: signal.Signals) -> None:
    gladly = start(history_days=6, talks_per_day=15)
    jobs = by_window(gladly)

    def two_are_read(line: str) -> bool:
        return '"type":"STATE"' in line and jobs[1].id in line

    first = gladly.tap.run_until(two_are_read, ITEMS, signal_number=signal_number)
    assert first.returncode != 0
    assert moment(first.bookmark(ITEMS)) >= moment(jobs[1].updated_at)
    read = [job for job in jobs if moment(job.updated_at) <= moment(first.bookmark(ITEMS))]
    assert len(read) < len(jobs)
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(ITEMS, state=first.state)
    assert_exported(second, gladly, *(job for job in jobs if job not in read))
    assert not set(downloads(gladly)) & {job.id for job in read}
    ids = {record["id"] for record in records(ITEMS, first, second)}
    assert ids == {record["id"] for record in exported(gladly, ITEMS)}


def test_the_bookmark_moves_job_by_job(start: Start) -> None:
    gladly = start(history_days=6, talks_per_day=15)
    run = gladly.tap.run(ITEMS)
    assert_exported(run, gladly)
    states = [state["bookmarks"].get(ITEMS, {}) for state in run.states]
    bookmarks = {each.get("replication_key_value") for each in states} - {None}
    assert {moment(each) for each in bookmarks} == {
        moment(job.updated_at) for job in by_window(gladly)
    }
    # Never before all of a job was written.
    written_ids: set[str] = set()
    done = {moment(job.updated_at): exported(gladly, ITEMS, job) for job in by_window(gladly)}
    states_seen = 0
    for line in run.lines:
        if line.startswith('{"type":"RECORD"'):
            written_ids.add(line.partition('"id":"')[2].partition('"')[0])
        elif line.startswith('{"type":"STATE"') and states_seen < len(states):
            value = states[states_seen].get("replication_key_value")
            states_seen += 1
            if value:
                wanted = [record["id"] for at in done if at <= moment(value) for record in done[at]]
                assert set(wanted) <= written_ids


def test_a_run_stopped_among_jobs_out_of_order_loses_nothing(start: Start) -> None:
    gladly = start(history_days=6, talks_per_day=15)
    jobs = by_window(gladly)
    # Windows and updates disagree, and two updates are the same.
    jobs[1].updated_at = written(ago(minutes=1))
    jobs[2].updated_at = jobs[3].updated_at
    stop = f'"exportJobId":"{jobs[3].id}"'
    first = gladly.tap.run_until(lambda line: stop in line, ITEMS, signal_number=signal.SIGTERM)
    assert first.returncode != 0
    second = gladly.tap.run(ITEMS, state=first.state)
    ids = {record["id"] for record in records(ITEMS, first, second)}
    assert ids == {record["id"] for record in exported(gladly, ITEMS)}
    third = gladly.tap.run(ITEMS, state=second.state)
    assert not third.records


def test_an_outage_of_three_days_loses_no_row(start: Start) -> None:
    gladly = start(history_days=8)
    before = reach(gladly, 3)
    first = gladly.tap.run(*FILES)
    assert_exported(first, gladly, *before)
    gladly.sandbox.exports.as_of = None
    second = gladly.tap.run(*FILES, state=first.state)
    assert_exported(second, gladly, *(job for job in by_window(gladly) if job not in before))
    assert len(second.records[ITEMS]) > 30
    assert not first.warnings
    assert not second.warnings


def test_an_outage_of_sixteen_days_names_the_gap_once(start: Start) -> None:
    gladly = start(history_days=30, talks_per_day=1)
    before = reach(gladly, 16)
    first = gladly.tap.run(*FILES)
    assert_exported(first, gladly, *before)
    after = reach(gladly, 0)
    gladly.sandbox.exports.as_of = None
    later = gladly.tap.run(*FILES, state=first.state)
    assert_exported(later, gladly, *after)
    assert before[-1].end_at < after[0].start_at
    [warning] = later.warnings
    gap = f"{second(before[-1].end_at)} to {second(after[0].start_at)}"
    assert f"No export job covers {gap}:" in warning
    third = gladly.tap.run(*FILES, state=later.state)
    assert third.returncode == 0
    assert not third.warnings
    assert not third.records


def test_a_job_that_failed_is_named_until_there_is_a_later_one(start: Start) -> None:
    gladly = start(history_days=5)
    jobs = by_window(gladly)
    jobs[2].status = "FAILED"
    first = gladly.tap.run(TOPICS, ITEMS)
    assert_exported(first, gladly)
    [warning] = first.warnings
    assert f"covers {second(jobs[2].start_at)} to {second(jobs[2].end_at)}:" in warning
    run = gladly.tap.run(TOPICS, ITEMS, state=first.state)
    assert not run.warnings
    # Support makes it again, as a job of its own.
    again = gladly.sandbox.exports.add(
        start=moment(jobs[2].start_at),
        end=moment(jobs[2].end_at),
        updated=ago(minutes=2),
        files=dict(jobs[2].files),
    )
    last = gladly.tap.run(TOPICS, ITEMS, state=run.state)
    assert_came_late(last, gladly, again, *jobs[3:])
    assert not last.warnings


def test_a_newest_job_that_failed_is_named(start: Start) -> None:
    gladly = start(history_days=4)
    *others, newest = by_window(gladly)
    first_state = gladly.tap.run(TOPICS).state
    newest.status = "FAILED"
    run = gladly.tap.run(TOPICS)
    assert_exported(run, gladly, *others)
    [warning] = run.warnings
    assert f"covers {second(newest.start_at)} to {second(newest.end_at)}:" in warning
    # Once it was read, what becomes of it is of no matter.
    assert not gladly.tap.run(TOPICS, state=first_state).warnings


def test_an_oldest_job_that_failed_is_named(start: Start) -> None:
    gladly = start(history_days=3)
    oldest, *others = by_window(gladly)
    oldest.status = "FAILED"
    run = gladly.tap.run(TOPICS)
    assert_exported(run, gladly, *others)
    [warning] = run.warnings
    assert f"covers {second(oldest.start_at)} to {second(oldest.end_at)}:" in warning


def test_a_job_that_is_still_being_made_is_no_gap(start: Start) -> None:
    gladly = start(history_days=3)
    jobs = by_window(gladly)
    jobs[1].status = "IN_PROGRESS"
    first = gladly.tap.run(TOPICS, ITEMS)
    assert_exported(first, gladly, jobs[0], jobs[2])
    jobs[1].status, jobs[1].updated_at = "COMPLETED", written(ago(minutes=1))
    later = gladly.tap.run(TOPICS, ITEMS, state=first.state)
    assert_came_late(later, gladly, jobs[1], jobs[2])
    assert not first.warnings
    assert not later.warnings


def test_a_job_that_is_not_complete_needs_no_window(start: Start) -> None:
    gladly = start(history_days=3)
    jobs = by_window(gladly)
    bare = {"id": "bare", "status": "PENDING", "updatedAt": jobs[0].updated_at}
    listed = json.dumps([bare, *(job.describe() for job in jobs)])
    gladly.sandbox.faults.add(path=f"{API}/export/jobs", times=None, status=200, body=listed)
    run = gladly.tap.run(TOPICS, "export_jobs")
    assert_exported(run, gladly)
    assert len(run.records["export_jobs"]) == 4


def test_a_job_that_vanishes_is_named_and_the_run_goes_on(start: Start) -> None:
    gladly = start(history_days=4)
    jobs = by_window(gladly)
    gladly.sandbox.exports.vanish(jobs[0].id)
    run = gladly.tap.run(TOPICS)
    assert_exported(run, gladly, *jobs[1:])
    [warning] = run.warnings
    for word in ("| WARNING", jobs[0].id, "topics.jsonl", second(jobs[0].start_at), "support"):
        assert word in warning
    again = gladly.tap.run(TOPICS, state=run.state)
    assert not again.warnings


def test_a_file_that_vanishes_after_the_list_is_named(start: Start) -> None:
    gladly = start(history_days=4)
    jobs = by_window(gladly)
    # All jobs were listed when the second file is asked for.
    gladly.sandbox.faults.add(
        path=file_path(jobs[2]),
        hook=lambda: gladly.sandbox.exports.lose_file(jobs[2].id, FILES[ITEMS]),
    )
    run = gladly.tap.run(ITEMS, TOPICS)
    assert run.returncode == 0, run.log
    left = [job for job in jobs if job is not jobs[2]]
    assert [each["id"] for each in run.records[ITEMS]] == [
        each["id"] for each in exported(gladly, ITEMS, *left)
    ]
    assert len(run.records[TOPICS]) == len(exported(gladly, TOPICS))
    [warning] = run.warnings
    assert jobs[2].id in warning


def test_a_run_that_fails_at_the_third_job_has_read_two(start: Start) -> None:
    gladly = start(history_days=5, talks_per_day=1)
    jobs = by_window(gladly)
    fault = gladly.sandbox.faults.add(path=file_path(jobs[2]), times=None, status=400)
    first = gladly.tap.run(ITEMS)
    assert first.returncode == 1
    assert jobs[2].id not in first.last_word
    # After each job, few as its records are.
    assert moment(first.bookmark(ITEMS)) == moment(jobs[1].updated_at)
    gladly.sandbox.faults.remove(fault)
    again = gladly.tap.run(ITEMS, state=first.state)
    assert_exported(again, gladly, *jobs[2:])
    ids = {record["id"] for record in records(ITEMS, first, again)}
    assert ids == {record["id"] for record in exported(gladly, ITEMS)}
