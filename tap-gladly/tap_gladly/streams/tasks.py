"""Tasks and their comments, by id."""

from __future__ import annotations

from tap_gladly.changes.facts import TASK
from tap_gladly.changes.merges import LISTS
from tap_gladly.streams.changed import SingleRecordStream
from tap_gladly.streams.customers import CustomerListStream
from tap_gladly.streams.parts import ChildListStream


class TasksStream(SingleRecordStream):
    """The current state of tasks (`/tasks/{taskId}`)."""

    name = "tasks"
    path = "/tasks/{taskId}"
    place = "taskId"
    kind = TASK


class TaskCommentsStream(ChildListStream):
    """The comments of tasks that changed (`/tasks/{taskId}/comments`)."""

    name = "task_comments"
    path = "/tasks/{taskId}/comments"
    place = "taskId"
    part_path = "/tasks/{taskId}/comments/{commentId}"
    part_place = "commentId"
    kind = TASK
    other_source = "No other endpoint has them."


class CustomerTasksStream(CustomerListStream):
    """All tasks of the customers of whom something changed.

    What `tasks` does not reach: those that did not change since the `start_date`.
    """

    name = "customer_tasks"
    path = LISTS[TASK]
    listed = "tasks"
