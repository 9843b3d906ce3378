"""Times in one fixed form, from every form that an API sends."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from tap_clari.kit.times import (
    fixed_form,
    format_time,
    parse_time,
    parse_time_or_epoch,
    time_or_none,
)


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


@pytest.mark.parametrize("date", ["2026-01-31", "2026-02-28", "2024-02-29", "2026-04-30"])
@pytest.mark.parametrize("fraction", ["", ".1", ".123456", ".123456789"])
@pytest.mark.parametrize("zone", ["Z", "+00:00", "+0000", "", "+02:00", "-0130"])
def test_the_short_way_to_the_fixed_form_leads_to_the_same(
    date: str, fraction: str, zone: str
) -> None:
    value = f"{date}T23:59:59{fraction}{zone}"
    assert fixed_form(value) == format_time(parse_time(value))


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:01Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00Z\n",
        "\u0662026-01-01T00:00:00Z",
        "",
        5,
        None,
    ],
)
def test_what_is_no_time_has_no_fixed_form(value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which one does not matter
        fixed_form(value)
