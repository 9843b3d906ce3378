"""The quarters of a forecast that a run exports besides the current one: those that have closed.

Without `time_periods` a run exports the current quarter, and after its turn the next one. But the
values of a quarter still change in the days after its end: a week's until about 08:00 UTC of the
day after it, some later. So a closed quarter is exported once more when it has settled, and then no
more. When a quarter begins and ends is what Clari says: fiscal quarters are not those of the
calendar.

They stand in the state at `bookmarks.forecast_time_periods.open`, as a list, for the reason that
`ledger` gives.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

import msgspec
from msgspec.structs import replace
from singer_sdk.exceptions import ConfigurationError

from tap_clari.kit.times import format_time, parse_time_or_epoch, time_or_none

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_clari.kit.tap import ApiTap

STREAM = "forecast_time_periods"
"""The stream in whose state the quarters stand."""

DAY = timedelta(days=1)

SETTLING = timedelta(days=3)
"""How long after its end a quarter is exported for the last time."""

LATEST = datetime(9999, 1, 1, tzinfo=timezone.utc)
"""From here on a time means that there is no end, and none can be reckoned from it."""

_QUARTER = re.compile(r"(\d{4})_Q([1-4])")


class OpenQuarter(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A quarter that a run knows of: the last that was the current one, or one that is owed.

    Args:
        forecast_id: The forecast.
        time_period_id: The quarter, such as 2026_Q3.
        ends_at: When it is over (ISO 8601, UTC); `None` while that is not known.
        is_final: Whether it was exported after it had settled. It is kept only as the last one.
    """

    forecast_id: str
    time_period_id: str
    ends_at: str | None = None
    is_final: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others."""
        return self.forecast_id, self.time_period_id

    def has_settled(self, at: datetime) -> bool:
        """Whether its values change no more from a time on."""
        end = time_or_none(self.ends_at, parse_time_or_epoch)
        return end is not None and end < LATEST and at >= end + SETTLING


class OpenQuarters:
    """The open quarters of all forecasts.

    Args:
        tap: The tap: its state and its setting.
    """

    def __init__(self, tap: ApiTap) -> None:
        self._tap = tap
        self._final: set[tuple[str, str]] = set()

    def owed(self, forecast_id: str) -> list[str]:
        """The closed quarters of a forecast to export now, the last one first."""
        if not self._tap.config["reread_closed_periods"]:
            return []
        owed = [
            each.time_period_id
            for each in self._quarters()
            if each.forecast_id == forecast_id
            and not each.is_final
            and each.has_settled(self._tap.started_at)
        ]
        return sorted(owed, reverse=True)

    def read_current(
        self, forecast_id: str, period: str, bounds: tuple[object, object], at: datetime
    ) -> None:
        """Take note of the quarter that was exported as the current one.

        It is owed once it has settled. So are those between it and the one before, which no run
        has read. All before it are over when it begins.

        Args:
            forecast_id: The forecast.
            period: The quarter.
            bounds: Its first and its last day, as Clari has them.
            at: When its export was started.
        """
        first, last = (time_or_none(each, parse_time_or_epoch) for each in bounds)
        quarters = self._quarters()
        known = {each.time_period_id: each for each in quarters if each.forecast_id == forecast_id}
        if known and period < max(known):
            # The export was left behind by a run before the turn.
            return
        earlier = known.pop(period, None)
        ends_at = format_time(last + DAY) if last and last < LATEST else None
        current = OpenQuarter(forecast_id, period, ends_at)
        if current.has_settled(at) or (earlier and earlier.is_final):
            current = replace(current, is_final=True)
        over = format_time(first or at)
        for missed in _between(max(known), period) if known and not earlier else ():
            known[missed] = OpenQuarter(forecast_id, missed, over)
        closed = [
            each if each.ends_at else replace(each, ends_at=over)
            for each in known.values()
            if self._tap.config["reread_closed_periods"] and not each.is_final
        ]
        others = [each for each in quarters if each.forecast_id != forecast_id]
        self._keep([*others, *closed, current])

    def read(self, forecast_id: str, period: str, at: datetime) -> None:
        """Take note of an export of a quarter that was started at a time: was it the last one?"""
        for each in self._quarters():
            if each.has_settled(at) and each.key == (forecast_id, period):
                self._final.add(each.key)

    def drop(self, forecast_id: str, period: str) -> None:
        """Export a quarter no more, since Clari does not have it."""
        key = (forecast_id, period)
        self._keep(
            [replace(each, is_final=each.is_final or each.key == key) for each in self._quarters()]
        )

    def end(self, read: Iterable[tuple[str, str | None]]) -> None:
        """Forget the quarters that were exported after they had settled, now that they are read.

        The last one of a forecast stays, by which a later run knows which ones it missed.

        Args:
            read: The forecasts and quarters whose exports all streams have read.
        """
        final = self._final.intersection(read)
        quarters = self._quarters()
        last = {each.forecast_id: each.time_period_id for each in sorted(quarters, key=_name)}
        marked = [replace(each, is_final=True) if each.key in final else each for each in quarters]
        self._keep([each for each in marked if not each.is_final or each.key in last.items()])

    def _quarters(self) -> list[OpenQuarter]:
        entries = self._tap.state.get("bookmarks", {}).get(STREAM, {}).get("open", [])
        try:
            return msgspec.convert(entries, type=list[OpenQuarter])
        except msgspec.ValidationError as error:
            message = (
                "The list of open quarters in the state cannot be read: correct or remove 'open' "
                f"at the stream {STREAM}."
            )
            raise ConfigurationError(message) from error

    def _keep(self, quarters: list[OpenQuarter]) -> None:
        if quarters != self._quarters():
            self._tap.streams[STREAM].stream_state["open"] = msgspec.to_builtins(quarters)


def _name(quarter: OpenQuarter) -> str:
    return quarter.time_period_id


def _between(first: str, last: str) -> list[str]:
    """The quarters between two, by their names."""
    ends = [_QUARTER.fullmatch(each) for each in (first, last)]
    if None in ends:
        return []
    start, end = (4 * int(match[1]) + int(match[2]) - 1 for match in ends if match)
    return [f"{number // 4}_Q{number % 4 + 1}" for number in range(start + 1, end)]
