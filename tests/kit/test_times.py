"""Times in one fixed form, from every form that an API sends."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from tap_clari.kit.times import format_time, parse_time, parse_time_or_epoch, time_or_none


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.000000Z"),
        ("2026-03-01T10:00:00.1+0200", "2026-03-01T08:00:00.100000Z"),
        ("2026-03-01T10:00:00.123456789Z", "2026-03-01T10:00:00.123456Z"),
        ("2026-03-01", "2026-03-01T00:00:00.000000Z"),
        ("20260301", "2026-03-01T00:00:00.000000Z"),
    ],
)
def test_iso_8601(sent: str, written: str) -> None:
    assert format_time(parse_time(sent)) == written
    assert format_time(parse_time_or_epoch(sent)) == written


def test_a_zone_is_for_texts_without_one() -> None:
    zone = timezone(timedelta(hours=-5))
    assert format_time(parse_time("2026-03-01T10:00:00", zone)) == "2026-03-01T15:00:00.000000Z"
    assert format_time(parse_time("2026-03-01T10:00:00Z", zone)) == "2026-03-01T10:00:00.000000Z"


@pytest.mark.parametrize("sent", [1772359200000, "1772359200000", 1772359200000.0], ids=repr)
def test_milliseconds_since_1970(sent: object) -> None:
    assert format_time(parse_time_or_epoch(sent)) == "2026-03-01T10:00:00.000000Z"
    assert time_or_none(sent) is None


@pytest.mark.parametrize(
    "sent",
    ["", "soon", "2026-13-01", "0001-01-01T00:00:00+0100", None, True, [], {}, 1e300, 10**17, 0.5],
)
def test_what_is_no_time(sent: object) -> None:
    assert time_or_none(sent) is None
    with pytest.raises(ValueError):  # noqa: PT011 - it holds the value
        parse_time_or_epoch(sent)
