"""Mails, meetings and files of a made-up sales team; among the meetings are Copilot's calls."""

from __future__ import annotations

from bisect import bisect_left
from hashlib import blake2b
from math import gcd
from typing import TYPE_CHECKING, Any, get_args

from tests.sandbox.crm import account_owner, contact_email, contact_name, crm_id, of_account
from tests.sandbox.instants import DAY_MS
from tests.sandbox.people import PEOPLE, user_crm_id, user_email, user_name
from tests.sandbox.randomness import Draws
from tests.sandbox.revenue.requests import ActivityType
from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.sandbox.crm import Crm, Deal, Meeting

    Record = dict[str, Any]

TYPES: tuple[str, ...] = get_args(ActivityType)
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


def of_meeting(meeting: Meeting) -> Record:
    """Make the activity that a call is."""
    return {
        # The two APIs have no id in common.
        "activityId": blake2b(meeting.call_id.encode(), digest_size=16).hexdigest(),
        "activityType": "MEETING",
        "subject": meeting.subject,
        "date": meeting.moment,
        "accounts": [] if meeting.account is None else [_account(meeting.account)],
        "opportunities": [] if meeting.deal is None else [_opportunity(meeting.deal)],
        **_people(meeting.users, meeting.contacts),
    }


def activity(seed: int, crm: Crm, index: int, moment: int) -> Record:
    """Make the activity of an index at a moment in milliseconds since 1970.

    It is about a deal that is open then, if there is one.
    """
    draws = Draws(seed, index, b"activity")
    deals, at = crm.deals(), moment * 1000
    deal = draws.pick([one for one in deals if one.created <= at <= one.close_date.last] or deals)
    owner, organiser = deal.owner.last.index, draws.below(len(PEOPLE))
    return {
        "activityId": f"{seed:08x}{draws.below(1 << 64):016x}{index:08x}",
        "activityType": TYPES[index % len(TYPES)],
        "subject": draws.pick(list(_SUBJECTS)),
        "date": moment,
        "accounts": [] if draws.one_in(6) else [_account(deal.account)],
        "opportunities": [] if draws.one_in(5) else [_opportunity(deal)],
        **_people(
            [*{owner: 0, organiser: 0}], [draws.pick([*of_account("contact", deal.account)[:-1]])]
        ),
        "activityOrganiserId": user_crm_id(organiser),
    }


def _people(users: Sequence[int], contacts: Sequence[int]) -> Record:
    """Return who takes part, and whose it is: the first one's."""
    owner = user_crm_id(users[0])
    hosts = [(user_name(one), user_email(one), user_crm_id(one), True) for one in users]
    guests = [(contact_name(one), contact_email(one) or "", "", False) for one in contacts]
    members = ("name", "email", "sfdcUserId", "isInternal")
    return {
        "activityOwnerId": owner,
        "activityOrganiserId": owner,
        "participants": [dict(zip(members, one, strict=True)) for one in (*hosts, *guests)],
    }


def _account(index: int) -> Record:
    return {
        "accountId": crm_id("account", index),
        "accountName": wording().company(index),
        "accountOwnerId": account_owner(index).crm_id,
    }


def _opportunity(deal: Deal) -> Record:
    return {
        "opportunityId": deal.id,
        "opportunityName": deal.name,
        "opportunityOwnerId": deal.owner.last.crm_id,
    }


def some_activities(seed: int, crm: Crm, count: int) -> list[Record]:
    """Make activities of the last 400 days, and every tenth one within the next 30, by date."""
    now = crm.now // 1000
    made = []
    for index in range(count):
        draws = Draws(seed, index, b"moment")
        planned = index % 10 == 0
        distance = 60_000 + draws.below((29 if planned else 399) * DAY_MS)
        made.append(activity(seed, crm, index, now + distance if planned else now - distance))
    return sorted(made, key=lambda one: one["date"])


class ManyActivities:
    """Activities of the last 300 days that are made whenever they are asked for.

    ``text_bytes`` is the length of a subject.
    """

    def __init__(self, seed: int, crm: Crm, count: int, text_bytes: int) -> None:
        self._seed = seed
        self._deals = crm.deals()
        self._count = count
        self._text = (_FILLER * (text_bytes // len(_FILLER) + 1))[:text_bytes]
        self._first = crm.now // 1000 - 300 * DAY_MS
        self._span = 300 * DAY_MS

    def activity(self, index: int) -> Record:
        """Return one."""
        number = f"{index} "
        return {
            "activityId": f"{self._seed:08x}f{index:023x}",
            "activityType": TYPES[index % len(TYPES)],
            "subject": number + self._text[len(number) :],
            "date": self._moment(index),
            "accounts": [],
            "opportunities": [_opportunity(self._deals[index % len(self._deals)])],
            **_people([index % len(PEOPLE)], []),
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
