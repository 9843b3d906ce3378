"""Times in one fixed form: UTC, microseconds, `Z`.

The SDK compares replication values as strings, so every time that the tap writes has the same
width and zone (`2026-03-01T12:00:00.000000Z`). On the wire Clari sends `+0000` and `Z`, with and
without fractions of a second.
"""

from __future__ import annotations

from datetime import datetime, timezone


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


def format_time(moment: datetime) -> str:
    """Write a UTC time in the fixed form."""
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"
