"""What changed since a time: exactly that is read, whatever the time, each with its last change."""

from __future__ import annotations

import itertools
import json
import typing as t
from datetime import datetime, time, timedelta, timezone

import pytest
from tap_gladly.tap import TapGladly

from tests.gladly.conftest import Gladly, config
from tests.gladly.desk_truth import (
    AGES,
    EMPTY,
    EVENTS,
    KINDS,
    LOOKBACK,
    OVERLAP,
    RECORDS,
    add_history,
    asked_by_id,
    asked_events,
    assert_read,
    assert_records,
    changed,
    state_of,
    wanted,
)
from tests.gladly.report_truth import REPORTS, ranges
from tests.gladly.truth import ago, besides_retries, written
from tests.running import Run, Tap, discovered, select
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.timestamps import of

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.gladly.conftest import Start
    from tests.running import Record

WHOLE = ("conversations", "customer_profiles", "tasks")
SETS = ("ConversationTimestampsReport", "ContactTimestampsReport", "TaskTimestampsReport")


class Account(t.NamedTuple):
    """A Gladly with a history, and by when its ages count."""

    gladly: Gladly
    now: datetime


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """An account with a history of 25 days, which no test changes."""
    with GladlySandbox(**EMPTY) as sandbox:
        now = ago(seconds=0)
        add_history(sandbox.desk, now)
        yield Account(Gladly(sandbox, Tap("tap-gladly", config(sandbox))), now)


def read(account: Account, *streams: str, **options: t.Any) -> Run:
    """Read streams, with nothing asked before."""
    account.gladly.sandbox.traffic.clear()
    account.gladly.sandbox.reports.asked.clear()
    run = account.gladly.tap.run(*streams, **options)
    assert run.returncode == 0, run.log
    return run


def assert_reports(
    gladly: Gladly, since: datetime, *sets: str, later: Mapping[str, datetime] | None = None
) -> None:
    """These reports were asked for, of every day from a time to that of the first events, once.

    Some from a later time on.
    """
    asked = gladly.sandbox.reports.asked
    assert {each["metricSet"] for each in asked} == set(sets)
    start, end = asked_events(gladly)
    for metric_set in sets:
        days = ranges(each for each in asked if each["metricSet"] == metric_set)
        assert days[0][0] == (later or {}).get(metric_set, since).date()
        assert days[-1][1] == min(start + timedelta(hours=2), end).date()
        for (_, last), (first, _) in itertools.pairwise(days):
            assert first == last + timedelta(days=1)


def gap_warning(since: datetime, start: datetime) -> str:
    """The sentence of what no report tells."""
    return (
        f"Customers whose profile was changed or deleted from {since:%Y-%m-%dT%H:%M:%SZ} to "
        f"{start:%Y-%m-%dT%H:%M:%SZ}, and of whom nothing else is reported, are not known: Gladly "
        "tells of that for 24 hours only. Run more often than once in 24 hours."
    )


@pytest.mark.parametrize(
    "age",
    [
        timedelta(minutes=1, seconds=30),
        timedelta(hours=1),
        timedelta(hours=23, minutes=50),
        timedelta(hours=23, minutes=56),
        timedelta(hours=24, seconds=30),
        timedelta(hours=24, minutes=4),
        timedelta(hours=30),
        timedelta(days=4, hours=12),
        timedelta(days=23),
    ],
    ids=str,
)
def test_what_changed_since_the_bookmark_is_read(account: Account, age: timedelta) -> None:
    gladly, bookmark = account.gladly, account.now - age
    run = read(account, *WHOLE, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert all(run.records[stream] for stream in WHOLE)
    start, _ = asked_events(gladly)
    if bookmark - OVERLAP < start:
        assert_reports(gladly, bookmark - OVERLAP, *SETS)
        # The events begin where Gladly has them, to some seconds.
        assert abs(ago(hours=24) - start) < timedelta(seconds=30)
    else:
        assert start == (bookmark - OVERLAP).replace(microsecond=0)
        assert gladly.sandbox.traffic.count(REPORTS) == 0
    gaps = [gap_warning(bookmark, start)] if bookmark < start else []
    assert [each.split("|", 3)[-1].strip() for each in run.warnings] == gaps


def test_the_history_tells_the_times_apart(account: Account) -> None:
    # Else the test above could not fail.
    read(account, "tasks", state=state_of(account.now - timedelta(hours=1)))
    counts = [
        len(changed(account.gladly, "conversation", account.now - age - timedelta(seconds=1)))
        for age in AGES
    ]
    assert counts == sorted(set(counts))


def test_the_time_of_a_change_itself_belongs_to_the_window(account: Account) -> None:
    desk = account.gladly.sandbox.desk
    truth = desk.truth(account.now - timedelta(days=3, hours=1))
    at = account.now - timedelta(days=3)
    talks, tasks = (
        {each for each, when in truth[kind].items() if when == of(at)}
        for kind in ("conversation", "task")
    )
    assert talks
    assert tasks
    # One stream from that very microsecond on, the other from the next one on.
    bookmarks = {
        "conversations": at + OVERLAP,
        "tasks": at + OVERLAP + timedelta(microseconds=1),
    }
    run = read(account, "conversations", "tasks", state=state_of(**bookmarks))
    assert talks == set(run.ids("conversations")[: len(talks)])
    assert not tasks.intersection(run.ids("tasks"))
    for stream, bookmark in bookmarks.items():
        assert_read(run, account.gladly, bookmark - OVERLAP, [stream])


def test_every_stream_has_its_own_bookmark(account: Account) -> None:
    ages = {
        "conversations": timedelta(hours=2, minutes=10),
        "conversation_items": timedelta(minutes=26),
        "customer_profiles": timedelta(hours=30),
        "tasks": timedelta(days=5),
        "task_comments": timedelta(hours=26, minutes=5),
    }
    bookmarks = {stream: account.now - age for stream, age in ages.items()}
    run = read(account, *ages, state=state_of(**bookmarks))
    for stream, bookmark in bookmarks.items():
        assert_read(run, account.gladly, bookmark - OVERLAP, [stream])
    # Contacts tell nothing of tasks, and are asked for from the bookmark of the profiles on.
    later = {"ContactTimestampsReport": bookmarks["customer_profiles"] - OVERLAP}
    assert_reports(account.gladly, bookmarks["tasks"] - OVERLAP, *SETS, later=later)
    [warning] = run.warnings
    start, _ = asked_events(account.gladly)
    assert gap_warning(bookmarks["customer_profiles"], start) in warning


def test_a_first_run_begins_at_the_start_date(account: Account) -> None:
    since = account.now - timedelta(days=6)
    run = read(account, *WHOLE, start_date=written(since))
    assert_read(run, account.gladly, since)
    assert_reports(account.gladly, since, *SETS)
    assert not run.warnings


def test_a_first_run_without_a_start_date_begins_30_days_ago(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    for age in (30.01, 29.99, 12):
        talk = desk.conversation(desk.customer(at=ago(days=40)), at=ago(days=40))
        desk.note(talk, at=ago(days=age))
        desk.comment(desk.task(desk.customer(at=ago(days=40)), at=ago(days=40)), at=ago(days=age))
    run = gladly.tap.run(*WHOLE)
    assert_read(run, gladly, ago(days=30))
    assert [len(run.records[stream]) for stream in WHOLE] == [2, 4, 2]
    assert not besides_retries(run)


def full_table(*streams: str) -> Record:
    """The catalog with streams that are to be read anew in each run."""
    catalog = discovered("tap-gladly")
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] in streams:
            entry["replication_method"] = "FULL_TABLE"
            for metadata in entry["metadata"]:
                if not metadata["breadcrumb"]:
                    metadata["metadata"]["replication-method"] = "FULL_TABLE"
    return catalog


def test_the_full_table_is_read_from_the_start_date_on(account: Account) -> None:
    since = account.now - timedelta(days=3, hours=2)
    bookmark = account.now - timedelta(hours=3)
    run = read(
        account,
        *WHOLE,
        catalog=full_table("conversations", "customer_profiles"),
        state=state_of(bookmark),
        start_date=written(since),
    )
    for stream in ("conversations", "customer_profiles"):
        assert_records(run, stream, wanted(account.gladly, stream, since))
    assert_read(run, account.gladly, bookmark - OVERLAP, ["tasks"])
    assert not run.warnings


def test_a_start_date_in_the_future_reads_nothing(account: Account) -> None:
    run = read(account, *KINDS, start_date=written(account.now + timedelta(days=2)))
    assert not run.records
    assert account.gladly.sandbox.traffic.count() == 0
    [warning] = run.warnings
    assert "start_date lies in the future" in warning
    for stream in run.state["bookmarks"].values():
        assert "replication_key_value" not in stream


def test_a_bookmark_in_the_future_reads_nothing_of_its_stream(account: Account) -> None:
    future, bookmark = account.now + timedelta(days=2), account.now - timedelta(hours=1)
    state = state_of(conversations=future, customer_profiles=future, tasks=bookmark)
    run = read(account, *WHOLE, state=state)
    assert not run.records["conversations"]
    assert not run.records["customer_profiles"]
    assert_read(run, account.gladly, bookmark - OVERLAP, ["tasks"])
    for stream in ("conversations", "customer_profiles"):
        assert run.bookmark(stream) == written(future)
        [_] = [each for each in run.warnings if f"stream {stream!r} lies in the future" in each]
    assert len(run.warnings) == 2


def test_all_streams_in_the_future_ask_nothing(account: Account) -> None:
    state = state_of(account.now + timedelta(days=2))
    run = read(account, *KINDS, state=state)
    assert not run.records
    assert account.gladly.sandbox.traffic.count() == 0
    assert {name: run.bookmark(name) for name in KINDS} == {
        name: each["replication_key_value"] for name, each in state["bookmarks"].items()
    }


def test_what_happens_while_the_tap_runs_is_left_to_the_next_run(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talks = [
        desk.conversation(desk.customer(at=ago(days=2)), at=ago(minutes=30 - number))
        for number in range(3)
    ]
    began = ago(seconds=0)
    # The third one changes after the index was made, and before its turn.
    gladly.sandbox.faults.add(
        path=f"/api/v1/conversations/{talks[0]}", hook=lambda: desk.assign(talks[2])
    )
    first = gladly.tap.run("conversations", state=state_of(ago(hours=1)))
    assert first.ids("conversations") == talks
    assert first.by_id("conversations")[talks[2]]["changedAt"] < written(began - OVERLAP)
    assert first.bookmark("conversations") < written(ago(seconds=29))
    # Until the window of a run reaches it: what is younger than 30 seconds may yet come.
    gladly.sandbox.events.clear()
    at = ago(seconds=32)
    desk.close(talks[2], at=at)
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run("conversations", state=first.state)
    assert second.ids("conversations") == [talks[2]]
    assert second.records["conversations"][0]["changedAt"] == written(at)
    assert second.records["conversations"][0]["status"] == "CLOSED"


def test_reports_that_are_a_day_behind_are_made_up_for_by_events(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    gladly.sandbox.reports.lag = timedelta(hours=21)
    for age in range(4, 30):
        desk.note(
            desk.conversation(desk.customer(at=ago(days=9)), at=ago(days=9)), at=ago(hours=age)
        )
    bookmark = ago(days=2)
    run = gladly.tap.run("conversations", state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert len(run.records["conversations"]) == 26


@pytest.mark.parametrize(
    ("bookmark", "refused"),
    [
        # Beyond the edge, so that each margin is another question.
        (timedelta(hours=23, minutes=59, seconds=30), 3),
        # A minute inside of it: the second would be the same again.
        (timedelta(hours=23, minutes=58), 2),
    ],
    ids=str,
)
def test_reports_take_over_where_the_clock_of_gladly_is_ahead(
    start: Start, bookmark: timedelta, refused: int
) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    talks = [
        desk.conversation(desk.customer(at=ago(days=9)), at=ago(hours=24, minutes=-minutes))
        for minutes in (3, 8, 13, 30)
    ]
    gladly.sandbox.events.as_of = ago(minutes=-10)
    run = gladly.tap.run("conversations", state=state_of(ago(seconds=bookmark.total_seconds())))
    assert run.returncode == 0, run.log
    # Three of them are older than what Gladly gives of events.
    assert gladly.sandbox.traffic.count(EVENTS, 400) == refused
    assert gladly.sandbox.traffic.count(EVENTS, 200) == 1
    assert run.ids("conversations") == talks


def asked_for(asked: list[str], begin: str, end: str) -> list[str]:
    """The ids between the two that were asked for, sorted."""
    ids = (
        each[len(begin) : len(each) - len(end)]
        for each in asked
        if each.startswith(begin) and each.endswith(end)
    )
    return sorted(each for each in ids if "/" not in each)


def test_nothing_but_what_changed_is_asked_for(account: Account) -> None:
    bookmark = account.now - timedelta(hours=4)
    read(account, *RECORDS, state=state_of(bookmark))
    gladly = account.gladly
    asked = asked_by_id(gladly)
    assert asked
    # Each once however often it changed, and once for its parts, unless it is not there.
    assert len(asked) == len(set(asked))
    talks, tasks = (
        [*changed(gladly, kind, bookmark - OVERLAP)] for kind in ("conversation", "task")
    )
    desk = gladly.sandbox.desk
    assert asked_for(asked, "tasks/", "") == sorted(tasks)
    assert asked_for(asked, "tasks/", "/comments") == sorted(
        each for each in tasks if each in desk.tasks
    )
    assert asked_for(asked, "conversations/", "") == sorted(talks)
    # There may be transcripts by now of what changed some hours before.
    earlier = {*changed(gladly, "conversation", bookmark - LOOKBACK)}.difference(talks)
    assert earlier
    there = {each for each in talks if each in desk.conversations}
    assert asked_for(asked, "conversations/", "/items") == sorted(there | earlier)
    assert gladly.sandbox.traffic.count(EVENTS) == 1


def event_of(at: datetime, **names: str) -> bytes:
    """An event as it comes."""
    event = {"id": written(at), "type": "CONVERSATION/CREATED", "timestamp": written(at)}
    return json.dumps({**event, "content": names}).encode() + b"\n"


def test_what_is_told_of_the_future_is_of_the_window(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    customer = desk.customer(at=ago(days=9))
    reported, told, later = (desk.conversation(customer, at=ago(days=9)) for _ in range(3))
    task = desk.task(customer, at=ago(days=9))
    future = ago(days=-400)
    row = f"Timestamp,Conversation ID\n{written(future)},{reported}\n"
    gladly.sandbox.faults.add(path=REPORTS, status=200, body=row)
    events = event_of(ago(hours=1), conversationId=told, taskId=task)
    events += event_of(future, conversationId=told, taskId=task)
    gladly.sandbox.faults.add(path=EVENTS, status=200, body=events)
    first = gladly.tap.run(
        "conversations", "tasks", state=state_of(conversations=ago(hours=60), tasks=ago(hours=20))
    )
    assert first.returncode == 0, first.log
    _, end = asked_events(gladly)
    # A report's window ends with its last day, or with the run's.
    last_day = max(last for _, last in ranges(gladly.sandbox.reports.asked))
    midnight = datetime.combine(last_day + timedelta(days=1), time(), timezone.utc)
    found = {each: one["changedAt"] for each, one in first.by_id("conversations").items()}
    assert found == {reported: written(min(midnight, end)), told: written(end)}
    assert [each["changedAt"] for each in first.records["tasks"]] == [written(end)]
    assert {first.bookmark(stream) for stream in ("conversations", "tasks")} == {written(end)}
    # So the next run reads on.
    desk.assign(later, at=end - timedelta(seconds=20))
    desk.edit_task(task, at=end - timedelta(seconds=20))
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run("conversations", "tasks", state=first.state)
    assert_read(second, gladly, end - OVERLAP)
    assert second.ids("conversations") == [later]
    assert second.ids("tasks") == [task]
    assert not second.warnings


def test_where_no_event_is_left_reports_tell_everything(
    start: Start, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    began = ago(hours=26)
    talks = [desk.conversation(at=ago(days=9)) for _ in range(5)]
    for talk, age in zip(talks, (60, 40, 28, 27, 20), strict=True):
        desk.note(talk, at=ago(hours=age))

    class Slow(TapGladly):
        """A run that began so long ago that no event of its window is left."""

        @property
        def initialized_at(self) -> int:
            return int(began.timestamp() * 1000)

    tap = Slow(
        config={**gladly.tap.config},
        state=state_of(ago(hours=50)),
        catalog=select("tap-gladly", ["conversations"]),
        parse_env_config=False,
    )
    tap.sync_all()
    out = capfdbinary.readouterr().out.decode()
    run = Run(0, out.splitlines(), "")
    assert gladly.sandbox.traffic.count(EVENTS) == 0
    end = (began - timedelta(seconds=30)).replace(microsecond=0)
    for each in gladly.sandbox.reports.asked:
        assert each["endAt"] == end.date().isoformat()
    # What is told of the last day, but came after the window, is of its end.
    ids = run.ids("conversations")
    assert ids[:3] == talks[1:4]
    assert set(ids) <= set(talks[1:])
    assert all(each["changedAt"] <= written(end) for each in run.records["conversations"])
    assert run.bookmark("conversations") == written(end)
