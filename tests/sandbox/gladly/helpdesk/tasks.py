"""What happens to tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tests.sandbox.gladly.helpdesk.contacts import Contacts
from tests.sandbox.gladly.timestamps import DAY

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.helpdesk.state import Moment

    Record = dict[str, Any]


class Duties(Contacts):
    """Tasks; see `Talks` for what all actions have in common."""

    def task(self, customer_id: str | None = None, *, at: datetime | None = None) -> str:
        """Add a task.

        Args:
            customer_id: Whose; None for any customer, who is new when there is none.
            at: When.

        Returns:
            Its id.
        """
        with self.lock:
            customer_id = self._any_customer(customer_id, at)
            moment = self._moment(at)
            task: Record = {
                "id": self._new_id(),
                "customerId": customer_id,
                "timestamp": self._stamp(moment.at),
                "createdBy": {"id": self._agent(), "type": "AGENT"},
                "assignee": {"inboxId": self._inbox()},
                "body": f"Call <b>back</b> {self._exact}",
                "dueAt": self._stamp(moment.at + DAY),
                "status": "OPEN",
            }
            self.tasks[task["id"]] = task
            return self._tell_task("TASK/CREATED", task, task, moment)

    def comment(self, task_id: str, *, at: datetime | None = None) -> str:
        """Comment on a task; returns the comment's id."""
        with self.lock:
            moment, task = self._moment(at), self.tasks[task_id]
            comment = {
                "id": self._new_id(),
                "agentId": self._agent(),
                "comment": f"Comment “{self._exact}”",
                "taskId": task_id,
                "createdAt": self._stamp(moment.at),
            }
            self.comments[comment["id"]] = comment
            self._tell_task("TASK/COMMENT_ADDED", task, task, moment, {"commentId": comment["id"]})
            return comment["id"]

    def assign_task(
        self,
        task_id: str,
        inbox_id: str | None = None,
        agent_id: str | Literal[False] | None = None,
        *,
        at: datetime | None = None,
    ) -> str:
        """Assign a task.

        Args:
            task_id: Which.
            inbox_id: To which inbox; None for the one where it is.
            agent_id: To which agent; None for any other one, False for nobody.
            at: When.

        Returns:
            The task's id.
        """
        with self.lock:
            moment, before = self._moment(at), self.tasks[task_id]
            had = before.get("assignee", {})
            assignee = {"inboxId": inbox_id or had.get("inboxId") or self._inbox()}
            if agent_id is None:
                assignee["agentId"] = self._agent(had.get("agentId"))
            elif agent_id is not False:
                assignee["agentId"] = agent_id
            more = {"assignee": assignee}
            return self._tell_task(
                "TASK/ASSIGNEE_UPDATED", before, {**before, **more}, moment, more
            )

    def edit_task(
        self, task_id: str, body: str | None = None, *, at: datetime | None = None
    ) -> str:
        """Change what is to be done; returns the task's id."""
        with self.lock:
            moment, before = self._moment(at), self.tasks[task_id]
            body = f"Edited {self._exact}" if body is None else body
            return self._tell_task("TASK/CONTENT_UPDATED", before, {**before, "body": body}, moment)

    def close_task(self, task_id: str, *, at: datetime | None = None) -> str:
        """Close a task; returns its id."""
        with self.lock:
            moment, before = self._moment(at), self.tasks[task_id]
            return self._tell_task("TASK/CLOSED", before, {**before, "status": "CLOSED"}, moment)

    def reopen_task(self, task_id: str, *, at: datetime | None = None) -> str:
        """Open a task again; returns its id."""
        with self.lock:
            moment, before = self._moment(at), self.tasks[task_id]
            return self._tell_task("TASK/REOPENED", before, {**before, "status": "OPEN"}, moment)

    def _tell_task(
        self,
        kind: str,
        before: Record,
        after: Record,
        moment: Moment,
        more: Record | None = None,
    ) -> str:
        """Put a task as it is now, and tell of it; the context is as it was before."""
        self.tasks[after["id"]] = after
        context = {"createdAt": before["timestamp"]}
        context.update({name: before[name] for name in ("assignee", "dueAt") if name in before})
        names = {"customerId": after["customerId"], "taskId": after["id"]}
        self._tell(kind, moment, {**names, **(more or {}), "context": context})
        return str(after["id"])
