"""Who and what calls are about: users, topics, and the accounts, contacts and deals of the CRM.

Each record is made from its index when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox import crm
from tests.sandbox.copilot.vocabulary import ROLES
from tests.sandbox.instants import iso
from tests.sandbox.people import PEOPLE, REPRESENTATIVES, user_email, user_manager, user_name
from tests.sandbox.randomness import Draws, Scramble
from tests.sandbox.wording import wording

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sandbox.crm import Crm, Kind

Record = dict[str, Any]


class Directory:
    """The made-up company around the calls; its size is in proportion to them.

    Attributes:
        crm: The CRM that calls are filed in.
        users_count: How many users there are.
        topics_count: How many topics there are.
    """

    def __init__(self, seed: int, calls: int, company_crm: Crm) -> None:
        self.crm = company_crm
        self.users_count = len(PEOPLE) + min(calls // 500, 387)
        self.topics_count = len(wording().topics)
        self._seed = seed
        self._user_ids = Scramble(seed, b"user ids")
        self._topic_ids = Scramble(seed, b"topic ids")
        self._makers: dict[Kind, Callable[[int], Record]] = {
            "account": self._account,
            "contact": self._contact,
            "deal": self._deal,
        }
        self._object_ids = {kind: Scramble(seed, kind.encode() + b" ids") for kind in self._makers}
        self._users: dict[int, Record] = {}
        self._made: dict[tuple[Kind, int], Record] = {}

    def user_id(self, index: int) -> str:
        """Return the id of a user."""
        return f"5f{0xA1B2C3:06x}{self._user_ids.number(index):016x}"

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

    def crm_object(self, kind: Kind, index: int) -> Record:
        """Return an account, contact or deal, deleted or not; it must not be changed."""
        record = self._made.get((kind, index))
        if record is None:
            record = self._made[kind, index] = self._makers[kind](index)
        return record

    def contact_phone(self, index: int) -> str | None:
        """Return the telephone number of a contact, if it is known."""
        return f"+1 555 01{index % 100:02}" if index % 7 == 3 or index % 4 == 0 else None

    def _user(self, index: int) -> Record:
        draws = Draws(self._seed, index, b"user")
        person = PEOPLE[index] if index < len(PEOPLE) else None
        leads = person is not None and person not in REPRESENTATIVES
        user: Record = {
            "id": self.user_id(index),
            "email": user_email(index),
            "name": user_name(index),
            "role": "MANAGER" if leads else "REP" if person else draws.pick(ROLES),
            "is_recording": not draws.one_in(4),
        }
        manager = user_manager(index)
        if manager is not None:
            user["manager_id"] = self.user_id(manager)
        if draws.one_in(15):
            user["name"] = None
        return user

    def _account(self, index: int) -> Record:
        words = wording()
        draws = Draws(self._seed, index, b"account")
        city, state, country, postcode = draws.pick(words.places)
        account: Record = {
            "id": f"62{0:06x}{self._object_ids['account'].number(index):016x}",
            "crm_id": crm.crm_id("account", index),
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
        email, phone = crm.contact_email(index), self.contact_phone(index)
        contact: Record = {
            "id": f"63{0:06x}{self._object_ids['contact'].number(index):016x}",
            "crm_id": crm.crm_id("contact", index),
            "account_crm_id": crm.crm_id("account", crm.account_of("contact", index)),
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
        draws = Draws(self._seed, index, b"deal")
        deal = self.crm.deal(index)
        category, probability = crm.OF_STAGE[deal.stage.last]
        record: Record = {
            "id": f"64{0:06x}{self._object_ids['deal'].number(index):016x}",
            "crm_id": deal.id,
            "owner_crm_id": deal.owner.last.crm_id,
            "deal_name": deal.name,
            "amount": f"{deal.amount.last:.2f}",
            "close_date": _day(draws, deal.close_date.last),
            "created_date": _day(draws, deal.created),
            "stage": deal.stage.last,
            "probability": str(probability),
            "forecast_category": category,
            "account_crm_id": crm.crm_id("account", deal.account),
            "stage_change_history": [
                {"stage": after, "prev_stage": before, "date_changed": _day(draws, moment)}
                for moment, before, after in deal.stage.changes()
            ],
            "close_date_change_history": [
                {
                    "close_date": _day(draws, after),
                    "prev_close_date": _day(draws, before),
                    "date_changed": _day(draws, moment),
                }
                for moment, before, after in deal.close_date.changes()
            ],
            "custom_fields": _custom_fields(draws),
        }
        if draws.one_in(6):
            record["deal_reason"] = draws.pick(wording().languages[0])
        return record


def _custom_fields(draws: Draws) -> list[Record]:
    names = ["Region", "Tier", "Owner team", "Segment__c"]
    return [
        {"key": names[i], "value": None if draws.one_in(9) else f"value {draws.below(50)}"}
        for i in range(draws.below(4))
    ]


def _day(draws: Draws, value: int) -> str:
    return iso(value, milliseconds=draws.one_in(2), offset="+0000" if draws.one_in(3) else "Z")
