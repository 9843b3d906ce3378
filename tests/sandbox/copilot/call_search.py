"""Finds the calls that a request asks for, in the order it asks for."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Literal, Protocol

from tests.sandbox.copilot.call_table import DELETED, NEVER, PRIVATE
from tests.sandbox.copilot.vocabulary import FINISHED
from tests.sandbox.lru import LruCache

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.sandbox.copilot.call_table import CallTable
    from tests.sandbox.copilot.parameters import CallFilter, Window

Bounds = Literal["strict", "inclusive"]
"""Whether a call exactly at a bound is left out (``strict``) or found (``inclusive``)."""

_KEPT_POSITIONS = 4_000_000


class Facets(Protocol):
    """What a filter may ask of a call that the table does not hold."""

    def user_emails(self, position: int) -> set[str]:
        """Return the email addresses of the users in a call."""

    def attendee_emails(self, position: int) -> set[str]:
        """Return the email addresses of everyone in a call."""

    def topic_names(self, position: int) -> set[str]:
        """Return the names of the topics that came up in a call."""

    def source_id(self, position: int) -> str | None:
        """Return the id of a call in its source system."""


class CallSearch:
    """Answers filters from the table, and remembers the newest answers for the next page.

    Args:
        table: The calls.
        facets: The rest that filters ask about.
        bounds: What ``Gt`` and ``Lt`` of a time mean.
    """

    def __init__(self, table: CallTable, facets: Facets, bounds: Bounds) -> None:
        self._table = table
        self._facets = facets
        self._strict = bounds == "strict"
        self._answers: LruCache[CallFilter, array[int]] = LruCache(_KEPT_POSITIONS)

    def forget(self) -> None:
        """Drop the remembered answers: the calls have changed."""
        self._answers.clear()

    def find(self, wanted: CallFilter) -> array[int]:
        """Return the positions of all calls that match, in the order asked for."""
        answer = self._answers.get(wanted)
        if answer is None:
            answer = array("I", self._sorted(self._matching(wanted), wanted))
            self._answers.put(wanted, answer)
        return answer

    def _matching(self, wanted: CallFilter) -> list[int]:
        table, facets = self._table, self._facets
        hidden = DELETED if wanted.private else DELETED | PRIVATE
        flags = table.flags
        found = [p for p in self._within(wanted) if not flags[p] & hidden]
        if wanted.statuses:
            found = [p for p in found if table.status[p] in wanted.statuses]
        if wanted.types:
            found = [p for p in found if table.type[p] in wanted.types]
        if wanted.shortest is not None or wanted.longest is not None:
            shortest, longest = wanted.shortest or 0, wanted.longest or 1 << 16
            found = [
                p
                for p in found
                if table.status[p] in FINISHED and shortest <= table.duration[p] <= longest
            ]
        found = _any_of(found, wanted.users, facets.user_emails)
        found = _any_of(found, wanted.attendees, facets.attendee_emails)
        found = _any_of(found, wanted.topics, facets.topic_names)
        if wanted.source_ids:
            found = [p for p in found if facets.source_id(p) in wanted.source_ids]
        return found

    def _within(self, wanted: CallFilter) -> Sequence[int]:
        """Return the positions in both windows, from the index that has fewer to look at."""
        table = self._table
        if wanted.modified.open and wanted.time.open:
            return range(len(table))
        if wanted.time.open:
            return window_of(
                table.by_modified, table.modified, wanted.modified, strict=self._strict
            )
        by_time = window_of(table.by_time, table.time, wanted.time, strict=self._strict)
        if wanted.modified.open:
            return by_time
        by_modified = window_of(
            table.by_modified, table.modified, wanted.modified, strict=self._strict
        )
        if len(by_time) < len(by_modified):
            return _inside(by_time, table.modified, wanted.modified, strict=self._strict)
        return _inside(by_modified, table.time, wanted.time, strict=self._strict)

    def _sorted(self, found: list[int], wanted: CallFilter) -> list[int]:
        """Sort by start, then by processing, then by position, which is no order in time.

        Calls without the time come first in ascending order, as databases have it.
        """
        table = self._table
        found.sort()
        if wanted.sort_processed is not None:
            found.sort(key=table.modified.__getitem__, reverse=wanted.sort_processed == "desc")
        if wanted.sort_time is not None:
            found.sort(key=table.time.__getitem__, reverse=wanted.sort_time == "desc")
        return found


def window_of(
    index: array[int],
    times: array[int],
    window: Window,
    *,
    strict: bool,
) -> array[int]:
    """Cut a window of time out of an index.

    Args:
        index: Positions in the order of their times.
        times: Time by position.
        window: The bounds.
        strict: Whether the bounds themselves are left out.

    Returns:
        The positions inside, in the order of their times.
    """
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


def _any_of(
    positions: list[int], wanted: frozenset[str], facet: Callable[[int], set[str]]
) -> list[int]:
    if not wanted:
        return positions
    return [p for p in positions if not wanted.isdisjoint(facet(p))]
