"""Calls: the list, and the details of each call."""

from __future__ import annotations

import logging
import typing as t

from tap_clari.copilot.changed_calls import ChangedCallsStream
from tap_clari.copilot.pagination import identifier_of
from tap_clari.copilot.relisted_calls import RelistedCallsStream
from tap_clari.kit.children import ParentStream
from tap_clari.kit.decoding import check_record, decode_object
from tap_clari.kit.errors import UnexpectedResponseError
from tap_clari.kit.estimate import Estimate

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    import msgspec
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.copilot.relisted_calls import DigestsState
    from tap_clari.kit.decoding import Answer

NAMED_AT_MOST = 20


class _CallStream(ChangedCallsStream):
    """The base of both streams of calls: their keys, and signed URLs if the setting asks."""

    primary_keys = ("id",)
    replication_key = "last_modified_time"

    @property
    def media_params(self) -> dict[str, str]:
        """The query for the signed URLs, if the setting asks for them."""
        if not self.config["include_media_urls"]:
            return {}
        return {"includeAudio": "true", "includeVideo": "true"}


class CallsStream(_CallStream):
    """Calls in every status (`/calls`), without what was said."""

    name = "calls"
    path = "/calls"

    @property
    def listing_params(self) -> dict[str, str | list[str]]:
        """The signed URLs, if the setting asks for them."""
        return {**self.media_params}

    def window_start(self) -> datetime | None:
        """Where the run's window begins: earlier where the deals of calls are still to be read."""
        start = super().window_start()
        return self.run.deals.begin(start) if self.run.deals.are_wanted() else start

    def read_batch(self, calls: list[msgspec.Raw]) -> Iterator[Record]:
        """The records, which are the items of the list."""
        deals = self.run.deals if self.run.deals.are_wanted() else None
        for call in calls:
            record = self.decode(call)
            if deals:
                deals.add(record)
            yield record
            self.progress.count()


class CallDetailsStream(RelistedCallsStream, ParentStream, _CallStream):
    """Calls with transcript and summary (`/call-details`), one request a call."""

    name = "call_details"
    path = "/call-details"

    @property
    def listing_params(self) -> dict[str, str | list[str]]:
        """Only calls in a status that has details worth a request."""
        return {"filterStatus": self.config["call_detail_statuses"]}

    @property
    def digests_state(self) -> DigestsState:
        """The state that holds the digests: that of the turns, where only these are written."""
        states = [each.stream_state for each in (self, *self._selected_children) if each.selected]
        return t.cast("DigestsState", states[0])

    def estimate_of(self, calls: int) -> Estimate:
        """A request for each call."""
        return Estimate(calls, detail=f"the details of {calls:,} calls")

    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Read the details, and name the calls that were gone."""
        self._gone: list[str] = []
        self._gone_count = 0
        self._without_id = 0
        yield from super().request_records(context)
        if self._without_id:
            self.log(
                "%d calls have no id, and so no details that could be asked for",
                self._without_id,
                level=logging.WARNING,
            )
        if self._gone_count:
            self.log(
                "%d calls were gone when their details were asked for (404): %s%s",
                self._gone_count,
                ", ".join(self._gone),
                " and others" if self._gone_count > NAMED_AT_MOST else "",
            )

    def read_changed(self, calls: Iterator[msgspec.Raw]) -> Iterator[Record]:
        """Ask for the details of each call."""
        for identifier, call in self.fetch_each(self._ids(calls), self.media_params):
            self.progress.count()
            if call is None:
                self._gone_count += 1
                if self._gone_count <= NAMED_AT_MOST:
                    self._gone.append(identifier)
            else:
                yield call

    def _ids(self, calls: Iterator[msgspec.Raw]) -> Iterator[str]:
        for call in calls:
            if identifier := identifier_of(call):
                yield identifier
            else:
                self._without_id += 1

    def decode_one(self, answer: Answer, identifier: str) -> Record:
        """The call, with what stands beside it."""
        members = decode_object(answer)
        call = members.pop("call", None)
        if not isinstance(call, dict):
            missing = "'call'"
            raise UnexpectedResponseError(answer.path, missing)
        check_record(answer.path, call, self.schema["properties"])
        if str(call.get("id", identifier)) != identifier:
            missing = "the call that was asked for"
            raise UnexpectedResponseError(answer.path, missing)
        return self.with_extra({"id": identifier, **call}, members)
