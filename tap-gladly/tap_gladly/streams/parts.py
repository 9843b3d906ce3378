"""What conversations and tasks are made of: lists that Gladly cuts, and what is beyond the cut."""

from __future__ import annotations

import logging
import typing as t

from tap_gladly.client import RecordUnreadableError
from tap_gladly.kit.decoding import decode_object
from tap_gladly.kit.errors import NotFoundError
from tap_gladly.streams.changed import ChangedStream, Found, Todo, found_list

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers.types import Record

    from tap_gladly.changes.facts import Change
    from tap_gladly.changes.index import ChangeIndex


NAMED = 20
"""How many ids a warning names."""


class PartsStream(ChangedStream):
    """A stream of all parts of what changed, of which Gladly lists some number and no more.

    What a list lacks is asked for one by one, if an event names it.
    """

    part_path: str
    """The endpoint of a single part."""

    part_place: str
    """Where the id of the part belongs in it."""

    where_else: str
    """Where a user finds what is missing."""

    def read(self, todo: Todo) -> Found:
        """List them."""
        return self.client.fetch_one(self.path, found_list, ids={self.place: todo.change.id})

    def records_of(self, index: ChangeIndex, change: Change, found: Found) -> Iterable[Record]:
        """The parts; those that the list lacks too, as far as they can be had."""
        if found.is_limited:
            found.records.extend(self._missing(index, change, found.records))
        return super().records_of(index, change, found)

    def _missing(
        self, index: ChangeIndex, change: Change, records: list[Record]
    ) -> Iterator[Record]:
        known = {each.get("id") for each in records}
        wanted = [part for part in index.parts(change.id) if part not in known]
        missed = []
        for part, found in self.client.map_concurrently(
            wanted, lambda part: self._part(change.id, part)
        ):
            if found is None:
                missed.append(part)
            else:
                yield found
        more = f" and {len(missed) - NAMED:,} more" if len(missed) > NAMED else ""
        refused = f" but these: {', '.join(missed[:NAMED])}{more}" if missed else ""
        self.log(
            "%s: Gladly has more of the %s %s than the %s that it lists. %s more were had one by "
            "one, all that the events since the last run name%s. Others are missing here. %s",
            self.name,
            self.kind,
            change.id,
            f"{len(known):,}",
            f"{len(wanted) - len(missed):,}",
            refused,
            self.where_else,
            level=logging.WARNING,
        )

    def _part(self, whole: str, part: str) -> Record | None:
        """A single part; none if it was deleted, or is of a type that the API does not give."""
        ids = {self.place: whole, self.part_place: part}
        try:
            return self.client.fetch_one(self.part_path, decode_object, ids=ids)
        except (NotFoundError, RecordUnreadableError):
            return None
