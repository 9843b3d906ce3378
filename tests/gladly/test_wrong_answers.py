"""Answers with an ordinary face that are not what was asked for: no row is lost, hollow or deleted.

A target keeps the records before a state, and that state. What counts is what it has after one more
run, of a Gladly that is well again.
"""

from __future__ import annotations

import json
import typing as t
from itertools import cycle

import pytest

from tests.gladly.conftest import Gladly, config
from tests.gladly.desk_truth import EMPTY, EVENTS, KINDS, add_history, state_of
from tests.gladly.report_truth import REPORTS, days_ago, without_added
from tests.gladly.truth import API, ago, by_window, file_path, written
from tests.running import Record, Run, Tap
from tests.sandbox.gladly import GladlySandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gladly.conftest import Start

Answer = tuple[int, t.Any]

GATEWAY = {"message": "no Route matched with those values", "request_id": "x"}
PAGE = b"<!doctype html><html><body>Not here</body></html>"
NOT_FOUND: dict[str, Answer] = {
    "a gateway's 404": (404, GATEWAY),
    "a page's 404": (404, PAGE),
    "an empty 404": (404, b""),
}
ANSWERS: dict[str, Answer] = {
    **NOT_FOUND,
    "an empty 200": (200, b""),
    "an error object": (200, {"errors": [{"code": "internal"}]}),
    "an empty object": (200, b"{}"),
    "null": (200, b"null"),
    "a number": (200, b"5"),
}

KINDS_OF_ANSWERS = {
    "404": [*NOT_FOUND.values()],
    "no JSON": [ANSWERS["an empty 200"]],
    "no record": [ANSWERS[each] for each in ("an error object", "an empty object", "null")],
}
"""Answers of which each is the answer for some of the ids."""

BY_ID = {
    "conversations": ("conversations", "conversations/{}"),
    "conversation_items": ("conversations", "conversations/{}/items"),
    "customer_profiles": ("customers", "customer-profiles/{}"),
    "tasks": ("tasks", "tasks/{}"),
    "task_comments": ("tasks", "tasks/{}/comments"),
}
"""The streams that are read by id, with the table of the ids and the path below the API's."""

OWNERS = {"conversation_items": "conversationId", "task_comments": "taskId"}
"""The member by whose id a stream is read, where that is not its own."""

LISTS = {
    "agents": "agents",
    "teams": "teams",
    "topics": "topics",
    "business_hours": "business-hours",
    "export_jobs": "export/jobs",
    "organization": "organization",
}


FILES = ("events", "export_conversation_items")
"""The streams of which each record is a line of a file."""

REPORT = "report_contact_timestamps"


class Account(t.NamedTuple):
    """An account, a state, and what a run reads of it from there without faults."""

    gladly: Gladly
    state: Record
    calm: Run


@pytest.fixture(scope="module")
def standing() -> Iterator[Account]:
    """An account with some changes of the last day, for all tests, and what a run reads of it."""
    with GladlySandbox(**EMPTY) as sandbox:
        gladly = Gladly(sandbox, Tap("tap-gladly", config(sandbox)))
        add_history(sandbox.desk, ago(seconds=0))
        state = state_of(ago(hours=20))
        yield Account(gladly, state, gladly.tap.run(*BY_ID, state=state))


@pytest.fixture(scope="module")
def standing_jobs() -> Iterator[Account]:
    """An account with lists, exports and reports, and what a run reads of them."""
    with GladlySandbox(history_days=3, days=4) as sandbox:
        gladly = Gladly(sandbox, Tap("tap-gladly", config(sandbox)))
        calm = gladly.tap.run(*LISTS, *FILES, "inboxes")
        reports = gladly.tap.run(REPORT, start_date=days_ago(3))
        calm.records[REPORT] = reports.records[REPORT]
        # Older ones are not there any more when a test reads them.
        calm.records["events"] = [
            each for each in calm.records["events"] if each["timestamp"] > written(ago(hours=23))
        ]
        assert all(calm.records[each] for each in (*LISTS, *FILES, REPORT))
        yield Account(gladly, {}, calm)


@pytest.fixture
def jobs(standing_jobs: Account) -> Iterator[Account]:
    """That account, without faults."""
    yield standing_jobs
    standing_jobs.gladly.sandbox.faults.clear()


@pytest.fixture
def account(standing: Account) -> Iterator[Account]:
    """The account, without faults."""
    yield standing
    standing.gladly.sandbox.faults.clear()


def ids(gladly: Gladly, table: str) -> list[str]:
    """The ids in a table of the helpdesk."""
    return list(getattr(gladly.sandbox.desk, table))


def fail(gladly: Gladly, path: str, answer: Answer, times: int | None = None) -> None:
    """Let a path have this answer."""
    status, body = answer
    gladly.sandbox.faults.add(path=f"{API}/{path}", times=times, status=status, body=body)


def bookmarks(run: Run) -> dict[str, Record]:
    """What the last state has of each stream."""
    found: dict[str, Record] = run.state.get("bookmarks", {}) if run.states else {}
    return found


def deleted(records: list[Record]) -> set[str]:
    """The ids of which the stream says that they are gone."""
    return {each["id"] for each in records if "_sdc_deleted_at" in each}


def assert_complete(
    run: Run,
    healthy: Run,
    calm: Run,
    streams: t.Iterable[str],
    may_have_more: t.Container[str] = ("events",),
) -> None:
    """What a target has after both runs is what it has of a run without faults."""
    assert healthy.returncode == 0, healthy.log
    for stream in streams:
        wanted = calm.by_id(stream)
        found = {each["id"]: each for each in run.kept(stream) + healthy.records[stream]}
        assert set(found) >= set(wanted), stream
        assert stream in may_have_more or set(found) == set(wanted), stream
        assert deleted([found[each] for each in wanted]) == deleted([*wanted.values()]), stream
        assert all(set(found[each]) == set(wanted[each]) for each in wanted), stream


@pytest.mark.parametrize("kind", KINDS_OF_ANSWERS)
def test_what_is_read_by_id_is_not_gone_and_not_hollow(
    account: Account, impatient: str, kind: str
) -> None:
    gladly, state, calm = account
    for table, path in BY_ID.values():
        for each, answer in zip(ids(gladly, table), cycle(KINDS_OF_ANSWERS[kind]), strict=False):
            fail(gladly, path.format(each), answer)
    run = Tap(impatient, gladly.tap.config).run(*BY_ID, state=state)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    for stream in BY_ID:
        assert deleted(run.records[stream]) <= deleted(calm.records[stream])
        assert f"The stream {stream} is incomplete. " in run.log
    gladly.sandbox.faults.clear()
    healthy = gladly.tap.run(*BY_ID, state=run.state)
    assert_complete(run, healthy, calm, BY_ID)


def test_single_ids_that_are_answered_wrongly_are_named_and_passed_over(
    account: Account, impatient: str
) -> None:
    gladly, state, calm = account
    hit: dict[str, list[str]] = {}
    for stream, (table, path) in BY_ID.items():
        whole = "customer_profiles" if table == "customers" else table
        there = [each for each in calm.ids(whole) if each in ids(gladly, table)]
        # Fewer in a row than end a stream, and others behind them; each in another way.
        hit[stream] = there[: len(ANSWERS)]
        assert len(there) > len(ANSWERS)
        for each, answer in zip(hit[stream], ANSWERS.values(), strict=True):
            fail(gladly, path.format(each), answer)
    run = Tap(impatient, gladly.tap.config).run(*BY_ID, state=state)
    assert run.returncode == 0, run.log
    for stream, wrong in hit.items():
        own = OWNERS.get(stream, "id")
        assert deleted(run.records[stream]) == deleted(calm.records[stream])
        for each in wrong:
            sentence = f"{stream}: the {KINDS[stream]} {each} cannot be read, and is left out. "
            assert any(sentence in line for line in run.warnings)
        missing = set(calm.ids(stream)) - set(run.ids(stream))
        assert {calm.by_id(stream)[each][own] for each in missing} <= set(wrong)
        if own == "id":
            assert missing == set(wrong)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_list_that_stays_wrong_fails_alone(jobs: Account, impatient: str, answer: str) -> None:
    gladly, _, calm = jobs
    for path in LISTS.values():
        fail(gladly, path, ANSWERS[answer])
    run = Tap(impatient, gladly.tap.config).run("inboxes", *LISTS)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    for stream in LISTS:
        assert f"The stream {stream} is incomplete. " in run.log
        assert stream in run.last_word
        assert not run.records[stream]
    assert run.records["inboxes"] == calm.records["inboxes"]
    assert run.last_word.endswith("The other streams are whole.")
    # So the next run reads all of them, jobs too.
    assert not any("replication_key_value" in each for each in bookmarks(run).values())


@pytest.mark.parametrize("first", [0, 2, 4])
def test_a_list_that_is_wrong_once_is_asked_for_again(
    jobs: Account, impatient: str, first: int
) -> None:
    gladly, _, calm = jobs
    # Not of 404: a list has an address of its own, which may be wrong.
    answers = [answer for name, answer in ANSWERS.items() if name not in NOT_FOUND]
    for number, path in enumerate(LISTS.values(), start=first):
        fail(gladly, path, answers[number % len(answers)], times=1)
    run = Tap(impatient, gladly.tap.config).run(*LISTS)
    assert run.returncode == 0, run.log
    for stream in LISTS:
        # The order of jobs says nothing.
        assert run.by_id(stream) == calm.by_id(stream)


LINES: dict[str, bytes] = {
    "nothing": b"",
    "an error object": b'{"errors":[{"code":"internal"}]}\n',
    "an empty object": b"{}\n",
    "numbers": b"5\nnull\n",
    "a gateway's answer": json.dumps(GATEWAY).encode(),
}


@pytest.mark.parametrize("lines", LINES)
def test_a_file_without_a_record_is_not_the_file(jobs: Account, impatient: str, lines: str) -> None:
    gladly, _, calm = jobs
    tap = Tap(impatient, gladly.tap.config)
    paths = (EVENTS, file_path(by_window(gladly)[1]))
    for path in paths:
        gladly.sandbox.faults.add(path=path, times=None, status=200, body=LINES[lines])
    run = tap.run(*FILES)
    state = run.state
    if lines == "nothing":
        # What is empty twice is empty.
        assert run.returncode == 0, run.log
        assert not run.records["events"]
        state = {}
    else:
        assert run.returncode == 1
        assert all(each in run.last_word for each in FILES)
    gladly.sandbox.faults.clear()
    for path in paths:
        gladly.sandbox.faults.add(path=path, times=1, status=200, body=LINES[lines])
    healthy = tap.run(*FILES, state=state)
    if lines == "nothing":
        run = healthy
    assert_complete(run, healthy, calm, FILES)


def test_a_file_that_another_says_is_gone_leaves_its_job_unread(
    jobs: Account, impatient: str
) -> None:
    gladly, _, calm = jobs
    stream = "export_conversation_items"
    state: Record | None = None
    for job, (status, body) in zip(by_window(gladly), NOT_FOUND.values(), strict=False):
        fault = gladly.sandbox.faults.add(path=file_path(job), times=None, status=status, body=body)
        run = Tap(impatient, gladly.tap.config).run(stream, state=state)
        assert run.returncode == 1
        assert "not in the form in which Gladly says" in run.last_word
        assert job.id not in {each["exportJobId"] for each in run.records[stream]}
        gladly.sandbox.faults.remove(fault)
    healthy = gladly.tap.run(stream, state=run.state)
    assert_complete(run, healthy, calm, [stream])


HEADER = "Timestamp,Event Type,Contact ID\n"
WHOLE = "2026-01-02T03:04:05Z,CONTACT/STARTED,c1\n"
CUT: dict[str, str] = {
    "a row that ends early": f"{HEADER}{WHOLE}2026-01-02T03:0",
    "a row with fewer cells": f"{HEADER}{WHOLE}2026-01-02T03:04:05Z,X\n",
    "a quote that does not close": f'{HEADER}{WHOLE}2026-01-02T03:04:05Z,"X,c2\n{WHOLE}',
    "a sentence": "Unexpected error occurred",
    "a sentence with a comma": "Unexpected error occurred, try again\n",
}


@pytest.mark.parametrize("body", CUT)
def test_a_report_that_is_not_whole_is_asked_for_again_and_then_fails_alone(
    jobs: Account, impatient: str, body: str
) -> None:
    gladly, _, calm = jobs
    tap = Tap(impatient, gladly.tap.config)
    content = CUT[body].encode()
    gladly.sandbox.faults.add(path=REPORTS, times=None, status=200, body=content)
    run = tap.run(REPORT, "inboxes", start_date=days_ago(3))
    assert run.returncode == 1
    assert run.records["inboxes"] == calm.records["inboxes"]
    assert f"Incomplete for this: {REPORT}. The other streams are whole." in run.last_word
    assert "replication_key_value" not in bookmarks(run).get(REPORT, {})
    gladly.sandbox.faults.clear()
    # Once, it is asked for again.
    gladly.sandbox.faults.add(path=REPORTS, times=1, status=200, body=content)
    healthy = tap.run(REPORT, state=run.state, start_date=days_ago(3))
    assert healthy.returncode == 0, healthy.log
    assert without_added(healthy.records[REPORT]) == without_added(calm.records[REPORT])


def test_a_report_that_never_comes_keeps_no_catalog_and_no_other_stream_away(
    start: Start, impatient: str
) -> None:
    gladly = start(days=3)
    body = b"Unexpected error occurred"
    gladly.sandbox.faults.add(path=REPORTS, times=None, status=200, body=body)
    tap = Tap(impatient, gladly.tap.config)
    returncode, out, log = tap.output("--discover")
    assert returncode == 0, log
    names = {each["tap_stream_id"] for each in json.loads(out)["streams"]}
    assert {"report_contact_timestamps", "conversations"} <= names
    assert "The columns of report_contact_timestamps are not known" in log


def test_changes_of_a_report_that_does_not_come_are_read_when_it_comes(
    account: Account, impatient: str
) -> None:
    gladly, state = account.gladly, state_of(ago(days=6))
    tap = Tap(impatient, gladly.tap.config)
    streams = ("conversations", "tasks")
    calm = tap.run(*streams, state=state)
    body = b"Unexpected error occurred"
    gladly.sandbox.faults.add(path=REPORTS, times=None, status=200, body=body)
    run = tap.run(*streams, state=state)
    assert run.returncode == 0, run.log
    for name in ("ConversationTimestampsReport", "TaskTimestampsReport"):
        assert any(f"The report {name} cannot be read." in line for line in run.warnings)
    assert len(run.records["conversations"]) < len(calm.records["conversations"])
    gladly.sandbox.faults.clear()
    healthy = tap.run(*streams, state=run.state)
    # A report tells of whole days: of changes before the bookmark, too.
    assert_complete(run, healthy, calm, streams, may_have_more=streams)
    assert "unread_reports" not in json.dumps(healthy.state)


def test_one_stream_s_fault_stops_one_stream(start: Start) -> None:
    gladly = start(history_days=1)
    calm = gladly.tap.run("agents", "teams", "topics")
    gladly.sandbox.faults.add(path=f"{API}/teams", times=None, status=403)
    run = gladly.tap.run("agents", "teams", "topics")
    assert run.returncode == 1
    assert run.records["agents"] == calm.records["agents"]
    assert run.records["topics"] == calm.records["topics"]
    assert run.last_word.endswith("Incomplete for this: teams. The other streams are whole.")


@pytest.mark.parametrize("status", [401, 429])
def test_a_fault_of_the_api_stops_all_with_few_requests(
    start: Start, impatient: str, status: int
) -> None:
    gladly = start(history_days=1)
    for path in ("agents", "teams", "topics", "inboxes", "webhooks"):
        gladly.sandbox.faults.add(path=f"{API}/{path}", times=None, status=status)
    run = Tap(impatient, gladly.tap.config).run("agents", "teams", "topics", "inboxes", "webhooks")
    assert run.returncode == 1
    assert not any(run.records.values())
    assert len(gladly.sandbox.traffic.exchanges()) == (1 if status == 401 else 6)
    assert "Traceback" not in run.log
