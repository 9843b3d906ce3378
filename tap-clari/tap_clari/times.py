"""Times in one fixed form: UTC, microseconds, `Z`.

The SDK compares replication values as strings, so every time that the tap writes has the same
width and zone (`2026-03-01T12:00:00.000000Z`). On the wire Copilot sends `+0000` and `Z`, with and
without fractions of a second; the Revenue API sends milliseconds since 1970 too.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

_DIGITS = re.compile(r"-?(\d{1,7}|\d{9,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parse_time(value: str) -> datetime:
    """Read an ISO 8601 date or date-time; without a zone it is UTC.

    `fromisoformat` reads every ISO 8601 form since Python 3.11; on 3.10 the SDK brings a
    backport, which it installs when it is imported.

    Raises:
        ValueError: If the text is no ISO 8601 time, or no year that UTC can express.
    """
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        return moment.replace(tzinfo=timezone.utc)
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError(value) from error


def read_time(value: object) -> datetime:
    """Read a time in any form that Clari sends: ISO 8601, or milliseconds since 1970.

    The milliseconds come as a number or as text; a text of eight digits is a date.

    Raises:
        ValueError: If it is none of these.
    """
    if isinstance(value, str):
        return _from_epoch(int(value)) if _DIGITS.fullmatch(value) else parse_time(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_epoch(value)
    raise ValueError(value)


def _from_epoch(milliseconds: int) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except OverflowError as error:
        raise ValueError(milliseconds) from error


def format_time(moment: datetime) -> str:
    """Write a UTC time in the fixed form."""
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"
