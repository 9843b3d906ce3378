"""Reads the query of a request, and refuses whatever the vendor's document does not promise.

Stricter than the vendor where its document is silent: unknown names, repeated single-valued
parameters and empty values are mistakes of the client here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar
from urllib.parse import parse_qsl

from tests.sandbox.copilot.vocabulary import STATUSES, TYPES
from tests.sandbox.instants import micros

if TYPE_CHECKING:
    from collections.abc import Mapping

Direction = Literal["asc", "desc"]
_Meaning = TypeVar("_Meaning")

_INTEGER = re.compile(r"[0-9]{1,9}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_PRIVATE = {"true": True, "false": False, "1": True, "0": False}
_DIRECTIONS: dict[str, Direction] = {"asc": "asc", "desc": "desc"}
_STATUS_CODES = {status: code for code, status in enumerate(STATUSES)}
_TYPE_CODES = {kind: code for code, kind in enumerate(TYPES)}
_SKIP_LAST = 10_000
_LIMIT_LAST = 100
_DURATION_LAST = 7200


class BadRequestError(ValueError):
    """A request that the vendor's document does not allow; says which parameter is wrong."""


class Query:
    """The parameters of one request; each is read once, and `finish` refuses the ones left over.

    Args:
        query: The query string as received.

    Raises:
        BadRequestError: The query is not percent-encoded UTF-8.
    """

    def __init__(self, query: bytes) -> None:
        self._given: dict[str, list[str]] = {}
        if not query:
            return
        try:
            pairs = parse_qsl(
                query.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"
            )
        except ValueError as error:
            message = "The query string is malformed"
            raise BadRequestError(message) from error
        for name, value in pairs:
            self._given.setdefault(name, []).append(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a parameter that may be repeated.

        Raises:
            BadRequestError: A value is empty.
        """
        values = self._given.pop(name, [])
        if "" in values:
            message = f"{name} must not be empty"
            raise BadRequestError(message)
        return tuple(values)

    def text(self, name: str) -> str | None:
        """Read a parameter that may be given once.

        Raises:
            BadRequestError: It is repeated or empty.
        """
        values = self.texts(name)
        if len(values) > 1:
            message = f"{name} may be given once only"
            raise BadRequestError(message)
        return values[0] if values else None

    def required(self, name: str) -> str:
        """Read a parameter that must be given.

        Raises:
            BadRequestError: It is missing, repeated or empty.
        """
        value = self.text(name)
        if value is None:
            message = f"{name} is required"
            raise BadRequestError(message)
        return value

    def integer(self, name: str, first: int, last: int) -> int | None:
        """Read an integer from ``first`` to ``last``.

        Raises:
            BadRequestError: It is no integer, or out of range.
        """
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value) or not first <= int(value) <= last:
            message = f"{name} must be an integer from {first} to {last}"
            raise BadRequestError(message)
        return int(value)

    def instant(self, name: str) -> int | None:
        """Read a date-time, as microseconds since 1970.

        Raises:
            BadRequestError: It is no ISO 8601 date-time with an offset.
        """
        value = self.text(name)
        if value is None:
            return None
        try:
            return micros(value)
        except ValueError as error:
            message = f"{name} must be an ISO date-time"
            raise BadRequestError(message) from error

    def flag(self, name: str, words: Mapping[str, bool] = _BOOLEANS) -> bool | None:
        """Read a boolean.

        Raises:
            BadRequestError: It is none of the words.
        """
        value = self.text(name)
        return None if value is None else _meaning(name, value, words)

    def direction(self, name: str) -> Direction | None:
        """Read a direction to sort in.

        Raises:
            BadRequestError: It is neither ``asc`` nor ``desc``.
        """
        value = self.text(name)
        return None if value is None else _meaning(name, value, _DIRECTIONS)

    def codes(self, name: str, codes: Mapping[str, int]) -> frozenset[int]:
        """Read the members of an enumeration, as their codes.

        Raises:
            BadRequestError: A value is no member.
        """
        return frozenset(_meaning(name, value, codes) for value in self.texts(name))

    def finish(self) -> None:
        """Refuse parameters that nobody read.

        Raises:
            BadRequestError: A parameter is unknown here.
        """
        if self._given:
            message = f"Unknown parameter: {', '.join(sorted(self._given))}"
            raise BadRequestError(message)


@dataclass(frozen=True)
class Window:
    """The instants between two bounds, in microseconds since 1970; None where it is open."""

    after: int | None
    before: int | None

    @property
    def open(self) -> bool:
        """Whether there is no bound at all."""
        return self.after is None and self.before is None


@dataclass(frozen=True)
class Page:
    """Which part of a list is asked for."""

    skip: int
    limit: int


@dataclass(frozen=True)
class Media:
    """Which signed URLs are asked for."""

    audio: bool
    video: bool


@dataclass(frozen=True)
class CallFilter:
    """Which calls are asked for, and in which order; equal ones find the same calls.

    Attributes:
        modified: Window of the last modification.
        time: Window of the start.
        shortest: Duration in seconds, or None.
        longest: Duration in seconds, or None.
        statuses: Codes of statuses; empty for any.
        types: Codes of types; empty for any.
        users: Email addresses of users, any of whom took part; empty for any.
        attendees: Email addresses of attendees, any of whom took part; empty for any.
        topics: Names of topics, any of which came up; empty for any.
        source_ids: Ids in the source system; empty for any.
        private: Whether private calls are included.
        sort_time: Direction by start.
        sort_processed: Direction by last processing.
    """

    modified: Window
    time: Window
    shortest: int | None
    longest: int | None
    statuses: frozenset[int]
    types: frozenset[int]
    users: frozenset[str]
    attendees: frozenset[str]
    topics: frozenset[str]
    source_ids: frozenset[str]
    private: bool
    sort_time: Direction | None
    sort_processed: Direction | None


@dataclass(frozen=True)
class CallsQuery:
    """A request for a page of calls."""

    wanted: CallFilter
    page: Page
    media: Media
    pagination: bool


@dataclass(frozen=True)
class ScorecardFilter:
    """Which scorecards are asked for."""

    time: Window
    rep: str | None
    scorer: str | None


def read_calls(query: Query) -> CallsQuery:
    """Read the parameters of a list of calls.

    Raises:
        BadRequestError: A parameter is not as the vendor's document says.
    """
    wanted = CallFilter(
        modified=_window(query, "filterModified"),
        time=_window(query, "filterTime"),
        shortest=query.integer("filterDurationGt", 0, _DURATION_LAST),
        longest=query.integer("filterDurationLt", 0, _DURATION_LAST),
        statuses=query.codes("filterStatus", _STATUS_CODES),
        types=query.codes("filterType", _TYPE_CODES),
        users=frozenset(query.texts("filterUser")),
        attendees=frozenset(query.texts("filterAttendees")),
        topics=frozenset(query.texts("filterTopics")),
        source_ids=frozenset(query.texts("filterSourceId")),
        private=query.flag("includePrivate", _PRIVATE) or False,
        sort_time=query.direction("sortTime"),
        sort_processed=query.direction("sortProcessed"),
    )
    page = _page(query, default=25)
    media = _media(query)
    pagination = query.flag("includePagination")
    query.finish()
    return CallsQuery(wanted, page, media, pagination is not False)


def read_details(query: Query) -> tuple[str, Media]:
    """Read the parameters of one call: its id, and which URLs are asked for.

    Raises:
        BadRequestError: A parameter is not as the vendor's document says.
    """
    call_id = query.required("id")
    media = _media(query)
    query.finish()
    return call_id, media


def read_id(query: Query) -> str:
    """Read the id that is the only parameter.

    Raises:
        BadRequestError: A parameter is not as the vendor's document says.
    """
    crm_id = query.required("id")
    query.finish()
    return crm_id


def read_topics(query: Query) -> Window:
    """Read the parameters of a list of topics: the window of their last modification.

    Raises:
        BadRequestError: A parameter is not as the vendor's document says.
    """
    window = _window(query, "filterModified")
    query.finish()
    return window


def read_scorecards(query: Query) -> tuple[ScorecardFilter, Page]:
    """Read the parameters of a list of scorecards.

    Raises:
        BadRequestError: A parameter is not as the vendor's document says.
    """
    wanted = ScorecardFilter(
        time=_window(query, "filterTime"),
        rep=query.text("filterRepId"),
        scorer=query.text("filterScorerId"),
    )
    page = _page(query, default=50)
    query.finish()
    return wanted, page


def _window(query: Query, prefix: str) -> Window:
    return Window(after=query.instant(f"{prefix}Gt"), before=query.instant(f"{prefix}Lt"))


def _page(query: Query, default: int) -> Page:
    skip = query.integer("skip", 0, _SKIP_LAST)
    limit = query.integer("limit", 1, _LIMIT_LAST)
    return Page(skip=skip or 0, limit=default if limit is None else limit)


def _media(query: Query) -> Media:
    return Media(
        audio=query.flag("includeAudio") or False, video=query.flag("includeVideo") or False
    )


def _meaning(name: str, value: str, meanings: Mapping[str, _Meaning]) -> _Meaning:
    try:
        return meanings[value]
    except KeyError as error:
        message = f"{name} must be one of {', '.join(meanings)}"
        raise BadRequestError(message) from error
