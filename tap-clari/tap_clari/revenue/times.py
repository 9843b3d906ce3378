"""Times that the Revenue API may send in any form, or not at all."""

from __future__ import annotations

import typing as t

from tap_clari.kit.times import parse_time_or_epoch

if t.TYPE_CHECKING:
    from datetime import datetime


def time_or_none(value: object) -> datetime | None:
    """Read ISO 8601, or milliseconds since 1970; `None` if the value is no time."""
    try:
        return parse_time_or_epoch(value)
    except ValueError:
        return None
