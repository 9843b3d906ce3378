"""The state that is served by id, and how a change of it is announced."""

from __future__ import annotations

from functools import wraps
from random import Random
from threading import RLock
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NamedTuple, ParamSpec, TypeVar

from tests.sandbox.gladly.helpdesk.table import Table, by_conversation, by_customer, by_task
from tests.sandbox.gladly.items import Items
from tests.sandbox.gladly.timestamps import DIGITS, cycle_from, now, of, slug, stamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.sandbox.gladly.account import Account
    from tests.sandbox.gladly.events import Events
    from tests.sandbox.gladly.helpdesk.population import Population

Record = dict[str, Any]
Kind = Literal["conversation", "customer", "task"]
_INITIATORS = ("AGENT", "API", "SYSTEM", "AUTOMATION")
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
        events: Gets the events of actions, and serves them for a day.

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
        history: The events of all actions, in the order of the actions: what reports are made from.
        log: What changed, in the order of the actions.
        lock: Held by every action, and while an answer is put together.
        account: As given.
        random: Draws ids and choices.
        moments: How many moments were written.
        contacts: The id of the contact that is under way in a conversation, by the latter's id.
        calls: How many calls were made.
    """

    def __init__(self, seed: int, account: Account, population: Population, events: Events) -> None:
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
        self.history: list[Record] = []
        self.log: list[Change] = []
        self.lock = RLock()
        self.account = account
        self.contacts: dict[str, str] = {}
        self._events = events
        self.draw_from(f"desk {seed}")

    def draw_from(self, seed: str, number: int = 0) -> None:
        """Let what comes depend on a seed and a number, and on nothing that came before."""
        self.random = Random(seed)
        self.moments = self.calls = number
        self._item_maker: Items | None = None
        self._seed = seed, number
        self._digits = cycle_from(DIGITS, number)
        self._initiators = cycle_from(_INITIATORS, number)

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
        if self._item_maker is None:
            seed, number = self._seed
            self._item_maker = Items(seed, self.account, first=number)
        item = self._item_maker.make(
            moment.at,
            customer_id=conversation["customerId"],
            conversation_id=conversation["id"],
            kind=kind,
        )
        self.items[item["id"]] = item
        return item

    def announce(
        self,
        kind: str,
        moment: Moment,
        content: Record,
        by: str | None = None,
        by_id: str | None = None,
    ) -> None:
        """Announce a change: by an event, and in the log.

        ``by`` is the type of the initiator; None for one after the other. An agent of no given id
        is the one who is named, or has what the event is about; otherwise any.
        """
        by = next(self._initiators) if by is None else by
        by_id = {"SYSTEM": "", "CUSTOMER": content.get("customerId", "")}.get(by, by_id)
        if by_id is None:
            assignee = content.get("context", {}).get("assignee", {})
            by_id = content.get("agentId") or assignee.get("agentId") or self.any_agent()
        event = {
            "id": self.new_id(),
            "type": kind,
            "timestamp": moment.text,
            "initiator": {"id": by_id, "type": by},
            "content": content,
        }
        self.history.append(event)
        self._events.record(event)
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
