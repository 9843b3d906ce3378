"""Answers that are not what they say: a page for a file, half of what was compressed, a sentence.

Each is received again, and then nothing is missing.
"""

from __future__ import annotations

import gzip
import json
import typing as t

import pytest

from tests.gladly.report_truth import REPORTS, days_ago, first_retry, without_window
from tests.gladly.scripted import Answer, Scripted
from tests.gladly.truth import API, assert_exported, assert_same, by_window, downloads, file_path

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Run
    from tests.sandbox.faults import FaultOptions

SENTENCE = "Your session has expired. Please sign in."
STREAM = "report_contact_export_v3"
EVENTS = b"".join(
    json.dumps(
        {"id": f"e{number}", "type": "X/Y", "content": {"taskId": f"{number * 7919}"}}
    ).encode()
    + b"\n"
    for number in range(3_000)
)
REPORT = b"Timestamp,Event Type\n" + b"".join(
    f"2026-01-01T00:00:00Z,{number * 7919}\n".encode() for number in range(3_000)
)


def test_a_page_or_a_sentence_in_place_of_a_file_is_not_skipped(start: Start) -> None:
    gladly = start(history_days=3)
    jobs = by_window(gladly)
    faults: list[FaultOptions] = [{"html": True}, {"status": 200, "body": SENTENCE}]
    for number, fault in enumerate(faults):
        for path in (f"{API}/events", file_path(jobs[number])):
            fault["path"] = path
            gladly.sandbox.faults.add(**fault)
    run = gladly.tap.run("events", "export_conversation_items")
    assert_exported(run, gladly)
    assert_same(run, "events", gladly.sandbox.events.all)
    again = [jobs[0].id, jobs[1].id]
    assert downloads(gladly) == sorted([*again, *(job.id for job in jobs)])
    assert len(run.warnings) == 4
    assert all("not JSON, a record a line; trying again" in line for line in run.warnings)
    assert SENTENCE not in run.log


@pytest.mark.parametrize(
    "body",
    [SENTENCE.encode(), b'"an error"', b"upstream error\n\n", b"Error,Code\nno,7\n"],
    ids=str,
)
def test_a_sentence_in_place_of_a_report_is_no_report(gladly: Gladly, body: bytes) -> None:
    reports = gladly.sandbox.reports
    reports.body_instead, reports.content_type_instead = body, "text/csv"
    log = first_retry(gladly, STREAM, start_date=days_ago(5))
    assert "POST /reports: not the CSV of a report" in log


def test_a_report_that_comes_whole_at_last_is_read(gladly: Gladly) -> None:
    streams = (STREAM, "report_agent_timestamps")
    calm = gladly.tap.run(*streams, start_date=days_ago(5))
    gladly.sandbox.faults.add(path=REPORTS, truncate=True)
    gladly.sandbox.faults.add(path=REPORTS, after=2, status=200, body=SENTENCE)
    run = gladly.tap.run(*streams, start_date=days_ago(5))
    assert run.returncode == 0, run.log
    assert without_window(run) == without_window(calm)
    assert all(len(run.records[stream]) > 20 for stream in streams)
    assert gladly.sandbox.traffic.count(REPORTS) == 6
    assert len(run.warnings) == 2


def compressed(*parts: bytes, share: float = 1.0) -> Answer:
    """A compressed answer, or so much of it, which says that this is all."""
    body = b"".join(gzip.compress(part) for part in parts)
    return Answer(body[: int(len(body) * share)], {"Content-Encoding": "gzip"})


def read(gladly: Gladly, stream: str, *answers: Answer) -> Run:
    """What comes of these answers, of which all are asked for."""
    with Scripted(*answers) as server:
        run = gladly.tap.run(stream, api_url=server.url, start_date=days_ago(1))
        assert run.returncode == 0, run.log
        assert not server.left
    return run


@pytest.mark.parametrize("stream", ["events", "report_task_timestamps"])
def test_what_is_compressed_is_read_whole(gladly: Gladly, stream: str) -> None:
    body = EVENTS if stream == "events" else REPORT
    [plain, whole, of_two] = (
        read(gladly, stream, answer)
        for answer in (
            Answer(body, {}),
            compressed(body),
            compressed(body[: len(body) // 3], body[len(body) // 3 :]),
        )
    )
    assert len(plain.records[stream]) == 3_000
    assert without_window(whole) == without_window(of_two) == without_window(plain)
    assert not whole.warnings
    assert not of_two.warnings


def test_half_of_what_is_compressed_is_received_again(gladly: Gladly) -> None:
    # Also where the half is of the second part, and a reader could think that all is there.
    halves = [compressed(EVENTS, share=0.5), compressed(EVENTS, EVENTS[:9_000], share=0.95)]
    run = read(gladly, "events", *halves, compressed(EVENTS))
    assert run.ids("events") == [f"e{number}" for number in range(3_000)]
    assert len(run.warnings) == 2
    run = read(gladly, "report_task_timestamps", compressed(REPORT, share=0.6), compressed(REPORT))
    assert len(run.records["report_task_timestamps"]) == 3_000
    assert len(run.warnings) == 1


@pytest.mark.parametrize("place", ["in a chunk", "between chunks"])
def test_chunks_that_break_off_are_received_again(
    gladly: Gladly, place: t.Literal["in a chunk", "between chunks"]
) -> None:
    # At the end of a line: nothing but the missing end tells that there is more.
    half = b"".join(EVENTS.splitlines(keepends=True)[:1_500])
    run = read(gladly, "events", Answer(half, {}, place), Answer(EVENTS, {}))
    assert run.ids("events") == [f"e{number}" for number in range(3_000)]
    [warning] = run.warnings
    assert "try 2 of 6" in warning
