"""A cache that keeps what was used last, up to a total size."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Sized

Key = TypeVar("Key", bound="Hashable")
Value = TypeVar("Value", bound="Sized")

_LEAST_COST = 1000


class LruCache(Generic[Key, Value]):
    """Keeps the values used last; the rest is forgotten.

    Args:
        budget: How much may be kept: the sum of ``len(value)``, or of 1,000 for a shorter value,
            since its key costs memory too. One value larger than that is kept alone.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._size = 0

    def get(self, key: Key) -> Value | None:
        """Return the value, and count this as a use; None when it is not kept."""
        value = self._kept.get(key)
        if value is not None:
            self._kept.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Keep a value, and forget the ones longest unused beyond the budget."""
        self.drop(key)
        self._kept[key] = value
        self._size += max(len(value), _LEAST_COST)
        while self._size > self._budget and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._size -= max(len(oldest), _LEAST_COST)

    def drop(self, key: Key) -> None:
        """Forget one value, if it is kept."""
        value = self._kept.pop(key, None)
        if value is not None:
            self._size -= max(len(value), _LEAST_COST)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
        self._size = 0
