"""Times in one fixed form: UTC, microseconds, `Z`.

The SDK compares replication values as strings, so every time that a tap writes has the same width
and zone (`2026-03-01T12:00:00.000000Z`). APIs send more forms: `+0000` and `Z`, with 0 to 9 digits
of a second (digits beyond the sixth are cut off), and milliseconds since 1970.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone, tzinfo

if t.TYPE_CHECKING:
    from collections.abc import Callable

EARLIEST = datetime(1970, 1, 2, tzinfo=timezone.utc)
"""Before any record, and after the first time that can be expressed."""

_USUAL = re.compile(
    r"([12][0-9]{3}-(?:02-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:0[1-9]|[12][0-9]|30))"
    r"T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2})(?:\.([0-9]{1,9}))?(?:Z|\+00:?00)"
)
"""The forms of most times, all of them valid; a 31st and a leap day are left to the calendar."""

_DIGITS = re.compile(r"-?(\d{1,7}|\d{9,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def parse_time(value: object, zone: tzinfo = timezone.utc) -> datetime:
    """Read an ISO 8601 date or date-time; `zone` holds for a text without a zone of its own.

    `fromisoformat` reads every ISO 8601 form since Python 3.11; on 3.10 the SDK brings a
    backport, which it installs when it is imported.

    Raises:
        ValueError: If the value is no ISO 8601 time, or a year that UTC cannot express.
    """
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004 - callers handle one exception for all bad values
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError(value) from error


def parse_time_or_epoch(value: object) -> datetime:
    """Read ISO 8601, or milliseconds since 1970 as a number or a text.

    A text of eight digits is a date.

    Raises:
        ValueError: If the value is none of these.
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


def time_or_none(
    value: object, parse: Callable[[object], datetime] = parse_time
) -> datetime | None:
    """Read a time; `None` if the value is none in the form that `parse` reads."""
    try:
        return parse(value)
    except ValueError:
        return None


def format_time(moment: datetime) -> str:
    """Write a UTC time in the fixed form."""
    return moment.isoformat(timespec="microseconds")[:-6] + "Z"


def fixed_form(value: object, read_time: Callable[[object], datetime] = parse_time) -> str:
    """A time in the fixed form; the usual ones by their characters, without reading them.

    Args:
        value: The time.
        read_time: Reads a time in any other form.

    Raises:
        ValueError: If it is no time.
    """
    if type(value) is str and (usual := _USUAL.fullmatch(value)):
        second, fraction = usual.groups()
        return f"{second}.{fraction[:6]:0<6}Z" if fraction else f"{second}.000000Z"
    return format_time(read_time(value))


def format_second(moment: datetime) -> str:
    """Write a UTC time for a query, in whole seconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
