"""What is in the files of export jobs: the items of a window, and whom and what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.sandbox.gladly.exports import Window, lines_of
from tests.sandbox.gladly.items import as_in_file
from tests.sandbox.gladly.timestamps import DIGITS, MINUTE, nanos, of, stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from tests.sandbox.gladly.exports import Exports
    from tests.sandbox.gladly.helpdesk import Desk

    Record = dict[str, Any]


def export(desk: Desk, exports: Exports, window: Window) -> Callable[[datetime], None]:
    """Return what adds the job of a window, with everything as it is when it is called.

    The newest item is among the last that were added.
    """

    def act(_: datetime) -> None:
        files = {name: lines_of(each) for name, each in files_of(desk, window).items()}
        if window.number % 3 == 1:
            # Whether the last line ends with a newline is nowhere said.
            files = {name: file[:-1] for name, file in files.items()}
        updated = stamp(window.made, DIGITS[(window.number + 2) % len(DIGITS)])
        exports.add(
            start=window.start, end=window.end, updated=updated, files=files, number=window.number
        )
        desk.account.schedules[0]["nextStartAt"] = stamp(of(window.end), 2)

    return act


def files_of(desk: Desk, window: Window) -> dict[str, list[Record]]:
    """Return the records of each file. With each job, one agent, topic and customer was changed."""
    account, number = desk.account, window.number
    items = _items(desk, of(window.start), of(window.end))
    seen = {item["customerId"] for item in items}
    customers = [each for each in desk.customers.values() if each["id"] in seen]
    return {
        "agents.jsonl": _changed(
            account.agents, number, lambda one, at: {**one, "name": f"Agent {at}"}
        ),
        "conversation_items.jsonl": items,
        "customers.jsonl": [as_customer_in_file(each) for each in customers],
        "topics.jsonl": _changed(
            account.topics, number, lambda one, _: {**one, "disabled": not one["disabled"]}
        ),
    }


def _items(desk: Desk, start: int, end: int) -> list[Record]:
    """Return the items of a window, the oldest first. Those that were added last are the newest."""
    found: list[tuple[int, Record]] = []
    for item_id in reversed(desk.items.data):
        item = desk.items[item_id]
        at = nanos(item["timestamp"])
        if at < start - 10 * MINUTE:
            break
        if start <= at < end:
            found.append((at, as_in_file(item)))
    return [item for _, item in sorted(found, key=lambda each: each[0])]


def as_customer_in_file(profile: Record) -> Record:
    """A profile as an export file has it."""
    kept = ("id", "name", "address", "externalCustomerId", "externalCustomerIds")
    emails = [each["original"] for each in profile.get("emails", ())]
    phones = [each.get("normalized", each["original"]) for each in profile.get("phones", ())]
    return {
        **{name: profile[name] for name in kept if name in profile},
        **({"emailAddresses": emails} if "emails" in profile else {}),
        **({"phoneNumbers": phones} if "phones" in profile else {}),
    }


def _changed(
    records: Iterable[Record], number: int, change: Callable[[Record, int], Record]
) -> list[Record]:
    """Return records as the job of a number has them.

    With each job one is changed, or what it was before.
    """
    changed, known = [], list(records)
    for place, record in enumerate(known):
        # The job with which this record's turn came last; every other turn takes a change back.
        turn = number - (number - place) % len(known)
        again = turn // len(known) % 2
        changed.append(change(record, turn) if again else record)
    return changed
