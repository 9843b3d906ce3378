"""Reads what is asked of a report, and refuses whatever the vendor does not document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

import msgspec

from tests.sandbox.gladly.errors import invalid
from tests.sandbox.gladly.report_sets import ALLOWED, SESSIONS, TIME_RANGES
from tests.sandbox.gladly.timestamps import MINUTE, nanos, of

if TYPE_CHECKING:
    from tests.sandbox.gladly.account import Account

    Record = dict[str, Any]

CHANNELS = {
    "allChannels": "",
    "chat": "CHAT",
    "email": "EMAIL",
    "fbMessenger": "FB_MESSENGER",
    "sms": "SMS",
    "twitter": "TWITTER",
    "voice": "PHONE_CALL",
    "whatsapp": "WHATSAPP",
    "instagramDirect": "INSTAGRAM_DIRECT",
}
"""What the filter calls a channel, and what the rows call it."""

SESSIONS_PATH = "/api/v1/reports/work-session-events"

_LEVELS = ("halfHourly", "daily", "weekly", "monthly", "quarterly")
_DAYS = frozenset({"startAt", "endAt", "timezone"})
_TIMES = frozenset({"startAtTime", "endAtTime"})
_MEMBERS = _DAYS | _TIMES | {"metricSet", "aggregationLevel", "filters"}
_FILTERS = {"channel": "c", "inboxes": "i", "teams": "t", "phoneNumber": "p"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d)(Z|[+-]\d\d:\d\d)", re.ASCII)
_PHONE = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    Attributes:
        metric_set: Which report.
        first: Begin of the window, in nanoseconds since 1970.
        end: End of the window, exclusive, in the same unit.
        zone: The report's time zone.
        level: The aggregation level.
        channel: Only rows of this channel, as the rows have it; empty for all.
        inboxes: Only rows of these inboxes; empty for all.
        filename: How the answer names its file.
    """

    metric_set: str
    first: int
    end: int
    zone: ZoneInfo
    level: str
    channel: str
    inboxes: frozenset[str]
    filename: str


def read_request(
    account: Account, path: str, content_type: str, body: bytes
) -> tuple[Wanted, Record]:
    """Read the request for a report; returns what was read, and the body as it came.

    The account gives the default of the time zone, and the inboxes and teams there are.

    Raises:
        BadRequestError: There is something wrong with it.
    """
    if content_type.partition(";")[0].strip() != "application/json":
        raise invalid(attr="Content-Type", detail="Content-Type must be application/json")
    try:
        given = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(attr="body", detail="the body must be a JSON object") from error
    sessions = path == SESSIONS_PATH
    for name in given:
        if name not in (_TIMES if sessions else _MEMBERS):
            raise invalid(attr=name, detail=f"{name} is not a member of this request")
    metric_set = SESSIONS if sessions else _metric_set(given)
    zone = _zone(account, given)
    first, end, label = _window(metric_set, given, zone)
    level = _level(metric_set, given, end - first)
    filters = _filters(account, metric_set, given)
    wanted = Wanted(
        metric_set=metric_set,
        first=first,
        end=end,
        zone=zone,
        level=level,
        channel=CHANNELS[filters.get("channel", "allChannels")],
        inboxes=frozenset(filters.get("inboxes", ())),
        filename=f"{metric_set}-{label}-{level.capitalize()}.csv",
    )
    return wanted, given


def _metric_set(given: Record) -> str:
    metric_set = given.get("metricSet")
    if not metric_set:
        raise invalid(attr="metricSet", detail="metricSet can't be blank", code="blank")
    if not isinstance(metric_set, str) or metric_set not in ALLOWED:
        raise invalid(attr="metricSet", detail="metricSet is unknown")
    return metric_set


def _zone(account: Account, given: Record) -> ZoneInfo:
    name = given.get("timezone", account.organization["timezone"])
    if not isinstance(name, str) or name not in available_timezones():
        raise invalid(attr="timezone", detail="timezone must be a name of the IANA database")
    return ZoneInfo(name)


def _window(metric_set: str, given: Record, zone: ZoneInfo) -> tuple[int, int, str]:
    by_minute = bool(given.keys() & _TIMES)
    if metric_set == SESSIONS and (given.keys() & _DAYS or not by_minute):
        raise invalid(
            attr="startAtTime",
            detail=f"{metric_set} takes startAtTime and endAtTime only",
            code="blank",
        )
    if not by_minute:
        start, end = _day(given, "startAt"), _day(given, "endAt")
        if end < start:
            raise invalid(attr="endAt", detail="endAt must not be before startAt")
        label = f"{start:%Y%m%d}-{end:%Y%m%d}"
        return day_begin(start, zone), day_begin(end + timedelta(days=1), zone), label
    if metric_set not in TIME_RANGES:
        raise invalid(attr="startAtTime", detail=f"{metric_set} takes no startAtTime")
    if given.keys() & _DAYS:
        raise invalid(
            attr="startAt", detail="startAt, endAt and timezone must be absent", code="present"
        )
    first, last = _minute(given, "startAtTime"), _minute(given, "endAtTime")
    if last <= first:
        raise invalid(attr="endAtTime", detail="endAtTime must come after startAtTime")
    # The last minute belongs to the window as a whole.
    return first, last + MINUTE, f"{given['startAtTime'][:10]}-{given['endAtTime'][:10]}"


def day_begin(day: date, zone: ZoneInfo) -> int:
    """Return when a day begins in a time zone, in nanoseconds since 1970."""
    return of(datetime(day.year, day.month, day.day, tzinfo=zone))


def _text(given: Record, name: str) -> str:
    value = given.get(name)
    if value is None or value == "":
        raise invalid(attr=name, detail=f"{name} can't be blank", code="blank")
    if not isinstance(value, str):
        raise invalid(attr=name, detail=f"{name} must be a text")
    return value


def _day(given: Record, name: str) -> date:
    text = _text(given, name)
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise invalid(attr=name, detail=f"{name} must be a date as YYYY-mm-dd")


def _minute(given: Record, name: str) -> int:
    match = _TIME.fullmatch(_text(given, name))
    try:
        if match is not None:
            return nanos(f"{match[1]}:00{match[2]}")
    except ValueError:
        pass
    raise invalid(attr=name, detail=f"{name} must be a time as YYYY-mm-ddThh:mmZ")


def _level(metric_set: str, given: Record, length: int) -> str:
    if "aggregationLevel" not in given:
        return "daily"
    level = given["aggregationLevel"]
    if "a" not in ALLOWED[metric_set]:
        raise invalid(attr="aggregationLevel", detail=f"{metric_set} takes no aggregationLevel")
    too_long = level == "halfHourly" and length > 31 * 24 * 60 * MINUTE
    if level not in _LEVELS or (too_long and metric_set.startswith("AgentSummary")):
        raise invalid(attr="aggregationLevel", detail="aggregationLevel is invalid")
    return str(level)


def _filters(account: Account, metric_set: str, given: Record) -> Record:
    filters: Any = given.get("filters", {})
    if not isinstance(filters, dict):
        raise invalid(attr="filters", detail="filters must be an object")
    for name, value in filters.items():
        if _FILTERS.get(name, "-") not in ALLOWED[metric_set]:
            raise invalid(attr=f"filters.{name}", detail=f"{metric_set} takes no filter {name}")
        _check_filter(account, name, value)
    if "p" in ALLOWED[metric_set] and "phoneNumber" not in filters:
        raise invalid(attr="filters.phoneNumber", detail="phoneNumber can't be blank", code="blank")
    return filters


def _check_filter(account: Account, name: str, value: Any) -> None:  # noqa: ANN401 - any JSON
    attr = f"filters.{name}"
    if name == "channel":
        if value not in CHANNELS:
            raise invalid(attr=attr, detail="channel is unknown")
    elif name == "phoneNumber":
        if not isinstance(value, str) or not _PHONE.fullmatch(value):
            raise invalid(attr=attr, detail="phoneNumber must be an E.164 number")
    elif not isinstance(value, list):
        raise invalid(attr=attr, detail=f"{name} must be a list")
    else:
        known = {one["id"] for one in getattr(account, name)}
        if not all(isinstance(one, str) and one in known for one in value):
            raise invalid(attr=attr, detail=f"{name} must be present", code="present")
