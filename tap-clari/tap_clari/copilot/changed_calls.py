"""Which calls changed since the last run: the question that five streams begin with.

Each of them asks it for itself and keeps a bookmark of its own, one line of STATE however many
calls there are. That costs a request for every hundred calls; a stream of details costs a hundred.
"""

from __future__ import annotations

import abc
import logging
import typing as t
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain

from tap_clari.copilot.client import CopilotStream
from tap_clari.copilot.pagination import (
    TimeFilter,
    Window,
    WindowPaginator,
    identity_of,
    time_of,
)
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.times import EARLIEST

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    import msgspec
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.copilot.pagination import WindowPart
    from tap_clari.kit.client import Params

MODIFIED = TimeFilter("filterModifiedGt", "filterModifiedLt", "last_modified_time")
CALL_TIME = TimeFilter("filterTimeGt", "filterTimeLt", "time")

SAFE_POINT = 500
"""Calls between two bookmarks at the most: what a killed run of details has to ask for again."""


@dataclass(frozen=True)
class CallBatch:
    """Calls in the order of their modified time.

    Args:
        calls: Their JSON, as the list gives it.
        read_until: The modified time up to which nothing is left to read after this batch;
            `None` where more of the same second, or calls without such a time, are to come.
    """

    calls: list[msgspec.Raw]
    read_until: datetime | None


class ChangedCallsStream(CopilotStream):
    """A stream that is read along the calls that changed in the run's window.

    The window begins at the bookmark, or at `start_date`, and ends when the run began: a call
    that changes meanwhile belongs to the next run. The bookmark is the modified time of the last
    call of a batch that is written whole, so that a killed run resumes there; calls of exactly
    that time are read again, since others may have come to share it.
    """

    @property
    def bookmark_field(self) -> str | None:
        """The modified time of a call, whatever the stream reads of it."""
        return MODIFIED.field

    @property
    def lookback(self) -> timedelta:
        """How far before its bookmark the stream reads again."""
        return timedelta(days=self.config["lookback_days"])

    @property
    def listing_params(self) -> dict[str, str | list[str]]:
        """What to ask of the list besides the window."""
        return {}

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read what the changed calls lead to, and move the bookmark after each batch."""
        for batch in self.changed_calls():
            yield from self.read_batch(batch.calls)
            if batch.read_until:
                self.move_bookmark(batch.read_until)
            # A window's pages are let go before the next window is read, not after.
            del batch

    @abc.abstractmethod
    def read_batch(self, calls: list[msgspec.Raw]) -> Iterator[Record]:
        """Read what a batch of calls leads to."""

    def changed_calls(self) -> Iterator[CallBatch]:
        """Yield the calls of the run's window, oldest change first."""
        start = self.window_start()
        params: dict[str, str | list[str]] = {
            "includePrivate": "true" if self.config["include_private_calls"] else "false",
            "sortTime": "asc",
            **self.listing_params,
        }
        paginator = WindowPaginator(
            self.client,
            "/calls",
            "calls",
            uncounted={"includePagination": "false"},
            finer=CALL_TIME,
        )
        seen = SeenIds()
        newest: datetime | None = None
        for part in chain(
            self._by_call_time_if_undated(paginator, start, params),
            paginator.read_window(Window(MODIFIED, start, self.run_started_at), params),
        ):
            dated, others = _in_order(part.records, seen)
            if others:
                yield CallBatch(others, None)
            for first in range(0, len(dated), SAFE_POINT):
                batch = dated[first : first + SAFE_POINT]
                # Not past the window, though a call in it may show a later time.
                read_until = min(batch[-1][0], part.window.end or batch[-1][0])
                newest = max(newest or read_until, read_until)
                yield CallBatch(
                    [part.records[index] for _, index in batch], newest if part.complete else None
                )
            if part.complete and not dated:
                # Perhaps the end of a second that came in parts.
                yield CallBatch([], newest)
            del part, dated, others

    def _by_call_time_if_undated(
        self, paginator: WindowPaginator, start: datetime | None, params: Params
    ) -> Iterator[WindowPart]:
        """Yield the calls without a modified time, which no window of modified time holds.

        Two counts tell whether there are any; only then are the calls listed by their own time,
        from the run's start on.
        """
        by_call_time = Window(CALL_TIME, start)
        question = {**params, **by_call_time.params}
        ever_modified = Window(MODIFIED, EARLIEST).params
        counted = paginator.count(question) - paginator.count({**question, **ever_modified})
        if counted <= 0:
            return
        found = 0
        for part in paginator.read_window(by_call_time, params):
            undated = [call for call in part.records if not time_of(call, MODIFIED.field)]
            found += len(undated)
            yield replace(part, records=undated)
        if found < counted:
            self.log(
                "The API counts %d calls without a modified time, and %d of them have no time at "
                "all by which a long list could be cut: they are missing from this run",
                counted,
                counted - found,
                level=logging.WARNING,
            )


def _in_order(
    calls: list[msgspec.Raw], seen: SeenIds
) -> tuple[list[tuple[datetime, int]], list[msgspec.Raw]]:
    """Put calls in order: times with indexes; and those without a time. Each comes once a run."""
    dated: list[tuple[datetime, int]] = []
    others: list[msgspec.Raw] = []
    for index, call in enumerate(calls):
        if not seen.add(identity_of(call)):
            continue
        if modified := time_of(call, MODIFIED.field):
            dated.append((modified, index))
        else:
            others.append(call)
    dated.sort()
    return dated, others
