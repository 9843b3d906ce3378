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

from tap_clari.kit.decoding import raw_member, raw_records
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.errors import UnexpectedResponseError
from tap_clari.kit.times import format_time, parse_time

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_clari.kit.client import ApiClient, Params
    from tap_clari.kit.decoding import Answer

PAGE_SIZE = 100
MAX_SKIP = 10_000
REACH = MAX_SKIP + PAGE_SIZE
"""How many records of one question can be read."""

READS = 3
"""How often a list that moves while it is read is read before it is given up."""

_EARLIEST = datetime(2015, 1, 1, tzinfo=timezone.utc)
_LATEST = datetime(2040, 1, 1, tzinfo=timezone.utc)


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
        too. Asking for a millisecond more than the window is right either way. A record may so
        come in two windows, and is never left out: what the API filters by need not be what the
        record shows.
        """
        params: dict[str, str | list[str]] = {}
        if self.start is not None:
            params[self.by.after] = _milliseconds(self.start - timedelta(milliseconds=1))
        if self.end is not None:
            params[self.by.before] = _milliseconds(self.end)
        return params

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
        client: Makes the requests.
        path: The endpoint.
        key: The member of the answer that holds the records.
        uncounted: Parameters that spare the API the counting, for all pages but the first.
    """

    def __init__(
        self, client: ApiClient, path: str, key: str, uncounted: Params | None = None
    ) -> None:
        self.client = client
        self.path = path
        self.key = key
        self.uncounted = uncounted or {}

    def count(self, params: Params) -> int:
        """How many records the API has for the question."""
        return total_count(self._fetch({**params, "limit": "1"}))

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
            first = self._fetch({**params, "skip": "0", "limit": str(PAGE_SIZE)})
            count = total_count(first)
            if count > REACH and not only_reachable:
                raise TooManyError(count)
            last = raw_records(first, self.key)
            this_time = _by_identity(last)
            skips = range(PAGE_SIZE, min(count, REACH), PAGE_SIZE)
            for _, page in self.client.map_concurrently(
                skips, lambda skip: self._fetch(self._page(params, skip))
            ):
                last = raw_records(page, self.key)
                this_time.update(_by_identity(last))
            # The count may be too low: capped, or overtaken by a call that came meanwhile. A last
            # page that is full says nothing of what is behind it.
            skip = PAGE_SIZE * (1 + len(skips))
            while len(last) >= PAGE_SIZE and skip <= MAX_SKIP:
                last = raw_records(self._fetch(self._page(params, skip)), self.key)
                this_time.update(_by_identity(last))
                skip += PAGE_SIZE
            if len(last) >= PAGE_SIZE and not only_reachable:
                raise TooManyError(max(count, len(this_time)))
            found.update(this_time)
            if len(this_time) >= min(count, REACH):
                return list(found.values())
        self.client.logger.warning(
            "%s: the API counts %d records but gives %d, in each of %d readings; the next run "
            "with a look-back may find the others",
            self.path,
            count,
            len(this_time),
            READS,
        )
        return list(found.values())

    def _fetch(self, params: Params) -> Answer:
        return self.client.fetch(self.path, params)

    def _page(self, params: Params, skip: int) -> dict[str, str | list[str]]:
        return {**params, **self.uncounted, "skip": str(skip), "limit": str(PAGE_SIZE)}


class WindowPaginator(SkipPaginator):
    """Reads a list of any length, oldest window first.

    Args:
        finer: A second filter, for a single second that holds more than can be read.
    """

    def __init__(
        self,
        client: ApiClient,
        path: str,
        key: str,
        uncounted: Params | None = None,
        finer: TimeFilter | None = None,
    ) -> None:
        super().__init__(client, path, key, uncounted)
        self.finer = finer

    def read_window(self, window: Window, params: Params) -> Iterator[WindowPart]:
        """Read a window, in halves of halves where it holds too much."""
        pending: list[tuple[Window, _Cut | None]] = [(window, None)]
        while pending:
            current, cut = pending.pop()
            try:
                found = self.read({**params, **current.params})
            except TooManyError as error:
                if cut and cut.is_without_effect(error.count):
                    self.client.logger.warning(
                        "%s: the API gives the same %d records for any time, more than can be "
                        "read: those past the first %d are missing from this run",
                        self.path,
                        error.count,
                        REACH,
                    )
                    return
                if halves := current.halves():
                    cut = _Cut(error.count)
                    pending.extend((half, cut) for half in reversed(halves))
                else:
                    yield from self._read_second(current, params, error.count)
            else:
                yield WindowPart(current, found, complete=True)
                # Let go before the next window is read, not after.
                del found

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
            new = [record for record in part.records if seen.add(identity_of(record))]
            yield WindowPart(window, new, complete=False)
        # A second of the finer time that is too full is counted in the second around it.
        if window.by != self.finer and len(seen) < count:
            self.client.logger.warning(
                "%s: the API counts %d records from %s, more than can be read, and %d of them "
                "could not be found by any other filter: they are missing from this run",
                self.path,
                count,
                window,
                count - len(seen),
            )
        yield WindowPart(window, [], complete=True)


@dataclass
class _Cut:
    """A window that was cut, and how many records its halves are said to hold."""

    whole: int
    first_half: int | None = None

    def is_without_effect(self, count: int) -> bool:
        """Take the count of a half that holds too much: are both halves as large as the whole?"""
        if self.first_half is None:
            self.first_half = count
            return False
        return self.first_half == count == self.whole


def total_count(answer: Answer) -> int:
    """How many records the API counts, over all pages.

    Raises:
        UnexpectedResponseError: If the answer does not say.
    """
    try:
        return msgspec.json.decode(raw_member(answer, "pagination"), type=_Pagination).matched
    except msgspec.ValidationError as error:
        raise UnexpectedResponseError(answer.path, "'pagination.matched'") from error


class _Pagination(msgspec.Struct):
    matched: int


def identifier_of(record: msgspec.Raw) -> str | None:
    """The id of a record as text, `None` where it has none."""
    identifier = msgspec.json.decode(record, type=_showing("id")).id  # type: ignore[attr-defined]
    return None if identifier is None else str(identifier)


def identity_of(record: msgspec.Raw) -> str:
    """What tells a record from others: its id; where it has none, what it says."""
    return identifier_of(record) or bytes(record).decode()


def _by_identity(found: Iterable[msgspec.Raw]) -> dict[str, msgspec.Raw]:
    return {identity_of(record): record for record in found}


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
