"""What is read by id: that which changed since the bookmark, by the change index."""

from __future__ import annotations

import logging
import typing as t
from datetime import datetime, timedelta
from itertools import islice

from tap_gladly.changes.events_window import OVERLAP
from tap_gladly.changes.facts import Change
from tap_gladly.client import MergedCustomerError, RecordUnreadableError, is_limited, records
from tap_gladly.kit.decoding import decode_object
from tap_gladly.kit.errors import NotFoundError, PersistentServerError
from tap_gladly.kit.progress import ProgressLog
from tap_gladly.kit.times import format_time, parse_time, time_or_none
from tap_gladly.run import GladlyStream
from tap_gladly.streams.deferred_ids import DeferredIds

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

FEW = 20
"""How many a test of the connection asks for at most, one after the other, until there is a record:
some may be gone."""

WINDOW_START = "window_start"
"""In the state, until a window is read whole: from when on it needed events. The next run needs
them from there too, which name what a conversation or task has beyond Gladly's cap."""


class Todo(t.NamedTuple):
    """What is to be asked for.

    Args:
        change: What changed.
        known: The ids that the run knows of what is in it; none if it did not look.
    """

    change: Change
    known: list[str] | None = None


class Found(t.NamedTuple):
    """What was found.

    Args:
        records: The records.
        is_limited: Whether Gladly has more and does not give it.
        moved_to: The id of the customer who is to be read instead.
        is_gone: Whether it is not there any more.
        fault: What is wrong with it, so that it cannot be read.
    """

    records: list[Record]
    is_limited: bool = False
    moved_to: str | None = None
    is_gone: bool = False
    fault: str | None = None


def found_list(answer: Answer) -> Found:
    """What was found is a list.

    Raises:
        UnexpectedResponseError: If it is none.
    """
    return Found(records(answer), is_limited(answer))


class ChangedStream(GladlyStream):
    """A stream that is read by the ids of what changed.

    Each is read once, however often it changed, in the order of the newest changes, so that the
    bookmark moves with every one and a killed run resumes there; but for what could not be read at
    its turn, and is read later.
    """

    primary_keys: tuple[str, ...] = ("id",)
    replication_key = "changedAt"
    tap_added_properties: tuple[str, ...] = ("changedAt",)

    kind: str
    """What is asked for: conversations, customers or tasks."""

    place: str
    """Where the id belongs in the path."""

    lookback = timedelta(0)
    """How far before its bookmark the stream reads again."""

    def __init__(self, tap: Tap, run: GladlyRun) -> None:
        super().__init__(tap, run)
        run.changes.register(self)
        self._followed: set[str] = set()

    def changed_since(self) -> datetime:
        """From when on changes are asked for."""
        bookmark = self.bookmark()
        if bookmark:
            since = bookmark - max(OVERLAP, self.lookback)
        else:
            since = self.start_date() or self.run_started_at - HISTORY
        if self.is_test:
            since = max(since, self.run_started_at - TESTED)
        return since

    def events_from(self) -> datetime:
        """From when on events are needed: where the window began that a killed run did not end."""
        since = self.changed_since()
        return min(since, time_or_none(self.stream_state.get(WINDOW_START)) or since)

    def requests_of(self, index: ChangeIndex) -> int:
        """How many requests the stream takes, at least."""
        return index.count(self.kind, self.changed_since())

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read what changed, several at once, and move the bookmark with each."""
        index = self.run.changes.index(self)
        since = self.changed_since()
        if since >= index.end:
            return
        self.stream_state[WINDOW_START] = format_time(self.events_from())
        yield from self.besides(index, since)
        doubtful = DeferredIds()
        yield from self._records(index, since, doubtful)
        if doubts := doubtful.at_the_end():
            for change, fault in doubts:
                self._name(change, fault, "and is asked for again by the next run")
            return
        self.stream_state.pop(WINDOW_START)
        self.move_bookmark(index.end)

    def _records(
        self, index: ChangeIndex, since: datetime, doubtful: DeferredIds
    ) -> Iterator[Record]:
        total, gone = index.count(self.kind, since), 0
        progress = ProgressLog(self.log, self.name, total)
        at_once = None if not self.is_test else 1
        for todo, first in self.client.map_concurrently(
            self._todo(index, since), self._found_of, at_once
        ):
            for change, found in self._readable(doubtful, index, since, todo, first):
                if found.is_gone:
                    gone += 1
                    index.forget(change)
                for row in self.records_of(index, change, found):
                    yield {"changedAt": change.at, **row}
            if not doubtful.row:
                self.move_bookmark(parse_time(todo.change.at))
            if progress.count():
                self.write_state()
        if gone:
            self._say(
                "%s of %s are not there (any more): Gladly answers 404, as it does for what was "
                "deleted or merged",
                f"{gone:,}",
                f"{total:,}",
            )

    # What a stream has of its own

    def besides(self, index: ChangeIndex, since: datetime) -> Iterable[Record]:  # noqa: ARG002
        """What is read besides what changed."""
        return ()

    def known_of(self, change: Change) -> list[str] | None:  # noqa: ARG002
        """The ids of what is in it, as far as the run knows them."""
        return None

    def read(self, todo: Todo) -> Found:
        """Ask for it; in a thread of its own.

        Raises:
            NotFoundError: If it is not there any more.
            MergedCustomerError: If it is a customer who was merged into another.
            RecordUnreadableError: If it cannot be read.
        """
        raise NotImplementedError

    def records_of(self, index: ChangeIndex, change: Change, found: Found) -> Iterable[Record]:  # noqa: ARG002
        """The records, also of what is gone or moved."""
        return found.records

    # How

    def _todo(self, index: ChangeIndex, since: datetime) -> Iterator[Todo]:
        changes = index.changed(self.kind, since)
        at_most = None if not self.is_test else FEW
        for change in islice(changes, at_most):
            yield Todo(change, self.known_of(change))

    def _found_of(self, todo: Todo) -> Found:
        try:
            return self.read(todo)
        except NotFoundError:
            return Found([], is_gone=True)
        except MergedCustomerError as error:
            return Found([], moved_to=error.surviving_id)
        except (RecordUnreadableError, PersistentServerError) as error:
            return Found([], fault=str(error))

    def _with_followed(
        self, index: ChangeIndex, since: datetime, todo: Todo, found: Found
    ) -> Iterator[tuple[Change, Found]]:
        """What was found, and whoever a customer was merged into, unless that one has a turn."""
        change = todo.change
        yield change, found
        while new := found.moved_to:
            if new in self._followed or index.has(self.kind, new, since):
                return
            self._followed.add(new)
            change = Change(self.kind, new, change.at)
            found = self._found_of(Todo(change, self.known_of(change)))
            yield change, found

    def _readable(
        self, doubtful: DeferredIds, index: ChangeIndex, since: datetime, todo: Todo, first: Found
    ) -> Iterator[tuple[Change, Found]]:
        """What can be read; after something that can, also what can be read of those before it."""
        for change, found in self._with_followed(index, since, todo, first):
            if found.fault:
                doubtful.add(change, found.fault)
                continue
            yield change, found
            if found.is_gone:
                continue
            again = [Todo(each, self.known_of(each)) for each in doubtful.resolved()]
            for asked, second in self.client.map_concurrently(again, self._found_of):
                for doubt, answer in self._with_followed(index, since, asked, second):
                    if answer.fault:
                        self._name(doubt, answer.fault, "and is left out")
                    else:
                        yield doubt, answer

    def _name(self, change: Change, fault: str, what_now: str) -> None:
        self.log(
            "%s: the %s %s cannot be read, %s. %s",
            self.name,
            self.kind,
            change.id,
            what_now,
            fault,
            level=logging.ERROR,
        )

    def _say(self, message: str, *args: object) -> None:
        self.log(f"{self.name}: {message}", *args)


class WholeStream(ChangedStream):
    """A stream of one record for each id, which says of those that are gone that they are."""

    def read(self, todo: Todo) -> Found:
        """Ask for the record."""
        found = self.client.fetch_one(self.path, decode_object, ids={self.place: todo.change.id})
        # Gladly's document does not promise the id of what was asked for by its id.
        return Found([{"id": todo.change.id, **found}])

    def records_of(self, index: ChangeIndex, change: Change, found: Found) -> Iterable[Record]:
        """The record, or one that says that it is gone."""
        if found.is_gone:
            return [{"id": change.id, "_sdc_deleted_at": self.gone_since(index, change)}]
        return found.records

    def gone_since(self, index: ChangeIndex, change: Change) -> str:  # noqa: ARG002
        """Since when it is gone: found now, unless there is more to go by."""
        return format_time(self.run_started_at)
