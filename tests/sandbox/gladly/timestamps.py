"""How the vendor writes instants, ids and JSON. Instants are whole nanoseconds since 1970.

The vendor writes 0, 2, 3, 8 or 9 digits of the second, so neither texts nor ``datetime`` objects
order them: the one sorts ``…12.07Z`` after ``…12.0701Z``, the other ends at microseconds.
"""

from __future__ import annotations

import base64
import json
import re
import time
from datetime import datetime, timedelta, timezone
from itertools import chain, cycle, islice
from typing import TYPE_CHECKING, TypeVar

from tests.sandbox.instants import iso, micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

Item = TypeVar("Item")

MILLISECOND = 1_000_000
SECOND = 1000 * MILLISECOND
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
DIGITS = (3, 0, 8, 2, 9)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MICROSECOND = timedelta(microseconds=1)
_FRACTION = re.compile(r"\.(\d{7,9})", re.ASCII)


def nanos(text: str) -> int:
    """Read an ISO 8601 date-time with an offset and at most nine digits of the second.

    Returns:
        Nanoseconds since 1970-01-01T00:00:00Z.

    Raises:
        ValueError: The text has another form, or names no real instant.
    """
    found = _FRACTION.search(text)
    rest = int(found[1].ljust(9, "0")) % 1000 if found else 0
    return micros(text) * 1000 + rest


def stamp(value: int, digits: int = 3) -> str:
    """Write an instant in UTC with so many digits of the second; the others are cut off."""
    text = iso(value // 1000, milliseconds=False, offset="")
    return f"{text}.{value % SECOND:09}"[: len(text) + 1 + digits] + "Z" if digits else f"{text}Z"


def of(moment: datetime) -> int:
    """Return a ``datetime`` with a time zone as nanoseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND * 1000


def moment_of(value: int) -> datetime:
    """Return nanoseconds since 1970 as a ``datetime`` in UTC, cut to microseconds."""
    return _EPOCH + value // 1000 * _MICROSECOND


def now(as_of: datetime | None = None) -> int:
    """Return the present, or the moment that is played, in nanoseconds since 1970."""
    return time.time_ns() if as_of is None else of(as_of)


def cycle_from(values: Sequence[Item], first: int) -> Iterator[Item]:
    """Go round and round through values, from the one with this number, which may be any."""
    start = first % len(values)
    return cycle(chain(islice(values, start, None), islice(values, start)))


def slug(random: Random) -> str:
    """Make an id as the vendor's: 22 characters that are safe in a URL."""
    return base64.urlsafe_b64encode(random.randbytes(16)).rstrip(b"=").decode()


def json_of(document: object) -> bytes:
    """Write JSON with everything unescaped that JSON lets be so.

    Not msgspec, which does not write half a surrogate pair.
    """
    return json.dumps(document, ensure_ascii=False).encode("utf-8", "backslashreplace")
