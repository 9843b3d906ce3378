"""Tasks and their comments."""

from __future__ import annotations

import typing as t

import pytest

from tests.gladly.desk_truth import (
    EMPTY,
    OVERLAP,
    asked,
    assert_read,
    assert_records,
    comments,
    limited,
    state_of,
    words_of,
)
from tests.gladly.truth import API, ago

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Start

TASKS = "tasks"
COMMENTS = "task_comments"


def test_every_task_comes_as_it_is(start: Start) -> None:
    gladly = start(**EMPTY, tasks=30)
    desk = gladly.sandbox.desk
    for number, each in enumerate(list(desk.tasks)):
        kept = desk.tasks[each]
        desk.edit_task(each, at=ago(hours=20, minutes=-number))
        desk.tasks[each] = kept
    bookmark = ago(hours=21)
    run = gladly.tap.run(TASKS, COMMENTS, state=state_of(bookmark))
    assert_read(run, gladly, bookmark - OVERLAP)
    assert len(run.records[TASKS]) == 30
    assert len(run.records[COMMENTS]) == 40
    for stream, absent in ((TASKS, {"_sdc_deleted_at", "_extra"}), (COMMENTS, {"_extra"})):
        properties = run.schemas[stream]["properties"]
        assert {name for each in run.records[stream] for name in each} == set(properties) - absent
    assert not run.warnings


@pytest.mark.parametrize("keeps", ["oldest", "newest"])
def test_comments_beyond_the_cap_are_fetched_by_what_events_name(
    start: Start, keeps: t.Literal["oldest", "newest"]
) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.caps = {**desk.caps, "comments": 5}
    desk.capped_keeps = keeps
    many, enough = (desk.task(at=ago(hours=9)) for _ in range(2))
    ids = [desk.comment(many, at=ago(hours=8, minutes=-number)) for number in range(12)]
    for number in range(5):
        desk.comment(enough, at=ago(hours=3, minutes=-number))
    missing = ids[5:] if keeps == "oldest" else ids[:-5]
    gladly.sandbox.faults.add(path=f"{API}/tasks/{many}/comments/{missing[3]}", status=404)
    run = gladly.tap.run(COMMENTS, state=state_of(ago(hours=10)))
    assert run.returncode == 0, run.log
    of_many = [each for each in run.records[COMMENTS] if each["taskId"] == many]
    of_enough = [each for each in run.records[COMMENTS] if each["taskId"] == enough]
    assert {each["id"] for each in of_many} == set(ids) - {missing[3]}
    truth = comments(gladly, many, of_many[0]["changedAt"])
    # What the list lacks comes by its ids.
    truth.sort(key=lambda each: str(each["id"]) if each["id"] in missing else "")
    truth += comments(gladly, enough, of_enough[0]["changedAt"])
    assert_records(run, COMMENTS, [each for each in truth if each["id"] != missing[3]])
    assert len(asked(gladly, f"tasks/{many}/comments/")) == 7
    assert not asked(gladly, f"tasks/{enough}/comments/")
    [warning] = run.warnings
    assert words_of(warning) == limited(COMMENTS, many, 5, 6, missing[3])
