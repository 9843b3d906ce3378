"""Reads a list of Copilot of any length, in windows of time short enough to be paged."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone

from tap_clari.copilot.pagination import MAX_REACHABLE, identity_of
from tap_clari.kit.dedup import SeenIds
from tap_clari.kit.times import format_time

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    import msgspec

    from tap_clari.copilot.pagination import Question, Reading, SkipPaginator
    from tap_clari.kit.progress import ProgressLog

SECOND = timedelta(seconds=1)
_EARLIEST = datetime(2015, 1, 1, tzinfo=timezone.utc)
_LATEST = datetime(2040, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class TimeFilter:
    """Two query parameters that cut a list by a time of its records.

    Args:
        after: The parameter for the lower bound.
        before: The parameter for the upper bound.
        field: The member of a record that they filter by, if a record shows it.
    """

    after: str
    before: str
    field: str | None = None


@dataclass(frozen=True)
class Window:
    """The records from `start` on and before `end`; `None` is open."""

    by: TimeFilter
    start: datetime | None = None
    end: datetime | None = None

    @property
    def params(self) -> dict[str, str | list[str]]:
        """The query for at least this window.

        The vendor calls the parameters Gt and Lt, and describes them as if they held the bound
        too. To ask for a millisecond more than the window is right either way. So a record may
        come in two windows, and is never left out: the API need not filter by what the record
        shows.
        """
        params: dict[str, str | list[str]] = {}
        if self.start is not None:
            params[self.by.after] = _milliseconds(self.start - timedelta(milliseconds=1))
        if self.end is not None:
            params[self.by.before] = _milliseconds(self.end)
        return params

    def with_margin(self, *bounds: datetime | None) -> Window:
        """The window, with a second more at each end of it that is one of these bounds.

        Whether the API's filters hold their bounds and look at fractions of a second is not known.
        """
        start, end = self.start, self.end
        return replace(
            self,
            start=start - SECOND if start and start in bounds else start,
            end=end + SECOND if end and end in bounds else end,
        )

    def halves(self) -> tuple[Window, Window] | None:
        """The window in two; `None` if it is a second long.

        It is cut at whole seconds: whether the API's filters look at fractions is not known. An
        open end stays open. Only for the cut it is taken as 2015 or 2040.
        """
        low = self.start or _EARLIEST
        high = self.end or _LATEST
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if not low < middle < high:
            return None
        return replace(self, end=middle), replace(self, start=middle)

    def __str__(self) -> str:
        start = format_time(self.start) if self.start else "the beginning"
        end = format_time(self.end) if self.end else "the end"
        return f"{start} to {end}"


@dataclass(frozen=True)
class WindowPart:
    """Records of one window.

    Args:
        window: The window.
        records: Their JSON, in the API's order.
        complete: Whether this is all of the window, or the last of its parts.
    """

    window: Window
    records: list[msgspec.Raw]
    complete: bool


class WindowPaginator:
    """Reads a list of any length, oldest window first.

    Args:
        pages: Reads one window.
        secondary_filter: Cuts a second that holds more than can be read.
    """

    def __init__(self, pages: SkipPaginator, secondary_filter: TimeFilter | None = None) -> None:
        self._pages = pages
        self._secondary_filter = secondary_filter

    def read(
        self, window: Window, params: Question, progress: ProgressLog | None = None
    ) -> Iterator[WindowPart]:
        """Read a window, in halves of halves where it holds too much.

        Args:
            window: The window.
            params: The rest of the query.
            progress: Learns how many records the window holds.
        """
        question = {**params, **window.params}
        reading = self._pages.read(question)
        if progress:
            progress.total = reading.count
        if reading.is_whole:
            yield WindowPart(window, reading.records, complete=True)
        elif not (halves := window.halves()):
            yield from self._read_second(window, question, reading)
        elif self._filter_is_ignored(reading, params, halves):
            self._pages.client.logger.warning(
                "%s: the API gives the same %s records for any time, more than can be read: those "
                "past the first %d are missing from this run",
                self._pages.path,
                "uncounted" if reading.count is None else reading.count,
                MAX_REACHABLE,
            )
        else:
            for half in halves:
                yield from self.read(half, params)

    def _filter_is_ignored(
        self, whole: Reading, params: Question, halves: tuple[Window, Window]
    ) -> bool:
        """Whether both halves are the whole: then no cut makes the list shorter."""
        return all(
            self._pages.fingerprint({**params, **half.params}) == whole.fingerprint
            for half in halves
        )

    def _read_second(
        self, window: Window, question: Question, reading: Reading
    ) -> Iterator[WindowPart]:
        """Read a second that holds too much: cut by the other time, if there is one."""
        is_secondary = window.by == self._secondary_filter
        seen = SeenIds()
        for records in self._cut_second(question, can_be_cut=not is_secondary):
            new = [record for record in records if seen.add(identity_of(record))]
            yield WindowPart(window, new, complete=False)
        if reading.count is None:
            # Whether the other filter found all of them is seen where that one is cut.
            if is_secondary or not self._secondary_filter:
                self._pages.client.logger.warning(
                    "%s: the API has more records from %s than can be read, and does not count "
                    "them: those past the first %d are missing from this run",
                    self._pages.path,
                    window,
                    len(seen),
                )
        # A second of the secondary filter is counted in the second around it.
        elif not is_secondary and len(seen) < reading.count:
            self._pages.client.logger.warning(
                "%s: the API counts %d records from %s, more than can be read, and %d of them "
                "could not be found by any other filter: they are missing from this run",
                self._pages.path,
                reading.count,
                window,
                reading.count - len(seen),
            )
        yield WindowPart(window, [], complete=True)

    def _cut_second(self, question: Question, *, can_be_cut: bool) -> Iterator[list[msgspec.Raw]]:
        if self._secondary_filter and can_be_cut:
            for part in self.read(Window(self._secondary_filter), question):
                yield part.records
        else:
            yield self._pages.read(question, only_reachable=True).records


def _milliseconds(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
