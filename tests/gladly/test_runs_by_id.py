"""Long runs by id: what they say before and meanwhile, what they keep, how they are resumed."""

from __future__ import annotations

import gzip
import json
import re
import signal
import threading
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from tests.gladly.desk_truth import (
    EMPTY,
    KINDS,
    OVERLAP,
    RECORDS,
    add_history,
    asked,
    asked_by_id,
    asked_events,
    assert_ended,
    assert_records,
    state_of,
    wanted,
    words_of,
)
from tests.gladly.report_truth import REPORTS, days_ago
from tests.gladly.truth import API, ago, moment, written
from tests.running import Run, discovered
from tests.sandbox.gladly.timestamps import of

if t.TYPE_CHECKING:
    from datetime import datetime

    from tests.gladly.conftest import Gladly, Start

ESTIMATE = re.compile(
    r"What changed: (.+)\. This takes ([\d,]+) requests or some more \(([\d,]+) to look up "
    r"merges\), and (\S+) \(h:mm:ss\) or longer at (\S+) a second"
)
UNASKED = ("answer_contents", "customer_conversations", "customer_tasks", "voice_transcripts")


def test_only_what_costs_a_request_for_each_customer_or_call_is_not_selected() -> None:
    selected = {
        entry["tap_stream_id"]: each["metadata"]["selected-by-default"]
        for entry in discovered("tap-gladly")["streams"]
        for each in entry["metadata"]
        if not each["breadcrumb"]
    }
    assert {name for name, is_selected in selected.items() if not is_selected} == set(UNASKED)
    assert set(KINDS) | {"custom_attributes"} <= set(selected)


def test_a_run_without_a_catalog_reads_the_others(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talk = desk.conversation(at=ago(hours=2))
    desk.call(talk, at=ago(hours=1))
    desk.set_attribute(talk, "order", at=ago(hours=1))
    desk.comment(desk.task(at=ago(hours=2)), at=ago(hours=1))
    run = gladly.tap.run(reports=[], start_date=ago(hours=3).isoformat())
    assert run.returncode == 0, run.log
    for stream in (*KINDS, "custom_attributes"):
        assert bool(run.records[stream]) == (stream not in UNASKED), stream
        assert (stream in run.schemas) == (stream not in UNASKED), stream
    assert not any("voice-transcript" in each for each in asked_by_id(gladly))
    assert gladly.sandbox.traffic.count(REPORTS) == 0


def test_a_test_of_the_connection_takes_few_requests(start: Start) -> None:
    gladly = start(**EMPTY)
    add_history(gladly.sandbox.desk, ago(seconds=0))
    returncode, out, log = gladly.tap.output("--test", reports=[], start_date=days_ago(60))
    assert returncode == 0, log
    assert gladly.sandbox.traffic.count(REPORTS) == 0
    messages = [json.loads(line) for line in out.split("\n") if line]
    streams = {message["stream"] for message in messages if message["type"] == "RECORD"}
    assert streams >= set(KINDS) - set(UNASKED)
    begins = ("conversation", "customer", "tasks/", "custom-attributes/")
    by_id = [each for each in asked_by_id(gladly) if each.startswith(begins)]
    # A few requests a stream are under way when the first record has come.
    assert len(by_id) < 70


def named(gladly: Gladly, kind: str, since: datetime) -> int:
    """How many of a kind events or reports name that changed since a time."""
    start = asked_events(gladly)[0]
    return len(
        {
            each.id
            for each in gladly.sandbox.desk.log
            if each.kind == kind
            and each.at >= of(since)
            and not each.why.endswith(" moved")
            and (each.at >= of(start) or not each.why.startswith("CUSTOMER_PROFILE/"))
        }
    )


def left_of_merges(gladly: Gladly, since: datetime) -> set[str]:
    """The customers who are left of a merge since a time: events and reports say who that is."""
    desk = gladly.sandbox.desk
    return {
        each.id
        for each in desk.log
        if (each.kind, each.why) == ("customer", "CUSTOMER/MERGED") and each.at >= of(since)
    }.difference(desk.merged)


def test_the_estimate_has_the_right_numbers(start: Start) -> None:
    gladly = start(**EMPTY)
    add_history(gladly.sandbox.desk, ago(seconds=0))
    ages: dict[str, float] = {
        "conversations": 3,
        "conversation_items": 30,
        "customer_profiles": 8,
        "customer_conversations": 1,
        "tasks": 50,
        "task_comments": 5,
    }
    bookmarks = {stream: ago(hours=age) for stream, age in ages.items()}
    run = gladly.tap.run(
        *ages,
        state=state_of(**bookmarks),
        customer_emails=["a@acme.example", "b@acme.example"],
        requests_per_second=100,
    )
    assert run.returncode == 0, run.log
    [told] = ESTIMATE.findall(run.log)
    # Each kind since the oldest bookmark of its own streams.
    since = {
        kind: min(bookmarks[each] for each in ages if KINDS[each] == kind) - OVERLAP
        for kind in sorted(set(KINDS.values()))
    }
    assert told[0] == "; ".join(
        f"{kind}s: {named(gladly, kind, when):,} since {when:%Y-%m-%dT%H:%M:%SZ}"
        for kind, when in since.items()
    )
    left = {kind: left_of_merges(gladly, since[kind]) for kind in ("conversation", "task")}
    look_ups = sum(map(len, left.values()))
    assert told[2] == f"{look_ups:,}"
    assert len(left["conversation"]) < len(left["task"])
    # Two searches, and a list of each kind of whoever may be left.
    requests = 2 + look_ups
    for stream, bookmark in bookmarks.items():
        requests += named(gladly, KINDS[stream], bookmark - OVERLAP)
    assert told[1] == f"{requests:,}"
    assert told[3] == str(timedelta(seconds=round(requests / 100)))
    assert told[4] == "100"
    # All of them were looked at, and so many requests or some more it took.
    paths = asked(gladly, "customers/")
    for kind, customers in left.items():
        assert customers <= {
            each.partition("/")[0] for each in paths if each.endswith(f"/{kind}s")
        } | set(gladly.sandbox.desk.merged)
    assert len(asked_by_id(gladly)) >= requests - look_ups


def test_streams_that_lag_make_no_other_kind_be_read_again(start: Start) -> None:
    gladly = start(**EMPTY)
    desk, begin = gladly.sandbox.desk, ago(days=9)
    source, left = desk.customer(at=begin), desk.customer(at=begin)
    moved = desk.conversation(source, at=begin)
    desk.task(source, at=begin)
    desk.merge(source, left, at=ago(days=5))
    desk.update_customer(desk.customer(at=ago(days=5)), at=ago(hours=2))
    talk = desk.conversation(at=ago(hours=1))
    state = state_of(
        customer_profiles=ago(days=7),
        customer_conversations=ago(days=7),
        conversations=ago(hours=3),
        tasks=ago(hours=3),
    )
    streams = ("customer_profiles", "conversations", "tasks")
    run = gladly.tap.run(*streams, state=state)
    assert run.returncode == 0, run.log
    assert {source, left} <= set(run.ids("customer_profiles"))
    # Who is left of the merge was asked for what it moved when that was new.
    assert not asked(gladly, "customers/")
    assert run.ids("conversations") == [talk]
    assert not run.records["tasks"]
    assert "(0 to look up merges)" in run.log
    # Where conversations lag it is asked, of them alone, and no report is made of tasks.
    gladly.sandbox.traffic.clear()
    state = state_of(conversations=ago(days=7), tasks=ago(hours=3), customer_profiles=ago(hours=3))
    run = gladly.tap.run(*streams, state=state)
    assert run.returncode == 0, run.log
    assert set(run.ids("conversations")) == {moved, talk}
    assert not run.records["tasks"]
    assert {each.partition("/")[2] for each in asked(gladly, "customers/")} == {"conversations"}
    assert "ConversationTimestampsReport tells what changed" in run.log
    assert "TaskTimestampsReport" not in run.log


def many(start: Start, count: int) -> Gladly:
    """An account in which so many of each kind changed in the last day, every two minutes one."""
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    for number in range(count):
        at = ago(hours=10, minutes=-2 * number)
        customer = desk.customer(at=at)
        talk = desk.conversation(customer, at=at)
        for _ in range(3):
            desk.message(talk, at=at)
        desk.task(customer, at=at)
    return gladly


def test_the_state_does_not_grow_with_what_is_read(start: Start) -> None:
    sizes = []
    for count in (60, 150):
        gladly = many(start, count)
        run = gladly.tap.run(*RECORDS, state=state_of(ago(hours=11)))
        assert run.returncode == 0, run.log
        assert len(run.records["conversations"]) == count
        sizes.append(max(len(json.dumps(state)) for state in run.states))
        assert len(run.states) >= count * 5 // 100
        assert run.ids("conversations")[0] not in json.dumps(run.states)
    assert sizes[1] == sizes[0] < 1_100
    assert set(run.state["bookmarks"]["tasks"]) == {"replication_key", "replication_key_value"}


@pytest.mark.parametrize("stream", ["conversations", "conversation_items", "customer_profiles"])
def test_a_killed_run_is_resumed_where_it_was(start: Start, stream: str) -> None:
    gladly = many(start, 150)
    since = ago(hours=11)
    count = 0

    def is_enough(line: str) -> bool:
        nonlocal count
        count += f'"{stream}"' in line and '"RECORD"' in line
        return count > (300 if stream == "conversation_items" else 60)

    first = gladly.tap.run_until(
        is_enough, stream, "tasks", state=state_of(since), requests_per_second=50
    )
    assert first.returncode != 0
    truth = wanted(gladly, stream, since - OVERLAP)
    assert 0 < len(first.records[stream]) < len(truth)
    assert not first.records["tasks"]
    bookmark = moment(first.bookmark(stream))
    # Not past what was written, and not far behind it: the first state comes with the hundredth
    # record, and the first record is of an hour after the bookmark that the run began with.
    at = moment(first.records[stream][-1]["changedAt"])
    assert at - timedelta(minutes=60 + 2 * 110) <= bookmark <= at
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(stream, "tasks", state=first.state)
    assert second.returncode == 0, second.log
    assert_records(second, stream, wanted(gladly, stream, bookmark - OVERLAP))
    assert {*first.ids(stream), *second.ids(stream)} == {each["id"] for each in truth}
    assert_records(second, "tasks", wanted(gladly, "tasks", since - OVERLAP))


# It takes a minute, all of it waiting: what fails is tried six times, and then once more so.
@pytest.mark.slow
def test_a_fault_that_stays_and_those_that_pass(start: Start) -> None:
    alone, stays, unclear, once, passes = accounts = [many(start, 3) for _ in range(5)]
    body: dict[str, t.Any] = {"status": 200, "body": b"<p>Sorry</p>"}
    faults: list[tuple[Gladly, slice, dict[str, t.Any]]] = [
        (alone, slice(3), {"times": None, "status": 500}),
        (stays, slice(1, 2), {"times": None, "status": 500}),
        (unclear, slice(2, 3), {"times": None, **body}),
        (once, slice(1, 2), {"times": 6, **body}),
        (passes, slice(1, 2), {"times": 5, "status": 500}),
    ]
    hits = []
    for gladly, hit, answer in faults:
        for each in changed_talks(gladly)[hit]:
            path = f"{API}/conversations/{each}"
            hits.append(gladly.sandbox.faults.add(path=path, **answer))
    of_the_second, of_the_third = hits[3:5]
    since = ago(hours=11)
    with ThreadPoolExecutor() as pool:
        runs = list(
            pool.map(lambda each: each.tap.run("conversations", state=state_of(since)), accounts)
        )
    of_alone, of_stays, of_unclear, of_once, of_passes = runs
    # None of all.
    failed = "Gladly fails on /conversations/{conversationId} with HTTP 500 (6 tries)"
    assert_ended(of_alone, failed, "Run again later")
    assert not of_alone.records["conversations"]
    assert of_alone.bookmark("conversations") == written(since)
    # One among others, for ever: twice six tries, and the run goes on.
    first, second, third = changed_talks(stays)
    assert of_stays.returncode == 0, of_stays.log
    assert of_stays.ids("conversations") == [first, third]
    left_out = f"conversations: the conversation {second} cannot be read, and is left out. {failed}"
    assert [left_out in words_of(each) for each in of_stays.warnings].count(True) == 1
    assert of_the_second.hits == 12
    assert of_stays.bookmark("conversations") == written(asked_events(stays)[1])
    assert "window_start" not in of_stays.state["bookmarks"]["conversations"]
    # The last one: that it is left out is not known yet.
    first, second, third = changed_talks(unclear)
    assert of_unclear.returncode == 0, of_unclear.log
    assert of_unclear.ids("conversations") == [first, second]
    assert words_of(of_unclear.warnings[-1]).startswith(
        f"conversations: the conversation {third} cannot be read, and is asked for again by the "
        "next run. "
    )
    assert of_the_third.hits == 6
    assert (
        of_unclear.bookmark("conversations") == of_unclear.records["conversations"][-1]["changedAt"]
    )
    assert "window_start" in of_unclear.state["bookmarks"]["conversations"]
    # One that is given when it is asked once more, or even before.
    first, second, third = changed_talks(once)
    assert of_once.returncode == 0, of_once.log
    assert of_once.ids("conversations") == [first, third, second]
    assert not any("| ERROR" in each for each in of_once.warnings)
    assert of_once.bookmark("conversations") == written(asked_events(once)[1])
    assert of_passes.returncode == 0, of_passes.log
    assert of_passes.ids("conversations") == changed_talks(passes)
    assert "conversations: 2 of 3 done, 1 left, which takes about 0:00:" in of_passes.log
    assert of_passes.log.count(" done, ") == 1


def batched(folder: Path) -> list[str]:
    """The ids of all records in the batches that a run wrote."""
    return [
        json.loads(line)["id"]
        for file in sorted(folder.glob("*.gz"))
        for line in gzip.decompress(file.read_bytes()).splitlines()
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_loses_nothing_of_a_batch(start: Start, tmp_path: Path, number: int) -> None:
    gladly = many(start, 60)
    talks = changed_talks(gladly)
    settings: dict[str, t.Any] = {
        "batch_config": {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": f"file://{tmp_path}", "prefix": "by-id-"},
            "batch_size": 25,
        },
        "max_concurrent_requests": 1,
    }
    # In the middle of the second batch.
    reached = threading.Event()
    gladly.sandbox.faults.add(path=f"{API}/conversations/{talks[40]}", hook=reached.set, slow=3)
    gladly.sandbox.faults.add(path=f"{API}/conversations/{talks[38]}", hook=reached.set)
    state = state_of(ago(hours=11))
    with gladly.tap.started(streams=["conversations"], state=state, **settings) as (process, log):
        assert reached.wait(60)
        # The answer to it has come, and what came before is in the unwritten batch.
        time.sleep(1)
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
        first = Run(process.returncode, out.split("\n")[:-1], log.read_text(encoding="utf-8"))
    assert first.returncode == 128 + number, first.log
    told = [message for message in map(json.loads, first.lines) if message["type"] == "BATCH"]
    manifests = [Path(each.removeprefix("file://")) for one in told for each in one["manifest"]]
    # What no message names is nobody's.
    for file in tmp_path.glob("*.gz"):
        if file not in manifests:
            file.unlink()
    written_first = batched(tmp_path)
    assert len(written_first) < 38
    state = first.state if first.states else state
    second = gladly.tap.run("conversations", state=state, **settings)
    assert second.returncode == 0, second.log
    assert set(batched(tmp_path)) == set(talks)


def changed_talks(gladly: Gladly) -> list[str]:
    """The conversations of the log, by their changes."""
    log = gladly.sandbox.desk.log
    return list(dict.fromkeys(each.id for each in log if each.kind == "conversation"))
