"""What is read by id: that which changed since the bookmark, by the change index."""

from __future__ import annotations

import logging
import typing as t
from collections import deque
from datetime import datetime, timedelta
from functools import partial
from itertools import islice

from tap_gladly.changes.builder import ChangesReader
from tap_gladly.changes.events_window import OVERLAP
from tap_gladly.changes.facts import Change
from tap_gladly.changes.unread_reports import UnreadDays, UnreadReports
from tap_gladly.client import REPORTS_PER_MINUTE, MergedCustomerError, is_limited, records
from tap_gladly.kit.decoding import decode_record
from tap_gladly.kit.deferred import DeferredIds
from tap_gladly.kit.errors import NotFoundError, PersistentServerError
from tap_gladly.kit.estimate import Estimate
from tap_gladly.kit.progress import ProgressLog
from tap_gladly.kit.stream import StreamState
from tap_gladly.kit.times import format_time, parse_time, time_or_none
from tap_gladly.run import GladlyStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.changes.index import ChangeIndex
    from tap_gladly.kit.decoding import Answer
    from tap_gladly.run import GladlyRun

HISTORY = timedelta(days=30)
"""How far back a stream begins that has neither a bookmark nor a `start_date`: what is read by id
costs a request for each, so that a year is more than should be read unasked."""

TESTED = timedelta(hours=23)
"""How far back a test of the connection looks: events tell of that, and no report is spent."""

LONGEST_CHAIN = 20
"""Merges that lead from one to the next, after which it is believed that they have no end."""

FEW = 20
"""How many a test of the connection asks for at most, one after the other, until there is a record:
some may be gone."""

WINDOW_START = "window_start"
"""In the state, until a window is read whole: from when on it needed events. The next run needs
them from there too, which name what a conversation or task has beyond Gladly's cap."""


class ChangedState(StreamState, total=False):
    """What such a stream keeps in its part of the state."""

    window_start: datetime | None
    unread_reports: UnreadDays | None


class IdRequest(t.NamedTuple):
    """What is asked for by its id.

    Args:
        change: What changed.
        known_part_ids: The ids of its parts; `None` if the run did not list them.
    """

    change: Change
    known_part_ids: list[str] | None = None


class IdResult(t.NamedTuple):
    """The answer to a request by id.

    Args:
        records: The records.
        is_limited: Whether Gladly has more and does not give it.
        is_evidence: Whether it says that others can be read.
    """

    records: list[Record]
    is_limited: bool = False
    is_evidence: bool = True


Outcome = IdResult | NotFoundError | MergedCustomerError | PersistentServerError
"""What became of a request: its result, or that it is gone, merged into another, or unreadable."""


def decode_result(answer: Answer) -> IdResult:
    """The result that is a list.

    Raises:
        UnexpectedResponseError: If it is none.
    """
    found = records(answer)
    return IdResult(found, is_limited(answer, len(found)))


class ChangedStream(GladlyStream, ChangesReader):
    """A stream that is read by the ids of what changed.

    Each is read once, however often it changed, in the order of the newest changes, so that the
    bookmark moves with every one and a killed run resumes there; but for what could not be read at
    its turn, and is read later.
    """

    primary_keys: tuple[str, ...] = ("id",)
    replication_key = "changedAt"
    tap_added_properties: tuple[str, ...] = ("changedAt",)
    state_form = ChangedState

    place: str
    """Where the id belongs in the path."""

    lookback = timedelta(0)
    """How far before its bookmark the stream reads again."""

    def __init__(self, tap: Tap, run: GladlyRun) -> None:
        super().__init__(tap, run)
        self._followed: set[str] = set()

    @property
    def unread_reports(self) -> UnreadReports:
        """The reports that earlier runs could not read."""
        return UnreadReports(self.stream_state, self.kind)

    def changed_since(self) -> datetime:
        """The time from which it asks what changed."""
        bookmark = self.bookmark()
        if bookmark:
            since = bookmark - max(OVERLAP, self.lookback)
        else:
            since = self.start_date() or self.window_end() - HISTORY
        if self.is_test:
            since = max(since, self.run_started_at - TESTED)
        return since

    def events_from(self) -> datetime:
        """The time from which it needs events: the start of the window that a run did not end."""
        since = self.changed_since()
        return min(since, time_or_none(self.stream_state.get(WINDOW_START)) or since)

    def requests_of(self, index: ChangeIndex) -> int:
        """How many requests the stream takes, at least."""
        return index.count(self.kind, self.changed_since())

    def needed(self) -> Estimate:
        """A request for each that changed, where events tell of all; else the reports that tell."""
        reports = self.run.changes.reports_ahead()
        if not reports:
            return Estimate(self.requests_of(self.run.changes.index()))
        if self.run.changes_readers()[0] is not self:
            return Estimate()
        seconds = 60 * reports / REPORTS_PER_MINUTE
        detail = "to know what changed; how many requests that takes is logged then"
        return Estimate(0, {"reports": reports}, seconds, detail)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read what changed, several at once, and move the bookmark with each."""
        index = self.run.changes.index()
        since = self.changed_since()
        if since >= index.end:
            return
        since = min(since, self.unread_reports.start() or since)
        self.stream_state[WINDOW_START] = format_time(self.events_from())
        yield from self.extra_records(index, since)
        deferred: DeferredIds[Change] = DeferredIds()
        yield from self._changed_records(index, since, deferred)
        if left := deferred.at_the_end():
            for change, reason in left:
                self._log_unreadable(change, reason, "and is asked for again by the next run")
            return
        self.stream_state.pop(WINDOW_START)
        self.unread_reports.keep(self.run.changes.unread)
        self.move_bookmark(index.end)

    def _changed_records(
        self, index: ChangeIndex, since: datetime, deferred: DeferredIds[Change]
    ) -> Iterator[Record]:
        total, gone = index.count(self.kind, since), 0
        progress = ProgressLog(self.log, self.name, total)
        at_once = None if not self.is_test else 1
        at_most = None if not self.is_test else FEW
        requests = map(self._request, islice(index.changed(self.kind, since), at_most))
        for request, first in self.client.map_concurrently(requests, self._ask, at_once):
            for change, outcome in self._outcomes(index, since, request, first, deferred):
                if isinstance(outcome, NotFoundError):
                    gone += 1
                    index.forget(change)
                for row in self.records_of(index, change, outcome):
                    yield self.with_added(row, changedAt=change.at)
            if not deferred.row:
                self.move_bookmark(parse_time(request.change.at))
            if progress.count():
                self.write_state()
        if gone:
            self.log(
                "%s: %s of %s are not there (any more): Gladly answers 404, as it does for what "
                "was deleted or merged",
                self.name,
                f"{gone:,}",
                f"{total:,}",
            )

    # What a stream has of its own

    def extra_records(self, index: ChangeIndex, since: datetime) -> Iterable[Record]:  # noqa: ARG002
        """Read what does not depend on changes."""
        return ()

    def known_part_ids(self, change: Change) -> list[str] | None:  # noqa: ARG002
        """The ids of its parts; `None` if the run did not list them."""
        return None

    def read(self, request: IdRequest) -> IdResult:
        """Ask for it, here for a list; in a thread of its own.

        Raises:
            NotFoundError: If it is not there any more.
            MergedCustomerError: If it is a customer who was merged into another.
            PersistentServerError: If it cannot be read.
        """
        ids = {self.place: request.change.id}
        return self.client.fetch_one(self.path, decode_result, ids=ids)

    def records_of(self, index: ChangeIndex, change: Change, outcome: Outcome) -> Iterable[Record]:  # noqa: ARG002
        """The records of an outcome, which may be that it is gone or merged."""
        return outcome.records if isinstance(outcome, IdResult) else ()

    # How

    def _request(self, change: Change) -> IdRequest:
        return IdRequest(change, self.known_part_ids(change))

    def _ask(self, request: IdRequest) -> Outcome:
        try:
            return self.read(request)
        except (NotFoundError, MergedCustomerError, PersistentServerError) as outcome:
            return outcome

    def _outcomes(
        self,
        index: ChangeIndex,
        since: datetime,
        request: IdRequest,
        first: Outcome,
        deferred: DeferredIds[Change],
    ) -> Iterator[tuple[Change, Outcome]]:
        """The outcomes that count: of a request, of whom it leads to, and of those deferred."""
        pending, merges = deque([(request.change, first, True)]), 0
        while pending:
            change, outcome, is_first = pending.popleft()
            if isinstance(outcome, PersistentServerError):
                if is_first:
                    deferred.add(change, str(outcome))
                else:
                    self._log_unreadable(change, str(outcome), "and is left out")
                continue
            yield change, outcome
            if isinstance(outcome, NotFoundError):
                continue
            if isinstance(outcome, MergedCustomerError):
                merges += 1
                survivor = Change(self.kind, outcome.surviving_id, change.at)
                if self._is_to_be_followed(survivor, index, since, merges):
                    pending.append((survivor, self._ask(self._request(survivor)), True))
                # Nor does this say that others can be read.
                continue
            if not outcome.is_evidence:
                continue
            again = map(self._request, deferred.after_success())
            for asked, answer in self.client.map_concurrently(again, self._ask):
                pending.append((asked.change, answer, False))

    def _is_to_be_followed(
        self, survivor: Change, index: ChangeIndex, since: datetime, merges: int
    ) -> bool:
        """Whether the one who is left of a merge is read now, and not at a turn of its own."""
        if survivor.id in self._followed or index.has(self.kind, survivor.id, since):
            return False
        if merges > LONGEST_CHAIN:
            reason = f"Gladly leads from one merged {self.kind} to the next, {merges} times."
            self._log_unreadable(survivor, reason, "and is left out")
            return False
        self._followed.add(survivor.id)
        return True

    def _log_unreadable(self, change: Change, reason: str, what_now: str) -> None:
        self.log(
            "%s: the %s %s cannot be read, %s. %s",
            self.name,
            self.kind,
            change.id,
            what_now,
            reason,
            level=logging.ERROR,
        )


class SingleRecordStream(ChangedStream):
    """A stream of one record for each id, with a record of its deletion for each that is gone."""

    def read(self, request: IdRequest) -> IdResult:
        """Ask for the record."""
        identifier = request.change.id
        # Gladly's document does not promise the id of what was asked for by its id.
        decode = partial(decode_record, identifier=identifier, known=self.schema["properties"])
        found = self.client.fetch_one(self.path, decode, ids={self.place: identifier})
        return IdResult([{**found, "id": identifier}])

    def records_of(self, index: ChangeIndex, change: Change, outcome: Outcome) -> Iterable[Record]:
        """The record, or one that says that it is gone."""
        if isinstance(outcome, NotFoundError):
            return [{"id": change.id, "_sdc_deleted_at": self.deleted_at(index, change)}]
        return super().records_of(index, change, outcome)

    def deleted_at(self, index: ChangeIndex, change: Change) -> str:  # noqa: ARG002
        """When it was deleted; the run's start, where nothing tells."""
        return format_time(self.run_started_at)
