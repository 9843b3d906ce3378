"""Streams that ask for something of each call, and not again where the list says what it said."""

from __future__ import annotations

import abc
import typing as t
from functools import cached_property

from tap_clari.copilot.call_digests import CallDigests
from tap_clari.copilot.changed_calls import MODIFIED, ChangedCallsStream
from tap_clari.copilot.pagination import time_of
from tap_clari.kit.stream import StreamState
from tap_clari.kit.times import EARLIEST

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    import msgspec
    from singer_sdk.helpers.types import Context, Record


class DigestsState(StreamState, total=False):
    """What the state holds of the calls that are listed again."""

    digests: dict[str, str]


class RelistedCallsStream(ChangedCallsStream):
    """A stream with requests for each call.

    Calls that were read are listed again: those of the look-back, and those of exactly the
    bookmark's time. They are held back until all of their span are listed, and left out where
    nothing has changed in it.
    """

    state_form = DigestsState

    @abc.abstractmethod
    def read_changed(self, calls: Iterator[msgspec.Raw]) -> Iterator[Record]:
        """Read the records of calls that may have changed, and count the calls in `progress`."""

    @property
    def digests_state(self) -> DigestsState:
        """The state that holds the digests."""
        return t.cast("DigestsState", self.stream_state)

    @cached_property
    def _digests(self) -> CallDigests:
        return CallDigests(self.digests_state.setdefault("digests", {}), self.lookback)

    def window_start(self) -> datetime | None:
        """Where the run's window begins: in the look-back with a whole span."""
        start, bookmark = super().window_start(), self.bookmark()
        if not start or not bookmark or start >= bookmark:
            return start
        return max(self._digests.begin_of(start), self.start_date() or EARLIEST)

    def request_records(self, context: Context | None) -> Iterable[Record]:
        """Read the records of the changed calls."""
        self._known_until = self.bookmark()
        self._held: list[msgspec.Raw] = []
        self._held_span: str | None = None
        yield from super().request_records(context)

    def move_bookmark(self, read_until: datetime) -> None:
        """Keep in the state what is written: up to which time, and what the list said."""
        super().move_bookmark(read_until)
        self._digests.keep(max(read_until, self._known_until or read_until), self._held_span)

    def leave_out(self, identifier: str, reason: str) -> None:
        """Name what cannot be read. The look-back asks for it again."""
        super().leave_out(identifier, reason)
        self._digests.doubt()

    def read_batch(self, calls: list[msgspec.Raw]) -> Iterator[Record]:
        """Read what may have changed."""
        return self.read_changed(self._changed(calls))

    def read_rest(self) -> Iterator[Record]:
        """Read what is held back of the last span."""
        yield from self.read_changed(self._release())
        if self._known_until and not self._deferred.row:
            self.move_bookmark(self._known_until)

    def _changed(self, calls: list[msgspec.Raw]) -> Iterator[msgspec.Raw]:
        for call in calls:
            modified = time_of(call, MODIFIED.field)
            if not modified:
                yield call
                continue
            span = self._digests.span_of(modified)
            is_known = bool(self._known_until and modified <= self._known_until)
            if not is_known or span != self._held_span:
                yield from self._release()
            self._digests.add(span, call)
            if is_known:
                self._held_span = span
                # Not the page that it is a part of.
                self._held.append(call.copy())
            else:
                yield call

    def _release(self) -> Iterator[msgspec.Raw]:
        """The calls that are held back, if something has changed in their span."""
        held, span = self._held, self._held_span
        self._held, self._held_span = [], None
        if span and self._digests.is_changed(span):
            yield from held
        else:
            self.progress.count(len(held))
