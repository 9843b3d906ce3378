"""Calls: the list, and the details of each call."""

from __future__ import annotations

import logging
import typing as t
from functools import cached_property

from tap_clari.copilot.call_digests import CallDigests
from tap_clari.copilot.changed_calls import MODIFIED, ChangedCallsStream
from tap_clari.copilot.pagination import identifier_of, time_of
from tap_clari.kit.children import ParentStream
from tap_clari.kit.decoding import check_record, decode_object
from tap_clari.kit.errors import UnexpectedResponseError
from tap_clari.kit.stream import StreamState
from tap_clari.kit.times import EARLIEST

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    import msgspec
    from singer_sdk.helpers.types import Context, Record

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
        """The list holds the records."""
        deals = self.run.deals if self.run.deals.are_wanted() else None
        for call in calls:
            record = self.decode(call)
            if deals:
                deals.add(record)
            yield record
            self.progress.count()


class CallDetailsState(StreamState, total=False):
    """What the state holds of call details."""

    digests: dict[str, str]


class CallDetailsStream(ParentStream, _CallStream):
    """Calls with transcript and summary (`/call-details`), one request a call.

    In the look-back it asks only for calls of a span of time in which the list has changed. So it
    holds the calls of a span back until all of them are listed.
    """

    name = "call_details"
    path = "/call-details"
    state_form = CallDetailsState

    @property
    def listing_params(self) -> dict[str, str | list[str]]:
        """Only calls in a status that has details worth a request."""
        return {"filterStatus": self.config["call_detail_statuses"]}

    def window_start(self) -> datetime | None:
        """Where the run's window begins: in the look-back with a whole span."""
        start, bookmark = super().window_start(), self.bookmark()
        if not self._digests or not start or not bookmark or start >= bookmark:
            return start
        return max(self._digests.begin_of(start), self.start_date() or EARLIEST)

    @cached_property
    def _digests(self) -> CallDigests | None:
        """The digests in the state of what is written; there are none without a look-back."""
        states = [each.stream_state for each in (self, *self._selected_children) if each.selected]
        state = t.cast("CallDetailsState", states[0])
        if not self.lookback:
            state.pop("digests", None)
            return None
        return CallDigests(state.setdefault("digests", {}), self.lookback)

    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Read the details, and name the calls that were gone."""
        self._gone: list[str] = []
        self._gone_count = 0
        self._known_until = self.bookmark()
        self._held: list[str] = []
        self._held_span: str | None = None
        yield from super().request_records(context)
        if self._gone_count:
            self.log(
                "%d calls were gone when their details were asked for (404): %s%s",
                self._gone_count,
                ", ".join(self._gone),
                " and others" if self._gone_count > NAMED_AT_MOST else "",
            )

    def move_bookmark(self, read_until: datetime) -> None:
        """Keep in the state what is written: up to which time, and what the list said."""
        super().move_bookmark(read_until)
        if self._digests:
            self._digests.keep(max(read_until, self._known_until or read_until), self._held_span)

    def read_batch(self, calls: list[msgspec.Raw]) -> Iterator[Record]:
        """Ask for the details of each call that may have changed."""
        without_id = 0

        def wanted() -> Iterator[str]:
            nonlocal without_id
            for call in calls:
                identifier = identifier_of(call)
                without_id += not identifier
                yield from self._wanted(call, identifier)

        yield from self._details(wanted())
        if without_id:
            self.log(
                "%d calls have no id, and so no details that could be asked for",
                without_id,
                level=logging.WARNING,
            )

    def read_rest(self) -> Iterator[Record]:
        """Read what is held back of the last span."""
        yield from self._details(self._held_back())
        if self._known_until and not self._deferred.row:
            self.move_bookmark(self._known_until)

    def _wanted(self, call: msgspec.Raw, identifier: str | None) -> Iterator[str]:
        """The call's id, or those that were held back until now; none if this one is held back."""
        modified = time_of(call, MODIFIED.field)
        if not self._digests or not modified:
            yield from filter(None, [identifier])
            return
        span = self._digests.span_of(modified)
        is_known = bool(self._known_until and modified <= self._known_until)
        if not is_known or span != self._held_span:
            yield from self._held_back()
        self._digests.add(span, call)
        if not is_known:
            yield from filter(None, [identifier])
        else:
            self._held_span = span
            self._held += filter(None, [identifier])

    def _held_back(self) -> Iterator[str]:
        """The ids that are held back, if something has changed in their span."""
        held, span = self._held, self._held_span
        self._held, self._held_span = [], None
        if self._digests and span and self._digests.is_changed(span):
            yield from held
        else:
            for _ in held:
                self.progress.count()

    def _details(self, ids: Iterator[str]) -> Iterator[Record]:
        for identifier, call in self.fetch_each(ids, self.media_params):
            self.progress.count()
            if call is None:
                self._gone_count += 1
                if self._gone_count <= NAMED_AT_MOST:
                    self._gone.append(identifier)
            else:
                yield call

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
