"""Instants as whole microseconds since 1970, and their ISO 8601 forms on the wire.

Integers compare, sort and pack into arrays; a million ``datetime`` objects do not.
"""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from functools import lru_cache

SECOND = 1_000_000
MILLISECOND = 1_000
DAY = 86_400 * SECOND
DAY_MS = DAY // MILLISECOND

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - arithmetic on plain UTC; offsets are handled apart
_MICROSECOND = timedelta(microseconds=1)
_FORM = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d))",
    re.ASCII,
)


def micros(text: str) -> int:
    """Read an ISO 8601 date-time with an offset.

    Args:
        text: For example ``2020-01-01T00:00:00Z``, ``…00.123Z``, ``…00+0000`` or ``…00+00:00``.
            Digits beyond the microsecond are cut off.

    Returns:
        Microseconds since 1970-01-01T00:00:00Z.

    Raises:
        ValueError: The text has another form (a date alone, no offset) or names no real instant.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        message = "not an ISO 8601 date-time with an offset"
        raise ValueError(message)
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    moment = datetime(  # noqa: DTZ001 - see _EPOCH
        int(year), int(month), int(day), int(hour), int(minute), int(second)
    )
    value = (moment - _EPOCH) // _MICROSECOND
    if fraction:
        value += int(fraction[:6].ljust(6, "0"))
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            message = "the offset does not exist"
            raise ValueError(message)
        offset = (int(hours) * 60 + int(minutes)) * 60 * SECOND
        value += offset if sign == "-" else -offset
    return value


def now_ms() -> int:
    """Return the present in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def iso(value: int, *, milliseconds: bool, offset: str = "Z") -> str:
    """Write an instant in UTC.

    Args:
        value: Microseconds since 1970-01-01T00:00:00Z.
        milliseconds: Whether three digits of the second follow; without them they are cut off.
        offset: How the wire writes UTC: ``Z``, ``+0000`` or ``+00:00``.

    Returns:
        For example ``2026-03-01T12:00:00.250+0000``.
    """
    day, rest = divmod(value, DAY)
    minute, rest = divmod(rest, 60 * SECOND)
    second, fraction = divmod(rest, SECOND)
    clock = f"{_date(day)}T{minute // 60:02}:{minute % 60:02}:{second:02}"
    return f"{clock}.{fraction // MILLISECOND:03}{offset}" if milliseconds else clock + offset


@lru_cache(maxsize=4096)
def _date(day: int) -> str:
    """Write a day, counted from 1970; remembered, since writing instants is much of the work."""
    return (_EPOCH + timedelta(days=day)).date().isoformat()
