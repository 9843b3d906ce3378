"""How customers end: merged into another, or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.helpdesk.state import Change
from tests.sandbox.gladly.helpdesk.tasks import Duties
from tests.sandbox.gladly.timestamps import nanos

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.helpdesk.state import Moment

    Record = dict[str, Any]

_MERGED = "CUSTOMER/MERGED"


class Endings(Duties):
    """Merges and deletions; see `Talks` for what all actions have in common."""

    def merge(self, source: str, destination: str, *, at: datetime | None = None) -> str:
        """Merge a customer into another, with all conversations and tasks.

        When both have a conversation that is not closed, the newest of each become one: that of
        the destination.

        Args:
            source: Who is no longer there.
            destination: Who gets everything.
            at: When.

        Returns:
            The destination's id.
        """
        with self.lock:
            if source == destination:
                raise KeyError(destination)
            _, _ = self.customers[source], self.customers[destination]
            moment = self._moment(at)
            old, new = self._newest_open(source), self._newest_open(destination)
            both = old is not None and new is not None
            self.merged[source] = destination
            if old is not None and new is not None:
                self._join(old, new)
            content = {
                "destinationCustomerId": destination,
                "destinationConversationId": new["id"] if new is not None and both else "",
                "sourceCustomerId": source,
                "sourceConversationId": old["id"] if old is not None and both else "",
            }
            self._tell(_MERGED, moment, content)
            self._move(source, destination, moment)
            del self.customers[source]
            return destination

    def delete(self, customer_id: str, *, at: datetime | None = None) -> str:
        """Delete a customer and all that belongs to it; returns the id."""
        with self.lock:
            moment = self._moment(at)
            del self.customers[customer_id]
            self.deleted[customer_id] = moment.at
            reason = {"reason": "CUSTOMER_DELETED", "status": "UNKNOWN"}
            for conversation in self.conversations.of(customer_id):
                if conversation["status"] != "CLOSED":
                    self._tell_contact("CONTACT/ENDED", moment, conversation, "CHAT", reason)
                for item in self.items.of(conversation["id"]):
                    self._drop_item(item)
                del self.conversations[conversation["id"]]
            for item in self.items.of(f"of {customer_id}"):
                self._drop_item(item)
            for task in self.tasks.of(customer_id):
                for comment in self.comments.of(task["id"]):
                    del self.comments[comment["id"]]
                del self.tasks[task["id"]]
            self._tell("CUSTOMER_PROFILE/DELETED", moment, {"customerId": customer_id})
            return customer_id

    def _newest_open(self, customer_id: str) -> Record | None:
        found = [one for one in self.conversations.of(customer_id) if one["status"] != "CLOSED"]
        return max(found, key=lambda one: nanos(one["createdAt"]), default=None)

    def _join(self, old: Record, new: Record) -> None:
        for item in self.items.of(old["id"]):
            moved = {"customerId": new["customerId"], "conversationId": new["id"]}
            self._put_item({**item, **moved})
        del self.conversations[old["id"]]

    def _move(self, source: str, destination: str, moment: Moment) -> None:
        why, theirs = f"{_MERGED} moved", {"customerId": destination}
        for conversation in self.conversations.of(source):
            self.conversations[conversation["id"]] = {**conversation, **theirs}
            for item in self.items.of(conversation["id"]):
                self._put_item({**item, **theirs})
            self.log.append(Change(moment.at, "conversation", conversation["id"], why))
        for item in self.items.of(f"of {source}"):
            self._put_item({**item, **theirs})
        for task in self.tasks.of(source):
            self.tasks[task["id"]] = {**task, **theirs}
            self.log.append(Change(moment.at, "task", task["id"], why))

    def _put_item(self, item: Record) -> None:
        self.items[item["id"]] = item
        if item["id"] in self.transcripts:
            held = self.transcripts[item["id"]]
            self.transcripts[item["id"]] = {**held, "customerId": item["customerId"]}

    def _drop_item(self, item: Record) -> None:
        del self.items[item["id"]]
        self.transcripts.pop(item["id"], None)
