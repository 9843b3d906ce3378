"""The columns of a report: their names in a table, and their types.

A type is told by a column's name alone, and not by what is in it today: else it could change from
one discovery to the next, and a table with it. What does not fit is kept in `_extra`.
"""

from __future__ import annotations

import re
import typing as t

from tap_gladly.kit.times import format_time, parse_time

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    Schema = dict[str, t.Any]

_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_DURATION = re.compile(r"(\d{1,6}):([0-5]\d):([0-5]\d)")
_TIME = re.compile(
    r"(^|_)(at|timestamp)$|^(start_time|end_time|created_date|bucket_(beginning|end))$"
)
_NUMBER = re.compile(
    r"^(count_of|number_of|times)_|(^|_)(count|sec|secs|seconds|mins|minutes)$"
    r"|(_closed|_handle)_time$"
    # Of agents: how often they did it (the vendor's help page of Agent Summary).
    r"|^(logged_(in|out)|went_away|returned_from_away|changed_active_reason)$"
)


def snake_case(header: str) -> str:
    """The name of a column: "Created-to-First Closed Time" is `created_to_first_closed_time`."""
    return _NOT_IN_NAMES.sub("_", header.lower()).strip("_")


def stream_name(metric_set: str) -> str:
    """The name of a report's stream: "ContactExportReportV3" is `report_contact_export_v3`."""
    words = _WORD_ENDS.sub("_", metric_set).lower().split("_")
    return "_".join(["report", *(word for word in words if word and word != "report")])


def column_names(headers: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """The name of each column; one that another has, or the tap itself, gets a number."""
    names: dict[str, None] = dict.fromkeys(taken)
    first = len(names)
    for place, header in enumerate(headers, start=1):
        name = wanted = snake_case(header) or f"column_{place}"
        number = 1
        while name in names:
            number += 1
            name = f"{wanted}_{number}"
        names[name] = None
    return list(names)[first:]


def is_time(name: str) -> bool:
    """Whether a column of this name holds times."""
    return bool(_TIME.search(name))


def is_number(name: str) -> bool:
    """Whether a column of this name holds numbers."""
    return bool(_NUMBER.search(name))


def column_schema(name: str, header: str) -> Schema:
    """The schema of a column; the header is how Gladly calls it."""
    what = f"Column {header!r} of the report"
    if is_time(name):
        return {"type": ["string", "null"], "format": "date-time", "description": f"{what}."}
    if is_number(name):
        what += "; a duration that is written as h:mm:ss is given in seconds"
        return {"type": ["number", "null"], "description": f"{what}."}
    return {"type": ["string", "null"], "description": f"{what}."}


def typed(name: str, cell: str | None, zone: tzinfo) -> str | None:
    """A cell as its column's type can take it: a time with its zone, a duration in seconds."""
    if not cell:
        return cell
    if is_time(name):
        try:
            return format_time(parse_time(cell, zone))
        except ValueError:
            return cell
    if is_number(name) and (duration := _DURATION.fullmatch(cell)):
        hours, minutes, seconds = map(int, duration.groups())
        return str(hours * 3600 + minutes * 60 + seconds)
    return cell


KEY_COLUMNS: dict[str, Schema] = {
    "row_hash": {
        "type": "string",
        "description": "Stands in for an id, which the report does not have: a hash of what stays "
        "as it is of the row, and of which one it is of rows that are equal in it; added by the "
        "tap.",
    },
    "window_start": {
        "type": "string",
        "format": "date-time",
        "description": "Start of the window that the row belongs to; added by the tap.",
    },
    "row_number": {
        "type": "integer",
        "description": "Place of the row in its window, from 1; added by the tap.",
    },
    "window_end": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "End of that window, or the time of asking where it has not ended; added "
        "by the tap.",
    },
}
"""What the tap adds to the rows of a report, by name."""

EXTRA: Schema = {
    "type": ["object", "null"],
    "properties": {},
    "additionalProperties": True,
    "description": "Fields the API sent that this schema does not know, and values whose type did "
    "not fit: by name or path.",
}


def report_schema(
    added: Sequence[str],
    keys: Sequence[str],
    headers: Sequence[str],
    others: dict[str, Schema],
) -> Schema:
    """The schema of a report.

    Args:
        added: Columns that the tap adds.
        keys: The names of the key's columns, which are never null.
        headers: Headers of the report.
        others: Further columns, by name.
    """
    properties = {name: KEY_COLUMNS[name] for name in added}
    for name, header in zip(column_names(headers, added), headers, strict=True):
        properties[name] = column_schema(name, header)
    for name, schema in others.items():
        properties.setdefault(name, schema)
    for name in keys:
        properties[name] = {**properties[name], "type": _not_null(properties[name]["type"])}
    return {"type": "object", "properties": {**properties, "_extra": EXTRA}}


def _not_null(kinds: str | list[str]) -> str:
    return kinds if isinstance(kinds, str) else next(each for each in kinds if each != "null")
