"""What is read by id: that which changed since the bookmark, by the change index."""

from __future__ import annotations

import logging
import typing as t
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import islice

from tap_gladly.bookmarks import BookmarkedStream
from tap_gladly.changes.told import Change
from tap_gladly.errors import MovedError, NotFoundError, RefusedError
from tap_gladly.headway import Headway
from tap_gladly.recent import OVERLAP
from tap_gladly.times import format_time, parse_time
from tap_gladly.wire import listed, record

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_gladly.changes.index import ChangeIndex
    from tap_gladly.run import SharedRun

HISTORY = timedelta(days=30)
"""How far back a stream begins that has neither a bookmark nor a `start_date`: what is read by id
costs a request for each, so that a year is more than should be read unasked."""

TESTED = timedelta(hours=23)
"""How far back a test of the connection looks: events tell of that, and no report is spent."""

FEW = 20
"""How many a test of the connection asks for at most, one after the other, until there is a record:
some may be gone."""


class Todo(t.NamedTuple):
    """What is to be asked for.

    Args:
        change: What changed.
        parts: The ids of its parts that are known already; none if none were looked for.
    """

    change: Change
    parts: list[str] | None = None


class Found(t.NamedTuple):
    """What was found.

    Args:
        records: The records.
        is_limited: Whether Gladly has more and does not give it.
        missed: The ids of parts that could not be had.
        moved_to: The id of the customer who is to be read instead.
    """

    records: list[Record]
    is_limited: bool = False
    missed: tuple[str, ...] = ()
    moved_to: str | None = None


class ChangedStream(BookmarkedStream):
    """A stream that is read by the ids of what changed.

    Each is read once, however often it changed, in the order of the newest changes, so that the
    bookmark moves with every one and a killed run resumes there.
    """

    primary_keys: tuple[str, ...] = ("id",)
    replication_key = "changedAt"
    added: tuple[str, ...] = ("changedAt",)

    kind: str
    """What is asked for: conversations, customers or tasks."""

    place: str
    """Where the id belongs in the path."""

    def __init__(self, tap: Tap, run: SharedRun) -> None:
        super().__init__(tap, run)
        run.changes.register(self)
        self._followed: set[str] = set()

    def changed_since(self) -> datetime:
        """From when on changes are asked for."""
        bookmark = self.bookmark()
        since = bookmark - OVERLAP if bookmark else self.start_date() or self.run_began - HISTORY
        if self.ABORT_AT_RECORD_COUNT is not None:
            since = max(since, self.run_began - TESTED)
        return since

    def requests_of(self, index: ChangeIndex) -> int:
        """How many requests the stream takes, at least."""
        return index.count(self.kind, self.changed_since())

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read what changed, several at once, and move the bookmark with each."""
        index = self.run.changes.index(self)
        since = self.changed_since()
        if since >= index.end:
            return
        yield from self.besides(index)
        total, gone = index.count(self.kind, since), 0
        headway = Headway(self._say, total)
        at_once = None if self.ABORT_AT_RECORD_COUNT is None else 1
        for todo, found in self.concurrently(self._todo(index, since), self._found_of, at_once):
            for change, each in self._with_followed(index, since, todo.change, found):
                if each is None:
                    gone += 1
                    index.forget(change)
                for row in self.records_of(index, change, each):
                    yield {"changedAt": change.at, **row}
            self.move_bookmark(parse_time(todo.change.at))
            if headway.one_more():
                self.keep_state()
        if gone:
            self.log(
                "%s: %s of %s are not there (any more): Gladly answers 404, as it does for what "
                "was deleted or merged",
                self.name,
                f"{gone:,}",
                f"{total:,}",
            )
        self.move_bookmark(index.end)

    # What a stream has of its own

    def besides(self, index: ChangeIndex) -> Iterable[Record]:  # noqa: ARG002
        """What is read besides what changed."""
        return ()

    def parts_of(self, index: ChangeIndex, change: Change) -> list[str] | None:  # noqa: ARG002
        """The ids of parts of what changed, as far as the run knows them."""
        return None

    def read(self, todo: Todo) -> Found:
        """Ask for it; in a thread of its own."""
        return Found([record(self.fetch(self.path, ids={self.place: todo.change.id}))])

    def records_of(
        self,
        index: ChangeIndex,
        change: Change,
        found: Found | None,
    ) -> Iterable[Record]:
        """The records; `found` is none if it is not there any more."""
        raise NotImplementedError

    # How

    def _todo(self, index: ChangeIndex, since: datetime) -> Iterator[Todo]:
        changes = index.changed(self.kind, since)
        at_most = None if self.ABORT_AT_RECORD_COUNT is None else FEW
        for change in islice(changes, at_most):
            yield Todo(change, self.parts_of(index, change))

    def _found_of(self, todo: Todo) -> Found | None:
        try:
            return self.read(todo)
        except NotFoundError:
            return None
        except MovedError as error:
            return Found([], moved_to=error.new)

    def _with_followed(
        self, index: ChangeIndex, since: datetime, change: Change, found: Found | None
    ) -> Iterator[tuple[Change, Found | None]]:
        """What was found, and whoever a customer was merged into, unless that one has a turn."""
        yield change, found
        while found and found.moved_to:
            new = found.moved_to
            if new in self._followed or index.has(self.kind, new, since):
                return
            self._followed.add(new)
            change = Change(self.kind, new, change.at)
            found = self._found_of(Todo(change, self.parts_of(index, change)))
            yield change, found

    def _say(self, message: str, *args: object) -> None:
        self.log(f"{self.name}: {message}", *args)


class WholeStream(ChangedStream):
    """A stream of one record for each id, which says of those that are gone that they are."""

    def records_of(
        self,
        index: ChangeIndex,
        change: Change,
        found: Found | None,
    ) -> Iterable[Record]:
        """The record, or one that says that it is gone."""
        if found is None:
            return [{"id": change.id, "_sdc_deleted_at": self.gone_since(index, change)}]
        return found.records

    def gone_since(self, index: ChangeIndex, change: Change) -> str:  # noqa: ARG002
        """Since when it is gone: found now, unless there is more to go by."""
        return format_time(self.run_began)


class PartsStream(ChangedStream):
    """A stream of all parts of what changed, of which Gladly lists some number and no more.

    What a list lacks is asked for one by one, if an event of the last 24 hours names it.
    """

    part_path: str
    """The endpoint of a single part."""

    part_place: str
    """Where the id of the part belongs in it."""

    where_else: str
    """Where a user finds what is missing."""

    def parts_of(self, index: ChangeIndex, change: Change) -> list[str] | None:
        """The parts that events name."""
        return index.parts(change.id)

    def read(self, todo: Todo) -> Found:
        """List them, and ask for those that are missing."""
        ids = {self.place: todo.change.id}
        answer = self.fetch(self.path, ids=ids)
        records = listed(answer)
        if not answer.is_limited:
            return Found(records)
        known = {each.get("id") for each in records}
        missed = []
        for part in todo.parts or ():
            if part in known:
                continue
            try:
                records.append(
                    record(self.fetch(self.part_path, ids={**ids, self.part_place: part}))
                )
            except RefusedError as error:
                # Deleted, or of a type that the API does not give.
                if error.status not in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
                    raise
                missed.append(part)
        return Found(records, is_limited=True, missed=tuple(missed))

    def records_of(
        self,
        index: ChangeIndex,  # noqa: ARG002
        change: Change,
        found: Found | None,
    ) -> Iterable[Record]:
        """The records; where Gladly has more than it gives, that is said."""
        if found is None:
            return []
        if found.is_limited:
            refused = f", but not {', '.join(found.missed)}" if found.missed else ""
            self.log(
                "%s: Gladly has more of the %s %s than it lists: %d were had, with those that "
                "events of the last 24 hours name%s. Others are missing here. %s",
                self.name,
                self.kind,
                change.id,
                len(found.records),
                refused,
                self.where_else,
                level=logging.WARNING,
            )
        return found.records
