"""Time that no export job covers yet: it is waited for, and named only when a day has passed."""

from __future__ import annotations

import json
import re
import typing as t
from datetime import timedelta
from itertools import pairwise

from tests.gladly.truth import ago, by_window, exported, moment, written

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record, Run
    from tests.sandbox.gladly import ExportJob

ITEMS = "export_conversation_items"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")


def add(gladly: Gladly, hours: float, made_after: float = 10) -> ExportJob:
    """Add the job of an hour, which ended so long ago; made minutes after."""
    end = ago(hours=hours).replace(microsecond=0)
    number = len(gladly.sandbox.exports.jobs)
    job = gladly.sandbox.exports.add(
        start=end - timedelta(hours=1),
        end=end,
        updated=written(end + timedelta(minutes=made_after)),
        files={"conversation_items.jsonl": [{"id": f"item {number}"}]},
    )
    job.start_at, job.end_at = written(end - timedelta(hours=1)), written(end)
    return job


def hourly(gladly: Gladly, first: int, last: int, *but: int) -> None:
    """Add the jobs of hours, side by side."""
    now = ago()
    for hours in range(first, last - 1, -1):
        if hours not in but:
            add(gladly, hours + (ago() - now) / timedelta(hours=1))
    jobs = by_window(gladly)
    for earlier, later in pairwise(jobs):
        if moment(later.start_at) - moment(earlier.end_at) < timedelta(minutes=5):
            later.start_at = earlier.end_at


def time_passes(gladly: Gladly, state: Record, hours: float) -> Record:
    """Let everything be so many hours older: the jobs, and the state, which is returned."""

    def earlier(text: str) -> str:
        return written(moment(text) - timedelta(hours=hours))

    for job in gladly.sandbox.exports.jobs:
        job.updated_at, job.start_at, job.end_at = map(
            earlier, (job.updated_at, job.start_at, job.end_at)
        )
    moved: Record = json.loads(TIME.sub(lambda found: earlier(found[0]), json.dumps(state)))
    return moved


def until(run: Run) -> str:
    """Up to where all is read, as the state has it."""
    text: str = run.state["bookmarks"][ITEMS]["exported_until"]
    return text


def second(text: str) -> str:
    """A time as a warning has it."""
    return f"{moment(text):%Y-%m-%dT%H:%M:%SZ}"


def sync(gladly: Gladly, state: Record | None = None) -> Run:
    """Read the items."""
    run = gladly.tap.run(ITEMS, state=state)
    assert run.returncode == 0, run.log
    return run


def test_a_gap_is_named_once_when_a_day_has_passed(start: Start) -> None:
    gladly = start(history_days=0)
    hourly(gladly, 12, 1, 5, 6)
    before = next(job for job in by_window(gladly) if moment(job.end_at) > ago(hours=7.5))
    after = next(job for job in by_window(gladly) if moment(job.end_at) > ago(hours=4.5))
    first = sync(gladly)
    assert not first.warnings
    assert moment(until(first)) == moment(before.end_at)
    # Ten hours later it is still not a day old, and its jobs may still come.
    state = time_passes(gladly, first.state, 10)
    hourly(gladly, 10, 1)
    second_run = sync(gladly, state)
    assert len(second_run.records[ITEMS]) == 10
    assert not second_run.warnings
    assert moment(until(second_run)) == moment(before.end_at)
    state = time_passes(gladly, second_run.state, 12)
    hourly(gladly, 12, 1)
    third = sync(gladly, state)
    [warning] = third.warnings
    gap = f"{second(before.end_at)} to {second(after.start_at)}"
    assert f"No export job covers {gap}: " in warning
    assert moment(until(third)) == moment(by_window(gladly)[-1].end_at)
    state = time_passes(gladly, third.state, 1)
    hourly(gladly, 1, 1)
    fourth = sync(gladly, state)
    assert len(fourth.records[ITEMS]) == 1
    assert not fourth.warnings


def test_a_job_that_fills_a_gap_is_read_and_the_gap_never_named(start: Start) -> None:
    gladly = start(history_days=0)
    hourly(gladly, 8, 1, 4)
    runs = [sync(gladly)]
    assert moment(until(runs[0])) < ago(hours=4)
    # An hour later: the next one is there, and the one before it that was missing, made in time.
    state = time_passes(gladly, runs[0].state, 1)
    hourly(gladly, 1, 1)
    runs.append(sync(gladly, state))
    before = next(job for job in by_window(gladly) if moment(job.end_at) > ago(hours=6.5))
    assert moment(until(runs[1])) == moment(before.end_at)
    late = add(gladly, 5, 20)
    late.start_at, late.end_at = before.end_at, written(moment(before.end_at) + timedelta(hours=1))
    following = by_window(gladly)[by_window(gladly).index(late) + 1]
    following.start_at = late.end_at
    runs.append(sync(gladly, runs[1].state))
    assert {each["exportJobId"] for each in runs[2].records[ITEMS]} == {late.id}
    runs.append(sync(gladly, time_passes(gladly, runs[2].state, 30)))
    assert not runs[3].records[ITEMS]
    ids = [each["id"] for run in runs for each in run.records[ITEMS]]
    assert sorted(ids) == sorted(each["id"] for each in exported(gladly, ITEMS))
    assert not any(run.warnings for run in runs)
