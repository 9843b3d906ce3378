"""Times in one fixed form: UTC, microseconds, `Z`.

The SDK compares replication values as strings, so every time that the tap writes has the same
width and zone (`2026-03-01T12:00:00.000000Z`). On the wire Gladly sends 0 to 9 digits of a second;
what is finer than a microsecond is cut off.
"""

from __future__ import annotations

from datetime import datetime, timezone, tzinfo


def parse_time(value: str, zone: tzinfo = timezone.utc) -> datetime:
    """Read an ISO 8601 date or date-time; without a zone of its own it is of the one given.

    `fromisoformat` reads every ISO 8601 form since Python 3.11; on 3.10 the SDK brings a
    backport, which it installs when it is imported.

    Raises:
        ValueError: If the text is no ISO 8601 time, or no year that UTC can express.
    """
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError(value) from error


def read_time(value: object) -> datetime:
    """Read a time as Gladly sends it.

    Raises:
        ValueError: If it is none.
    """
    if isinstance(value, str):
        return parse_time(value)
    raise ValueError(value)


def time_of(value: object) -> datetime | None:
    """A time as Gladly sends it; none if it is none."""
    try:
        return read_time(value)
    except ValueError:
        return None


def format_time(moment: datetime) -> str:
    """Write a UTC time in the fixed form."""
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def format_second(moment: datetime) -> str:
    """Write a UTC time as a question to Gladly: what it does with fractions is not said."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
