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
    changed,
    comments,
    limited,
    state_of,
    words_of,
)
from tests.gladly.truth import API, ago
from tests.sandbox.gladly.timestamps import nanos

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Start

TASKS = "tasks"
COMMENTS = "task_comments"
LISTS = "customer_tasks"


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


def test_all_tasks_of_a_customer_are_listed(start: Start) -> None:
    gladly = start(**EMPTY, tasks=30)
    desk = gladly.sandbox.desk
    # Nothing of the tasks changed.
    for number, each in enumerate(list(desk.customers)):
        desk.update_customer(each, at=ago(hours=20, minutes=-number))
    bookmark = ago(hours=21)
    run = gladly.tap.run(LISTS, TASKS, state=state_of(bookmark))
    ids = changed(gladly, "customer", bookmark)
    truth = [
        {**each, "changedAt": at}
        for customer, at in ids.items()
        for each in sorted(
            desk.tasks.of(customer), key=lambda one: nanos(one["timestamp"]), reverse=True
        )
    ]
    assert_records(run, LISTS, truth)
    assert len(truth) == 30
    assert sorted(asked(gladly, "customers/")) == sorted(f"{each}/tasks" for each in ids)
    properties = set(run.schemas[LISTS]["properties"])
    assert {name for each in run.records[LISTS] for name in each} == properties - {"_extra"}
    assert properties == set(run.schemas[TASKS]["properties"]) - {"_sdc_deleted_at"}
    assert not run.records[TASKS]
    assert not run.warnings
    # The next run has nothing to list.
    gladly.sandbox.traffic.clear()
    run = gladly.tap.run(LISTS, state=run.state)
    assert run.returncode == 0, run.log
    assert not asked(gladly, "customers/")


def test_tasks_beyond_the_cap_are_named(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.caps = {**desk.caps, "tasks": 5}
    many, enough = (desk.customer(at=ago(days=3)) for _ in range(2))
    for customer, count in ((many, 6), (enough, 5)):
        for number in range(count):
            desk.task(customer, at=ago(days=2, minutes=number))
        desk.update_customer(customer, at=ago(hours=2))
    run = gladly.tap.run(LISTS, state=state_of(ago(hours=3)))
    assert run.returncode == 0, run.log
    assert len(run.records[LISTS]) == 10
    [warning] = run.warnings
    assert words_of(warning) == (
        f"{LISTS}: Gladly lists 5 tasks of the customer {many} and no more. Those that change are "
        "in the stream tasks."
    )


@pytest.mark.parametrize("answer", ["moved", "missing", "empty"])
def test_the_tasks_of_who_was_merged_are_those_of_who_is_left(
    start: Start, answer: t.Literal["moved", "missing", "empty"]
) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    desk.merged_lists = answer
    first, last, deleted = (desk.customer(at=ago(days=3)) for _ in range(3))
    for customer in (first, last, deleted):
        desk.task(customer, at=ago(days=2))
    desk.merge(first, last, at=ago(hours=3))
    desk.delete(deleted, at=ago(hours=2))
    run = gladly.tap.run(LISTS, state=state_of(ago(hours=4)))
    assert run.returncode == 0, run.log
    assert sorted(run.ids(LISTS)) == sorted(each["id"] for each in desk.tasks.of(last))
    assert {each["customerId"] for each in run.records[LISTS]} == {last}
    assert not run.warnings


def test_a_customer_whose_tasks_cannot_be_had_is_named_and_passed_over(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    tasks = [desk.task(desk.customer(at=ago(days=3)), at=ago(hours=9 - age)) for age in range(3)]
    faulty = desk.tasks[tasks[1]]["customerId"]
    gladly.sandbox.faults.add(path=f"{API}/customers/{faulty}/tasks", status=400, times=None)
    run = gladly.tap.run(LISTS, state=state_of(ago(hours=10)))
    assert run.returncode == 0, run.log
    assert run.ids(LISTS) == [tasks[0], tasks[2]]
    [warning] = run.warnings
    assert f"the customer {faulty} cannot be read, and is left out" in warning
