"""Export jobs and files that are not as the vendor's document has them: nothing is lost unnamed."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.gladly.desk_truth import EMPTY, assert_ended
from tests.gladly.test_export_jobs import JOBS, TOPICS, add, jobs_in
from tests.gladly.test_spoiled_lines import topic
from tests.gladly.truth import API, ago, file_path, written
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record
    from tests.sandbox.gladly import ExportJob


def answer_with(
    gladly: Gladly, jobs: list[ExportJob], changed: ExportJob, **members: object
) -> None:
    """Let the list say something else of one of the jobs."""
    listed: list[Record] = [
        {**job.describe(), **(members if job is changed else {})} for job in jobs
    ]
    gladly.sandbox.faults.clear()
    gladly.sandbox.faults.add(path=JOBS, times=None, status=200, body=json.dumps(listed).encode())


@pytest.mark.parametrize("member", ["id", "updatedAt", "parameters"])
def test_a_job_without_id_or_times_fails_its_streams_alone(start: Start, member: str) -> None:
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in (3, 2, 1)]
    answer_with(gladly, jobs, jobs[1], **{member: None})
    run = gladly.tap.run(*TOPICS, "inboxes")
    assert_ended(run, "/export/jobs", "Incomplete for this: export_topics.")
    assert run.records["inboxes"]
    assert not run.records["export_topics"]


def test_a_job_of_a_time_to_come_hides_no_later_one(start: Start) -> None:
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in (3, 2)]
    answer_with(gladly, jobs, jobs[0], updatedAt="2099-01-01T00:00:00Z")
    run = gladly.tap.run(*TOPICS)
    assert jobs_in(run) == [job.id for job in jobs]
    assert run.bookmark("export_topics") <= written(ago(seconds=0))
    jobs.append(add(gladly, 1))
    answer_with(gladly, jobs, jobs[0], updatedAt="2099-01-01T00:00:00Z")
    run = gladly.tap.run(*TOPICS, state=run.state)
    assert jobs_in(run) == [jobs[-1].id]
    assert not run.warnings


@pytest.mark.parametrize("files", [None, "topics.jsonl", [{"name": "topics.jsonl"}]], ids=str)
def test_a_file_that_is_not_named_as_it_should_be_is_asked_for(start: Start, files: object) -> None:
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in (3, 2, 1)]
    answer_with(gladly, jobs, jobs[1], files=files)
    run = gladly.tap.run(*TOPICS)
    assert run.returncode == 0, run.log
    assert jobs_in(run) == [job.id for job in jobs]


def test_a_file_by_another_name_is_named(start: Start) -> None:
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in (3, 2, 1)]
    answer_with(gladly, jobs, jobs[1], files=["topics.jsonl.gz"])
    run = gladly.tap.run(*TOPICS)
    assert run.returncode == 0, run.log
    [warning] = run.warnings
    assert "the file topics.jsonl by another name" in warning


def test_a_status_that_is_not_known_is_named(start: Start) -> None:
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in (3, 2, 1)]
    answer_with(gladly, jobs, jobs[1], status="ARCHIVED")
    run = gladly.tap.run(*TOPICS)
    assert jobs_in(run) == [jobs[0].id, jobs[2].id]
    [warning] = run.warnings
    assert "ARCHIVED" in warning
    answer_with(gladly, jobs, jobs[1], status="completed")
    assert jobs_in(gladly.tap.run(*TOPICS)) == [job.id for job in jobs]


ENDS: dict[str, bytes] = {
    "an object of errors": b'{"errors":[{"code":"internal"}]}\n',
    "an object of errors without an end": b'{"errors":{"code":"internal"}}',
    "a text": b"upstream connect error\n",
}


@pytest.mark.parametrize("end", ENDS)
def test_a_file_that_ends_with_an_error_is_asked_for_again(
    start: Start, impatient: str, end: str
) -> None:
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in (3, 2, 1)]
    path = file_path(jobs[1], "topics.jsonl")
    body = topic("t1") + b"\n" + ENDS[end]
    tap = Tap(impatient, gladly.tap.config)
    gladly.sandbox.faults.add(path=path, times=1, status=200, body=body)
    run = tap.run(*TOPICS)
    assert run.returncode == 0, run.log
    assert "t1" not in run.ids("export_topics")
    assert jobs_in(run) == [job.id for job in jobs]
    if end != "a text":
        gladly.sandbox.faults.add(path=path, times=None, status=200, body=body)
        run = tap.run(*TOPICS)
        assert_ended(run, "something that is not JSON")
        assert jobs_in(run) == [jobs[0].id]


def test_events_that_end_with_an_error_move_no_bookmark(start: Start, impatient: str) -> None:
    gladly = start(history_days=1)
    body = b'{"id":"e1","type":"TASK/CREATED","timestamp":"2026-01-02T03:04:05Z"}\n'
    gladly.sandbox.faults.add(
        path=f"{API}/events", times=None, status=200, body=body + ENDS["an object of errors"]
    )
    run = Tap(impatient, gladly.tap.config).run("events")
    assert_ended(run, "/events")
    assert "replication_key_value" not in run.state["bookmarks"]["events"]


def test_events_of_an_impossible_time_are_kept_and_hide_no_others(start: Start) -> None:
    gladly = start(history_days=0)
    lines = [
        f'{{"id":"{time[:4]}","type":"TASK/CREATED","timestamp":"{time}"}}'
        for time in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", written(ago(hours=1)))
    ]
    gladly.sandbox.faults.add(
        path=f"{API}/events", times=None, status=200, body="\n".join(lines).encode()
    )
    run = gladly.tap.run("events", start_date=ago(hours=5).isoformat())
    assert run.returncode == 0, run.log
    assert run.ids("events") == ["0001", "9999", written(ago(hours=1))[:4]]


def test_events_that_name_nothing_are_counted(start: Start) -> None:
    gladly = start(**EMPTY)
    odd: list[Record] = [{"conversationId": ["c1"]}, {"conversationId": None}]
    for content in odd:
        gladly.sandbox.events.add("CONVERSATION/CLOSED", timestamp=ago(hours=1), content=content)
    gladly.sandbox.events.add(
        "AGENT_STATUS/LOGGED_IN", timestamp=ago(hours=1), content={"agentId": "a1"}
    )
    run = gladly.tap.run("events", "conversations", start_date=ago(hours=5).isoformat())
    assert run.returncode == 0, run.log
    assert len(run.records["events"]) == 3
    assert any("2 events name no conversation, customer or task" in each for each in run.warnings)
