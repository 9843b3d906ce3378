"""Fills export jobs: the same people and topics again and again, some of them changed."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.exports import lines_of, windows
from tests.sandbox.gladly.items import Items, as_in_file
from tests.sandbox.gladly.timestamps import DAY, DIGITS, of, slug, stamp
from tests.sandbox.gladly.wording import AWKWARD

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.sandbox.gladly.account import Account
    from tests.sandbox.gladly.exports import Exports
    from tests.sandbox.gladly.helpdesk.population import Population

    Record = dict[str, Any]

_CUSTOMERS = 25


def add_history(  # noqa: PLR0913 - all by keyword but for what is filled
    exports: Exports,
    account: Account,
    population: Population,
    *,
    seed: int,
    days: int,
    items_per_day: int,
) -> None:
    """Add the completed jobs of the past days; each depends on its window and the seed alone.

    Their items are those of the population's conversations, if there are any, and are put there.
    """
    whole = Random(f"history {seed}")
    customers = [_customer(whole, number) for number in range(_CUSTOMERS)]
    if population.customers:
        # The same people, of whom a file has more or fewer members.
        customers = [
            {**each, "id": id_} for id_, each in zip(population.customers, customers, strict=False)
        ]
    talks: dict[str, list[str]] = defaultdict(list)
    for talk in population.conversations.values():
        talks[talk["customerId"]].append(talk["id"])
    for number, start, end, made in windows(
        str(account.schedules[0]["frequency"]), days, exports.as_of
    ):
        random = Random(f"history {seed} {number}")
        per_day = DAY // (of(end) - of(start))
        first, last = (items_per_day * each // per_day for each in (number, number + 1))
        items = Items(f"{seed} {number}", account, customers, first=first, conversations=talks)
        records = []
        for moment in _spread(random, start, end, last - first):
            item = items.make_next(moment)
            if population.customers:
                population.items[item["id"]] = item
            records.append(as_in_file(item))
        seen = {record["customerId"] for record in records}
        known = _changed(customers, number, lambda one, at: {**one, "name": f"Renamed {at}"})
        agents = _changed(account.agents, number, lambda one, at: {**one, "name": f"Agent {at}"})
        topics = _changed(
            account.topics, number, lambda one, _: {**one, "disabled": not one["disabled"]}
        )
        files = {
            "agents.jsonl": lines_of(agents),
            "conversation_items.jsonl": lines_of(records),
            "customers.jsonl": lines_of([one for one in known if one["id"] in seen]),
            "topics.jsonl": lines_of(topics),
        }
        if number % 3 == 1:
            # Whether the last line ends with a newline is nowhere said.
            files = {name: file[:-1] for name, file in files.items()}
        updated = stamp(made, DIGITS[(number + 2) % len(DIGITS)])
        exports.add(start=start, end=end, updated=updated, files=files, number=number)
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


def _changed(
    records: list[Record], number: int, change: Callable[[Record, int], Record]
) -> list[Record]:
    """Return records as the job of a number has them.

    With each job one is changed, or what it was before.
    """
    changed = []
    for place, record in enumerate(records):
        # The job with which this record's turn came last; every other turn takes a change back.
        turn = number - (number - place) % len(records)
        again = turn // len(records) % 2
        changed.append(change(record, turn) if again else record)
    return changed
