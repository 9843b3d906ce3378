"""Streams whose rows are made of the records of another, and written with them.

The SDK has children too. It would sync one anew for each record of its parent: with its schema, its
state and a line in the log. A child here asks for nothing itself.
"""

from __future__ import annotations

import abc
import contextlib
import typing as t

from .estimate import Estimate
from .stream import ApiStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.metrics import Counter


class ChildStream(ApiStream):
    """A stream of rows that its parent's records hold; `parent_stream_type` names the parent."""

    @abc.abstractmethod
    def rows_of(self, record: Record) -> Iterable[Record]:
        """The rows in a record of the parent, which is as the API gave it."""

    def estimate(self) -> Estimate:
        """Nothing: the parent is read anyway."""
        return Estimate()

    def write_schema(self) -> None:
        """Write the schema, before the first row."""
        self._write_schema_message()

    def write_rows_of(self, record: Record, counter: Counter) -> None:
        """Write the rows in a record of the parent; in a test of the connection, one in all."""
        for row in self.rows_of(record):
            if self.is_test and counter.value:
                return
            if fitting := self.post_process(row):
                self._write_record_message(fitting)
                counter.increment()


class ParentStream(ApiStream):
    """A stream that has children. It is read, and not written, where only a child is selected.

    Each of them keeps a bookmark of its own, so that one which is selected later gets what was
    before: the run begins at the earliest.
    """

    @property
    def _selected_children(self) -> list[ChildStream]:
        return [
            each for each in self.child_streams if isinstance(each, ChildStream) and each.selected
        ]

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream; the rows of its children are written before each record."""
        with contextlib.ExitStack() as counting:
            counters: dict[ChildStream, Counter] = {}
            for child in self._selected_children:
                child.write_schema()
                counters[child] = counting.enter_context(child.get_record_counter())
            for record in super().get_records(context):
                for child, counter in counters.items():
                    child.write_rows_of(record, counter)
                yield record

    def get_batch_config(self, config: Mapping[str, t.Any]) -> BatchConfig | None:
        """Batches are of its own records; rows of children are messages, and so is their state."""
        return super().get_batch_config(config) if self.selected else None

    def bookmark(self) -> datetime | None:
        """The time up to which it and its children have all been read."""
        bookmarks = [each.bookmark() for each in self._selected_children]
        if self.selected or not bookmarks:
            bookmarks.append(super().bookmark())
        known = [each for each in bookmarks if each]
        return min(known) if len(known) == len(bookmarks) else None

    def move_bookmark(self, read_until: datetime) -> None:
        """Keep in the state of each that everything up to this time is written."""
        for child in self._selected_children:
            child.move_bookmark(read_until)
        if self.selected:
            super().move_bookmark(read_until)
