"""The data of one Copilot account: what the server serves, and what a test may change.

Everything here is safe to call from any thread while the server answers.
"""

from __future__ import annotations

import threading
from copy import deepcopy
from itertools import product
from random import Random
from typing import TYPE_CHECKING, Any, Literal, get_args

import msgspec

from tests.sandbox.copilot.call_search import CallSearch
from tests.sandbox.copilot.call_table import DELETED, PRIVATE, VANISHED, CallTable
from tests.sandbox.copilot.directory import Directory
from tests.sandbox.copilot.queries import Media
from tests.sandbox.copilot.records import CallMaker
from tests.sandbox.copilot.scorecards import TEMPLATES, Scorecards
from tests.sandbox.copilot.vocabulary import FINISHED, STATUSES
from tests.sandbox.crm import END_OF_DATA, START_OF_DATA, Crm
from tests.sandbox.crm import Kind as CrmKind
from tests.sandbox.instants import MILLISECOND, iso, micros
from tests.sandbox.lru import LruCache

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.sandbox.copilot import CopilotSandbox
    from tests.sandbox.copilot.directory import Record
    from tests.sandbox.copilot.queries import CallsQuery, ScorecardsQuery
    from tests.sandbox.crm import Meeting

Kind = Literal["user", "topic", "scorecard", "scorecard_template", "account", "contact", "deal"]
"""The kinds of records beside calls."""

ABSENT = object()
"""As the value of an overridden field: the field is missing."""

_SHARED_KINDS = frozenset({*get_args(CrmKind), "user"})
_RENDERED_BYTES = 64_000_000


class Account:
    """The account of a sandbox, made by its options.

    Attributes:
        crm: The CRM that calls are filed in.

    Raises:
        KeyError: By each method with a ``call_id`` of no call, or of a deleted one.
        ValueError: By each method with a time that is none, or finer than a millisecond.
    """

    def __init__(self, options: CopilotSandbox) -> None:
        calls, seed, bounds = options.calls, options.seed, options.bounds
        if calls < 1:
            message = "an account has at least one call"
            raise ValueError(message)
        self._lock = threading.RLock()
        self._seed = seed
        self._table = CallTable()
        self.crm = Crm(seed, calls)
        self._directory = Directory(seed, calls, self.crm)
        self._maker = CallMaker(seed, self._table, self._directory)
        self._search = CallSearch(self._table, bounds)
        self._rendered: LruCache[tuple[int, Media], bytes] = LruCache(_RENDERED_BYTES)
        self._calls_of_deals: dict[int, list[Meeting]] | None = None
        self._call_overrides: dict[int, Record] = {}
        self._overrides: dict[Kind, dict[str, Record]] = {kind: {} for kind in get_args(Kind)}
        rng = Random(f"{seed} calls")
        latest = END_OF_DATA - MILLISECOND
        self._table.grow(calls, rng, START_OF_DATA, latest)
        if options.burst is not None:
            (count, second), time = options.burst, options.burst_call_time
            start = None if time is None else _to_the_millisecond(time)
            self._table.grow_burst(count, rng, _to_the_millisecond(second), start)
        self._table.grow_undated(options.undated, rng, START_OF_DATA, latest)
        self._scorecards = Scorecards(
            seed=seed,
            count=5 + calls // 8 if options.scorecards is None else options.scorecards,
            table=self._table,
            directory=self._directory,
            maker=self._maker,
            bounds=bounds,
        )

    # What is true

    def call_ids(self, *, private: bool = True) -> list[str]:
        """Return the ids of the calls that lists show, with private ones or not, in any order."""
        hidden = DELETED if private else DELETED | PRIVATE
        with self._lock:
            return [
                self._maker.call_id(position)
                for position, flags in enumerate(self._table.flags)
                if not flags & hidden
            ]

    def listed(self, call_id: str) -> Record:
        """Return a call as a list shows it."""
        with self._lock:
            return deepcopy(self._listed(self._existing(call_id), Media()))

    def call(self, call_id: str) -> Record:
        """Return a call in full, as its details show it."""
        with self._lock:
            call = self.call_details(call_id, Media())
            if call is None:
                raise KeyError(call_id)
            return deepcopy(call)

    def users(self) -> list[Record]:
        """Return all users."""
        make = self._directory.user
        return self._true("user", "id", map(make, range(self._directory.users_count)))

    def topics(self) -> list[Record]:
        """Return all topics, as the second version of the endpoint shows them."""
        make = self._directory.topic
        return self._true("topic", "topic_id", map(make, range(self._directory.topics_count)))

    def keyword_topics(self) -> list[str]:
        """Return the names of the keyword topics, as the first version shows them."""
        directory = self._directory
        return [
            directory.topic(index)["topic_name"]
            for index in range(directory.topics_count)
            if directory.is_keyword_topic(index)
        ]

    def scorecards(self) -> list[Record]:
        """Return all scorecards, in the order in which lists show them."""
        make = self._scorecards.scorecard
        return self._true("scorecard", "id", map(make, range(len(self._scorecards))))

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

    def meetings(self) -> list[Meeting]:
        """Return the calls that have a time, as the calendar has them."""
        with self._lock:
            made = map(self._maker.meeting, range(len(self._table)))
            return [meeting for meeting in made if meeting is not None]

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

        Times are ISO 8601 and whole milliseconds: the last modification, and the start.
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
        """Take a call out of lists and details."""
        self._flag(call_id, DELETED)

    def vanish(self, call_id: str) -> None:
        """Take a call out of details only, as if it were deleted after it was listed."""
        self._flag(call_id, VANISHED)

    def add(self, count: int, *, modified_from: str, modified_to: str) -> list[str]:
        """Add calls that were modified between two times; returns their ids."""
        first, last = _to_the_millisecond(modified_from), _to_the_millisecond(modified_to)
        with self._lock:
            rng = Random(f"{self._seed} add {len(self._table)}")
            added = self._table.grow(count, rng, first, last)
            self._search.forget()
            self._calls_of_deals = None
            return [self._maker.call_id(position) for position in added]

    def override(self, call_id: str, /, **fields: Any) -> None:
        """Set fields of a call as they go over the wire, in lists and details.

        Anything that JSON can say is allowed; `ABSENT` for a field that shall be missing. Filters
        and sorting go on knowing the call as it is (see `touch`).
        """
        with self._lock:
            position = self._existing(call_id)
            self._call_overrides.setdefault(position, {}).update(fields)
            self._changed(position)

    def override_record(self, kind: Kind, record_id: str, /, **fields: Any) -> None:
        """Set fields of a record that is no call; `ABSENT` for one that shall be missing.

        The id of a topic is its ``topic_id``, that of an account, contact or deal its ``crm_id``.
        """
        with self._lock:
            self._overrides[kind].setdefault(record_id, {}).update(fields)

    # What the server answers with

    def calls_page(self, query: CallsQuery) -> tuple[list[bytes], int]:
        """Return a page of calls as JSON, and how many calls match in all."""
        with self._lock:
            found = self._search.find(query.wanted)
            page = found[query.skip : query.skip + query.limit]
            return [self._render(position, query.media) for position in page], len(found)

    def call_details(self, call_id: str, media: Media) -> Record | None:
        """Return a call in full; None when it is not there."""
        with self._lock:
            position = self._maker.position(call_id)
            if position is None or self._table.flags[position] & (DELETED | VANISHED):
                return None
            return self._detailed(position, media)

    def crm_object(self, kind: CrmKind, crm_id: str) -> Record | None:
        """Return an account, contact or deal; None when the CRM does not have it."""
        with self._lock:
            index = self.crm.index(kind, crm_id)
            if index is None:
                return None
            return _overridden(self._in_crm(kind, index), self._overrides[kind].get(crm_id))

    def scorecards_page(self, query: ScorecardsQuery) -> tuple[list[Record], int]:
        """Return a page of scorecards, and how many match in all."""
        with self._lock:
            found = self._scorecards.find(query.time)
            page = map(self._scorecards.scorecard, found[query.skip : query.skip + query.limit])
            return self._true("scorecard", "id", page), len(found)

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
        self._calls_of_deals = None
        for audio, video in product((False, True), repeat=2):
            self._rendered.drop((position, Media(audio, video)))

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

    def _crm_objects(self, kind: CrmKind) -> list[Record]:
        with self._lock:
            objects = [self._in_crm(kind, index) for index in self.crm.indexes(kind)]
            return self._true(kind, "crm_id", objects)

    def _in_crm(self, kind: CrmKind, index: int) -> Record:
        """Return an account, contact or deal; a deal knows its last call and the one to come."""
        record = self._directory.crm_object(kind, index)
        if kind != "deal":
            return record
        if self._calls_of_deals is None:
            self._calls_of_deals = {}
            for meeting in self.meetings():
                if meeting.deal:
                    self._calls_of_deals.setdefault(meeting.deal.index, []).append(meeting)
        calls = sorted(self._calls_of_deals.get(index, ()), key=lambda call: call.moment)
        held = [call.moment for call in calls if call.status in FINISHED]
        if held:
            ahead = [
                call.moment
                for call in calls
                if call.status < min(FINISHED) and call.moment > held[-1]
            ]
            record = {**record, "last_contacted": _day(held[-1])}
            record["next_call_date"] = _day(ahead[0]) if ahead else None
        return record

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


def _day(milliseconds: int) -> str:
    return iso(milliseconds * MILLISECOND, milliseconds=False)


def _to_the_millisecond(text: str) -> int:
    value = micros(text)
    if value % MILLISECOND:
        message = f"{text}: the sandbox knows no time finer than a millisecond"
        raise ValueError(message)
    return value
