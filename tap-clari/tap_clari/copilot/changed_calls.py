"""Lists the calls that changed since the last run. Five streams begin with them.

Each stream lists them for itself and keeps a bookmark of its own: one line of STATE, however many
calls there are. That costs one request for a hundred calls. Their details cost a hundred.
"""

from __future__ import annotations

import abc
import logging
import math
import typing as t
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property, partial
from itertools import chain

from tap_clari.copilot.client import CopilotStream
from tap_clari.copilot.pagination import PAGE_SIZE, SkipPaginator, identity_of, time_of
from tap_clari.copilot.windows import TimeFilter, Window, WindowPaginator
from tap_clari.kit.decoding import check_record, decode_object
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.deferred import DeferredIds
from tap_clari.kit.errors import NotFoundError, PersistentServerError
from tap_clari.kit.estimate import Estimate
from tap_clari.kit.progress import ProgressLog
from tap_clari.kit.times import EARLIEST

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    import msgspec
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.copilot.pagination import Question
    from tap_clari.copilot.windows import WindowPart
    from tap_clari.kit.decoding import Answer

MODIFIED = TimeFilter("filterModifiedGt", "filterModifiedLt", "last_modified_time")
CALL_TIME = TimeFilter("filterTimeGt", "filterTimeLt", "time")

LIST_DELAY = timedelta(minutes=5)
"""How long before the run's begin its window ends.

Clari does not say whether a changed call is in the list at once. It may be an index that lags. A
call that came to the list after the window was read would be before the bookmark, and be lost."""

BATCH_SIZE = 500
"""The most calls between two bookmarks: a killed run of details asks for so many again."""


@dataclass(frozen=True)
class CallBatch:
    """Calls in the order of their modified time.

    Args:
        calls: Their JSON, as the list gives it.
        safe_bookmark: The modified time up to which all calls are read after this batch; `None`
            if more calls of the same second, or calls without such a time, are to come.
    """

    calls: list[msgspec.Raw]
    safe_bookmark: datetime | None


class ChangedCallsStream(CopilotStream):
    """A stream that follows the calls that changed in the run's window.

    The window begins at the bookmark, or at `start_date`, and ends some minutes before the run
    began: a call that changes later belongs to the next run. The bookmark is the modified time of
    the last call of a batch that is written whole. A killed run resumes there. Calls of exactly
    that time are read again, since other calls may have come to share it.
    """

    @property
    def bookmark_field(self) -> str | None:
        """The modified time of a call, also for streams of other objects."""
        return MODIFIED.field

    @property
    def lookback(self) -> timedelta:
        """How far before its bookmark the stream reads again."""
        return timedelta(days=self.config["lookback_days"])

    @property
    def listing_params(self) -> dict[str, str | list[str]]:
        """The query of the list, besides its window."""
        return {}

    def estimate(self) -> Estimate:
        """The list, and what comes of it where that is counted: in a run without a bookmark."""
        counted = None if self.bookmark() else self._counts()[1]
        if counted is None:
            return Estimate(1, detail="the list of changed calls; what comes of it is logged then")
        pages = max(1, math.ceil(counted / PAGE_SIZE))
        needed = self.estimate_of(counted)
        return replace(needed, requests=pages + needed.requests)

    def estimate_of(self, calls: int) -> Estimate:
        """What the run needs for so many calls, besides their list: nothing more."""
        return Estimate(detail=f"{calls:,} calls")

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the records of the changed calls, and move the bookmark after each batch."""
        self.progress = ProgressLog(self.log, f"Calls for {self.name}")
        self._deferred: DeferredIds[str] = DeferredIds()
        for batch in self.changed_calls():
            yield from self.read_batch(batch.calls)
            if batch.safe_bookmark and not self._deferred.row:
                self.move_bookmark(batch.safe_bookmark)
            # Frees the window's pages before the next window is read, not after.
            del batch
        yield from self.read_rest()
        for identifier, reason in self._deferred.at_the_end():
            self._log_unreadable(identifier, reason, "and is asked for again by the next run")
        end = self.end_date()
        if end and end <= self.window_end(LIST_DELAY) and not self._deferred.row:
            self.move_bookmark(end)

    @abc.abstractmethod
    def read_batch(self, calls: list[msgspec.Raw]) -> Iterator[Record]:
        """Read the records of a batch of calls, and count the calls in `progress`."""

    def read_rest(self) -> Iterator[Record]:
        """Read what is left when all batches were read: nothing, unless a stream holds back."""
        yield from ()

    def fetch_each(
        self, ids: Iterable[str], params: Mapping[str, str]
    ) -> Iterator[tuple[str, Record | None]]:
        """Ask for each id, and yield its record, or `None` if Copilot says that it is gone.

        One that fails is asked for again after the next success, and then left out.

        Raises:
            FatalAPIError: If too many in a row fail.
        """
        ask = partial(self._ask, params)
        for identifier, outcome in self.client.map_concurrently(ids, ask):
            if isinstance(outcome, PersistentServerError):
                self._deferred.add(identifier, str(outcome))
                continue
            yield identifier, outcome
            again = self._deferred.after_success() if outcome is not None else ()
            for deferred, second in self.client.map_concurrently(again, ask):
                if isinstance(second, PersistentServerError):
                    self.leave_out(deferred, str(second))
                else:
                    yield deferred, second

    def decode_one(self, answer: Answer, identifier: str) -> Record:  # noqa: ARG002
        """The record in the answer of a single id.

        Raises:
            UnexpectedResponseError: If there is none.
        """
        found = decode_object(answer)
        check_record(answer.path, found, self.schema["properties"])
        return found

    def _ask(
        self, params: Mapping[str, str], identifier: str
    ) -> Record | PersistentServerError | None:
        decode = partial(self.decode_one, identifier=identifier)
        try:
            return self.client.fetch_one(self.path, decode, {"id": identifier, **params})
        except NotFoundError:
            return None
        except PersistentServerError as error:
            return error

    def leave_out(self, identifier: str, reason: str) -> None:
        """Name what cannot be read."""
        self._log_unreadable(identifier, reason, "and is left out")

    def _log_unreadable(self, identifier: str, reason: str, what_now: str) -> None:
        self.log(
            "%s: %s cannot be read, %s. %s",
            self.name,
            identifier,
            what_now,
            reason,
            level=logging.ERROR,
        )

    def changed_calls(self) -> Iterator[CallBatch]:
        """Yield the calls of the run's window, oldest change first."""
        start, end = self.window_start(), self.window_end(LIST_DELAY)
        if start and start >= end:
            return
        window = Window(MODIFIED, start, end).with_margin(*self.outer_bounds)
        params, windows = self._params, WindowPaginator(self._pages, secondary_filter=CALL_TIME)
        seen = SeenIds()
        newest: datetime | None = None
        for part in chain(
            self._undated_calls(windows),
            windows.read(window, params, self.progress),
        ):
            dated, others = self._in_order(part.records, seen)
            if others:
                yield CallBatch(others, None)
            for first in range(0, len(dated), BATCH_SIZE):
                batch = dated[first : first + BATCH_SIZE]
                # Not past the window, though a call in it may show a later time.
                last = min(batch[-1][0], part.window.end or batch[-1][0])
                newest = max(newest or last, last)
                yield CallBatch(
                    [part.records[index] for _, index in batch], newest if part.complete else None
                )
            if part.complete and not dated:
                # This may be the end of a second that came in parts.
                yield CallBatch([], newest)
            del part, dated, others

    @property
    def _params(self) -> Question:
        """The query of the list, without its window."""
        return {
            "includePrivate": "true" if self.config["include_private_calls"] else "false",
            "sortTime": "asc",
            **self.listing_params,
        }

    @cached_property
    def _pages(self) -> SkipPaginator:
        return SkipPaginator(
            self.client, "/calls", ["calls"], uncounted={"includePagination": "false"}
        )

    @cached_property
    def _by_call_time(self) -> Window:
        window = Window(CALL_TIME, self.window_start(), self.end_date())
        return window.with_margin(*self.outer_bounds)

    def _counts(self) -> tuple[int | None, int | None]:
        """How many calls the API counts by their own time, and how many have a modified time."""
        question = {**self._params, **self._by_call_time.params}
        ever_modified = Window(MODIFIED, EARLIEST).params
        return self._counted(question), self._counted({**question, **ever_modified})

    def _undated_calls(self, windows: WindowPaginator) -> Iterator[WindowPart]:
        """Yield the calls without a modified time, which no window of modified time holds.

        Two counts tell whether there are any. If there are, or if the API does not count, the
        calls are listed by their own time, from the start of the run's window on, and before
        `end_date`.
        """
        listed, dated = self._counts()
        counted = None if listed is None or dated is None else listed - dated
        if counted is not None and counted <= 0:
            return
        found = 0
        for part in windows.read(self._by_call_time, self._params):
            undated = [call for call in part.records if not time_of(call, MODIFIED.field)]
            found += len(undated)
            own = [
                call for call in undated if not self.is_of_other_run(time_of(call, CALL_TIME.field))
            ]
            yield replace(part, records=own)
        if counted is not None and found < counted:
            self.log(
                "The API counts %d calls without a modified time, and %d of them have no time at "
                "all by which a long list could be cut: they are missing from this run",
                counted,
                counted - found,
                level=logging.WARNING,
            )

    def _counted(self, question: Question) -> int | None:
        """How many calls the API counts, asked for once in a run."""
        counts, key = self.run.counts, repr(sorted(question.items()))
        if key not in counts:
            counts[key] = self._pages.count(question)
        return counts[key]

    def _in_order(
        self, calls: list[msgspec.Raw], seen: SeenIds
    ) -> tuple[list[tuple[datetime, int]], list[msgspec.Raw]]:
        """Sort new calls by modified time.

        Returns:
            The times with the indexes of their calls, and the calls without such a time.
        """
        dated: list[tuple[datetime, int]] = []
        others: list[msgspec.Raw] = []
        for index, call in enumerate(calls):
            modified = time_of(call, MODIFIED.field)
            if self.is_of_other_run(modified) or not seen.add(identity_of(call)):
                continue
            if modified:
                dated.append((modified, index))
            else:
                others.append(call)
        dated.sort()
        return dated, others
