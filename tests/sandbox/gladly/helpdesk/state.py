"""The state that is served by id, and how a change of it is announced."""

from __future__ import annotations

from functools import wraps
from itertools import cycle
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NamedTuple, ParamSpec, TypeVar

from tests.sandbox.gladly.helpdesk.table import Table, by_conversation, by_customer, by_task
from tests.sandbox.gladly.items import Items
from tests.sandbox.gladly.report_sets import columns_of
from tests.sandbox.gladly.timestamps import DIGITS, cycle_from, now, of, slug, stamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.sandbox.gladly.account import Account
    from tests.sandbox.gladly.events import Events
    from tests.sandbox.gladly.helpdesk.population import Population
    from tests.sandbox.gladly.reports import Reports

Record = dict[str, Any]
Kind = Literal["conversation", "customer", "task"]
P = ParamSpec("P")
R = TypeVar("R")

_IDS: dict[str, Kind] = {
    "conversationId": "conversation",
    "customerId": "customer",
    "taskId": "task",
    "sourceCustomerId": "customer",
    "sourceConversationId": "conversation",
    "destinationCustomerId": "customer",
    "destinationConversationId": "conversation",
}
"""The kind of record that each member of an event names."""
_REPORTS = {
    "CONTACT": "ContactTimestampsReport",
    "CONVERSATION": "ConversationTimestampsReport",
    "CONVERSATION_ASSIGNEE": "ConversationTimestampsReport",
    "CUSTOMER": "ConversationTimestampsReport",
    "TASK": "TaskTimestampsReport",
}
"""The report that has a row for each event, by the first part of the event's type."""
_TYPES_IN_REPORTS = {"CONVERSATION/NOTE_CREATED": "NOTE/CREATED"}
_INITIATORS_IN_REPORTS = {"API": "APPLICATION", "AUTOMATION": "APPLICATION"}
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
"""The members of an event that a report's cell is taken from."""


class Change(NamedTuple):
    """What an action changed.

    Attributes:
        at: The timestamp of the event, in nanoseconds since 1970.
        kind: The kind of the record.
        id: Its id.
        why: The type of the event that names it; with ``moved`` at the end if none does.
    """

    at: int
    kind: Kind
    id: str
    why: str


class Moment(NamedTuple):
    """An instant in nanoseconds since 1970, and its text, which keeps all of them."""

    at: int
    text: str


class State:
    """The records that are served by id, and the settings of how they are served.

    Args:
        seed: Seed of the records that actions make.
        account: The account whose agents, inboxes and topics they name.
        population: The records of the start.
        events: Gets an event for each action.
        reports: Gets the row of a report for most of them.

    Attributes:
        customers: Profiles by id, without those that were merged away or deleted.
        conversations: Conversations by id.
        items: Items by id.
        tasks: Tasks by id.
        comments: Comments of tasks by id.
        custom_attributes: Definitions of freeform topics by id.
        transcripts: Transcripts by the id of their item.
        merged: The id of the customer that another was merged into, by the id of the latter.
        deleted: When customers were deleted, in nanoseconds since 1970, by id.
        unsupported: Ids of items whose type the API does not support.
        caps: How many records each list has at most.
        capped_keeps: Which records a list keeps that has more.
        merged_lists: What the lists of a merged customer are: moved (301), missing, or empty.
        merges_point_to: Whether a customer that was merged twice leads to the next or the last.
        location: The Location header of a 301; None for none, as the vendor documents it.
        log: What changed, in the order of the actions.
        lock: Held by every action, and while an answer is put together.
        account: As given.
        random: Draws ids and choices.
        moments: How many moments were written.
        contacts: The id of the contact that is under way in a conversation, by the latter's id.
        calls: How many calls were made.
    """

    def __init__(
        self, seed: int, account: Account, population: Population, events: Events, reports: Reports
    ) -> None:
        self.customers: dict[str, Record] = population.customers
        self.conversations = Table(by_customer, population.conversations)
        self.items = Table(by_conversation, population.items)
        self.tasks = Table(by_customer, population.tasks)
        self.comments = Table(by_task, population.comments)
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
        self.account = account
        self.random = Random(f"desk {seed}")
        self.moments = 0
        self.contacts: dict[str, str] = {}
        self.calls = 0
        self._events = events
        self._reports = reports
        self._item_maker = Items(f"desk {seed}", account)
        self._digits = cycle(DIGITS)
        self._initiators = cycle(("AGENT", "API", "SYSTEM", "AUTOMATION"))

    def truth(self, since: datetime) -> dict[Kind, dict[str, int]]:
        """Return when each id changed last, of those that changed since a time.

        Returns:
            Nanoseconds since 1970 by id, for each kind, also for one where nothing changed. What
            moved with a merge is there too.
        """
        found: dict[Kind, dict[str, int]] = {"conversation": {}, "customer": {}, "task": {}}
        for change in list(self.log):
            if change.at >= of(since):
                before = found[change.kind].get(change.id, change.at)
                found[change.kind][change.id] = max(before, change.at)
        return found

    def now(self) -> int:
        """Return the present in nanoseconds since 1970."""
        return now(self._events.as_of)

    def moment(self, at: datetime | None) -> Moment:
        """Return a given moment, or the present."""
        if at is not None:
            return self.write(of(at))
        return self.write(self.now() if self.moments % 2 else self.now() // 1000 * 1000)

    def write(self, at: int) -> Moment:
        """Write an instant with digits that vary, but never so few that it becomes another.

        Otherwise an event of just now would lie before what happened just before.
        """
        self.moments += 1
        for digits in cycle_from(DIGITS, self.moments):
            if at % 10 ** (9 - digits) == 0:
                return Moment(at, stamp(at, digits))
        raise AssertionError

    def stamp(self, at: int) -> str:
        """Write a time of a record, which may lose digits."""
        return stamp(at, next(self._digits))

    def new_id(self) -> str:
        """Draw an id."""
        return slug(self.random)

    def any_agent(self, besides: str | None = None) -> str:
        """Draw the id of an agent, of another one if there is one."""
        ids = [str(each["id"]) for each in list(self.account.agents)]
        return self.random.choice([each for each in ids if each != besides] or ids)

    def new_assignee(
        self, had: Record, inbox_id: str | None, agent_id: str | Literal[False] | None
    ) -> Record:
        """Return an assignee: by default the inbox that was there, and any other agent."""
        assignee = {"inboxId": inbox_id or had.get("inboxId") or self.any_inbox()}
        if agent_id is not False:
            assignee["agentId"] = agent_id or self.any_agent(had.get("agentId"))
        return assignee

    def any_inbox(self) -> str:
        """Draw the id of an inbox."""
        return str(self.random.choice(self.account.inboxes)["id"])

    def add_item(self, moment: Moment, conversation: Record, kind: str) -> Record:
        """Add an item to a conversation; the kind is a key of `CONTENTS`."""
        item = self._item_maker.make(
            moment.at,
            customer_id=conversation["customerId"],
            conversation_id=conversation["id"],
            kind=kind,
        )
        self.items[item["id"]] = item
        return item

    def announce(self, kind: str, moment: Moment, content: Record, by: str | None = None) -> None:
        """Announce a change: by an event, by a row of a report, and in the log.

        ``by`` is the type of the initiator; None for one after the other.
        """
        by = next(self._initiators) if by is None else by
        ids = {"SYSTEM": "", "CUSTOMER": content.get("customerId", "")}
        by_id = ids[by] if by in ids else self.any_agent()
        initiator = {"id": by_id, "type": by}
        self._events.record(kind, moment.text, content, initiator)
        metric_set = _REPORTS.get(kind.partition("/")[0])
        if metric_set is not None:
            row = _row(self.account, columns_of(metric_set), kind, content, initiator)
            self._reports.add_row(metric_set, {**row, "Timestamp": moment.text})
        for name, what in _IDS.items():
            if content.get(name):
                self.log.append(Change(moment.at, what, content[name], kind))


def action(function: Callable[Concatenate[State, P], R]) -> Callable[Concatenate[State, P], R]:
    """Make a function hold the lock of the state that it changes."""

    @wraps(function)
    def locked(state: State, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with state.lock:
            return function(state, *args, **kwargs)

    return locked


def _row(
    account: Account, columns: list[str], kind: str, content: Record, initiator: Record
) -> dict[str, str]:
    """Return the row of a timestamp report, all but its time."""
    row: dict[str, str] = dict.fromkeys(columns, "")
    for header, names in _CELLS.items():
        if header in row:
            row[header] = next((content[name] for name in names if name in content), "")
    by: str = initiator["type"]
    row["Event Type"] = _TYPES_IN_REPORTS.get(kind, kind)
    row["Initiator ID"] = initiator["id"]
    row["Initiator Type"] = _INITIATORS_IN_REPORTS.get(by, by)
    row["Initiator Agent Name"] = _name(account.agents, initiator["id"])
    row |= _assigned(account, "Assigned", content.get("context", {}).get("assignee", {}))
    if "Timezone Filter" in row:
        row["Timezone Filter"] = str(account.organization["timezone"])
        row["Topic Name"] = _name(account.topics, row["Topic ID"])
        row |= _assigned(account, "Newly Assigned", content.get("assignee", {}))
        row["Assignment Update Reason"] = content.get("reason", "")
    return row


def _assigned(account: Account, prefix: str, assignee: Record) -> dict[str, str]:
    inbox, agent = (assignee.get(name, "") for name in ("inboxId", "agentId"))
    return {
        f"{prefix} Inbox ID": inbox,
        f"{prefix} Inbox Name": _name(account.inboxes, inbox),
        f"{prefix} Agent ID": agent,
        f"{prefix} Agent Name": _name(account.agents, agent),
    }


def _name(records: list[Record], record_id: str) -> str:
    return next((str(each.get("name", "")) for each in [*records] if each["id"] == record_id), "")
