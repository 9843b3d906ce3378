"""`end_date`: a backfill in pieces, each with a state of its own, joined without a gap."""

from __future__ import annotations

import itertools
import typing as t
from collections import Counter
from datetime import datetime, timedelta, timezone

import pytest

from tests.gladly.backfill import BY_ID, MONTHS, ROWS, STREAMS, account_with_bounds
from tests.gladly.backfill import REPORTS as ACCOUNT_REPORTS
from tests.gladly.desk_truth import EMPTY
from tests.gladly.report_truth import WINDOW
from tests.gladly.truth import ago, by_window, moment, written

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gladly.backfill import Backfill
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record, Run

FIRST, *_, LAST = MONTHS


@pytest.fixture(scope="module")
def backfill(impatient: str) -> Iterator[Backfill]:
    """An account."""
    with account_with_bounds(impatient) as made:
        yield made


def keyed(run: Run, stream: str) -> list[tuple[tuple[str, ...], Record]]:
    """The records of a stream by key, without what differs from run to run.

    That is the window in which they were asked for, and when they were found to be gone.
    """
    left_out = {*WINDOW, "read_at", "_sdc_deleted_at"}.difference(run.keys[stream])
    return [
        (
            tuple(record[name] for name in run.keys[stream]),
            {name: each for name, each in record.items() if name not in left_out},
        )
        for record in run.records[stream]
    ]


def test_twelve_months_are_the_year_and_no_row_comes_twice(backfill: Backfill) -> None:
    whole = backfill.piece(FIRST, LAST)
    pieces = [backfill.piece(*each) for each in itertools.pairwise(MONTHS)]
    for stream in STREAMS:
        parts = [each for run in pieces for each in keyed(run, stream)]
        assert dict(parts) == dict(keyed(whole, stream)), stream
        assert len(whole.records[stream]) >= 12, stream
        if stream not in BY_ID:
            assert set(Counter(key for key, _ in parts).values()) == {1}, stream
    # What changed in several months is read in each of them.
    read = Counter(each for run in pieces for each in run.ids("conversations"))
    assert set(read.values()) >= {1, 2}


def test_the_bounds_are_those_that_records_show(backfill: Backfill) -> None:
    run = backfill.piece(*MONTHS[3:5])
    start, end = (f"{each}T00:00:00.000000Z" for each in MONTHS[3:5])
    for stream, name in {**ROWS, **dict.fromkeys(BY_ID, "changedAt")}.items():
        times = sorted(record[name] for record in run.records[stream])
        assert start <= times[0], stream
        assert times[-1] < end, stream
        if stream in BY_ID:
            assert times[0] == start
            assert times[-1] == f"{moment(end) - timedelta(milliseconds=1):%Y-%m-%dT%H:%M:%S.%fZ}"
        assert run.bookmark(stream) == end, stream


def test_a_piece_that_has_ended_is_not_read_again(backfill: Backfill) -> None:
    first = backfill.piece(*MONTHS[5:7])
    backfill.sandbox.traffic.clear()
    again = backfill.piece(*MONTHS[5:7], state=first.state)
    assert not again.records
    assert again.state["bookmarks"] == first.state["bookmarks"]
    assert backfill.sandbox.traffic.count() == 0


def test_a_piece_that_was_killed_resumes(backfill: Backfill) -> None:
    window = MONTHS[4], MONTHS[8]
    streams = ("report_task_timestamps", "conversations")
    seen = itertools.count()
    killed = backfill.tap.run_until(
        lambda line: '"RECORD"' in line and '"conversations"' in line and next(seen) == 3,
        *streams,
        catalog=backfill.catalog,
        reports=ACCOUNT_REPORTS,
        start_date=window[0],
        end_date=window[1],
    )
    rest = backfill.piece(*window, *streams, state=killed.state)
    whole = backfill.piece(*window, *streams)
    for stream in streams:
        parts = dict(each for run in (killed, rest) for each in keyed(run, stream))
        assert parts == dict(keyed(whole, stream)), stream


def test_the_run_after_the_last_piece_goes_on_from_its_state(backfill: Backfill) -> None:
    streams = ("report_task_timestamps", "report_conversation_export", *BY_ID)
    piece = backfill.piece(*MONTHS[-2:], *streams)
    rest = backfill.piece(FIRST, None, *streams, state=piece.state)
    both = backfill.piece(MONTHS[-2], None, *streams)
    for stream in streams:
        parts = dict(each for run in (piece, rest) for each in keyed(run, stream))
        wanted = dict(keyed(both, stream))
        assert {key: parts[key] for key in wanted} == wanted, stream
        # What is read again before the bookmark may be older.
        assert set(parts) == {*wanted, *(key for key, _ in keyed(rest, stream))}


def test_a_window_may_end_within_a_day(start: Start) -> None:
    gladly = start(**EMPTY)
    noon = datetime.now(timezone.utc).replace(hour=12, minute=0, second=0, microsecond=500)
    noon -= timedelta(days=3)
    moments = [noon + step * timedelta(milliseconds=400) for step in range(-2, 3)]
    for at in moments:
        desk = gladly.sandbox.desk
        desk.message(desk.conversation(at=noon - timedelta(days=20)), at=at)
    streams = ("conversations", "report_conversation_timestamps")
    week = timedelta(days=7)
    runs = [
        gladly.tap.run(*streams, start_date=begin.isoformat(), end_date=end.isoformat())
        for begin, end in ((noon - week, noon), (noon, noon + week))
    ]
    assert [run.returncode for run in runs] == [0, 0], runs[0].log + runs[1].log
    for stream, name in zip(streams, ("changedAt", "timestamp"), strict=True):
        times = [[record[name] for record in run.records[stream]] for run in runs]
        if stream == "conversations":
            assert times == [[*map(written, moments[:2])], [*map(written, moments[2:])]]
        assert all(each < written(noon) for each in times[0])
        assert all(each >= written(noon) for each in times[1])
    assert runs[0].bookmark("conversations") == written(noon)


def test_events_end_there_too(start: Start) -> None:
    gladly = start(days=3, history_days=0)
    end = ago(hours=6).replace(microsecond=500_000)
    runs = [
        gladly.tap.run("events", end_date=end.isoformat()),
        gladly.tap.run("events", start_date=end.isoformat()),
    ]
    whole = gladly.tap.run("events")
    ids = [run.ids("events") for run in runs]
    assert not {*ids[0]} & {*ids[1]}
    # The oldest go away while the runs last.
    assert {*whole.ids("events")} <= {*ids[0], *ids[1]}
    assert max(each["timestamp"] for each in runs[0].records["events"]) < written(end)
    assert runs[0].bookmark("events") == written(end)


@pytest.mark.parametrize("count", range(4, 8))  # The jobs are made at another hour each.
def test_an_export_job_belongs_to_the_piece_in_which_its_window_ends(
    gladly: Gladly, count: int
) -> None:
    jobs = by_window(gladly)
    end = jobs[count - 1].end_at
    runs = [
        gladly.tap.run("export_topics", end_date=end),
        gladly.tap.run("export_topics", start_date=end),
    ]
    ids = [{each["exportJobId"] for each in run.records["export_topics"]} for run in runs]
    assert ids == [{each.id for each in jobs[:count]}, {each.id for each in jobs[count:]}]
    gladly.sandbox.traffic.clear()
    again = gladly.tap.run("export_topics", end_date=end, state=runs[0].state)
    assert not again.records
    assert gladly.sandbox.traffic.count() == 1


def test_an_end_date_to_come_changes_nothing_yet(gladly: Gladly) -> None:
    tomorrow = (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()
    streams = ("report_contact_export_v3", "export_topics", "answers")
    start = ago(days=3).isoformat()
    cut = gladly.tap.run(*streams, start_date=start, end_date=tomorrow)
    whole = gladly.tap.run(*streams, start_date=start)
    assert cut.returncode == 0, cut.log
    assert cut.records["export_topics"] == whole.records["export_topics"]
    assert cut.records["answers"] == whole.records["answers"]
    found = {key for key, _ in keyed(whole, "report_contact_export_v3")}
    # With an end, the start is exact as well, and not the day of it.
    assert {key for key, _ in keyed(cut, "report_contact_export_v3")} == {
        (each["contact_id"],)
        for each in whole.records["report_contact_export_v3"]
        if each["queued_at"] >= written(moment(start))
    }
    assert len(found) > 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"end_date": "soon"}, "The setting end_date is no ISO 8601 time: 'soon'."),
        (
            {"start_date": "2026-02-01", "end_date": "2026-02-01"},
            "The setting end_date must be later than start_date",
        ),
    ],
)
def test_an_end_date_that_leaves_nothing(
    gladly: Gladly, settings: dict[str, t.Any], words: str
) -> None:
    run = gladly.tap.run("conversations", **settings)
    assert run.returncode == 1
    assert words in run.last_word
    assert not gladly.sandbox.traffic.count()
