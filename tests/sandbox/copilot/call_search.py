"""Finds the calls that a request asks for, in the order it asks for."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Literal

from tests.sandbox.copilot.call_table import DELETED, NEVER, PRIVATE
from tests.sandbox.copilot.queries import Window
from tests.sandbox.lru import LruCache

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.sandbox.copilot.call_table import CallTable
    from tests.sandbox.copilot.queries import CallFilter

Bounds = Literal["strict", "inclusive"]
"""Whether a call exactly at a bound is left out (``strict``) or found (``inclusive``)."""

_KEPT_POSITIONS = 4_000_000


class CallSearch:
    """Answers filters from the table, and remembers the newest answers for the next page."""

    def __init__(self, table: CallTable, bounds: Bounds) -> None:
        self._table = table
        self._strict = bounds == "strict"
        self._answers: LruCache[CallFilter, array[int]] = LruCache(_KEPT_POSITIONS)

    def forget(self) -> None:
        """Drop the remembered answers: the calls have changed."""
        self._answers.clear()

    def find(self, wanted: CallFilter) -> array[int]:
        """Return the positions of all calls that match, in the order asked for."""
        answer = self._answers.get(wanted)
        if answer is None:
            answer = array("I", self._matching(wanted))
            self._answers.put(wanted, answer)
        return answer

    def _matching(self, wanted: CallFilter) -> list[int]:
        """Return the positions that match, by start if asked for, else in no order in time.

        Calls without a start come first, as databases have it.
        """
        flags, status = self._table.flags, self._table.status
        hidden = DELETED if wanted.private else DELETED | PRIVATE
        found = sorted(p for p in self._within(wanted) if not flags[p] & hidden)
        if wanted.statuses:
            found = [p for p in found if status[p] in wanted.statuses]
        if wanted.by_time:
            found.sort(key=self._table.time.__getitem__)
        return found

    def _within(self, wanted: CallFilter) -> Sequence[int]:
        """Return the positions in both windows, from the index that has fewer to look at."""
        table, strict = self._table, self._strict
        everything = Window()
        if wanted.modified == wanted.time == everything:
            return range(len(table))
        if wanted.time == everything:
            return window_of(table.by_modified, table.modified, wanted.modified, strict=strict)
        by_time = window_of(table.by_time, table.time, wanted.time, strict=strict)
        if wanted.modified == everything:
            return by_time
        by_modified = window_of(table.by_modified, table.modified, wanted.modified, strict=strict)
        if len(by_time) < len(by_modified):
            return _inside(by_time, table.modified, wanted.modified, strict=strict)
        return _inside(by_modified, table.time, wanted.time, strict=strict)


def window_of(
    index: array[int],
    times: array[int],
    window: Window,
    *,
    strict: bool,
) -> array[int]:
    """Cut a window of time, without its bounds if ``strict``, out of an index by time."""
    begin, end = 0, len(index)
    if window.after is not None:
        cut = bisect_right if strict else bisect_left
        begin = cut(index, window.after, key=times.__getitem__)
    if window.before is not None:
        cut = bisect_left if strict else bisect_right
        end = cut(index, window.before, key=times.__getitem__)
    return index[begin:end]


def _inside(
    positions: Sequence[int],
    times: array[int],
    window: Window,
    *,
    strict: bool,
) -> list[int]:
    """Keep the positions whose time lies in a window; those without a time do not."""
    # Times are whole numbers, so a strict bound is an inclusive one, one microsecond on.
    step = 1 if strict else 0
    first = NEVER + 1 if window.after is None else window.after + step
    last = (1 << 63) - 1 if window.before is None else window.before - step
    return [p for p in positions if first <= times[p] <= last]
