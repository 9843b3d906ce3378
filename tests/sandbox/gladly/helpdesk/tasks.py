"""What happens to tasks: functions for `Desk`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tests.sandbox.gladly.helpdesk.conversations import any_customer
from tests.sandbox.gladly.helpdesk.state import action
from tests.sandbox.gladly.timestamps import DAY, nanos

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.helpdesk.state import Moment, State

    Record = dict[str, Any]


@action
def task(desk: State, customer_id: str | None = None, *, at: datetime | None = None) -> str:
    """Add a task, by default of any customer."""
    customer_id = any_customer(desk, customer_id, at)
    moment = desk.moment(at)
    new: Record = {
        "id": desk.new_id(),
        "customerId": customer_id,
        "timestamp": desk.stamp(moment.at),
        "createdBy": {"id": desk.any_agent(), "type": "AGENT"},
        "assignee": {"inboxId": desk.any_inbox()},
        "body": f"Call <b>back</b> {desk.moments}",
        "dueAt": desk.stamp(moment.at + DAY),
        "status": "OPEN",
    }
    return _put(desk, "TASK/CREATED", moment, new)


@action
def comment(
    desk: State, task_id: str, agent_id: str | None = None, *, at: datetime | None = None
) -> str:
    """Let an agent, by default any, comment on a task; returns the comment's id."""
    moment, commented = desk.moment(at), desk.tasks[task_id]
    new = {
        "id": desk.new_id(),
        "agentId": agent_id or desk.any_agent(),
        "comment": f"Comment “{desk.moments}”",
        "taskId": task_id,
        "createdAt": desk.stamp(moment.at),
    }
    desk.comments[new["id"]] = new
    more = {"commentId": new["id"]}
    _put(desk, "TASK/COMMENT_ADDED", moment, commented, more, by=("AGENT", new["agentId"]))
    return new["id"]


@action
def assign_task(
    desk: State,
    task_id: str,
    inbox_id: str | None = None,
    agent_id: str | Literal[False] | None = None,
    *,
    at: datetime | None = None,
) -> str:
    """Assign a task: None for its inbox and for any other agent, False for nobody."""
    moment, before = desk.moment(at), desk.tasks[task_id]
    more = {"assignee": desk.new_assignee(before.get("assignee", {}), inbox_id, agent_id)}
    return _put(desk, "TASK/ASSIGNEE_UPDATED", moment, {**before, **more}, more)


@action
def edit_task(
    desk: State, task_id: str, body: str | None = None, *, at: datetime | None = None
) -> str:
    """Change the body of a task."""
    moment, before = desk.moment(at), desk.tasks[task_id]
    body = f"Edited {desk.moments}" if body is None else body
    return _put(desk, "TASK/CONTENT_UPDATED", moment, {**before, "body": body})


@action
def move_task(desk: State, task_id: str, *, at: datetime | None = None) -> str:
    """Let a task be due a day later."""
    moment, before = desk.moment(at), desk.tasks[task_id]
    due = {"dueAt": desk.stamp(nanos(before["dueAt"]) + DAY)}
    return _put(desk, "TASK/DUE_DATE_UPDATED", moment, {**before, **due}, due)


@action
def close_task(desk: State, task_id: str, *, at: datetime | None = None) -> str:
    """Close a task."""
    moment, before = desk.moment(at), desk.tasks[task_id]
    return _put(desk, "TASK/CLOSED", moment, {**before, "status": "CLOSED"})


@action
def reopen_task(desk: State, task_id: str, *, at: datetime | None = None) -> str:
    """Open a task again."""
    moment, before = desk.moment(at), desk.tasks[task_id]
    return _put(desk, "TASK/REOPENED", moment, {**before, "status": "OPEN"})


def _put(  # noqa: PLR0913, PLR0917 - what an event is made of
    desk: State,
    kind: str,
    moment: Moment,
    after: Record,
    more: Record | None = None,
    by: tuple[str | None, str | None] = (None, None),
) -> str:
    """Store a task as it is now, and announce it; the event's context is as it was before."""
    before = desk.tasks.get(after["id"], after)
    desk.tasks[after["id"]] = after
    context = {"createdAt": before["timestamp"]}
    context.update({name: before[name] for name in ("assignee", "dueAt") if name in before})
    ids = {"customerId": after["customerId"], "taskId": after["id"]}
    desk.announce(kind, moment, {**ids, **(more or {}), "context": context}, *by)
    return str(after["id"])
