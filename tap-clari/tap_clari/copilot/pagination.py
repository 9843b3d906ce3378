"""Reads a list of Copilot that is paged by `skip` and `limit`.

Past `skip=10000` nothing can be read, so that of one question the API gives the first 10,100
records only. `windows` cuts a longer list by time. (Reference: the vendor's document, `/calls` and
`/scorecard`.)
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import cache

import msgspec

from tap_clari.kit.decoding import raw_member, raw_records
from tap_clari.kit.errors import UnexpectedResponseError
from tap_clari.kit.progress import ProgressLog
from tap_clari.kit.times import parse_time

if t.TYPE_CHECKING:
    from datetime import datetime

    from tap_clari.kit.client import ApiClient, Params
    from tap_clari.kit.decoding import Answer

    Question = t.Mapping[str, str | list[str]]

PAGE_SIZE = 100
MAX_SKIP = 10_000
MAX_REACHABLE = MAX_SKIP + PAGE_SIZE
"""How many records of one question can be read."""

MAX_READINGS = 3
"""How often a list that changes while it is read is read again before it is given up."""


@dataclass(frozen=True)
class Reading:
    """What the API gave for one question.

    Args:
        records: The JSON of each record, in the API's order.
        count: How many records the API has.
        is_whole: Whether the end of the list was reached.
    """

    records: list[msgspec.Raw]
    count: int
    is_whole: bool


class SkipPaginator:
    """Reads the records of one question, several pages at once.

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
        self._key = key
        self._uncounted = uncounted or {}

    def count(self, question: Question) -> int:
        """How many records the API has for the question."""
        return total_count(self._fetch(question, {"limit": "1"}))

    def read(self, question: Question, *, only_reachable: bool = False) -> Reading:
        """Read all records, or none where there are more than can be read.

        A call that is modified while the list is read leaves its window, and those behind it move
        up. One of them then slips through between two pages, and fewer records come than were
        counted. So the list is read again.

        Args:
            question: The query, without `skip` and `limit`.
            only_reachable: Whether to read what can be read where there is more.
        """
        found: dict[str, msgspec.Raw] = {}
        for _ in range(MAX_READINGS):
            first = self._page(question, 0, counted=True)
            count = total_count(first)
            if count > MAX_REACHABLE and not only_reachable:
                return Reading([], count, is_whole=False)
            this_time, is_whole = self._read_once(question, first, count)
            if not is_whole and not only_reachable:
                return Reading([], max(count, len(this_time)), is_whole=False)
            found.update(this_time)
            if len(this_time) >= min(count, MAX_REACHABLE):
                return Reading(list(found.values()), count, is_whole)
        self.client.logger.warning(
            "%s: the API counts %d records but gives %d, in each of %d readings; the next run "
            "with a look-back may find the others",
            self.path,
            count,
            len(this_time),
            MAX_READINGS,
        )
        return Reading(list(found.values()), count, is_whole)

    def _read_once(
        self, question: Question, first: Answer, count: int
    ) -> tuple[dict[str, msgspec.Raw], bool]:
        """Read the pages behind the first: all records by identity, and whether these are all."""
        progress = ProgressLog(self.client.logger.info, f"The list {self.path}", count)
        found: dict[str, msgspec.Raw] = {}

        def take(page: Answer) -> bool:
            """Keep the records of a page; returns whether it is full."""
            records = raw_records(page, self._key)
            found.update((identity_of(record), record) for record in records)
            progress.count(len(records))
            return len(records) >= PAGE_SIZE

        is_full = take(first)
        skips = range(PAGE_SIZE, min(count, MAX_REACHABLE), PAGE_SIZE)
        for _, page in self.client.map_concurrently(skips, lambda skip: self._page(question, skip)):
            is_full = take(page)
        # The count may be too low: capped, or overtaken by a call that came meanwhile. So a last
        # page that is full does not end the list.
        skip = PAGE_SIZE * (1 + len(skips))
        while is_full and skip <= MAX_SKIP:
            is_full = take(self._page(question, skip))
            skip += PAGE_SIZE
        return found, not is_full

    def _page(self, question: Question, skip: int, *, counted: bool = False) -> Answer:
        paging = {"skip": str(skip), "limit": str(PAGE_SIZE)}
        return self._fetch(question, paging if counted else {**self._uncounted, **paging})

    def _fetch(self, question: Question, paging: Params) -> Answer:
        return self.client.fetch(self.path, {**question, **paging})


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
    """The id of a record as text; `None` if it has none."""
    identifier = msgspec.json.decode(record, type=_showing("id")).id  # type: ignore[attr-defined]
    return None if identifier is None else str(identifier)


def identity_of(record: msgspec.Raw) -> str:
    """The id of a record, or its whole JSON if it has no id."""
    return identifier_of(record) or bytes(record).decode()


def time_of(record: msgspec.Raw, field: str | None) -> datetime | None:
    """A time of the record; `None` if it has none that can be read."""
    if field is None:
        return None
    value = getattr(msgspec.json.decode(record, type=_showing(field)), field)
    try:
        return parse_time(value)
    except (TypeError, ValueError):
        return None


@cache
def _showing(field: str) -> type[msgspec.Struct]:
    """A type that decodes one member of a record and skips the others: ten times faster."""
    return msgspec.defstruct(f"Showing_{field}", [(field, t.Any, None)])
