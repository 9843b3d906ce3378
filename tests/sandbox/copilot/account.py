"""The data of one Copilot account: what the server serves, and what a test may change.

Everything here is safe to call from any thread while the server answers.
"""

from __future__ import annotations

import threading
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

from tests.sandbox.copilot.call_search import CallSearch
from tests.sandbox.copilot.call_table import DELETED, PRIVATE, VANISHED, CallTable
from tests.sandbox.copilot.directory import (
    CRM_KINDS,
    END_OF_DATA,
    START_OF_DATA,
    CrmKind,
    Directory,
)
from tests.sandbox.copilot.parameters import Media, Window
from tests.sandbox.copilot.records import CallMaker
from tests.sandbox.copilot.scorecards import TEMPLATES, Scorecards
from tests.sandbox.copilot.vocabulary import STATUSES
from tests.sandbox.instants import MILLISECOND, iso, micros
from tests.sandbox.lru import LruCache

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.sandbox.copilot.call_search import Bounds
    from tests.sandbox.copilot.directory import Record
    from tests.sandbox.copilot.parameters import CallsQuery, Page, ScorecardFilter

Kind = Literal["user", "topic", "scorecard", "scorecard_template", "account", "contact", "deal"]
"""The kinds of records beside calls."""

ABSENT = object()
"""As the value of an overridden field: the field is missing."""

_SHARED_KINDS = frozenset({*CRM_KINDS, "user"})
_NO_MEDIA = Media(audio=False, video=False)
_RENDERED_BYTES = 64_000_000
_ALWAYS = Window(after=None, before=None)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What an account holds at first; the same contents are the same records, always.

    Attributes:
        calls: How many calls, from 1 to 1,000,000 or so.
        seed: Seed of all records.
        burst: How many further calls were modified within one second, and that second.
        burst_call_time: When all calls of the burst started; None to spread them over the year
            before the burst.
        undated: How many further calls are scheduled and have no last modified time.
        scorecards: How many scorecards; None for a share of the calls.
    """

    calls: int = 12
    seed: int = 1
    burst: tuple[int, str] | None = None
    burst_call_time: str | None = None
    undated: int = 0
    scorecards: int | None = None

    def __post_init__(self) -> None:
        if self.calls < 1:
            message = "an account has at least one call"
            raise ValueError(message)


class Account:
    """One account.

    Args:
        contents: What it holds at first.
        bounds: What ``Gt`` and ``Lt`` of a time mean when asked for.
    """

    def __init__(self, contents: Contents, bounds: Bounds = "strict") -> None:
        self._lock = threading.RLock()
        self._seed = contents.seed
        self._strict = bounds == "strict"
        self._table = CallTable()
        self._directory = Directory(contents.seed, contents.calls)
        self._maker = CallMaker(contents.seed, self._table, self._directory)
        self._search = CallSearch(self._table, self._maker, bounds)
        self._rendered: LruCache[tuple[int, Media], bytes] = LruCache(_RENDERED_BYTES)
        self._call_overrides: dict[int, dict[str, Any]] = {}
        self._overrides: dict[Kind, dict[str, dict[str, Any]]] = {
            kind: {} for kind in get_args(Kind)
        }
        self._fill(contents)
        scorecards = contents.scorecards
        self._scorecards = Scorecards(
            seed=contents.seed,
            count=5 + contents.calls // 8 if scorecards is None else scorecards,
            calls=contents.calls,
            directory=self._directory,
            call_id=self._maker.call_id,
            bounds=bounds,
        )

    # What is true

    def call_ids(self, *, private: bool = True) -> list[str]:
        """Return the ids of all calls that lists show, in the arbitrary order of the account.

        Args:
            private: Whether private calls are among them.
        """
        hidden = DELETED if private else DELETED | PRIVATE
        with self._lock:
            return [
                self._maker.call_id(position)
                for position, flags in enumerate(self._table.flags)
                if not flags & hidden
            ]

    def listed(self, call_id: str) -> Record:
        """Return a call as a list shows it.

        Raises:
            KeyError: There is no such call, or it was deleted.
        """
        with self._lock:
            return deepcopy(self._listed(self._existing(call_id), _NO_MEDIA))

    def call(self, call_id: str) -> Record:
        """Return a call in full, as its details show it.

        Raises:
            KeyError: There is no such call, or it was deleted, or it has vanished.
        """
        with self._lock:
            position = self._existing(call_id)
            if self._table.flags[position] & VANISHED:
                raise KeyError(call_id)
            return deepcopy(self._detailed(position, _NO_MEDIA))

    def users(self) -> list[Record]:
        """Return all users."""
        make = self._directory.user
        return self._true("user", "id", map(make, range(self._directory.users_count)))

    def topics(self) -> list[Record]:
        """Return all topics, as the second version of the endpoint shows them."""
        return self._topics_within(_ALWAYS)

    def keyword_topics(self) -> list[str]:
        """Return the names of the keyword topics, as the first version shows them."""
        directory = self._directory
        return [
            directory.topic(index)["topic_name"]
            for index in range(directory.topics_count)
            if directory.is_keyword_topic(index)
        ]

    def topic_modified(self, topic_id: str) -> str:
        """Return when a topic was last modified, which no answer shows.

        Raises:
            KeyError: There is no such topic.
        """
        for index in range(self._directory.topics_count):
            if self._directory.topic_id(index) == topic_id:
                return iso(self._directory.topic_modified(index), milliseconds=True)
        raise KeyError(topic_id)

    def scorecards(self) -> list[Record]:
        """Return all scorecards, in the order in which lists show them."""
        make = self._scorecards.scorecard
        return self._true("scorecard", "id", map(make, range(len(self._scorecards))))

    def scorecard_time(self, scorecard_id: str) -> str:
        """Return the time of a scorecard that filters know and no answer shows.

        Raises:
            KeyError: There is no such scorecard.
        """
        return iso(self._scorecards.time(self._scorecards.index(scorecard_id)), milliseconds=True)

    def scorecard_templates(self) -> list[Record]:
        """Return all scorecard templates."""
        make = self._scorecards.template
        return self._true("scorecard_template", "id", map(make, range(TEMPLATES)))

    def accounts(self) -> list[Record]:
        """Return the accounts that the CRM still has."""
        return self._crm_objects("account")

    def contacts(self) -> list[Record]:
        """Return the contacts that the CRM still has."""
        return self._crm_objects("contact")

    def deals(self) -> list[Record]:
        """Return the deals that the CRM still has."""
        return self._crm_objects("deal")

    # What a test may change

    def touch(
        self,
        call_id: str,
        *,
        modified: str | None = None,
        status: str | None = None,
        time: str | None = None,
    ) -> None:
        """Change what filters know of a call, and what its record shows.

        Args:
            call_id: Which call.
            modified: Its new last modified time, ISO 8601, to the millisecond.
            status: Its new status.
            time: Its new start, ISO 8601, to the millisecond.

        Raises:
            KeyError: There is no such call, or it was deleted.
            ValueError: A time or the status is none.
        """
        with self._lock:
            position = self._existing(call_id)
            if status is not None:
                self._table.status[position] = STATUSES.index(status)
            if modified is not None:
                self._table.move(position, _to_the_millisecond(modified))
            if time is not None:
                self._table.reschedule(position, _to_the_millisecond(time))
            self._changed(position)

    def delete(self, call_id: str) -> None:
        """Take a call out of lists and details.

        Raises:
            KeyError: There is no such call, or it was deleted before.
        """
        self._flag(call_id, DELETED)

    def vanish(self, call_id: str) -> None:
        """Take a call out of details only, as if it were deleted after it was listed.

        Raises:
            KeyError: There is no such call, or it was deleted.
        """
        self._flag(call_id, VANISHED)

    def add(self, count: int, *, modified_from: str, modified_to: str) -> list[str]:
        """Add calls.

        Args:
            count: How many.
            modified_from: Earliest last modified time, ISO 8601, to the millisecond.
            modified_to: Latest last modified time.

        Returns:
            Their ids.

        Raises:
            ValueError: A time is none.
        """
        first, last = _to_the_millisecond(modified_from), _to_the_millisecond(modified_to)
        with self._lock:
            rng = Random(f"{self._seed} add {len(self._table)}")
            added = self._table.grow(count, rng, first, last)
            self._search.forget()
            return [self._maker.call_id(position) for position in added]

    def override(self, call_id: str, /, **fields: Any) -> None:
        """Set fields of a call as they go over the wire, in lists and details.

        Anything that JSON can say is allowed. Filters and sorting go on knowing the call as it is
        (see `touch`).

        Args:
            call_id: Which call.
            **fields: The fields; `ABSENT` for one that shall be missing.

        Raises:
            KeyError: There is no such call, or it was deleted.
        """
        with self._lock:
            position = self._existing(call_id)
            self._call_overrides.setdefault(position, {}).update(fields)
            self._changed(position)

    def override_record(self, kind: Kind, record_id: str, /, **fields: Any) -> None:
        """Set fields of a record that is no call, as they go over the wire.

        Args:
            kind: What kind of record.
            record_id: Its id: ``topic_id`` of a topic, ``crm_id`` of an account, contact or deal,
                ``id`` of the others.
            **fields: The fields; `ABSENT` for one that shall be missing.
        """
        with self._lock:
            self._overrides[kind].setdefault(record_id, {}).update(fields)

    # What the server answers with

    def calls_page(self, query: CallsQuery) -> tuple[list[bytes], int]:
        """Return a page of calls as JSON, and how many calls match in all."""
        with self._lock:
            found = self._search.find(query.wanted)
            page = found[query.page.skip : query.page.skip + query.page.limit]
            return [self._render(position, query.media) for position in page], len(found)

    def call_details(self, call_id: str, media: Media) -> bytes | None:
        """Return a call in full as JSON; None when it is not there."""
        with self._lock:
            position = self._maker.position(call_id)
            if position is None or self._table.flags[position] & (DELETED | VANISHED):
                return None
            return msgspec.json.encode(self._detailed(position, media))

    def crm_object(self, kind: CrmKind, crm_id: str) -> bytes | None:
        """Return an account, contact or deal as JSON; None when the CRM does not have it."""
        with self._lock:
            index = self._directory.crm_index(kind, crm_id)
            if index is None:
                return None
            record = self._directory.crm_object(kind, index)
            return msgspec.json.encode(_overridden(record, self._overrides[kind].get(crm_id)))

    def topics_page(self, window: Window) -> list[Record]:
        """Return the topics modified within a window."""
        return self._topics_within(window)

    def scorecards_page(self, wanted: ScorecardFilter, page: Page) -> tuple[list[Record], int]:
        """Return a page of scorecards, and how many match in all."""
        with self._lock:
            found = self._scorecards.find(wanted)
            indexes = found[page.skip : page.skip + page.limit]
            records = map(self._scorecards.scorecard, indexes)
            return self._true("scorecard", "id", records), len(found)

    def _fill(self, contents: Contents) -> None:
        rng = Random(f"{contents.seed} calls")
        latest = END_OF_DATA - MILLISECOND
        self._table.grow(contents.calls, rng, START_OF_DATA, latest)
        if contents.burst is not None:
            count, second = contents.burst
            start = contents.burst_call_time
            self._table.grow_burst(
                count,
                rng,
                _to_the_millisecond(second),
                None if start is None else _to_the_millisecond(start),
            )
        self._table.grow_undated(contents.undated, rng, START_OF_DATA, latest)

    def _existing(self, call_id: str) -> int:
        position = self._maker.position(call_id)
        if position is None or self._table.flags[position] & DELETED:
            raise KeyError(call_id)
        return position

    def _flag(self, call_id: str, flag: int) -> None:
        with self._lock:
            position = self._existing(call_id)
            self._table.flags[position] |= flag
            self._changed(position)

    def _changed(self, position: int) -> None:
        self._search.forget()
        for audio in (False, True):
            for video in (False, True):
                self._rendered.drop((position, Media(audio=audio, video=video)))

    def _listed(self, position: int, media: Media) -> Record:
        record = self._maker.listed(position, media)
        return _overridden(record, self._call_overrides.get(position))

    def _detailed(self, position: int, media: Media) -> Record:
        record = self._maker.detailed(position, media)
        return _overridden(record, self._call_overrides.get(position))

    def _render(self, position: int, media: Media) -> bytes:
        rendered = self._rendered.get((position, media))
        if rendered is None:
            rendered = msgspec.json.encode(self._listed(position, media))
            self._rendered.put((position, media), rendered)
        return rendered

    def _topics_within(self, window: Window) -> list[Record]:
        directory = self._directory
        found = [
            directory.topic(index)
            for index in range(directory.topics_count)
            if self._within(directory.topic_modified(index), window)
        ]
        return self._true("topic", "topic_id", found)

    def _within(self, instant: int, window: Window) -> bool:
        step = 1 if self._strict else 0
        after, before = window.after, window.before
        return (after is None or after + step <= instant) and (
            before is None or instant <= before - step
        )

    def _crm_objects(self, kind: CrmKind) -> list[Record]:
        with self._lock:
            make = self._directory.crm_object
            objects = [make(kind, index) for index in range(self._directory.counts[kind])]
            return self._true(kind, "crm_id", objects)

    def _true(self, kind: Kind, key: str, records: Iterable[Record]) -> list[Record]:
        """Return records of one kind with what was overridden, for the caller to keep."""
        with self._lock:
            overrides = self._overrides[kind]
            copies = deepcopy(list(records)) if kind in _SHARED_KINDS else list(records)
            return [_overridden(record, overrides.get(record[key])) for record in copies]


def _overridden(record: Record, fields: dict[str, Any] | None) -> Record:
    if not fields:
        return record
    merged = {**record, **fields}
    return {name: value for name, value in merged.items() if value is not ABSENT}


def _to_the_millisecond(text: str) -> int:
    value = micros(text)
    if value % MILLISECOND:
        message = f"{text}: the sandbox knows no time finer than a millisecond"
        raise ValueError(message)
    return value
