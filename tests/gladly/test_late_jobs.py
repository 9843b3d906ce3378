"""Export jobs that come late or are made again, and runs that end among them: nothing goes back."""

from __future__ import annotations

import signal
import typing as t
from datetime import timedelta

import pytest

from tests.gladly.truth import ago, by_window, downloads, exported, file_path, moment, written

if t.TYPE_CHECKING:
    from datetime import datetime

    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record, Run
    from tests.sandbox.gladly import ExportJob

CUSTOMERS, CUSTOMERS_FILE = "export_customers", "customers.jsonl"
ITEMS = "export_conversation_items"


def add(gladly: Gladly, day: int, updated: datetime | None = None) -> ExportJob:
    """Add a job of a day, with a customer that is in all jobs, and things that are in this one."""
    end = ago(days=day).replace(minute=0, second=0, microsecond=0)
    number = len(gladly.sandbox.exports.jobs)
    return gladly.sandbox.exports.add(
        start=end - timedelta(days=1),
        end=end,
        updated=written(updated or end + timedelta(hours=3)),
        files={
            CUSTOMERS_FILE: [
                {"id": "everywhere", "name": f"As of {day} days ago"},
                {"id": f"of {day} days ago", "name": "Jane"},
            ],
            "conversation_items.jsonl": [
                {"id": f"item {number}-{each}", "content": {"type": "SMS"}} for each in range(3)
            ],
        },
    )


def last_words(*runs: Run) -> dict[str, str]:
    """The name of each customer, as a target has it that loaded what all these runs wrote."""
    return {each["id"]: each["name"] for run in runs for each in run.records[CUSTOMERS]}


def assert_newest_has_the_last_word(gladly: Gladly, *runs: Run) -> None:
    """A target has of each customer what the newest window says."""
    assert runs[-1].returncode == 0, runs[-1].log
    truth = {each["id"]: each["name"] for each in exported(gladly, CUSTOMERS)}
    assert last_words(*runs) == truth


def assert_nothing_more(gladly: Gladly, stream: str, run: Run) -> None:
    """A run after this one asks for no file."""
    gladly.sandbox.traffic.clear()
    later = gladly.tap.run(stream, state=run.state)
    assert later.returncode == 0, later.log
    assert not later.records
    assert not downloads(gladly)


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_stopped_at_a_late_job_lets_it_not_have_the_last_word(
    start: Start, signal_number: signal.Signals
) -> None:
    gladly = start(history_days=0)
    add(gladly, 5)
    newer = [add(gladly, day) for day in (3, 2)]
    first = gladly.tap.run(CUSTOMERS)
    late = add(gladly, 4, ago(hours=1))
    gladly.sandbox.faults.add(path=file_path(newer[0], CUSTOMERS_FILE), slow=4)

    def late_comes(line: str) -> bool:
        return '"type":"RECORD"' in line and late.id in line

    stopped = gladly.tap.run_until(
        late_comes, CUSTOMERS, signal_number=signal_number, state=first.state
    )
    assert stopped.returncode != 0
    assert set(stopped.ids(CUSTOMERS, "exportJobId")) == {late.id}
    assert last_words(first, stopped)["everywhere"] == "As of 4 days ago"
    state = stopped.state if stopped.states else first.state
    last = gladly.tap.run(CUSTOMERS, state=state)
    assert_newest_has_the_last_word(gladly, first, stopped, last)
    assert_nothing_more(gladly, CUSTOMERS, last)


def test_a_run_that_fails_behind_a_late_job_lets_it_not_have_the_last_word(start: Start) -> None:
    gladly = start(history_days=0)
    add(gladly, 5)
    newer = [add(gladly, day) for day in (3, 2)]
    first = gladly.tap.run(CUSTOMERS)
    late = add(gladly, 4, ago(hours=1))
    gladly.sandbox.faults.add(path=file_path(newer[0], CUSTOMERS_FILE), status=400)
    failed = gladly.tap.run(CUSTOMERS, state=first.state)
    assert failed.returncode == 1
    assert set(failed.ids(CUSTOMERS, "exportJobId")) == {late.id}
    last = gladly.tap.run(CUSTOMERS, state=failed.state)
    assert_newest_has_the_last_word(gladly, first, failed, last)
    assert_nothing_more(gladly, CUSTOMERS, last)


def test_a_first_run_that_is_stopped_after_newer_jobs_lets_a_late_one_not_win(start: Start) -> None:
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in (8, 6, 5, 4)]
    # Made again, so that the bookmark cannot move before all is read.
    jobs[0].updated_at = written(ago(hours=2))
    gladly.sandbox.faults.add(path=file_path(jobs[3], CUSTOMERS_FILE), slow=4)

    def third_is_read(line: str) -> bool:
        return '"type":"STATE"' in line and jobs[2].id in line

    first = gladly.tap.run_until(third_is_read, CUSTOMERS)
    assert first.returncode != 0
    add(gladly, 7, ago(hours=1))
    last = gladly.tap.run(CUSTOMERS, state=first.state)
    assert_newest_has_the_last_word(gladly, first, last)
    assert_nothing_more(gladly, CUSTOMERS, last)


def test_jobs_made_again_one_after_the_other_never_have_the_last_word(start: Start) -> None:
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in (8, 7, 6)]
    runs = [gladly.tap.run(CUSTOMERS)]
    # More than a day between any two updates: the newest window was updated long ago.
    for job, updated in zip(jobs[:2], (ago(days=3), ago(hours=2)), strict=True):
        job.updated_at = written(updated)
        runs.append(gladly.tap.run(CUSTOMERS, state=runs[-1].state))
        assert_newest_has_the_last_word(gladly, *runs)
    assert_nothing_more(gladly, CUSTOMERS, runs[-1])


@pytest.mark.parametrize("has_bookmark", [False, True])
def test_a_killed_run_of_twelve_jobs_downloads_none_twice(start: Start, has_bookmark: bool) -> None:  # noqa: FBT001 - a parameter
    gladly = start(history_days=0)
    jobs = [add(gladly, day) for day in range(13, 1, -1)]
    assert by_window(gladly) == jobs
    # All others were updated before the oldest, which is read first.
    jobs[0].updated_at = written(ago(minutes=5))
    before = {"replication_key": "exportedAt", "replication_key_value": written(ago(days=13.5))}
    state: Record | None = {"bookmarks": {ITEMS: before}} if has_bookmark else None
    gladly.sandbox.faults.add(path=file_path(jobs[7]), slow=4)

    def seven_are_read(line: str) -> bool:
        return '"type":"STATE"' in line and jobs[6].id in line

    first = gladly.tap.run_until(seven_are_read, ITEMS, state=state)
    assert first.returncode != 0
    assert first.ids(ITEMS) == [each["id"] for each in exported(gladly, ITEMS, *jobs[:7])]
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(ITEMS, state=first.state)
    assert second.returncode == 0, second.log
    # What the killed run had asked for may arrive after its end.
    assert {*downloads(gladly)} == {job.id for job in jobs[7:]}
    assert first.ids(ITEMS) + second.ids(ITEMS) == [each["id"] for each in exported(gladly, ITEMS)]
    assert moment(second.bookmark(ITEMS)) == moment(jobs[0].updated_at)
    assert_nothing_more(gladly, ITEMS, second)
