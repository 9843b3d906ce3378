"""Opportunities as Clari has them."""

from __future__ import annotations

import logging
import math
import typing as t
from http import HTTPStatus
from itertools import islice

from singer_sdk.exceptions import FatalAPIError

from tap_clari.kit.children import ChildStream, ParentStream
from tap_clari.kit.client import ORDINARY, REFUSED_FOR_ONE_ID, Handling
from tap_clari.kit.conformance import hash_of
from tap_clari.kit.decoding import decode_list
from tap_clari.kit.deferred import DeferredIds
from tap_clari.kit.errors import PersistentServerError, RefusedError
from tap_clari.kit.estimate import Estimate
from tap_clari.kit.times import format_time, time_or_none
from tap_clari.linked_deals import CALLS_FROM, OpportunitiesState
from tap_clari.revenue.exports.requests import Reader
from tap_clari.revenue.run import RevenueStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from singer_sdk.helpers.types import Context, Record

    from tap_clari.kit.decoding import Answer
    from tap_clari.revenue.exports.requests import ExportRequest

TYPES = {
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
}
"""The name in JSON of each type but text, by the type that it is read as."""

IDS_AT_ONCE = 100
"""How many opportunities one request can ask for."""

REFUSED_FOR_SOME = (
    *REFUSED_FOR_ONE_ID,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_URI_TOO_LONG,
)
"""What Clari may answer for one of many ids, or for too many of them."""

FEW_TRIES = Handling(server_tries=2)
"""How a part is asked for: a smaller one does better than many tries."""


class OpportunitiesStream(ParentStream, RevenueStream, Reader):
    """Opportunities (`/opportunity`).

    The API has no list of them. The stream reads those of the setting, those that the activities of
    this run belong to, and the deals of its calls if the setting asks. So the jobs of the
    activities are kept until this stream has finished: if the run is stopped before, the next run
    reads them again.
    """

    name = "opportunities"
    path = "/v4/opportunity"
    job_group = "activity"
    primary_keys = ("id",)
    tap_added_properties = ("readAt",)
    state_form = OpportunitiesState

    def export_requests(self) -> Sequence[ExportRequest]:
        """None of its own."""
        return ()

    def estimate(self) -> Estimate:
        """Those of the setting; how many the activities belong to is not known yet."""
        ids = len(set(self.config["opportunity_ids"]))
        return Estimate(math.ceil(ids / IDS_AT_ONCE), detail="and those of the activities")

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Ask for all of them, a hundred at once."""
        for identifier in self.config["opportunity_ids"]:
            self.run.opportunity_ids.add(identifier)
        self._at_once = IDS_AT_ONCE
        self._deferred: DeferredIds[str] = DeferredIds()
        found, read_at = 0, format_time(self.run_started_at)
        for opportunity in self._opportunities():
            found += 1
            yield self.with_added(_with_value_types(opportunity), readAt=read_at)
        if found < len(self.run.opportunity_ids):
            self.log(
                "Clari has %d of the %d opportunities that were asked for",
                found,
                len(self.run.opportunity_ids),
            )
        self.run.exports.finished(self)
        self.stream_state.pop(CALLS_FROM, None)

    def _opportunities(self) -> Iterator[Record]:
        for batch, answer in self.client.map_concurrently(self._batches(), self._ask):
            if isinstance(answer, FatalAPIError):
                yield from self._in_parts(batch)
            else:
                yield from answer
        for identifier, reason in self._deferred.at_the_end():
            self._leave_out(identifier, reason)

    def _in_parts(self, batch: list[str]) -> Iterator[Record]:
        """Ask for halves of halves of ids that Clari fails on, for one of them or for their size.

        One that fails alone is asked for again after the next success, and then left out.

        Raises:
            FatalAPIError: If too many in a row fail.
        """
        parts, good, has_bad = [batch], 0, False
        while parts:
            part = parts.pop()
            answer = self._ask(part, FEW_TRIES)
            if not isinstance(answer, FatalAPIError):
                good = max(good, len(part))
                yield from answer
                for identifier in self._deferred.after_success():
                    again = self._ask([identifier], FEW_TRIES)
                    if isinstance(again, FatalAPIError):
                        self._leave_out(identifier, str(again))
                    else:
                        yield from again
            elif len(part) > 1:
                middle = len(part) // 2
                parts += [part[middle:], part[:middle]]
            else:
                has_bad = True
                self._deferred.add(part[0], str(answer))
        if not has_bad:
            self._at_once = good

    def _leave_out(self, identifier: str, reason: str) -> None:
        message = "%s: %s cannot be read, and is left out. %s"
        self.log(message, self.name, identifier, reason, level=logging.ERROR)

    def _ask(self, batch: list[str], handling: Handling = ORDINARY) -> list[Record] | FatalAPIError:
        mode = self.config.get("opportunity_mode")
        params: dict[str, str | list[str]] = {"oppId": batch, **({"mode": mode} if mode else {})}
        try:
            return self.client.fetch(self.path, _opportunities, params, handling=handling)
        except PersistentServerError as error:
            return error
        except RefusedError as error:
            if error.status in REFUSED_FOR_SOME:
                return error
            raise

    def _batches(self) -> Iterator[list[str]]:
        ids = iter(self.run.opportunity_ids)
        while batch := list(islice(ids, self._at_once)):
            yield batch


class OpportunityChangesStream(ChildStream, RevenueStream):
    """Changes of an opportunity's fields (`/opportunity`): a row for each in its `trendHistory`.

    Clari names no change, so that the key is a hash of what it was.
    """

    name = "opportunity_changes"
    path = OpportunitiesStream.path
    parent_stream_type = OpportunitiesStream
    primary_keys = ("changeId",)
    tap_added_properties = (
        "changeId",
        "opportunityId",
        "fieldId",
        "oldValueType",
        "newValueType",
    )

    def rows_of(self, record: Record) -> Iterable[Record]:
        """The changes of its fields; one that is listed twice comes once."""
        rows: dict[str, Record] = {}
        for field in _objects(record.get("fields")):
            for change in _objects(field.get("trendHistory")):
                row = self._row(record, field, change)
                rows[row["changeId"]] = row
        return rows.values()

    def _row(self, opportunity: Record, field: Record, change: Record) -> Record:
        old, new = change.get("oldValue"), change.get("newValue")
        when = time_or_none(change.get("date"), self.read_time)
        identity = {
            "opportunityId": opportunity.get("id"),
            "fieldId": field.get("id"),
            "date": format_time(when) if when else change.get("date"),
            "oldValue": old,
            "newValue": new,
        }
        return self.with_added(
            change,
            changeId=hash_of(identity),
            opportunityId=identity["opportunityId"],
            fieldId=identity["fieldId"],
            oldValueType=_type_of(old),
            newValueType=_type_of(new),
        )


def _opportunities(answer: Answer) -> list[Record]:
    return decode_list(answer, "opportunities")


def _with_value_types(opportunity: Record) -> Record:
    """Say of which type a value of a field is that is no text: `5` and `"5"` look alike."""
    for each in _objects(opportunity.get("fields")):
        if kind := _type_of(each.get("value")):
            each.setdefault("valueType", kind)
    return opportunity


def _type_of(value: object) -> str | None:
    return TYPES.get(type(value))


def _objects(value: object) -> Iterator[Record]:
    """The objects in a list; none where it is no list."""
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each
