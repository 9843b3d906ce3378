"""What conversations and tasks are made of: lists that Gladly cuts, and what is beyond the cut."""

from __future__ import annotations

import logging
import typing as t
from functools import partial

from tap_gladly.kit.decoding import decode_record
from tap_gladly.kit.deferred import DeferredIds
from tap_gladly.kit.errors import NotFoundError, PersistentServerError, RecordUnreadableError
from tap_gladly.streams.changed import ChangedStream, IdResult, Outcome

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers.types import Record

    from tap_gladly.changes.facts import Change
    from tap_gladly.changes.index import ChangeIndex


NAMED = 20
"""How many ids a warning names."""


class ChildListStream(ChangedStream):
    """A stream of all parts of what changed, of which Gladly lists some number and no more.

    What a list lacks is asked for one by one, if an event names it.
    """

    part_path: str
    """The endpoint of a single part."""

    part_place: str
    """Where the id of the part belongs in it."""

    other_source: str
    """Where a user finds what is missing."""

    def records_of(self, index: ChangeIndex, change: Change, outcome: Outcome) -> Iterable[Record]:
        """The parts; those that the list lacks too, as far as they can be had."""
        if isinstance(outcome, IdResult) and outcome.is_limited:
            outcome.records.extend(self._missing(index, change, outcome.records))
        return super().records_of(index, change, outcome)

    def _missing(
        self, index: ChangeIndex, change: Change, records: list[Record]
    ) -> Iterator[Record]:
        known = {each.get("id") for each in records}
        wanted = [part for part in index.parts(change.id) if part not in known]
        missed = []
        faulty: DeferredIds[str] = DeferredIds()
        for part, found in self.client.map_concurrently(
            wanted, lambda part: self._part(change.id, part)
        ):
            if isinstance(found, dict):
                faulty.after_success()
                yield found
                continue
            missed.append(part)
            if isinstance(found, PersistentServerError):
                # One that stays faulty must not stop every run; so many in a row are no accident.
                faulty.add(part, str(found))
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
            self.other_source,
            level=logging.WARNING,
        )

    def _part(self, whole: str, part: str) -> Record | PersistentServerError | None:
        """A single part; none if it was deleted, or is of a type that the API does not give."""
        ids = {self.place: whole, self.part_place: part}
        try:
            decode = partial(decode_record, identifier=part, known=self.schema["properties"])
            return self.client.fetch_one(self.part_path, decode, ids=ids)
        except (NotFoundError, RecordUnreadableError):
            return None
        except PersistentServerError as error:
            return error
