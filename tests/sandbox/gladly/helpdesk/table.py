"""Records by id that are also found by what they belong to, however many there are."""

from __future__ import annotations

from collections import UserDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Record = dict[str, Any]


class Table(UserDict[str, Record]):
    """Records by id; ``group`` returns the id of what a record belongs to."""

    def __init__(self, group: Callable[[Record], str], records: Mapping[str, Record]) -> None:
        self._group = group
        self._groups: dict[str, dict[str, None]] = {}
        self._place: dict[str, str] = {}
        super().__init__(records)

    def __setitem__(self, key: str, item: Record) -> None:
        place = self._group(item)
        before = self._place.get(key)
        if before is not None and before != place:
            self._groups[before].pop(key, None)
        self._place[key] = place
        self._groups.setdefault(place, {})[key] = None
        super().__setitem__(key, item)

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._groups[self._place.pop(key)].pop(key, None)

    def of(self, place: str) -> list[Record]:
        """Return the records that belong to something, in the order in which they came there."""
        found = (self.data.get(key) for key in list(self._groups.get(place, ())))
        return [one for one in found if one is not None and self._group(one) == place]


def by_conversation(item: Record) -> str:
    """Return the id of an item's conversation; an item without one belongs to its customer."""
    return str(item.get("conversationId") or f"of {item.get('customerId')}")


def by_customer(record: Record) -> str:
    """Return the id of the customer of a conversation or task."""
    return str(record.get("customerId"))


def by_task(comment: Record) -> str:
    """Return the id of the task of a comment."""
    return str(comment.get("taskId"))
