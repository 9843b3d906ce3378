"""Who is there at the start: since before 2026, and the same for a seed on any day."""

from __future__ import annotations

from datetime import datetime, timezone
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.items import Items
from tests.sandbox.gladly.timestamps import DAY, DIGITS, HOUR, MINUTE, cycle_from, of, slug, stamp
from tests.sandbox.gladly.wording import AWKWARD

if TYPE_CHECKING:
    from tests.sandbox.gladly.account import Account

    Record = dict[str, Any]

_BEGAN = of(datetime(2026, 1, 1, tzinfo=timezone.utc))
_ITEMS = 8
_KEYS = ("orderId", "Größe", "gift\u2028note", "old key")
_PROFILE: Record = {
    "membershipNumber": "RQ564555333",
    "tiers": [{"name": "gold", "since": "2019-07-03"}, {"name": 'pla"tin', "points": 12.5}],
    "flags": {"vip": True, "with.dots/é": {"deep": [1, [2, []], {}]}},
    "": "",
}
_STATUSES = ("OPEN", "CLOSED", "WAITING")


class Population:
    """The records of the start, named as in `State`.

    With no customers, there is nothing else either. Every fifth conversation or so has no item, and
    one item is in no conversation. There are one merge and a chain of two.
    """

    def __init__(
        self, seed: int, account: Account, *, customers: int, conversations: int, tasks: int
    ) -> None:
        self._random = Random(f"population {seed}")
        self._account = account
        self._digits = cycle_from(DIGITS, 0)
        self._texts = cycle_from(AWKWARD, 0)
        self._items_made = Items(f"population {seed}", account)
        self.customers: dict[str, Record] = {}
        self.conversations: dict[str, Record] = {}
        self.items: dict[str, Record] = {}
        self.tasks: dict[str, Record] = {}
        self.comments: dict[str, Record] = {}
        self.custom_attributes: dict[str, Record] = {}
        self.transcripts: dict[str, Record] = {}
        self.merged: dict[str, str] = {}
        self.deleted: dict[str, int] = {}
        if not customers:
            return
        for number in range(customers):
            self._add_customer(number)
        for number, key in enumerate(_KEYS):
            self._add_attribute(number, key)
        # Some customers have several conversations, and some have none.
        owners = list(self.customers)[: customers - customers // 4]
        for number in range(conversations):
            self._add_conversation(number, owners[number % len(owners)])
        for number in range(tasks):
            self._add_task(number, owners[number // 2 % len(owners)])
        self._add_loose_item(owners[0])
        self._add_merges(owners)
        self.deleted[self._id()] = _BEGAN - 20 * DAY

    def _id(self) -> str:
        return slug(self._random)

    def _stamp(self, at: int) -> str:
        # Odd nanoseconds, so that the digits which are written make a difference.
        return stamp(at + self._random.randrange(MINUTE), next(self._digits))

    def _past(self, days: int) -> int:
        return _BEGAN - days * DAY - self._random.randrange(DAY // 2)

    def _agent(self) -> str:
        return str(self._random.choice(self._account.agents)["id"])

    def _inbox(self) -> str:
        return str(self._random.choice(self._account.inboxes)["id"])

    def _add_customer(self, number: int) -> None:
        customer_id, begun = self._id(), self._past(200 + number)
        whole: Record = {
            "id": customer_id,
            "name": AWKWARD[number % len(AWKWARD)][:60],
            "image": "https://acme.example/your-image.jpg?a=1&b=2",
            "address": f"{number} Elm Street\nFlat 9",
            "emails": [
                {
                    "normalized": f"mixed.case.{number}@acme.example",
                    "original": f"Mixed.Case.{number}@acme.example",
                    "primary": True,
                },
                {"normalized": f"m{number}@acme.example", "original": f"m{number}@acme.example"},
            ],
            "phones": [
                {
                    "normalized": f"+141555501{number % 8:02}",
                    "original": f"(415) 555-01{number % 8:02}",
                    "extension": "123",
                    "regionCode": "US",
                    "primary": True,
                    "smsPreference": ("ON", "OFF", "FORBIDDEN")[number % 3],
                    "type": ("", "HOME", "MOBILE", "OFFICE")[number % 4],
                },
                {"normalized": f"+4420794600{number:02}", "original": "020", "type": ""},
                {"original": "7244895501"},
            ],
            "externalCustomerId": f"external-{number:04}",
            "customAttributes": {**_PROFILE, "number": number},
            "createdAt": self._stamp(begun),
            "updatedAt": self._stamp(begun + DAY * (number % 90)),
            "externalCustomerIds": {"ABC12345": str(number), "shop.with-dots/é": ""},
        }
        gone: tuple[set[str], ...] = (
            set(),
            whole.keys() - {"id"},
            {"externalCustomerId", "image"},
            {"externalCustomerIds", "address"},
            {"name", "phones"},
            {"emails", "customAttributes"},
        )
        customer = {name: one for name, one in whole.items() if name not in gone[number % 6]}
        if number % 6 == 2:
            empty: Record = {
                "emails": [],
                "phones": [],
                "customAttributes": {},
                "externalCustomerIds": {},
            }
            customer.update(empty)
        self.customers[customer_id] = customer

    def _add_attribute(self, number: int, key: str) -> None:
        attribute: Record = {
            "id": self._id(),
            "key": key,
            "label": f"Label of {key}",
            "deactivated": number % 2 == 1,
            "createdAt": self._stamp(self._past(300 + number)),
            "createdBy": self._agent(),
        }
        if number == 2:
            attribute = {"id": attribute["id"], "key": key}
        self.custom_attributes[attribute["id"]] = attribute

    def _add_conversation(self, number: int, customer_id: str) -> None:
        begun, status = self._past(100 - number % 60), _STATUSES[number % 3]
        conversation: Record = {
            "id": self._id(),
            "customerId": customer_id,
            "agentId": self._agent(),
            "inboxId": self._inbox(),
            "customAttributes": self._attributes(number),
            "topicIds": [topic["id"] for topic in self._account.topics[: number % 3]],
            "createdAt": self._stamp(begun),
            "status": status,
        }
        if status == "CLOSED":
            conversation["closedAt"] = self._stamp(begun + 20 * HOUR)
        for place, name in enumerate(("agentId", "customAttributes", "topicIds")):
            if number % 4 == place + 1:
                del conversation[name]
        self.conversations[conversation["id"]] = conversation
        for index in range(0 if number % 5 == 1 else _ITEMS):
            item = self._items_made.make(
                begun + index * HOUR + self._random.randrange(HOUR),
                customer_id=customer_id,
                conversation_id=conversation["id"],
            )
            self.items[item["id"]] = item
            if "recordingUrl" in item["content"]:
                self._add_transcript(item, begun + index * HOUR)

    def _attributes(self, number: int) -> list[Record]:
        ids = list(self.custom_attributes)
        # The first of the four is there twice at times.
        return [
            {"id": ids[place], "value": next(self._texts)[:200]}
            for place in (0, 0, 1, 2, 3)[: number % 6]
        ]

    def _add_loose_item(self, customer_id: str) -> None:
        item = self._items_made.make(
            self._past(30), customer_id=customer_id, conversation_id=None, kind="activity"
        )
        self.items[item["id"]] = item

    def _add_transcript(self, item: Record, at: int) -> None:
        number = len(self.transcripts)
        if number % 3 == 2:
            # So that recordings without a transcript are there; the next one has one again.
            self.transcripts[item["id"]] = {"paragraphs": [], "customerId": item["customerId"]}
            return
        self.transcripts[item["id"]] = transcript(
            item["customerId"], next(self._texts)[:300], self._stamp(at), self._stamp(at + MINUTE)
        )

    def _add_task(self, number: int, customer_id: str) -> None:
        begun = self._past(50 - number % 40)
        task: Record = {
            "id": self._id(),
            "customerId": customer_id,
            "timestamp": self._stamp(begun),
            "createdBy": {"id": self._agent(), "type": ("AGENT", "API", "AUTOMATION")[number % 3]},
            "assignee": {"inboxId": self._inbox(), "agentId": self._agent()},
            "body": next(self._texts)[:10_000],
            "dueAt": self._stamp(begun + 9 * DAY),
            "status": ("OPEN", "CLOSED")[number % 2],
        }
        if number % 3 == 1:
            del task["assignee"]["agentId"]
        if number % 4 == 3:
            for name in ("createdBy", "assignee", "body", "dueAt"):
                del task[name]
        self.tasks[task["id"]] = task
        for index in range((3, 0, 1)[number % 3]):
            comment: Record = {
                "id": self._id(),
                "agentId": self._agent(),
                "comment": next(self._texts)[:500],
                "taskId": task["id"],
                "createdAt": self._stamp(begun + index * HOUR),
            }
            if index == 1:
                del comment["agentId"], comment["comment"]
            self.comments[comment["id"]] = comment

    def _add_merges(self, owners: list[str]) -> None:
        first, second, single = (self._id() for _ in range(3))
        last, other = owners[0], owners[1 % len(owners)]
        self.merged.update({first: second, second: last, single: other})


def transcript(customer_id: str, text: str, created: str, updated: str) -> dict[str, Any]:
    """Make the transcript of a recording; it names no item."""
    return {
        "paragraphs": [
            {"transcript": "Hello?", "speaker": 0, "startTime": 0, "endTime": 2.48},
            {"transcript": text, "speaker": 1, "startTime": 2.48, "endTime": 6.1},
        ],
        "customerId": customer_id,
        "numberOfSpeakers": 2,
        "language": "en",
        "createdAt": created,
        "updatedAt": updated,
    }
