"""The CRM that both APIs of Clari show: accounts, contacts, and what became of each deal.

All of it follows from a seed and an index, whatever the size, so that both show the same. An
account has four contacts, the last of whom is deleted, and three deals: one of the year of the
calls, one that follows in a later quarter, and one that is deleted.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar

from tests.sandbox.instants import DAY, micros
from tests.sandbox.people import REPRESENTATIVES
from tests.sandbox.randomness import Draws
from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.people import Person

Kind = Literal["account", "contact", "deal"]
Value = TypeVar("Value")

END_OF_DATA = micros("2026-10-01T00:00:00Z")
"""Calls lie in the twelve months before, whatever the clock on the wall says."""

START_OF_DATA = END_OF_DATA - 365 * DAY

WON, LOST = "Closed Won", "Closed Lost"
OF_STAGE = {
    "Prospecting": ("Pipeline", 10),
    "Qualification": ("Pipeline", 20),
    "Demo": ("Best Case", 40),
    "Proposal/Price Quote": ("Best Case", 60),
    "Negotiation": ("Commit", 80),
    WON: ("Closed", 100),
    LOST: ("Omitted", 0),
}
"""The category in the forecast and the probability of a deal, by its stage."""

_SIZE: dict[Kind, int] = {"account": 1, "contact": 4, "deal": 3}
"""How many of a kind an account has; the last of several is deleted."""
_IDS: dict[Kind, str] = {
    "account": "0014x0000A{:06}AA",
    "contact": "0034x0000C{:06}AA",
    "deal": "0064x0000O{:06}AA",
}
_PREFIX = 10
DELETED_ACCOUNTS = 90_000
"""From this index on, accounts are deleted, and all that is of them."""

_ACCOUNTS = 25
"""How many accounts there are at least; calls are about the first of them."""

_ACCOUNTS_OF_A_QUARTER = 12
_QUARTER = 91 * DAY


@dataclass(frozen=True)
class History(Generic[Value]):
    """What a value has been; each with when that began, in microseconds, oldest first."""

    steps: list[tuple[int, Value]]

    @property
    def last(self) -> Value:
        """What it is by now."""
        return self.steps[-1][1]

    def at(self, moment: int) -> Value | None:
        """Return what it was; None before it was."""
        return next((value for begin, value in reversed(self.steps) if begin <= moment), None)

    def changes(self) -> Iterator[tuple[int, Value, Value]]:
        """Return when it changed, from what and to what."""
        for (_, before), (moment, after) in pairwise(self.steps):
            yield moment, before, after


@dataclass(frozen=True, kw_only=True)
class Deal:
    """A deal, which the forecast calls an opportunity, up to now.

    Times are microseconds since 1970.
    """

    index: int
    account: int
    name: str
    created: int
    stage: History[str]
    amount: History[float]
    close_date: History[int]
    owner: History[Person]

    @property
    def id(self) -> str:
        """Its id in the CRM."""
        return crm_id("deal", self.index)

    @property
    def renews(self) -> bool:
        """Whether it follows an earlier one."""
        return self.index % _SIZE["deal"] == 1


class Meeting(NamedTuple):
    """A call as the calendar has it.

    Attributes:
        call_id: Its id in Copilot.
        subject: What it is called.
        moment: When it begins, in milliseconds since 1970.
        users: Who of us is invited, the organizer first.
        contacts: Who else is.
        account: The account that it is filed under; None for none.
        deal: The deal; None for none.
        status: What became of it, as Copilot numbers that.
    """

    call_id: str
    subject: str
    moment: int
    users: list[int]
    contacts: list[int]
    account: int | None
    deal: Deal | None
    status: int


def crm_id(kind: Kind, index: int) -> str:
    """Return the id of an account, contact or deal, which may be deleted."""
    return _IDS[kind].format(index)


def account_of(kind: Kind, index: int) -> int:
    """Return the account that a contact or deal is of."""
    return index // _SIZE[kind]


def account_owner(account: int) -> Person:
    """Return the representative whose account it is."""
    return REPRESENTATIVES[account % len(REPRESENTATIVES)]


@cache
def contact_name(index: int) -> str:
    """Return first and last name of a contact."""
    return " ".join(wording().person(index))


def contact_email(index: int) -> str | None:
    """Return the email address of a contact; some have a telephone only."""
    return None if index % 7 == 3 else f"contact{index}@example.com"


def of_account(kind: Kind, account: int) -> range:
    """Return the contacts or deals of an account; the last one is deleted."""
    size = _SIZE[kind]
    return range(account * size, (account + 1) * size)


class Crm:
    """What there is in the CRM, as of when it was made.

    Args:
        seed: Seed of all records.
        calls: How many calls there are, for accounts in proportion.
        now: When that is, in microseconds since 1970; None for the clock on the wall.

    Attributes:
        called: How many accounts, from the first, calls are about.
        accounts: How many accounts there are: as time goes by, more come.
        now: When that is, in microseconds since 1970.
    """

    def __init__(self, seed: int, calls: int = 0, now: int | None = None) -> None:
        self.now = time.time_ns() // 1000 if now is None else now
        self.called = 5 + min(calls // 50, 20_000)
        quarters = 2 + (self.now - END_OF_DATA) // _QUARTER
        self.accounts = max(self.called, _ACCOUNTS, quarters * _ACCOUNTS_OF_A_QUARTER)
        self._seed = seed
        self._deals: dict[int, Deal] = {}

    def index(self, kind: Kind, an_id: str) -> int | None:
        """Return the index of what has this id; None where it is deleted or never was."""
        digits = an_id[_PREFIX:-2]
        if not (digits.isascii() and digits.isdigit()) or crm_id(kind, int(digits)) != an_id:
            return None
        return int(digits) if self._is_there(kind, int(digits)) else None

    def indexes(self, kind: Kind) -> list[int]:
        """Return the indexes of all that there are of a kind."""
        everything = range(self.accounts * _SIZE[kind])
        return [index for index in everything if self._is_there(kind, index)]

    def _is_there(self, kind: Kind, index: int) -> bool:
        size = _SIZE[kind]
        if index >= self.accounts * size or (size > 1 and index % size == size - 1):
            return False
        return kind != "deal" or self.deal(index).created <= self.now

    def deals(self) -> list[Deal]:
        """Return all deals that there are."""
        return [self.deal(index) for index in self.indexes("deal")]

    def deal(self, index: int) -> Deal:
        """Return a deal, deleted or not; of one that is yet to come, what it will begin with."""
        deal = self._deals.get(index)
        if deal is None:
            deal = self._deals[index] = self._make(index)
        return deal

    def _make(self, index: int) -> Deal:
        draws = Draws(self._seed, index, b"deal in the CRM")
        account, number = divmod(index, _SIZE["deal"])
        life = (45 + draws.below(90)) * DAY
        if number == 1:
            quarter = account // _ACCOUNTS_OF_A_QUARTER
            day = END_OF_DATA + quarter * _QUARTER + draws.below(91) * DAY
        else:
            day = START_OF_DATA + (20 + draws.below(345)) * DAY
            life *= 3  # so that most calls come after its begin
        created, closed = day - life, day + 15 * DAY // 24
        *open_stages, won, lost = OF_STAGE
        stages = [
            *((created + life * step // 5, stage) for step, stage in enumerate(open_stages)),
            (closed, won if draws.below(3) else lost),
        ]
        amount, rise = 100_000.5 + 500 * draws.below(600), 1000 * (draws.below(60) - 20)
        amounts = [(created, amount)]
        if rise:
            amounts.append((created + life // 2, amount + rise))
        dates = [(created, day)]
        if draws.below(2):
            dates = [(created, day - 14 * DAY), (created + life * 2 // 3, day)]
        owner = account_owner(account)
        owners = [(created, owner)]
        if draws.one_in(3):
            owners = [(created, account_owner(account + 4)), (created + life // 3, owner)]
        return Deal(
            index=index,
            account=account,
            name=f"{wording().company(account)} / {index}",
            created=created,
            stage=self._until_now(stages),
            amount=self._until_now(amounts),
            close_date=self._until_now(dates),
            owner=self._until_now(owners),
        )

    def _until_now(self, steps: list[tuple[int, Value]]) -> History[Value]:
        return History([steps[0], *(step for step in steps[1:] if step[0] <= self.now)])
