"""Lines that are no records however often they are asked for: named, and all else is read."""

from __future__ import annotations

import codecs
import json
import time
import typing as t
from datetime import timedelta

from tests.gladly.truth import ago, by_window, downloads, file_path, moment

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.sandbox.gladly import ExportJob

TOPICS = "export_topics"
FILE = "topics.jsonl"
SENTENCE = "Your session has expired. Please sign in."


def topic(name: str) -> bytes:
    """A topic, as a line without its end."""
    return json.dumps({"id": name, "name": name, "disabled": False}).encode()


def jobs_of(start: Start, *files: bytes) -> tuple[Gladly, list[ExportJob]]:
    """A Gladly with a job for each of these files, one day after the other."""
    gladly = start(history_days=0)
    jobs = []
    for number, content in enumerate(files):
        end = ago(days=len(files) - number)
        jobs.append(
            gladly.sandbox.exports.add(
                start=end - timedelta(days=1),
                end=end,
                updated=end + timedelta(hours=1),
                files={FILE: content},
            )
        )
    return gladly, jobs


def test_a_line_that_stays_no_record_is_named_after_three_tries(start: Start) -> None:
    bad = {
        topic("before") + b'\n{"id": "ha': 2,
        topic("list") + b"\n[]": 2,
        b"\n" + topic("text") + b"\n?": 3,
        topic("broken") + b"\n\n7": 3,
    }
    gladly, jobs = jobs_of(start, topic("first"), *bad, topic("last"))
    run = gladly.tap.run(TOPICS)
    assert run.returncode == 0, run.log
    assert run.ids(TOPICS) == ["first", "before", "list", "text", "broken", "last"]
    first, *spoiled, last = (job.id for job in jobs)
    assert downloads(gladly) == sorted([first, last, *(3 * spoiled)])
    assert moment(run.bookmark(TOPICS)) == moment(jobs[-1].updated_at)
    *again, told = run.warnings
    assert "| ERROR" in told
    assert "4 lines are not JSON objects" in told
    for job, line in zip(spoiled, bad.values(), strict=True):
        assert told.count(f"job {job}, {FILE}, line {line}") == 1
    assert len(again) == 2 * len(bad)
    assert all("| WARNING" in line and "of 6" in line for line in again)
    later = gladly.tap.run(TOPICS, state=run.state)
    assert not later.records
    assert not later.warnings


def test_a_line_that_comes_whole_the_third_time_is_read(start: Start) -> None:
    whole = b"\n".join(map(topic, ("one", "two")))
    gladly, [job] = jobs_of(start, whole)
    gladly.sandbox.faults.add(path=file_path(job, FILE), times=2, status=200, body=whole[:-9])
    run = gladly.tap.run(TOPICS)
    assert run.returncode == 0, run.log
    assert run.ids(TOPICS) == ["one", "two"]
    assert len(run.warnings) == 2
    assert not any("| ERROR" in line for line in run.warnings)


def test_a_mark_of_the_encoding_before_the_first_record_is_no_trouble(start: Start) -> None:
    mark = codecs.BOM_UTF8
    gladly, jobs = jobs_of(start, mark + topic("one"), mark + topic("two") + b"\n")
    run = gladly.tap.run(TOPICS)
    assert run.returncode == 0, run.log
    assert run.ids(TOPICS) == ["one", "two"]
    assert downloads(gladly) == sorted(job.id for job in jobs)
    assert not run.warnings


def test_a_text_without_a_record_is_no_file_however_often_it_comes(start: Start) -> None:
    gladly, _ = jobs_of(start, topic("one"), topic("two"))
    path = file_path(by_window(gladly)[0], FILE)
    fault = gladly.sandbox.faults.add(path=path, times=None, status=200, body=SENTENCE)
    with gladly.tap.started(streams=(TOPICS,)) as (process, log):
        end = time.monotonic() + 60
        # What is said to be JSON would be taken the third time.
        while "try 4 of 6" not in (text := log.read_text(encoding="utf-8")):
            assert process.poll() is None, text
            assert time.monotonic() < end, text
            time.sleep(0.02)
        process.kill()
        out, _ = process.communicate()
    assert fault.hits == 3
    assert "not JSON, a record a line" in text
    assert SENTENCE not in text
    assert '"RECORD"' not in out
