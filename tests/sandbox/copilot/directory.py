"""Who and what calls are about: users, topics, and the accounts, contacts and deals of the CRM.

Each record is made from its index when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tests.sandbox import crm
from tests.sandbox.copilot.vocabulary import ROLES
from tests.sandbox.instants import DAY, iso, micros
from tests.sandbox.people import PEOPLE
from tests.sandbox.randomness import Draws, Scramble
from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from collections.abc import Callable

Record = dict[str, Any]
CrmKind = Literal["account", "contact", "deal"]

END_OF_DATA = micros("2026-10-01T00:00:00Z")
"""Everything lies in the twelve months before; nothing depends on the clock on the wall."""

START_OF_DATA = END_OF_DATA - 365 * DAY

CRM_KINDS: tuple[CrmKind, ...] = ("account", "contact", "deal")
_CRM_FACTOR = 0x5DEECE66D


class Directory:
    """The made-up company around the calls; its size is in proportion to them.

    Attributes:
        users_count: How many users there are.
        topics_count: How many topics there are.
        counts: How many accounts, contacts and deals there are. An id with a higher index refers
            to an object that is gone from the CRM.
    """

    def __init__(self, seed: int, calls: int) -> None:
        self.users_count = 8 + min(calls // 500, 392)
        self.topics_count = len(wording().topics)
        accounts = max(crm.ACCOUNTS, min(4 + calls // 50, 20_000))
        self.counts: dict[CrmKind, int] = {
            "account": accounts,
            "contact": min(accounts + 2 + calls // 40, 40_000),
            "deal": min(accounts + 1 + calls // 100, 30_000),
        }
        self._seed = seed
        self._user_ids = Scramble(seed, b"user ids")
        self._topic_ids = Scramble(seed, b"topic ids")
        self._object_ids = {kind: Scramble(seed, kind.encode() + b" ids") for kind in CRM_KINDS}
        self._crm_indexes: dict[CrmKind, dict[str, int]] = {
            kind: {self.crm_id(kind, index): index for index in range(self.counts[kind])}
            for kind in CRM_KINDS
        }
        self._makers: dict[CrmKind, Callable[[int], Record]] = {
            "account": self._account,
            "contact": self._contact,
            "deal": self._deal,
        }
        self._users: dict[int, Record] = {}
        self._contact_names: dict[int, str] = {}
        self._made: dict[tuple[CrmKind, int], Record] = {}

    def user_id(self, index: int) -> str:
        """Return the id of a user."""
        return f"5f{0xA1B2C3:06x}{self._user_ids.number(index):016x}"

    def user_email(self, index: int) -> str:
        """Return the email address of a user."""
        return crm.user_email(index)

    def user(self, index: int) -> Record:
        """Return a user, who must not be changed; some have no manager or no name."""
        record = self._users.get(index)
        if record is None:
            record = self._users[index] = self._user(index)
        return record

    def topic_id(self, index: int) -> str:
        """Return the id of a topic."""
        return f"61{0x0D0C0B:06x}{self._topic_ids.number(index):016x}"

    def is_keyword_topic(self, index: int) -> bool:
        """Tell whether a topic is found by its keywords, and not described in prose."""
        return index % 3 != 2

    def topic(self, index: int) -> Record:
        """Make a topic, as the second version of the endpoint has it."""
        words = wording()
        draws = Draws(self._seed, index, b"topic")
        topic: Record = {
            "topic_id": self.topic_id(index),
            "topic_name": words.topics[index],
            "type": "KEYWORD" if self.is_keyword_topic(index) else "CUSTOM",
            "team_ids": [f"team-{draws.below(5)}" for _ in range(draws.below(3))],
        }
        if self.is_keyword_topic(index):
            count = 1 + draws.below(4)
            topic["keyword_topic"] = {
                "trackers": [draws.pick(words.trackers) for _ in range(count)]
            }
        else:
            topic["custom_topic"] = {
                "description": draws.pick(draws.pick(words.languages)),
                "status": draws.pick(["ACTIVE", "PAUSED"]),
            }
        return topic

    def crm_id(self, kind: CrmKind, index: int) -> str:
        """Return the CRM id of an account, contact or deal, gone or not."""
        if kind == "account":
            return crm.account_id(index)
        if kind == "deal":
            return crm.opportunity_id(index)
        return f"0034x{(index + 1) * _CRM_FACTOR % 16**13:013X}"

    def crm_index(self, kind: CrmKind, crm_id: str) -> int | None:
        """Return the index of what has this CRM id; None when it is gone or never was."""
        return self._crm_indexes[kind].get(crm_id)

    def crm_object(self, kind: CrmKind, index: int) -> Record:
        """Return an account, contact or deal; it must not be changed."""
        record = self._made.get((kind, index))
        if record is None:
            record = self._made[kind, index] = self._makers[kind](index)
        return record

    def contact_name(self, index: int) -> str:
        """Return first and last name of a contact."""
        name = self._contact_names.get(index)
        if name is None:
            name = self._contact_names[index] = " ".join(wording().person(index))
        return name

    def contact_email(self, index: int) -> str | None:
        """Return the email address of a contact; some have a telephone only."""
        return crm.contact_email(index)

    def contact_phone(self, index: int) -> str | None:
        """Return the telephone number of a contact, if it is known."""
        return f"+1 555 01{index % 100:02}" if index % 7 == 3 or index % 4 == 0 else None

    def of_account(self, kind: CrmKind, account: int) -> range:
        """Return the indexes of the contacts or deals of an account; there is at least one."""
        return range(account, self.counts[kind], self.counts["account"])

    def _user(self, index: int) -> Record:
        draws = Draws(self._seed, index, b"user")
        first, last = wording().person(index * 3 + 1)
        name = PEOPLE[index].name if index < len(PEOPLE) else f"{first} {last}"
        user: Record = {
            "id": self.user_id(index),
            "email": self.user_email(index),
            "name": name,
            "role": draws.pick(ROLES),
            "is_recording": not draws.one_in(4),
        }
        if index:
            user["manager_id"] = self.user_id(draws.below(index))
        if draws.one_in(15):
            user["name"] = None
        return user

    def _account(self, index: int) -> Record:
        words = wording()
        draws = Draws(self._seed, index, b"account")
        city, state, country, postcode = draws.pick(words.places)
        account: Record = {
            "id": f"62{0:06x}{self._object_ids['account'].number(index):016x}",
            "crm_id": self.crm_id("account", index),
            "name": words.company(index),
            "phones": [f"+1 555 01{draws.below(100):02}" for _ in range(draws.below(3))],
            "website": f"https://company{index}.example.com",
            "address": f"{1 + draws.below(200)} Main St.\n{postcode} {city}",
            "city": city,
            "state": state,
            "country": country,
            "zip": postcode,
            "custom_fields": _custom_fields(draws),
        }
        if draws.below(3):
            account["description"] = draws.pick(draws.pick(words.languages))
        if draws.one_in(5):
            account["website"] = None
        return account

    def _contact(self, index: int) -> Record:
        words = wording()
        draws = Draws(self._seed, index, b"contact")
        first, last = words.person(index)
        email, phone = self.contact_email(index), self.contact_phone(index)
        contact: Record = {
            "id": f"63{0:06x}{self._object_ids['contact'].number(index):016x}",
            "crm_id": self.crm_id("contact", index),
            "account_crm_id": self.crm_id("account", index % self.counts["account"]),
            "first_name": first,
            "last_name": last,
            "job_title": draws.pick(words.job_titles),
            "phones": [phone] if phone else [],
            "emails": [email] if email else [],
            "is_lead": draws.one_in(3),
            "custom_fields": _custom_fields(draws),
        }
        if draws.below(3):
            contact["stage"] = draws.pick(words.stages)
        if draws.one_in(4):
            contact["reason"] = draws.pick(words.languages[0])
        return contact

    def _deal(self, index: int) -> Record:
        words = wording()
        draws = Draws(self._seed, index, b"deal")
        account = index % self.counts["account"]
        created = START_OF_DATA + draws.below(200) * DAY
        close = created + (30 + draws.below(120)) * DAY
        changed = created + draws.below(30) * DAY
        stage, before = draws.pick(words.stages), draws.pick(words.stages)
        deal: Record = {
            "id": f"64{0:06x}{self._object_ids['deal'].number(index):016x}",
            "crm_id": self.crm_id("deal", index),
            "owner_crm_id": crm.opportunity_owner(index),
            "deal_name": crm.opportunity_name(index, account),
            "amount": f"{crm.opportunity_amount(self._seed, index):.2f}",
            "close_date": _day(draws, close),
            "created_date": _day(draws, created),
            "stage": stage,
            "probability": str(draws.below(101)),
            "forecast_category": draws.pick(["Pipeline", "Best Case", "Commit", "Omitted"]),
            "account_crm_id": self.crm_id("account", account),
            "stage_change_history": [
                {"stage": stage, "prev_stage": before, "date_changed": _day(draws, changed)}
            ][: draws.below(2)],
            "close_date_change_history": [
                {
                    "close_date": _day(draws, close),
                    "prev_close_date": _day(draws, close - 14 * DAY),
                    "date_changed": _day(draws, changed),
                }
            ][: draws.below(2)],
            "custom_fields": _custom_fields(draws),
        }
        if draws.below(2):
            deal["last_contacted"] = _day(draws, changed)
            deal["next_call_date"] = None if draws.one_in(3) else _day(draws, changed + 7 * DAY)
        if draws.one_in(6):
            deal["deal_reason"] = draws.pick(words.languages[0])
        return deal


def _custom_fields(draws: Draws) -> list[Record]:
    names = ["Region", "Tier", "Owner team", "Segment__c"]
    return [
        {"key": names[i], "value": None if draws.one_in(9) else f"value {draws.below(50)}"}
        for i in range(draws.below(4))
    ]


def _day(draws: Draws, value: int) -> str:
    return iso(value, milliseconds=draws.one_in(2), offset="+0000" if draws.one_in(3) else "Z")
