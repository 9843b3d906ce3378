"""Calls and their details: complete, in order, incremental, resumable."""

from __future__ import annotations

import gzip
import json
import signal
import threading
import time
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.clari.truth import MODIFIED, assert_loaded, detailed, listed
from tests.expected import expected
from tests.running import Run
from tests.sandbox.copilot import SIGNATURE

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot, Start

STREAMS = ("calls", "call_details")
NEXT_YEAR = f"{datetime.now(timezone.utc).year + 1}-12-31T00:00:00Z"
"""After the end of any run."""


@pytest.mark.parametrize("bounds", ["strict", "inclusive"])
def test_all_calls_arrive_once_and_in_the_order_of_their_change(start: Start, bounds: str) -> None:
    copilot = start(calls=700, bounds=bounds)
    run = copilot.tap.run("calls")
    assert_loaded(run, "calls", listed(copilot))
    times = [record[MODIFIED] for record in run.records["calls"]]
    assert times == sorted(times)
    assert run.bookmark("calls") == times[-1]


def test_all_details_arrive_once_and_in_the_order_of_the_calls_change(start: Start) -> None:
    copilot = start(calls=300)
    run = copilot.tap.run("call_details")
    truth = detailed(copilot)
    assert_loaded(run, "call_details", truth)
    times = [record[MODIFIED] for record in run.records["call_details"]]
    assert times == sorted(times)
    assert copilot.sandbox.traffic.count("/call-details") == len(truth)


def test_details_are_read_of_the_statuses_that_are_set(start: Start) -> None:
    copilot = start(calls=200)
    run = copilot.tap.run("call_details", call_detail_statuses=["ERROR_IN_PROCESSING"])
    assert run.returncode == 0, run.log
    wanted = {k for k, c in listed(copilot).items() if c["status"] == "ERROR_IN_PROCESSING"}
    assert set(run.ids("call_details")) == wanted
    assert wanted


def test_private_calls_come_only_when_asked_for(start: Start) -> None:
    copilot = start(calls=200)
    private = set(listed(copilot, private=True)) - set(listed(copilot))
    assert private
    assert not private & set(copilot.tap.run("calls").ids("calls"))
    run = copilot.tap.run(*STREAMS, include_private_calls=True)
    assert_loaded(run, "calls", listed(copilot, private=True))
    assert_loaded(run, "call_details", detailed(copilot, private=True))


def test_signed_urls_come_only_when_asked_for(start: Start) -> None:
    copilot = start(calls=40)
    run = copilot.tap.run(*STREAMS)
    assert not any("audio_url" in record for record in run.records["calls"])
    assert not any("audio_url" in record for record in run.records["call_details"])

    run = copilot.tap.run(*STREAMS, include_media_urls=True)
    for stream in STREAMS:
        signed = [r for r in run.records[stream] if SIGNATURE in (r.get("audio_url") or "")]
        assert signed
    assert SIGNATURE not in run.log
    assert SIGNATURE not in json.dumps(run.states)


def test_start_date_bounds_the_first_run(start: Start) -> None:
    copilot = start(calls=300)
    since = "2026-04-01T00:00:00Z"
    run = copilot.tap.run("calls", start_date=since)
    truth = {
        call_id: call
        for call_id, call in listed(copilot).items()
        if expected(call, run.schemas["calls"])[MODIFIED] >= "2026-04-01T00:00:00.000000Z"
    }
    assert 0 < len(truth) < len(listed(copilot))
    assert_loaded(run, "calls", truth)


def test_only_what_changed_is_read_again(start: Start) -> None:
    copilot = start(calls=300)
    account = copilot.sandbox.account
    first = copilot.tap.run(*STREAMS)
    newest = first.bookmark("calls")
    # A call of this very time is listed again; its details are not asked for.
    last = {
        "calls": {r["id"] for r in first.records["calls"] if r[MODIFIED] == newest},
        "call_details": set(),
    }

    copilot.sandbox.traffic.clear()
    again = copilot.tap.run(*STREAMS, state=first.state)
    for stream in STREAMS:
        assert set(again.ids(stream)) == last[stream]
        assert again.bookmark(stream) == first.bookmark(stream)
    assert copilot.sandbox.traffic.count("/call-details") == 0

    changed = [k for k in detailed(copilot) if k not in last["calls"]][:3]
    for second, call_id in enumerate(changed):
        account.touch(call_id, modified=f"2026-10-02T00:00:0{second}Z", status="PROCESSED")
    copilot.sandbox.traffic.clear()
    third = copilot.tap.run(*STREAMS, state=again.state)
    for stream in STREAMS:
        assert set(third.ids(stream)) == {*changed, *last[stream]}
        assert third.bookmark(stream) == "2026-10-02T00:00:02.000000Z"
    assert copilot.sandbox.traffic.count("/call-details") == 3


def test_a_call_that_comes_to_share_the_time_of_the_bookmark_is_not_lost(start: Start) -> None:
    copilot = start(calls=50)
    first = copilot.tap.run("calls")
    other = first.ids("calls")[0]
    copilot.sandbox.account.touch(other, modified=first.bookmark("calls")[:23] + "Z")
    assert other in copilot.tap.run("calls", state=first.state).ids("calls")


def test_the_look_back_goes_back_from_a_bookmark_only(start: Start) -> None:
    copilot = start(calls=300)
    whole = copilot.tap.run("calls", start_date="2026-06-01", lookback_days=30)
    assert min(r[MODIFIED] for r in whole.records["calls"]) >= "2026-06-01"

    state = {
        "bookmarks": {
            "calls": {
                "replication_key": MODIFIED,
                "replication_key_value": "2026-08-10T00:00:00.000000Z",
            }
        }
    }
    run = copilot.tap.run("calls", state=state, lookback_days=30)
    truth = {
        call_id: call
        for call_id, call in listed(copilot).items()
        if expected(call, run.schemas["calls"])[MODIFIED] >= "2026-07-11T00:00:00.000000Z"
    }
    assert_loaded(run, "calls", truth)
    bounded = copilot.tap.run("calls", state=state, lookback_days=30, start_date="2026-08-01")
    assert min(r[MODIFIED] for r in bounded.records["calls"]) >= "2026-08-01"


@pytest.mark.slow
def test_a_list_longer_than_can_be_paged_arrives_whole(start: Start) -> None:
    copilot = start(calls=32_000)
    run = copilot.tap.run("calls")
    assert run.returncode == 0, run.log
    ids = run.ids("calls")
    assert len(ids) == len(set(ids))
    assert set(ids) == set(listed(copilot))
    times = [record[MODIFIED] for record in run.records["calls"]]
    assert times == sorted(times)
    pages = len(ids) / 100
    # What the cap costs: the pages that only told that a window holds too much, and those of a
    # window's end that are not full.
    assert copilot.sandbox.traffic.count("/calls") < pages * 1.1
    assert not run.warnings


def test_only_the_first_page_of_a_window_is_counted(start: Start) -> None:
    copilot = start(calls=900)
    copilot.tap.run("calls")
    pages = [dict(e.params or []) for e in copilot.sandbox.traffic.exchanges("/calls")]
    later = [page for page in pages if int(page.get("skip", "0")) > 0]
    assert len(later) >= 7
    assert all(page["includePagination"] == "false" for page in later)


@pytest.mark.slow
def test_a_second_that_holds_more_than_can_be_paged_is_cut_by_call_time(start: Start) -> None:
    # The last second of the account, so that the bookmark ends in it.
    copilot = start(calls=50, burst=(25_000, "2026-10-09T12:00:00Z"))
    run = copilot.tap.run("calls")
    assert run.returncode == 0, run.log
    ids = run.ids("calls")
    assert len(ids) == len(set(ids))
    assert set(ids) == set(listed(copilot))
    assert run.bookmark("calls") == max(record[MODIFIED] for record in run.records["calls"])
    assert not run.warnings


@pytest.mark.slow
def test_calls_that_no_filter_can_part_are_named(start: Start) -> None:
    copilot = start(
        calls=50,
        burst=(25_000, "2026-03-01T12:00:00Z"),
        burst_call_time="2026-02-27T09:00:00Z",
    )
    run = copilot.tap.run("calls")
    assert run.returncode == 0, run.log
    truth = set(listed(copilot))
    missing = len(truth - set(run.ids("calls")))
    assert missing == len(truth) - len(run.ids("calls")) > 0
    [warning] = run.warnings
    assert "2026-03-01T12:00:00.000000Z" in warning
    assert f"{missing} of them" in warning


def test_a_call_that_changes_while_the_list_is_paged_takes_no_other_with_it(start: Start) -> None:
    copilot = start(calls=1_000)
    account = copilot.sandbox.account
    first_page = [c["id"] for c in account_in_order(copilot)[:100]]

    def change_those_read() -> None:
        for call_id in first_page[:20]:
            account.touch(call_id, modified=NEXT_YEAR)

    # The list moves up by as many as leave it: what stood first on page 3 is on page 2 by then.
    copilot.sandbox.faults.add(path="/calls", params={"skip": "200"}, hook=change_those_read)
    before = set(listed(copilot))
    run = copilot.tap.run("calls")
    assert run.returncode == 0, run.log
    assert before - set(first_page[:20]) <= set(run.ids("calls"))


def account_in_order(copilot: Copilot) -> list[dict[str, t.Any]]:
    """The listed calls by their own time, as the tap asks for them."""
    return sorted(listed(copilot).values(), key=lambda call: t.cast("str", call.get("time") or ""))


def test_calls_without_a_modified_time_are_not_left_out(start: Start) -> None:
    copilot = start(calls=150, undated=40)
    run = copilot.tap.run("calls")
    assert_loaded(run, "calls", listed(copilot))
    undated = [r for r in run.records["calls"] if r.get(MODIFIED) is None]
    assert len(undated) >= 38  # some are private
    assert run.bookmark("calls") == max(r.get(MODIFIED) or "" for r in run.records["calls"])


def test_a_call_that_vanishes_is_named_and_nothing_else_is_lost(start: Start) -> None:
    copilot = start(calls=120)
    truth = detailed(copilot)
    vanished = sorted(truth)[:3]
    for call_id in vanished:
        copilot.sandbox.account.vanish(call_id)
    run = copilot.tap.run("call_details")
    assert_loaded(run, "call_details", {k: c for k, c in truth.items() if k not in vanished})
    [line] = [line for line in run.log.splitlines() if "were gone" in line]
    assert "3 calls" in line
    assert all(call_id in line for call_id in vanished)


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("stream", STREAMS)
def test_a_killed_run_resumes_where_it_stopped(
    start: Start, stream: str, signal_number: int
) -> None:
    copilot = start(calls=4_000)
    truth = set(listed(copilot)) if stream == "calls" else set(detailed(copilot))
    seen = 0

    def after_1800(line: str) -> bool:
        nonlocal seen
        seen += '"RECORD"' in line
        return seen == 1_800

    killed = copilot.tap.run_until(after_1800, stream, signal_number=signal_number)
    assert killed.returncode in {-signal.SIGKILL, 128 + signal.SIGTERM}
    first = set(killed.ids(stream))
    assert 1_800 <= len(first) < len(truth)

    resumed = copilot.tap.run(stream, state=killed.state)
    assert resumed.returncode == 0, resumed.log
    again = first & set(resumed.ids(stream))
    assert first | set(resumed.ids(stream)) == truth
    # What the last state did not cover: a batch, and what was under way.
    assert len(again) <= 1_000
    assert len(resumed.ids(stream)) <= len(truth) - 1_000


def test_a_run_that_is_stopped_while_its_target_is_slow_writes_whole_messages(
    start: Start,
) -> None:
    copilot = start(calls=3_000)
    with copilot.tap.started(streams=("calls",)) as (process, log):
        assert process.stdout
        process.stdout.readline()
        # Nobody reads: the pipe is full, and the tap is in the middle of a message.
        time.sleep(3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        rest = process.stdout.read()
        process.wait(timeout=60)
        assert process.returncode == 128 + signal.SIGTERM, log.read_text()
    messages = [json.loads(line) for line in rest.split("\n")[:-1]]
    assert rest.endswith("\n")
    assert [message["type"] for message in messages][-1] == "STATE"


def test_the_state_does_not_grow_with_the_calls(start: Start) -> None:
    copilot = start(calls=3_000)
    run = copilot.tap.run(*STREAMS, "accounts", "contacts", "deals")
    assert run.returncode == 0, run.log
    assert len(run.records["calls"]) > 2_700
    assert len(run.records["call_details"]) > 1_500
    assert len(json.dumps(run.state)) < 1_200
    assert max(len(json.dumps(state)) for state in run.states) < 1_800


@pytest.mark.parametrize("settings", [{}, {"start_date": "2026-01-01"}], ids=["alone", "start"])
def test_a_bookmark_that_is_no_time_is_told_in_a_sentence(
    copilot: Copilot, settings: dict[str, t.Any]
) -> None:
    state = {"bookmarks": {"calls": {"replication_key": MODIFIED, "replication_key_value": "soon"}}}
    run = copilot.tap.run("calls", state=state, **settings)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert "'calls'" in run.last_word
    assert "bookmark" in run.last_word


def test_records_can_be_written_as_batches(start: Start, tmp_path: Path) -> None:
    copilot = start(calls=300)
    run = copilot.tap.run(
        "calls",
        batch_config={
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": f"file://{tmp_path}", "prefix": "calls-"},
            "batch_size": 100,
        },
    )
    assert run.returncode == 0, run.log
    kinds = [json.loads(line)["type"] for line in run.lines]
    assert kinds.count("BATCH") == -(-len(listed(copilot)) // 100)
    assert kinds[-1] == "STATE"


def test_a_signal_loses_nothing_of_a_batch(start: Start, tmp_path: Path) -> None:
    copilot = start(calls=2_500)
    settings: dict[str, t.Any] = {
        "batch_config": {
            "encoding": {"format": "jsonl", "compression": "gzip"},
            "storage": {"root": f"file://{tmp_path}", "prefix": "calls-"},
            "batch_size": 2_500,
        },
    }
    # In the middle of a batch.
    reached = threading.Event()
    copilot.sandbox.faults.add(path="/call-details", after=1_400, hook=reached.set)
    with copilot.tap.started(streams=["call_details"], **settings) as (process, log):
        assert reached.wait(60)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        stopped = Run(process.returncode, out.split("\n")[:-1], log.read_text(encoding="utf-8"))
    assert stopped.returncode == 128 + signal.SIGTERM, stopped.log
    files: list[Path] = []
    resumed = copilot.tap.run(
        "call_details", state=stopped.state if stopped.states else None, **settings
    )
    assert resumed.returncode == 0, resumed.log
    for message in map(json.loads, [*stopped.lines, *resumed.lines]):
        if message["type"] == "BATCH":
            files += [Path(each.removeprefix("file://")) for each in message["manifest"]]
    lines = [line for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]
    assert {json.loads(line)["id"] for line in lines} == set(detailed(copilot))


def test_a_call_that_changes_during_a_run_belongs_to_the_next(start: Start) -> None:
    copilot = start(calls=300)
    changed = min(listed(copilot))
    copilot.sandbox.faults.add(
        path="/calls",
        hook=lambda: copilot.sandbox.account.touch(changed, modified=NEXT_YEAR),
    )
    run = copilot.tap.run("calls")
    assert run.returncode == 0, run.log
    assert changed not in run.ids("calls")
    assert run.bookmark("calls") < NEXT_YEAR


@pytest.mark.parametrize("bounds", ["strict", "inclusive"])
def test_calls_on_the_boundary_of_two_windows_come_once(start: Start, bounds: str) -> None:
    copilot = start(calls=11_000, bounds=bounds)
    start_of_data = datetime(2025, 9, 1, tzinfo=timezone.utc)
    # The run cuts its window in the middle: a call in each second of the hour around it.
    middle = start_of_data + (datetime.now(timezone.utc) - start_of_data) / 2
    calls = sorted(listed(copilot))
    for second, call_id in enumerate(calls[:3_600]):
        moment = middle + timedelta(seconds=second - 1_800)
        copilot.sandbox.account.touch(call_id, modified=moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
    run = copilot.tap.run("calls", start_date="2025-09-01")
    assert run.returncode == 0, run.log
    ids = run.ids("calls")
    assert len(ids) == len(set(ids))
    assert set(ids) == set(calls)


def test_a_run_that_is_killed_in_a_crowded_second_loses_nothing(start: Start) -> None:
    copilot = start(calls=50, burst=(12_000, "2026-03-01T12:00:00Z"))
    seen = 0

    def amid_the_second(line: str) -> bool:
        nonlocal seen
        seen += '"RECORD"' in line
        return seen == 7_000

    killed = copilot.tap.run_until(amid_the_second, "calls")
    resumed = copilot.tap.run("calls", state=killed.state)
    assert {*killed.ids("calls"), *resumed.ids("calls")} == set(listed(copilot))


def test_a_look_back_does_not_move_the_bookmark_back(start: Start) -> None:
    copilot = start(calls=300)
    bookmark = "2026-12-31T00:00:00.000000Z"
    state = {
        "bookmarks": {"calls": {"replication_key": MODIFIED, "replication_key_value": bookmark}}
    }
    run = copilot.tap.run("calls", state=state, lookback_days=365)
    assert run.returncode == 0, run.log
    assert run.records["calls"]
    assert run.bookmark("calls") == bookmark


def test_undated_calls_that_no_filter_can_part_are_named(start: Start) -> None:
    copilot = start(calls=100, undated=12_000)
    account = copilot.sandbox.account
    run = copilot.tap.run("calls")
    assert run.returncode == 0, run.log
    ids = run.ids("calls")
    assert len(ids) == len(set(ids))
    missing = set(listed(copilot)) - set(ids)
    assert all(not account.listed(call_id).get("time") for call_id in missing)
    assert bool(missing) == bool(run.warnings)
    if missing:
        assert f"{len(missing)} of them" in run.warnings[0]


def test_an_empty_list_of_statuses_means_every_status(start: Start) -> None:
    copilot = start(calls=80)
    run = copilot.tap.run("call_details", call_detail_statuses=[])
    assert run.returncode == 0, run.log
    assert set(run.ids("call_details")) == set(listed(copilot))


def test_of_many_vanished_calls_only_some_are_named(start: Start) -> None:
    copilot = start(calls=120)
    vanished = sorted(detailed(copilot))[:40]
    for call_id in vanished:
        copilot.sandbox.account.vanish(call_id)
    run = copilot.tap.run("call_details")
    [line] = [line for line in run.log.splitlines() if "were gone" in line]
    assert "40 calls" in line
    assert sum(call_id in line for call_id in vanished) == 20
    assert line.endswith("and others")


def test_a_list_that_never_comes_whole_is_named(start: Start) -> None:
    copilot = start(calls=300)
    page = {"calls": [], "pagination": {"matched": 0, "hasMore": False, "nextPageSkip": 0}}
    copilot.sandbox.faults.add(
        path="/calls", params={"skip": "100"}, times=None, status=200, body=page
    )
    run = copilot.tap.run("calls")
    assert run.returncode == 0, run.log
    total = len(listed(copilot))
    [warning] = run.warnings
    assert f"counts {total} records but gives {total - 100}" in warning


def test_a_page_of_a_list_that_is_not_there_ends_the_run(start: Start) -> None:
    copilot = start(calls=300)
    copilot.sandbox.faults.add(path="/calls", params={"skip": "100"}, times=None, status=404)
    run = copilot.tap.run("calls")
    assert run.returncode == 1
    assert "404" in run.last_word
    assert not run.records["calls"]


def test_details_come_last(copilot: Copilot) -> None:
    run = copilot.tap.run()
    assert list(run.schemas)[-1] == "call_details"
    assert next(iter(run.schemas)) == "users"


def test_a_count_that_is_too_low_hides_no_call(start: Start) -> None:
    copilot = start(calls=700)
    first_page = account_in_order(copilot)[:100]
    copilot.sandbox.faults.add(
        path="/calls",
        params={"skip": "0"},
        times=None,
        status=200,
        body={"calls": first_page, "pagination": {"matched": 100, "hasMore": False}},
    )
    run = copilot.tap.run("calls")
    assert run.returncode == 0, run.log
    assert set(run.ids("calls")) == set(listed(copilot))


def test_calls_that_appear_while_a_list_is_paged_push_no_other_off_its_end(start: Start) -> None:
    copilot = start(calls=340)
    account = copilot.sandbox.account
    for call_id in sorted(listed(copilot))[300:]:
        account.delete(call_id)
    before = set(listed(copilot))
    assert len(before) == 300

    def appear() -> None:
        account.add(20, modified_from="2026-05-01T00:00:00Z", modified_to="2026-06-01T00:00:00Z")

    copilot.sandbox.faults.add(path="/calls", params={"skip": "100"}, hook=appear)
    # One page after the other, so that the last one is asked for when they are there.
    run = copilot.tap.run("calls", max_concurrent_requests=1)
    assert run.returncode == 0, run.log
    assert before <= set(run.ids("calls"))


def test_a_bookmark_in_the_future_is_named(copilot: Copilot) -> None:
    state = {
        "bookmarks": {
            "calls": {"replication_key": MODIFIED, "replication_key_value": "2099-01-01T00:00:00Z"}
        }
    }
    run = copilot.tap.run("calls", state=state)
    assert run.returncode == 0, run.log
    assert not run.records["calls"]
    [warning] = run.warnings
    assert "future" in warning
