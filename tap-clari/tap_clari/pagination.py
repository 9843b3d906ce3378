"""How a long list of Copilot is read to its end.

A list is paged by `skip` and `limit`, and past `skip=10000` nothing can be read: of any one
question the API answers the first 10,100 records. A longer list is cut into windows of time, each
short enough. (Reference: the vendor's document, `/calls` and `/scorecard`.)
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cache

import msgspec

from tap_clari.seen import SeenIds
from tap_clari.times import format_time, parse_time
from tap_clari.wire import matched, records

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterable, Iterator

    from tap_clari.client import Params
    from tap_clari.wire import Answer

PAGE_SIZE = 100
MAX_SKIP = 10_000
REACH = MAX_SKIP + PAGE_SIZE
"""How many records of one question can be read."""

READS = 3
"""How often a list that moves while it is read is read before it is given up."""

_EARLIEST = datetime(2015, 1, 1, tzinfo=timezone.utc)
_LATEST = datetime(2040, 1, 1, tzinfo=timezone.utc)


class Fetcher(t.Protocol):
    """What makes the requests: a stream."""

    @property
    def logger(self) -> logging.Logger:
        """Where a list that cannot be read whole is named."""

    def fetch(self, path: str, params: Params) -> Answer:
        """Ask once."""

    def fetch_each(
        self, path: str, items: Iterable[int], params_of: Callable[[int], Params]
    ) -> Iterator[tuple[int, Answer]]:
        """Ask for each, several at once, in order."""


@dataclass(frozen=True)
class TimeFilter:
    """Two query parameters that cut a list by a time of its records.

    Args:
        after: The parameter for the lower bound.
        before: The parameter for the upper bound.
        field: The member of a record that they filter by, if a record shows it.
    """

    after: str
    before: str
    field: str | None = None


@dataclass(frozen=True)
class Window:
    """The records from `start` on and before `end`; `None` is open."""

    by: TimeFilter
    start: datetime | None = None
    end: datetime | None = None

    @property
    def params(self) -> dict[str, str | list[str]]:
        """The query for at least this window.

        The vendor calls the parameters Gt and Lt, and describes them as if they held the bound
        too. Asking for a millisecond more than the window is right either way, and what is too
        much is left out afterwards (`holds`).
        """
        params: dict[str, str | list[str]] = {}
        if self.start is not None:
            params[self.by.after] = _milliseconds(self.start - timedelta(milliseconds=1))
        if self.end is not None:
            params[self.by.before] = _milliseconds(self.end)
        return params

    def holds(self, record: msgspec.Raw) -> bool:
        """Whether a record that was given for the query lies in the window.

        A record that does not show its time is taken for what the API says it is.
        """
        moment = time_of(record, self.by.field)
        return moment is None or (
            (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)
        )

    def halves(self) -> tuple[Window, Window] | None:
        """The window in two, or `None` if it is a second long.

        It is cut at whole seconds: whether the API's filters look at fractions is not known. An
        open end stays open, and is only for the cut taken as 2015 or 2040.
        """
        low = self.start or _EARLIEST
        high = self.end or _LATEST
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if not low < middle < high:
            return None
        return replace(self, end=middle), replace(self, start=middle)

    def __str__(self) -> str:
        start = format_time(self.start) if self.start else "the beginning"
        end = format_time(self.end) if self.end else "the end"
        return f"{start} to {end}"


@dataclass(frozen=True)
class WindowPart:
    """Records of one window.

    Args:
        window: The window.
        records: Their JSON, in the API's order.
        complete: Whether this is all of the window, or the last of its parts.
    """

    window: Window
    records: list[msgspec.Raw]
    complete: bool


class TooManyError(Exception):
    """A question has more answers than can be read. Holds how many."""

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count


class SkipPaginator:
    """Reads all records of one question by skip and limit, several pages at once.

    Args:
        fetcher: What makes the requests.
        path: The endpoint.
        key: The member of the answer that holds the records.
        uncounted: Parameters that spare the API the counting, for all pages but the first.
    """

    def __init__(
        self, fetcher: Fetcher, path: str, key: str, uncounted: Params | None = None
    ) -> None:
        self.fetcher = fetcher
        self.path = path
        self.key = key
        self.uncounted = uncounted or {}

    def count(self, params: Params) -> int:
        """How many records the API has for the question."""
        return matched(self.fetcher.fetch(self.path, {**params, "limit": "1"}))

    def read(self, params: Params, *, only_reachable: bool = False) -> list[msgspec.Raw]:
        """Read all records.

        A record that leaves the list while it is read (a call that is modified leaves a window of
        modified time) moves those behind it up, and one of them slips through between two pages.
        Then fewer come than were counted, and the list is read again.

        Args:
            params: The question.
            only_reachable: Read what can be read where there is more than that.

        Raises:
            TooManyError: If there are more than can be read.
        """
        found: dict[str, msgspec.Raw] = {}
        for _ in range(READS):
            first = self.fetcher.fetch(self.path, {**params, "skip": "0", "limit": str(PAGE_SIZE)})
            count = matched(first)
            if count > REACH and not only_reachable:
                raise TooManyError(count)
            this_time = _by_id(records(first, self.key))
            skips = range(PAGE_SIZE, min(count, REACH), PAGE_SIZE)
            for _, page in self.fetcher.fetch_each(
                self.path,
                skips,
                lambda skip: {
                    **params,
                    **self.uncounted,
                    "skip": str(skip),
                    "limit": str(PAGE_SIZE),
                },
            ):
                this_time.update(_by_id(records(page, self.key)))
            found.update(this_time)
            if len(this_time) >= min(count, REACH):
                return list(found.values())
        self.fetcher.logger.warning(
            "%s: the API counts %d records but gives %d, in each of %d readings; the next run "
            "with a look-back may find the others",
            self.path,
            count,
            len(this_time),
            READS,
        )
        return list(found.values())


class WindowPaginator(SkipPaginator):
    """Reads a list of any length, oldest window first.

    Args:
        finer: A second filter, for a single second that holds more than can be read.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        path: str,
        key: str,
        uncounted: Params | None = None,
        finer: TimeFilter | None = None,
    ) -> None:
        super().__init__(fetcher, path, key, uncounted)
        self.finer = finer

    def read_window(self, window: Window, params: Params) -> Iterator[WindowPart]:
        """Read a window, in halves of halves where it holds too much."""
        pending = [window]
        while pending:
            current = pending.pop()
            try:
                yield self._part(current, self.read({**params, **current.params}), complete=True)
            except TooManyError as error:
                if halves := current.halves():
                    pending.extend(reversed(halves))
                else:
                    yield from self._read_second(current, params, error.count)

    def _read_second(self, window: Window, params: Params, count: int) -> Iterator[WindowPart]:
        """Read a second that holds too much: cut by the other time, as far as there is one."""
        question = {**params, **window.params}
        innermost = self.finer is None or window.by == self.finer
        seen = SeenIds()
        parts: Iterable[WindowPart]
        if innermost:
            parts = [WindowPart(window, self.read(question, only_reachable=True), complete=False)]
        else:
            parts = self.read_window(Window(t.cast("TimeFilter", self.finer)), question)
        for part in parts:
            new = [each for name, each in _by_id(part.records).items() if seen.add(name)]
            yield self._part(window, new, complete=False)
        # A second of the finer time that is too full is counted in the second around it.
        if window.by != self.finer and len(seen) < count:
            self.fetcher.logger.warning(
                "%s: the API counts %d records from %s, more than can be read, and %d of them "
                "could not be found by any other filter: they are missing from this run",
                self.path,
                count,
                window,
                count - len(seen),
            )
        yield WindowPart(window, [], complete=True)

    @staticmethod
    def _part(window: Window, found: list[msgspec.Raw], *, complete: bool) -> WindowPart:
        return WindowPart(window, [record for record in found if window.holds(record)], complete)


def identifier_of(record: msgspec.Raw) -> str | None:
    """The id of a record as text, `None` where it has none."""
    identifier = msgspec.json.decode(record, type=_showing("id")).id  # type: ignore[attr-defined]
    return None if identifier is None else str(identifier)


def _by_id(found: Iterable[msgspec.Raw]) -> dict[str, msgspec.Raw]:
    """Records by id; one without is told apart by what it says."""
    return {identifier_of(record) or bytes(record).decode(): record for record in found}


def time_of(record: msgspec.Raw, field: str | None) -> datetime | None:
    """A time of the record, `None` where it has none that can be read."""
    if field is None:
        return None
    value = getattr(msgspec.json.decode(record, type=_showing(field)), field)
    try:
        return parse_time(value)
    except (TypeError, ValueError):
        return None


@cache
def _showing(field: str) -> type[msgspec.Struct]:
    """A type that decodes one member of a record and skips over the others: ten times faster."""
    return msgspec.defstruct(f"Showing_{field}", [(field, t.Any, None)])


def _milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
