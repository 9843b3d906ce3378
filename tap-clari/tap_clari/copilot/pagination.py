"""Reads a list of Copilot that is paged by `skip` and `limit`.

Past `skip=10000` nothing can be read, so that of one question the API gives the first 10,100
records only. `windows` cuts a longer list by time. (Reference: the vendor's document, `/calls` and
`/scorecard`.)

A page may hold fewer records than its `limit`, and may come without `pagination`. An answer holds
at most about 6 MB, so that a page of large records fails with HTTP 502 and a smaller one comes.
"""

from __future__ import annotations

import threading
import typing as t
from dataclasses import dataclass, field, replace
from functools import cache
from http import HTTPStatus

import msgspec
from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.client import FEW_AT_ONCE, ORDINARY, Handling
from tap_clari.kit.decoding import raw_records
from tap_clari.kit.errors import PersistentBodyError, PersistentServerError, RefusedError
from tap_clari.kit.progress import ProgressLog
from tap_clari.kit.times import EARLIEST, parse_time_or_epoch, time_or_none

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from tap_clari.kit.client import ApiClient, Params
    from tap_clari.kit.decoding import Answer

    Question = t.Mapping[str, str | list[str]]
    Fingerprint = tuple[int | None, tuple[str, ...]]

PAGE_SIZE = 100
MAX_SKIP = 10_000
MAX_REACHABLE = MAX_SKIP + PAGE_SIZE
"""How many records of one question can be read."""

LARGEST_COUNT = 1 << 32
"""A larger number is none of records."""

MAX_READINGS = 3
"""How often a list that changes while it is read is read again before it is given up."""

MAX_REPEATED_PAGES = 3
"""Pages in a row without a new record, after which the API is taken to ignore `skip`."""

MAX_UNREADABLE = 3
"""Records in a row that cannot be read, after which the API as a whole is taken to fail."""

FEW_TRIES = Handling(server_tries=2)
"""How a page is asked for that the API may fail on for its size. A smaller one does better than
many tries, and costs less than their waits where the failure would have passed."""

PAGES_BEFORE_GROWTH = 20
"""Good pages after which a reduced page size is doubled."""


@dataclass(frozen=True)
class Reading:
    """What the API gave for one question.

    Args:
        records: The JSON of each record, in the API's order.
        count: How many records the API has; `None` if it does not say.
        is_whole: Whether the end of the list was reached.
        fingerprint: The count and the ids of the first page: the same for two questions with one
            answer.
    """

    records: list[msgspec.Raw]
    count: int | None
    is_whole: bool
    fingerprint: Fingerprint


@dataclass(frozen=True)
class _Page:
    """One answer.

    Args:
        records: The JSON of each record by its identity.
        next_skip: Where the next page begins.
        count: How many records the API has for the question; `None` if it does not say.
        is_full: Whether the page holds as many records as were asked for.
        has_more: Whether it is said not to be the last one.
        unreadable: Where the one record stands that the API cannot give; `None` if it gave all.
    """

    records: dict[str, msgspec.Raw]
    next_skip: int
    count: int | None
    is_full: bool
    has_more: bool = False
    unreadable: int | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        """The count and the ids of the page."""
        return self.count, tuple(self.records)

    def ends(self, count: int | None) -> bool:
        """Whether nothing comes after it in a list of so many records.

        The count may be too low: capped, or overtaken by a call that came meanwhile. So a full
        page does not end a list. Without a count, only an empty page does.
        """
        if self.unreadable is not None or (self.has_more and self.records):
            return False
        if not self.records:
            return True
        return count is not None and self.next_skip >= count and not self.is_full


@dataclass
class _Found:
    """The records of one reading of a list.

    Args:
        records: Their JSON by identity.
        unreadable: Where the records stand that the API cannot give.
        repeated: How many of the last pages held no new record.
        has_repeated: Whether any page held no new record.
    """

    records: dict[str, msgspec.Raw] = field(default_factory=dict)
    unreadable: set[int] = field(default_factory=set)
    repeated: int = 0
    has_repeated: bool = False

    def add(self, page: _Page) -> None:
        """Take the records of a page."""
        is_repeated = bool(page.records) and page.records.keys() <= self.records.keys()
        self.repeated = self.repeated + 1 if is_repeated else 0
        self.has_repeated = self.has_repeated or is_repeated
        self.records.update(page.records)
        if page.unreadable is not None:
            self.unreadable.add(page.unreadable)

    def __len__(self) -> int:
        return len(self.records) + len(self.unreadable)


class _PageSize:
    """How many records to ask for: half as many where a page fails, and slowly more again.

    A size that fails again after it was grown to is tried half as often from then on.
    """

    def __init__(self) -> None:
        self.limit = PAGE_SIZE
        self._good_pages = 0
        self._patience = PAGES_BEFORE_GROWTH
        self._has_grown = False
        self._lock = threading.Lock()

    def shrink(self, failed: int) -> None:
        """Ask for less than a size that failed, unless another thread has seen to it."""
        with self._lock:
            if failed <= self.limit:
                self.limit = max(1, failed // 2)
                self._good_pages = 0
                self._patience *= 2 if self._has_grown else 1
                self._has_grown = False

    def succeed(self) -> None:
        """Count a good page."""
        with self._lock:
            self._good_pages += 1
            if self.limit < PAGE_SIZE and self._good_pages >= self._patience:
                self.limit = min(PAGE_SIZE, 2 * self.limit)
                self._good_pages = 0
                self._has_grown = True


class SkipPaginator:
    """Reads the records of one question, several pages at once.

    Args:
        client: Makes the requests.
        path: The endpoint.
        list_names: The names of the member of the answer that holds the records.
        uncounted: Parameters that spare the API the counting, for all pages but the first.
    """

    def __init__(
        self,
        client: ApiClient,
        path: str,
        list_names: Sequence[str],
        uncounted: Params | None = None,
    ) -> None:
        self.client = client
        self.path = path
        self._list_names = list_names
        self._uncounted = uncounted or {}
        self._size = _PageSize()
        self._follows_next = True
        self._is_counted = False

    def count(self, question: Question) -> int | None:
        """How many records the API has for the question; `None` if it does not say."""
        return self._page(question, 0, limit=1).count

    def fingerprint(self, question: Question) -> Fingerprint:
        """The count and the ids of the first page: the same for two questions with one answer."""
        return self._page(question, 0).fingerprint

    def read(self, question: Question, *, only_reachable: bool = False) -> Reading:
        """Read all records, or none where there are more than can be read.

        A call that is modified while the list is read leaves its window, and those behind it move
        up. One of them then slips through between two pages, and fewer records come than were
        counted. So the list is read again.

        Args:
            question: The query, without `skip` and `limit`.
            only_reachable: Whether to read what can be read where there is more.

        Raises:
            FatalAPIError: If the API gives the same page for every `skip`, or no page at all.
        """
        records: dict[str, msgspec.Raw] = {}
        for _ in range(MAX_READINGS):
            first = self._page(question, 0)
            if (first.count or 0) > MAX_REACHABLE and not self._is_counted:
                self._is_counted = self._has_record(question, MAX_SKIP)
                if not self._is_counted:
                    # It counts something else, and the window would be cut without end.
                    first = replace(first, count=None)
            count = first.count
            if count is not None and count > MAX_REACHABLE and not only_reachable:
                return Reading([], count, is_whole=False, fingerprint=first.fingerprint)
            found, is_whole = self._read_once(question, first)
            if not is_whole and not only_reachable:
                # The list is longer than its count says.
                return Reading([], None, is_whole=False, fingerprint=first.fingerprint)
            records.update(found.records)
            if count is None or not is_whole or len(found) >= count:
                break
            # Where the next page is said to begin may leave some out.
            self._follows_next = False
        else:
            if found.has_repeated:
                raise FatalAPIError(self.client.errors.circular(self.path))
            self.client.logger.warning(
                "%s: the API counts %d records but gives %d, in each of %d readings; the next run "
                "with a look-back may find the others",
                self.path,
                count,
                len(found),
                MAX_READINGS,
            )
        self._name_unreadable(question, found.unreadable)
        return Reading(list(records.values()), count, is_whole, first.fingerprint)

    def _read_once(self, question: Question, first: _Page) -> tuple[_Found, bool]:
        """Read the list from its first page on; returns whether its end was reached, too.

        Raises:
            FatalAPIError: If the API gives the same page for every `skip`.
        """
        progress = ProgressLog(self.client.logger.info, f"The list {self.path}", first.count)
        found = _Found()
        # An API that gives fewer records than it is asked for may count too few as well.
        count = first.count if first.is_full or first.ends(first.count) else None
        for page in self._pages(question, first, count):
            found.add(page)
            if found.repeated >= MAX_REPEATED_PAGES:
                raise FatalAPIError(self.client.errors.circular(self.path))
            progress.count(len(page.records))
        return found, page.ends(count)

    def _pages(self, question: Question, first: _Page, count: int | None) -> Iterator[_Page]:
        """The pages of a list, several at once if the list is counted.

        Args:
            question: The query, without `skip` and `limit`.
            first: The first page.
            count: How many records it has, as far as that tells its end.
        """

        def pages_between(skip: int, end: int) -> Iterator[_Page]:
            while skip < end and skip <= MAX_SKIP:
                page = self._page(question, skip)
                yield page
                if page.ends(count):
                    return
                skip = page.next_skip

        yield first
        last = first
        counted = min(first.count or 0, MAX_REACHABLE)
        if counted > PAGE_SIZE:
            for last in pages_between(first.next_skip, PAGE_SIZE):
                yield last
            for _, pages in self.client.map_concurrently(
                range(PAGE_SIZE, counted, PAGE_SIZE),
                lambda skip: list(pages_between(skip, skip + PAGE_SIZE)),
                # A page may be megabytes, and one that fails by its size fails for all of them.
                FEW_AT_ONCE,
            ):
                for last in pages:
                    yield last
        if not last.ends(count):
            yield from pages_between(last.next_skip, MAX_REACHABLE)

    def _has_record(self, question: Question, skip: int) -> bool:
        page = self._page(question, skip, limit=1)
        return bool(page.records) or page.unreadable is not None

    def _page(self, question: Question, skip: int, limit: int | None = None) -> _Page:
        """Read a page, of fewer records where the API fails on a larger one.

        Args:
            question: The query, without `skip` and `limit`.
            skip: Where the page begins.
            limit: How many records to ask for, if not as many as the API can give.

        Raises:
            FatalAPIError: If the API fails on several records in a row.
        """
        while True:
            size = limit or self._size.limit
            try:
                page = self._fetch(question, skip, size, counted=skip == 0)
            except (PersistentServerError, RefusedError) as error:
                if not _may_be_too_large(error):
                    raise
                if size == 1:
                    return self._pass_over(question, skip)
                self._size.shrink(size)
                self.client.logger.info("%s: smaller pages from now on", self.path)
            else:
                self._size.succeed()
                return page

    def _pass_over(self, question: Question, skip: int) -> _Page:
        """Leave out the one record that the API fails on, if it gives another one meanwhile.

        Raises:
            FatalAPIError: If it gives none.
        """
        step = 1 if skip + MAX_UNREADABLE <= MAX_SKIP else -1
        for distance in range(1, MAX_UNREADABLE):
            other = self._fetch_if_readable(question, skip + step * distance)
            if other:
                break
        else:
            # It is not the record: the API as a whole gets the time that any request gets.
            return self._fetch(question, skip, 1, counted=True, handling=ORDINARY)
        # The failure may have passed.
        page = self._fetch_if_readable(question, skip)
        return page or _Page({}, skip + 1, other.count, is_full=False, unreadable=skip)

    def _fetch_if_readable(self, question: Question, skip: int) -> _Page | None:
        try:
            return self._fetch(question, skip, 1, counted=True)
        except (PersistentServerError, RefusedError) as error:
            if _may_be_too_large(error):
                return None
            raise

    def _fetch(
        self,
        question: Question,
        skip: int,
        limit: int,
        *,
        counted: bool,
        handling: Handling = FEW_TRIES,
    ) -> _Page:
        params = {**question, **({} if counted else self._uncounted)}
        records, pagination = self.client.fetch(
            self.path,
            self._decode,
            {**params, "skip": str(skip), "limit": str(limit)},
            handling=handling,
        )
        end = skip + len(records)
        count, next_skip = pagination.get("matched", 0), pagination.get("nextPageSkip", 0)
        return _Page(
            records={identity_of(record): record for record in records},
            next_skip=next_skip if next_skip > skip and self._follows_next else end,
            # A count that is lower than what came says nothing.
            count=count if count >= end and "matched" in pagination else None,
            is_full=len(records) >= limit,
            has_more=pagination.get("hasMore", False) is True,
        )

    def _decode(self, answer: Answer) -> tuple[list[msgspec.Raw], dict[str, int]]:
        return raw_records(answer, *self._list_names), _pagination(answer)

    def _name_unreadable(self, question: Question, skips: set[int]) -> None:
        filters = ", ".join(f"{k} {v}" for k, v in question.items() if k.startswith("filter"))
        for skip in sorted(skips):
            self.client.logger.warning(
                "%s: the API fails on record %d of the list (%s), also when it is asked for alone: "
                "it is missing from this run",
                self.path,
                skip + 1,
                filters or "no filter",
            )


def _may_be_too_large(error: FatalAPIError) -> bool:
    """Whether the API failed on a request as it does on too large an answer: with 5xx or 413."""
    if isinstance(error, RefusedError):
        return error.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    return not isinstance(error, PersistentBodyError)


def _pagination(answer: Answer) -> dict[str, int]:
    """The numbers in the member `pagination`, and `hasMore`; empty if the answer has none."""
    try:
        pagination = msgspec.json.decode(answer.body, type=_Paged).pagination
    except msgspec.ValidationError:
        # The list stands alone.
        return {}
    members = pagination.items() if isinstance(pagination, dict) else ()
    return {
        name: value
        for name, value in members
        if (type(value) is int and 0 <= value <= LARGEST_COUNT) or name == "hasMore"
    }


class _Paged(msgspec.Struct):
    pagination: t.Any = None


def identifier_of(record: msgspec.Raw) -> str | None:
    """The id of a record as text; `None` if it has none."""
    identifier = msgspec.json.decode(record, type=_showing("id")).id  # type: ignore[attr-defined]
    return None if identifier is None else str(identifier)


def identity_of(record: msgspec.Raw) -> str:
    """The id of a record, or its whole JSON if it has no id."""
    return identifier_of(record) or bytes(record).decode()


def time_of(record: msgspec.Raw, field: str | None) -> datetime | None:
    """A time of the record; `None` if it has none that can be read, or the year 1 in its place."""
    if field is None:
        return None
    value = getattr(msgspec.json.decode(record, type=_showing(field)), field)
    moment = time_or_none(value, parse_time_or_epoch)
    return moment if moment and moment >= EARLIEST else None


@cache
def _showing(field: str) -> type[msgspec.Struct]:
    """A type that decodes one member of a record and skips the others: ten times faster."""
    return msgspec.defstruct(f"Showing_{field}", [(field, t.Any, None)])
