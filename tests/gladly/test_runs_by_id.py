"""Long runs by id: what they say before and meanwhile, what they keep, how they are resumed."""

from __future__ import annotations

import json
import re
import typing as t
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

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
)
from tests.gladly.report_truth import REPORTS, days_ago
from tests.gladly.truth import API, ago, moment
from tests.running import discovered
from tests.sandbox.gladly.stamps import of

if t.TYPE_CHECKING:
    from datetime import datetime

    from tests.gladly.conftest import Gladly, Start

ESTIMATE = re.compile(
    r"Changed since (\S+): (.+); customers who may be left of a merge: ([\d,]+)\. This takes "
    r"([\d,]+) requests or some more, and (\S+) \(h:mm:ss\) or longer at (\S+) a second"
)
UNASKED = ("customer_conversations", "voice_transcripts")


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
    assert len(by_id) < 60


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
    """The customers who may be left of a merge since a time: reports do not say which of two is."""
    desk, start = gladly.sandbox.desk, of(asked_events(gladly)[0])
    found = set()
    for each in desk.log:
        if (each.kind, each.why) == ("customer", "CUSTOMER/MERGED") and each.at >= of(since):
            is_source = each.id in desk.merged
            if each.at < start or not is_source:
                found.add(each.id)
    # One who was left of a merge may have been merged again: an event says so.
    gone = {
        each.id
        for each in desk.log
        if each.why == "CUSTOMER/MERGED" and each.at >= start and each.id in desk.merged
    }
    return found - gone


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
    since = bookmarks["tasks"] - OVERLAP
    assert told[0] == f"{since:%Y-%m-%dT%H:%M:%SZ}"
    counts = {kind: named(gladly, kind, since) for kind in sorted(set(KINDS.values()))}
    assert told[1] == ", ".join(f"{count:,} {kind}s" for kind, count in counts.items())
    left = left_of_merges(gladly, since)
    assert told[2] == f"{len(left):,}"
    # Two searches, and two lists of whoever may be left.
    requests = 2 + 2 * len(left)
    for stream, bookmark in bookmarks.items():
        requests += named(gladly, KINDS[stream], bookmark - OVERLAP)
    assert told[3] == f"{requests:,}"
    assert told[4] == str(timedelta(seconds=round(requests / 100)))
    assert told[5] == "100"
    # All of them were looked at, and so many requests or some more it took.
    lists = [each for each in asked(gladly, "customers/") if each.endswith("/conversations")]
    assert left <= {each.partition("/")[0] for each in lists}
    assert len(asked_by_id(gladly)) >= requests - len(left)


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
    assert sizes[1] == sizes[0] < 1_000
    assert set(run.state["bookmarks"]["tasks"]) == {"replication_key", "replication_key_value"}


@pytest.mark.parametrize("stream", ["conversations", "conversation_items", "customer_profiles"])
def test_a_killed_run_is_resumed_where_it_was(start: Start, stream: str) -> None:
    gladly = many(start, 150)
    since = ago(hours=11)
    count = 0

    def is_enough(line: str) -> bool:
        nonlocal count
        count += f'"{stream}"' in line and '"RECORD"' in line
        return count > (300 if stream == "conversation_items" else 110)

    first = gladly.tap.run_until(
        is_enough, stream, "tasks", state=state_of(since), requests_per_second=100
    )
    assert first.returncode != 0
    truth = wanted(gladly, stream, since - OVERLAP)
    assert 0 < len(first.records[stream]) < len(truth)
    assert not first.records["tasks"]
    bookmark = moment(first.bookmark(stream))
    # Not past what was written, and not far behind it.
    at = moment(first.records[stream][-1]["changedAt"])
    assert at - timedelta(minutes=2 * 110) <= bookmark <= at
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(stream, "tasks", state=first.state)
    assert second.returncode == 0, second.log
    assert_records(second, stream, wanted(gladly, stream, bookmark - OVERLAP))
    assert {*first.ids(stream), *second.ids(stream)} == {each["id"] for each in truth}
    assert_records(second, "tasks", wanted(gladly, "tasks", since - OVERLAP))


# It takes more than half a minute, all of it waiting.
def test_a_fault_that_stays_and_one_that_passes(start: Start) -> None:
    accounts = [many(start, 3) for _ in range(2)]
    for gladly, times in zip(accounts, (None, 5), strict=True):
        second = list(changed_talks(gladly))[1]
        gladly.sandbox.faults.add(path=f"{API}/conversations/{second}", times=times, status=500)
    with ThreadPoolExecutor() as pool:
        stays, passes = pool.map(
            lambda each: each.tap.run("conversations", state=state_of(ago(hours=11))), accounts
        )
    assert_ended(stays, "/conversations/{conversationId}", "HTTP 500", "6 tries", "Run again later")
    assert len(stays.records["conversations"]) == 1
    # The last state is of what was written.
    assert stays.bookmark("conversations") == stays.records["conversations"][0]["changedAt"]
    assert passes.returncode == 0, passes.log
    assert passes.ids("conversations") == list(changed_talks(accounts[1]))
    assert "conversations: 2 of 3 done, 1 left, which takes about 0:00:" in passes.log
    assert passes.log.count(" done, ") == 1


def changed_talks(gladly: Gladly) -> list[str]:
    """The conversations of the log, by their changes."""
    log = gladly.sandbox.desk.log
    return list(dict.fromkeys(each.id for each in log if each.kind == "conversation"))
