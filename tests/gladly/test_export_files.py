"""The files of export jobs: every line of them, value by value, whatever happens on the way."""

from __future__ import annotations

import json
import typing as t

from tests.gladly.truth import (
    FILES,
    ago,
    assert_exported,
    by_window,
    downloads,
    file_path,
    moment,
)

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record
    from tests.sandbox.faults import FaultOptions

ITEMS = "conversation_items.jsonl"
TYPES = {
    "CHAT_MESSAGE",
    "CONVERSATION_NOTE",
    "CONVERSATION_STATUS_CHANGE",
    "CUSTOMER_ACTIVITY",
    "EMAIL",
    "FACEBOOK_MESSAGE",
    "INSTAGRAM_DIRECT",
    "PHONE_CALL",
    "SMS",
    "TOPIC_CHANGE",
    "TWITTER",
    "VOICEMAIL",
    "VOICE_AI_MESSAGE",
    "WHATSAPP",
}


def one_job(gladly: Gladly, lines: bytes) -> str:
    """Add a job whose topics are these bytes; its id."""
    job = gladly.sandbox.exports.add(
        start=ago(days=1), end=ago(hours=2), updated=ago(hours=1), files={"topics.jsonl": lines}
    )
    return job.id


def topic(number: int) -> Record:
    """A topic."""
    return {"id": f"topic-{number}", "name": f"No. {number}", "disabled": False}


def test_every_line_of_every_file_arrives(gladly: Gladly) -> None:
    run = gladly.tap.run(*FILES)
    assert_exported(run, gladly)
    items = run.records["export_conversation_items"]
    assert {each["content"]["type"] for each in items} == TYPES
    texts = "".join(str(each["content"].get("content")) for each in items)
    assert all(mark in texts for mark in "\u2028\u2029\u0085\x1c\ufffd👩")
    assert "\x00" not in texts
    assert not any("_extra" in each for stream in FILES for each in run.records[stream])
    assert not run.warnings
    assert downloads(gladly) == sorted(4 * [job.id for job in by_window(gladly)])
    for stream in FILES:
        assert run.keys[stream] == ["id"]


def test_each_record_says_which_job_it_is_of(gladly: Gladly) -> None:
    run = gladly.tap.run("export_topics")
    jobs = {job.id: moment(job.updated_at) for job in by_window(gladly)}
    seen = {each["exportJobId"]: each["exportedAt"] for each in run.records["export_topics"]}
    assert {job: moment(at) for job, at in seen.items()} == jobs


def test_a_recipient_is_a_list_whatever_the_channel(gladly: Gladly) -> None:
    run = gladly.tap.run("export_conversation_items")
    to = [
        (each["content"]["type"], type(each["content"]["to"]))
        for each in run.records["export_conversation_items"]
        if "to" in each["content"]
    ]
    assert set(to) == {("EMAIL", list), ("PHONE_CALL", list), ("SMS", list)}


def test_files_that_are_empty_or_missing_are_ordinary(start: Start) -> None:
    gladly = start(history_days=0)
    all_files: list[dict[str, t.Any]] = [
        {},
        {"topics.jsonl": [topic(1)]},
        {"agents.jsonl": b""},
        {"topics.jsonl": b"", "agents.jsonl": b"\n\n"},
        {"unknown.jsonl": b"?", "topics.jsonl": b"\n" + json.dumps(topic(2)).encode()},
    ]
    for number, files in enumerate(all_files):
        day = 9 - number
        gladly.sandbox.exports.add(
            start=ago(days=day), end=ago(days=day - 1), updated=ago(days=day - 2), files=files
        )
    run = gladly.tap.run(*FILES)
    assert run.returncode == 0, run.log
    assert run.ids("export_topics") == ["topic-1", "topic-2"]
    assert not run.records["export_agents"]
    # Three of them are empty, which is believed when it comes twice.
    assert len(downloads(gladly)) == 5 + 3
    assert not run.warnings
    again = [line for line in run.log.splitlines() if "(try 2 of 6)" in line]
    assert len(again) == 3
    assert all("an empty answer; trying again" in line for line in again)
    newest = by_window(gladly)[-1]
    for stream in FILES:
        at = moment(newest.updated_at)
        assert moment(run.bookmark(stream)) == at


BAD_LINES = [
    b"not json",
    b'{"id": "half", "na',
    b"7",
    b'[{"id": "in a list"}]',
    b"null",
    b'"text"',
    b"[" * 100_000,
]


def test_a_line_that_is_no_record_is_named_and_the_rest_is_read(start: Start) -> None:
    gladly = start(history_days=0)
    jobs = []
    for number, line in enumerate([b"", *BAD_LINES]):
        before, after = (json.dumps(topic(2 * number + each)).encode() for each in (0, 1))
        jobs.append(one_job(gladly, b"\n".join([before, b"", line, after])))
    run = gladly.tap.run("export_topics")
    assert run.returncode == 0, run.log
    assert sorted(run.ids("export_topics")) == sorted(
        topic(number)["id"] for number in range(2 * len(jobs))
    )
    assert run.bookmark("export_topics")
    [told] = run.warnings
    assert "| ERROR" in told
    assert f"{len(BAD_LINES)} lines" in told
    # A blank line is none.
    assert jobs[0] not in told
    for job in jobs[1:]:
        assert told.count(f"job {job}, topics.jsonl, line 3") == 1
    assert "half" not in told
    assert "in a list" not in told


def test_a_number_that_no_machine_has_does_not_cost_its_record(start: Start) -> None:
    gladly = start(history_days=0)
    lines = b'{"id": 1e999999}\n{"id": "two", "name": 1e999999, "disabled": 1e999999}\n'
    one_job(gladly, lines)
    run = gladly.tap.run("export_topics")
    assert run.returncode == 0, run.log
    assert run.ids("export_topics") == ["1e999999", "two"]
    record = run.records["export_topics"][1]
    assert (record["name"], record["disabled"]) == ("1e999999", None)
    assert record["_extra"] == {"disabled": "1e999999"}
    [told] = run.warnings
    assert "'disabled'" in told


def test_many_lines_that_are_no_records_are_counted(start: Start) -> None:
    gladly = start(history_days=0)
    lines = [b"?" if number % 2 else json.dumps(topic(number)).encode() for number in range(101)]
    one_job(gladly, b"\r\n".join(lines))
    run = gladly.tap.run("export_topics")
    assert run.ids("export_topics") == [f"topic-{number}" for number in range(0, 101, 2)]
    [told] = run.warnings
    assert "50 lines" in told
    assert "line 2;" in told
    assert "and more" in told


def test_a_file_that_was_cut_off_is_received_again(start: Start) -> None:
    gladly = start(history_days=6)
    jobs = by_window(gladly)
    faults: list[FaultOptions] = [
        {"truncate": True},
        {"reset": True},
        {"lost": True},
        {"status": 502},
        {"unframed": True},
    ]
    for fault, job in zip(faults, jobs, strict=False):
        fault["path"] = file_path(job)
    rules = [gladly.sandbox.faults.add(**fault) for fault in faults]
    run = gladly.tap.run("export_conversation_items")
    assert [rule.hits for rule in rules] == [1] * 5
    assert_exported(run, gladly)
    ids = [job.id for job in jobs]
    assert downloads(gladly) == sorted([*ids[:5], *ids])
    assert len(run.warnings) == 5
    for told in run.warnings:
        assert "try 2 of 6" in told
        assert not any(job in told for job in ids)


def test_a_large_file_that_was_cut_off_is_received_again(start: Start) -> None:
    gladly = start(history_days=0)
    lines = b"".join(json.dumps(topic(number)).encode() + b"\n" for number in range(20_000))
    one_job(gladly, lines)
    path = file_path(gladly.sandbox.exports.jobs[0], "topics.jsonl")
    # Once where the length is told, once where it is not.
    gladly.sandbox.faults.add(path=path, times=1, truncate=True)
    gladly.sandbox.faults.add(path=path, times=1, unframed=True)
    run = gladly.tap.run("export_topics")
    assert_exported(run, gladly)
    assert len(downloads(gladly)) == 3


def test_half_a_file_that_says_it_is_whole_does_not_pass_in_silence(start: Start) -> None:
    gladly = start(history_days=3)
    job = by_window(gladly)[1]
    gladly.sandbox.faults.add(path=file_path(job), times=1, half_json=True)
    run = gladly.tap.run("export_conversation_items")
    assert run.returncode == 0, run.log
    [told] = run.warnings
    assert job.id in told or "try 2 of 6" in told
    others = [each for each in by_window(gladly) if each is not job]
    found = set(run.ids("export_conversation_items"))
    for other in others:
        lines = b"".join(other.chunks(ITEMS)).split(b"\n")
        assert {json.loads(line)["id"] for line in lines if line} <= found
