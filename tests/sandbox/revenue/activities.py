"""Mails, meetings and files of a made-up sales team."""

from __future__ import annotations

from bisect import bisect_left
from math import gcd
from typing import TYPE_CHECKING, Any, get_args

from tests.sandbox.crm import (
    ACCOUNTS,
    account_id,
    contact_email,
    opportunity_id,
    opportunity_name,
    opportunity_owner,
)
from tests.sandbox.instants import DAY_MS
from tests.sandbox.people import PEOPLE
from tests.sandbox.randomness import Draws
from tests.sandbox.revenue.requests import ActivityType
from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sandbox.people import Person

    Record = dict[str, Any]

TYPES: tuple[str, ...] = get_args(ActivityType)
OPPORTUNITIES = 40
"""How many opportunities the activities are about."""

_SUBJECTS = (
    "Kick-off with the buying committee",
    'Re: "final" pricing \N{EM DASH} round 2 \N{PARTY POPPER}',
    "Security review\nagenda:\n\t1. SSO\n\t2. data residency",
    "Übergabe & nächste Schritte \N{WHITE HEAVY CHECK MARK}",
    "見積書の件",
    "Back\\slash, 'single' and \"double\" quotes",
    "",
)
_FILLER = "The quick brown fox signs the order form before the quarter ends. "


def activity(seed: int, index: int, moment: int) -> Record:
    """Make the activity of an index at a moment in milliseconds since 1970."""
    draws = Draws(seed, index, b"activity")
    owner, organiser = draws.pick(PEOPLE), draws.pick(PEOPLE)
    about = draws.below(OPPORTUNITIES)
    company = about % ACCOUNTS
    guest = {
        "name": " ".join(wording().person(company)),
        "email": contact_email(company) or "",
        "sfdcUserId": "",
        "isInternal": False,
    }
    account = {
        "accountId": account_id(company),
        "accountName": wording().company(company),
        "accountOwnerId": opportunity_owner(about),
    }
    return {
        "activityId": f"{seed:08x}{draws.below(1 << 64):016x}{index:08x}",
        "activityType": TYPES[index % len(TYPES)],
        "subject": draws.pick(list(_SUBJECTS)),
        "date": moment,
        "activityOwnerId": owner.crm_id,
        "activityOrganiserId": organiser.crm_id,
        "accounts": [] if draws.one_in(6) else [account],
        "opportunities": [] if draws.one_in(5) else [_opportunity(about)],
        "participants": [_host(owner), _host(organiser), guest],
    }


def _host(person: Person) -> Record:
    return {
        "name": person.name,
        "email": person.email,
        "sfdcUserId": person.crm_id,
        "isInternal": True,
    }


def _opportunity(index: int) -> Record:
    return {
        "opportunityId": opportunity_id(index),
        "opportunityName": opportunity_name(index, index % ACCOUNTS),
        "opportunityOwnerId": opportunity_owner(index),
    }


def some_activities(seed: int, count: int, now: int) -> list[Record]:
    """Make activities of the last 400 days, and every tenth one within the next 30, by date.

    The present is in milliseconds since 1970.
    """
    made = []
    for index in range(count):
        draws = Draws(seed, index, b"moment")
        planned = index % 10 == 0
        distance = 60_000 + draws.below((29 if planned else 399) * DAY_MS)
        made.append(activity(seed, index, now + distance if planned else now - distance))
    return sorted(made, key=lambda one: one["date"])


class ManyActivities:
    """Activities of the last 300 days that are made whenever they are asked for.

    The present is in milliseconds since 1970; ``text_bytes`` is the length of a subject.
    """

    def __init__(self, seed: int, count: int, text_bytes: int, now: int) -> None:
        self._seed = seed
        self._count = count
        self._text = (_FILLER * (text_bytes // len(_FILLER) + 1))[:text_bytes]
        self._first = now - 300 * DAY_MS
        self._span = 300 * DAY_MS

    def activity(self, index: int) -> Record:
        """Return one."""
        about = index % OPPORTUNITIES
        person = PEOPLE[index % len(PEOPLE)]
        number = f"{index} "
        return {
            "activityId": f"{self._seed:08x}f{index:023x}",
            "activityType": TYPES[index % len(TYPES)],
            "subject": number + self._text[len(number) :],
            "date": self._moment(index),
            "activityOwnerId": person.crm_id,
            "activityOrganiserId": person.crm_id,
            "accounts": [],
            "opportunities": [_opportunity(about)],
            "participants": [_host(person)],
        }

    def between(self, start: int | None, end: int | None) -> Iterator[Record]:
        """Make those of a time, its end exclusive, in an order that means nothing."""
        everything = range(self._count)
        first = 0 if start is None else bisect_left(everything, start, key=self._moment)
        last = self._count if end is None else bisect_left(everything, end, key=self._moment)
        found = last - first
        step = max(1, found * 5 // 8)
        while gcd(step, found) > 1:
            step += 1
        for number in range(found):
            yield self.activity(first + number * step % found)

    def _moment(self, index: int) -> int:
        return self._first + index * self._span // self._count


def with_text_dates(rows: Callable[[], Iterator[Record]]) -> Iterator[Record]:
    """Turn every other date into text, as the vendor's own example does."""
    for number, row in enumerate(rows()):
        yield {**row, "date": str(row["date"])} if number % 2 else row
