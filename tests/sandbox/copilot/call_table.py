"""What the account knows of every call without making its record: some 20 bytes a call."""

from __future__ import annotations

import sys
from array import array
from typing import TYPE_CHECKING

from tests.sandbox.copilot.vocabulary import FINISHED, SCHEDULED, STATUSES, TYPES
from tests.sandbox.instants import DAY, MILLISECOND, SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable
    from random import Random

NEVER = -(1 << 63)
"""Stands for "no such time"; sorts before every time."""

PRIVATE = 1
DELETED = 2
VANISHED = 4

_PRIVATE_EVERY, _PRIVATE_FIRST = 20, 7
_TIMELESS_EVERY, _TIMELESS_FIRST = 211, 13
_QUARTER_HOUR = 15 * 60 * SECOND


def _status_of_byte() -> bytes:
    """Map a random byte to a status: most calls are processed, and every status occurs."""
    others = [code for code in range(len(STATUSES)) if code not in FINISHED]
    processed, done = sorted(FINISHED)
    rare = [others[i % len(others)] for i in range(36)]
    return bytes(([processed, done] * 110) + rare)


_STATUS_OF_BYTE = _status_of_byte()
_TYPE_OF_BYTE = bytes(byte % len(TYPES) for byte in range(256))


class CallTable:
    """The columns; a call is known by its position.

    Times are microseconds since 1970, whole milliseconds; `NEVER` where a call has none.

    Attributes:
        modified: Last modification.
        time: Start.
        status: Place in `STATUSES`.
        type: Place in `TYPES`.
        flags: Sum of `PRIVATE`, `DELETED` and `VANISHED`.
    """

    def __init__(self) -> None:
        self.modified = array("q")
        self.time = array("q")
        self.status = bytearray()
        self.type = bytearray()
        self.flags = bytearray()
        self._by_modified: array[int] | None = None
        self._by_time: array[int] | None = None

    def __len__(self) -> int:
        return len(self.modified)

    def grow(self, count: int, rng: Random, first: int, last: int) -> range:
        """Append calls modified at random instants between two; returns their positions.

        Some share their modified time with their neighbours, as calls do that a job has touched. A
        scheduled call starts no later than ``last`` either.
        """
        span = max((last - first) // MILLISECOND, 0) + 1
        modified = array(
            "q", [first + (draw * span >> 32) * MILLISECOND for draw in _numbers(rng, count)]
        )
        for position in range(0, count, 3):
            modified[position] = max(modified[position] // SECOND * SECOND, first)
        for position in range(4, count, 11):
            modified[position] = modified[position - 1]
        for position in range(25, count - 5, 50):
            modified[position : position + 5] = array("q", [modified[position]] * 5)
        statuses = rng.randbytes(count).translate(_STATUS_OF_BYTE)
        lags = _numbers(rng, count)
        times = array(
            "q",
            [
                min(_start(instant, lag, ahead=status == SCHEDULED), last)
                for instant, lag, status in zip(modified, lags, statuses, strict=True)
            ],
        )
        return self._append(modified, times, statuses, rng)

    def grow_burst(self, count: int, rng: Random, second: int, start: int | None) -> range:
        """Append calls that were all modified within one second; returns their positions.

        The second is given by its begin; the calls spread over its milliseconds. Without one start
        for all calls, the starts spread over the year before.
        """
        stride = _coprime(count)
        modified = array(
            "q",
            [second + (i * stride % count) * 1000 // count * MILLISECOND for i in range(count)],
        )
        year = 365 * DAY // SECOND
        times = array(
            "q",
            [
                second - (i * stride % count + 1) * year // count * SECOND
                if start is None
                else start
                for i in range(count)
            ],
        )
        statuses = rng.randbytes(count).translate(_STATUS_OF_BYTE)
        return self._append(modified, times, statuses, rng, timeless=False)

    def grow_undated(self, count: int, rng: Random, first: int, last: int) -> range:
        """Append scheduled calls that were never modified, with starts between two instants."""
        span = max(last - first, 1)
        times = array(
            "q",
            [
                (first + (draw * span >> 32)) // _QUARTER_HOUR * _QUARTER_HOUR
                for draw in _numbers(rng, count)
            ],
        )
        modified = array("q", [NEVER]) * count
        return self._append(modified, times, bytes([SCHEDULED]) * count, rng, timeless=False)

    def move(self, position: int, modified: int) -> None:
        """Change the modified time of a call."""
        self.modified[position] = modified
        self._by_modified = None

    def reschedule(self, position: int, time: int) -> None:
        """Change the start of a call."""
        self.time[position] = time
        self._by_time = None

    @property
    def by_modified(self) -> array[int]:
        """Positions of the calls with a modified time, in its order."""
        if self._by_modified is None:
            self._by_modified = _sorted(range(len(self)), self.modified)
        return self._by_modified

    @property
    def by_time(self) -> array[int]:
        """Positions of the calls with a start, in its order."""
        if self._by_time is None:
            self._by_time = _sorted(range(len(self)), self.time)
        return self._by_time

    def _append(
        self,
        modified: array[int],
        times: array[int],
        statuses: bytes,
        rng: Random,
        *,
        timeless: bool = True,
    ) -> range:
        begin, count = len(self), len(modified)
        positions = range(begin, begin + count)
        if timeless:
            first = (_TIMELESS_FIRST - begin) % _TIMELESS_EVERY
            for place in range(first, count, _TIMELESS_EVERY):
                times[place] = NEVER
        flags = bytearray(count)
        for place in range((_PRIVATE_FIRST - begin) % _PRIVATE_EVERY, count, _PRIVATE_EVERY):
            flags[place] = PRIVATE
        self.modified.extend(modified)
        self.time.extend(times)
        self.status += statuses
        self.type += rng.randbytes(count).translate(_TYPE_OF_BYTE)
        self.flags += flags
        self._by_modified = self._by_time = None
        return positions


def _start(modified: int, lag: int, *, ahead: bool) -> int:
    """Return when a call started, from its modified time and 32 random bits.

    Most calls start on a quarter of an hour; the others, from a dialer, at any millisecond.
    """
    if ahead:
        return (modified + lag % 30 * DAY) // _QUARTER_HOUR * _QUARTER_HOUR
    start = modified - (lag >> 8) % (3 * DAY // MILLISECOND) * MILLISECOND
    if lag % 5 == 0:
        return start
    return start // _QUARTER_HOUR * _QUARTER_HOUR


def _numbers(rng: Random, count: int) -> array[int]:
    """Return random unsigned integers of 32 bits, fast."""
    numbers = array("I")
    numbers.frombytes(rng.randbytes(count * numbers.itemsize))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _sorted(positions: Iterable[int], times: array[int]) -> array[int]:
    """Sort positions by a time; calls without it are left out, ties stay in order."""
    dated = [position for position in positions if times[position] != NEVER]
    dated.sort(key=times.__getitem__)
    return array("I", dated)


def _coprime(count: int) -> int:
    """Return a stride that visits every place of a ring, in no order that looks like one."""
    return next(stride for stride in (7919, 7907, 7901, 1) if stride == 1 or count % stride)
