"""Fills export jobs: the same people and topics again and again, some of them changed."""

from __future__ import annotations

from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.exports import lines_of, windows
from tests.sandbox.gladly.items import Items
from tests.sandbox.gladly.stamps import DIGITS, of, slug, stamp
from tests.sandbox.gladly.wording import AWKWARD

if TYPE_CHECKING:
    from datetime import datetime

    from tests.sandbox.gladly.account import Account
    from tests.sandbox.gladly.exports import Exports

    Record = dict[str, Any]

_CUSTOMERS = 25


def add_history(
    exports: Exports, account: Account, *, seed: int, days: int, items_per_day: int
) -> None:
    """Add the completed jobs of the past days.

    Args:
        exports: Where they are added.
        account: Whose agents, topics and frequency they have.
        seed: Seed of all records.
        days: How many days, up to the newest job that there can be.
        items_per_day: How many conversation items a day.
    """
    random = Random(f"history {seed}")
    customers = [_customer(random, number) for number in range(_CUSTOMERS)]
    agents, topics = deepcopy(account.agents), deepcopy(account.topics)
    items = Items(seed, account, customers)
    begins = list(windows(str(account.schedules[0]["frequency"]), days))
    for number, (start, end, made) in enumerate(begins):
        total = items_per_day * days
        count = total * (number + 1) // len(begins) - total * number // len(begins)
        records = [items.make(moment) for moment in _spread(random, start, end, count)]
        seen = {record["customerId"] for record in records}
        _change(random, number, customers, agents, topics)
        files = {
            "agents.jsonl": lines_of(agents),
            "conversation_items.jsonl": lines_of(records),
            "customers.jsonl": lines_of([one for one in customers if one["id"] in seen]),
            "topics.jsonl": lines_of(topics),
        }
        if number % 3 == 1:
            # Whether the last line ends with a newline is nowhere said.
            files = {name: file[:-1] for name, file in files.items()}
        updated = stamp(made, DIGITS[(number + 2) % len(DIGITS)])
        exports.add(start=start, end=end, updated=updated, files=files)
        account.schedules[0]["nextStartAt"] = stamp(of(end), 2)


def _spread(random: Random, start: datetime, end: datetime, count: int) -> list[int]:
    """Return so many instants of a window; one of them is its very begin."""
    first, last = of(start), of(end)
    return sorted([first, *(random.randrange(first, last) for _ in range(count - 1))][:count])


def _customer(random: Random, number: int) -> Record:
    """Make a customer: every optional member is there and not, and texts of all sorts."""
    whole: Record = {
        "id": slug(random),
        "name": AWKWARD[number % len(AWKWARD)][:60] or f"Nobody {number}",
        "address": f"{number} Elm Street\nFlat 9",
        "emailAddresses": [f"Mixed.Case.{number}@acme.example", f"m{number}@acme.example"],
        "phoneNumbers": [f"+1415555010{number % 10}"],
        "externalCustomerId": f"external-{number:04}",
        "externalCustomerIds": {"ABC12345": str(number), "shop.with-dots/é": ""},
    }
    if number % 5 == 0:
        return whole
    if number % 5 == 1:
        return {"id": whole["id"]}
    if number % 5 == 2:
        return {**whole, "emailAddresses": [], "phoneNumbers": [], "externalCustomerIds": {}}
    gone = {"externalCustomerIds"} if number % 5 == 3 else {"externalCustomerId", "address"}
    return {name: value for name, value in whole.items() if name not in gone}


def _change(
    random: Random, number: int, customers: list[Record], agents: list[Record], topics: list[Record]
) -> None:
    """Change some of each, so that the last job is the one to believe."""
    random.choice(customers)["name"] = f"Renamed {number}"
    random.choice(agents)["name"] = f"Agent {number}"
    topic = random.choice(topics)
    topic["disabled"] = not topic["disabled"]
