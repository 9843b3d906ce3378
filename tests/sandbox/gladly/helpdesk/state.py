"""The state that is served, and how a change of it is told."""

from __future__ import annotations

from itertools import cycle
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from tests.sandbox.gladly.helpdesk.table import Table, by_conversation, by_customer, by_task
from tests.sandbox.gladly.items import Items
from tests.sandbox.gladly.report_sets import columns_of
from tests.sandbox.gladly.timestamps import DIGITS, cycle_from, now, of, slug, stamp

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.account import Account
    from tests.sandbox.gladly.events import Events
    from tests.sandbox.gladly.helpdesk.population import Population
    from tests.sandbox.gladly.reports import Reports

Record = dict[str, Any]
Kind = Literal["conversation", "customer", "task"]

_NAMES: dict[str, Kind] = {
    "conversationId": "conversation",
    "customerId": "customer",
    "taskId": "task",
    "sourceCustomerId": "customer",
    "sourceConversationId": "conversation",
    "destinationCustomerId": "customer",
    "destinationConversationId": "conversation",
}
_REPORTS = {
    "CONTACT": "ContactTimestampsReport",
    "CONVERSATION": "ConversationTimestampsReport",
    "CONVERSATION_ASSIGNEE": "ConversationTimestampsReport",
    "CUSTOMER": "ConversationTimestampsReport",
    "PAYMENT_REQUEST": "ContactTimestampsReport",
    "TASK": "TaskTimestampsReport",
}
_OTHER_NAMES = {
    "CONVERSATION/NOTE_CREATED": "NOTE/CREATED",
    "PAYMENT_REQUEST/STATUS_CHANGED": "PAYMENT_REQUEST/CHANGED",
}
"""What reports call events by another name."""
_CELLS = {
    "Conversation ID": ("conversationId", "destinationConversationId"),
    "Customer ID": ("customerId", "destinationCustomerId"),
    "Merged Customer ID": ("sourceCustomerId",),
    "Merged Conversation ID": ("sourceConversationId",),
    "Task ID": ("taskId",),
    "Contact ID": ("contactId",),
    "Channel": ("channel",),
    "Topic ID": ("topicId",),
    "Final IVR Selection": ("finalIVRSelection",),
}
_INITIATORS = {"API": "APPLICATION", "AUTOMATION": "APPLICATION"}


class Change(NamedTuple):
    """What an action changed.

    Attributes:
        at: When, in nanoseconds since 1970: the timestamp of the event.
        kind: What it is.
        id: Its id.
        why: The type of the event that names it; with ``moved`` at the end if none does.
    """

    at: int
    kind: Kind
    id: str
    why: str


class Moment(NamedTuple):
    """An instant, and how it is written without a loss."""

    at: int
    text: str


class World:
    """The state; see `Desk` for its attributes.

    Args:
        seed: Seed of what the actions make.
        account: Whose agents, inboxes and topics there are.
        population: What is there at the start.
        events: Where events are told.
        reports: Where rows are told.
    """

    def __init__(
        self, seed: int, account: Account, population: Population, events: Events, reports: Reports
    ) -> None:
        self.customers: dict[str, Record] = population.customers
        self.conversations = Table(by_customer)
        self.conversations.update(population.conversations)
        self.items = Table(by_conversation)
        self.items.update(population.items)
        self.tasks = Table(by_customer)
        self.tasks.update(population.tasks)
        self.comments = Table(by_task)
        self.comments.update(population.comments)
        self.custom_attributes: dict[str, Record] = population.custom_attributes
        self.transcripts: dict[str, Record] = population.transcripts
        self.merged: dict[str, str] = population.merged
        self.deleted: dict[str, int] = population.deleted
        self.unsupported: set[str] = set()
        self.caps = {"conversations": 100, "items": 1000, "tasks": 2000, "comments": 1000}
        self.capped_keeps: Literal["oldest", "newest"] = "oldest"
        self.merged_lists: Literal["moved", "missing", "empty"] = "moved"
        self.merges_point_to: Literal["next", "last"] = "next"
        self.location: str | None = None
        self.log: list[Change] = []
        self.lock = RLock()
        """Held by every action, and while an answer is put together."""
        self._random = Random(f"desk {seed}")
        self._account = account
        self._events = events
        self._reports = reports
        self._maker = Items(f"desk {seed}", account, [])
        self._digits = cycle(DIGITS)
        self._exact = 0
        self._others = cycle(("AGENT", "API", "SYSTEM", "AUTOMATION"))
        self._contacts: dict[str, str] = {}
        self._calls = 0

    def truth(self, since: datetime, until: datetime | None = None) -> dict[Kind, dict[str, int]]:
        """Return when each id changed last, of those that changed in a window.

        Args:
            since: Begin of the window.
            until: End of the window, exclusive; None for all that comes.

        Returns:
            Nanoseconds since 1970 by id, for each kind, also for one where nothing changed. What
            moved with a merge is there too.
        """
        first, end = of(since), None if until is None else of(until)
        found: dict[Kind, dict[str, int]] = {"conversation": {}, "customer": {}, "task": {}}
        for change in list(self.log):
            if first <= change.at and (end is None or change.at < end):
                before = found[change.kind].get(change.id, change.at)
                found[change.kind][change.id] = max(before, change.at)
        return found

    def _moment(self, at: datetime | None) -> Moment:
        """Write an instant with digits that vary, but never so few that it becomes another.

        Otherwise an event of just now would lie before what happened just before.
        """
        if at is not None:
            return self._write(of(at))
        value = now(self._events.as_of)
        return self._write(value if self._exact % 2 else value // 1000 * 1000)

    def _write(self, value: int) -> Moment:
        self._exact += 1
        for digits in cycle_from(DIGITS, self._exact):
            if value % 10 ** (9 - digits) == 0:
                return Moment(value, stamp(value, digits))
        raise AssertionError

    def _stamp(self, at: int) -> str:
        return stamp(at, next(self._digits))

    def _new_id(self) -> str:
        return slug(self._random)

    def _agent(self, besides: str | None = None) -> str:
        ids = [str(one["id"]) for one in list(self._account.agents)]
        return self._random.choice([one for one in ids if one != besides] or ids)

    def _inbox(self) -> str:
        return str(self._random.choice(self._account.inboxes)["id"])

    def _tell(self, kind: str, moment: Moment, content: Record, by: str | None = None) -> None:
        """Tell of a change: by an event, by a row of a report, and in the log.

        Args:
            kind: The event's type.
            moment: When.
            content: The event's content.
            by: The type of who did it; None for one after the other.
        """
        kind_of = by or next(self._others)
        ids = {"SYSTEM": "", "CUSTOMER": content.get("customerId", "")}
        initiator = {"id": ids[kind_of] if kind_of in ids else self._agent(), "type": kind_of}
        self._events.record(kind, moment.text, content, initiator)
        metric_set = _REPORTS.get(kind.partition("/")[0])
        if metric_set is not None:
            self._reports.add_row(
                metric_set, self._row(metric_set, kind, moment, content, initiator)
            )
        for name, what in _NAMES.items():
            if content.get(name):
                self.log.append(Change(moment.at, what, content[name], kind))

    def _row(
        self, metric_set: str, kind: str, moment: Moment, content: Record, initiator: Record
    ) -> dict[str, str]:
        row: dict[str, str] = dict.fromkeys(columns_of(metric_set), "")
        for header, names in _CELLS.items():
            if header in row:
                row[header] = next((content[name] for name in names if name in content), "")
        row["Timestamp"], row["Event Type"] = moment.text, _OTHER_NAMES.get(kind, kind)
        row["Initiator ID"] = initiator["id"]
        by = str(initiator["type"])
        row["Initiator Type"] = _INITIATORS.get(by, by)
        row["Initiator Agent Name"] = self._name("agents", initiator["id"])
        self._assign(row, "Assigned", content.get("context", {}).get("assignee", {}))
        if "Timezone Filter" in row:
            row["Timezone Filter"] = str(self._account.organization["timezone"])
            row["Topic Name"] = self._name("topics", row["Topic ID"])
            self._assign(row, "Newly Assigned", content.get("assignee", {}))
            row["Assignment Update Reason"] = content.get("reason", "")
        return row

    def _assign(self, row: dict[str, str], prefix: str, assignee: Record) -> None:
        for what, member, records in (
            ("Inbox", "inboxId", "inboxes"),
            ("Agent", "agentId", "agents"),
        ):
            row[f"{prefix} {what} ID"] = assignee.get(member, "")
            row[f"{prefix} {what} Name"] = self._name(records, assignee.get(member, ""))

    def _name(self, records: str, record_id: str) -> str:
        found = (one for one in list(getattr(self._account, records)) if one["id"] == record_id)
        return str(next((one.get("name", "") for one in found), ""))
