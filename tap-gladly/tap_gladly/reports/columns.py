"""The columns of a report: their names in a table, and their types.

A column's name alone decides its type. If today's cells decided, the type could change from one
discovery to the next, and a target's table with it. A value that does not fit is kept in `_extra`.
"""

from __future__ import annotations

import re
import typing as t

from tap_gladly.kit.times import format_time, parse_time

if t.TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import tzinfo

Schema = dict[str, t.Any]

_WORD_ENDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_DURATION = re.compile(r"(\d{1,6}):([0-5]\d):([0-5]\d)")
_TIME = re.compile(
    r"(^|_)(at|timestamp)$|^(start_time|end_time|created_date|bucket_(beginning|end))$"
)
_SECONDS = re.compile(r"(^|_)(sec|secs|seconds)$|(_closed|_handle)_time$")
_MINUTES = re.compile(r"(^|_)(mins|minutes)$")
_COUNT = re.compile(
    r"^(count_of|number_of|times)_|(^|_)count$"
    # How often an agent did it (the vendor's help page of Agent Summary).
    r"|^(logged_(in|out)|went_away|returned_from_away|changed_active_reason)$"
)

# The header says (Y/N) itself; whether a work session was within its SLA is one of two as well.
_YES_OR_NO = re.compile(r"_y_n$|^within_sla$")
_BOOLEANS = {"y": "true", "yes": "true", "n": "false", "no": "false"}

NOTHING = "Null"
"""What Gladly writes in some cells of contacts that have not ended."""

_SAID = {
    "channel": ": in the words of events, such as CHAT for an item of the type CHAT_MESSAGE",
    "contact_id": ": a contact has a row of its own in report_contact_export_v3 only",
    "customer_id": ": who was merged since leads on by customer_profiles.mergedIntoId",
    "merged_customer_id": ": who is gone; the customer who remains is in customer_id",
    "merged_conversation_id": ": which is gone; what remains is in conversation_id",
}
"""What cannot be seen of a column by its name."""


def snake_case(header: str) -> str:
    """The name of a column: "Created-to-First Closed Time" is `created_to_first_closed_time`."""
    return _NOT_IN_NAMES.sub("_", header.lower()).strip("_")


def stream_name(metric_set: str) -> str:
    """The name of a report's stream: "ContactExportReportV3" is `report_contact_export_v3`."""
    words = _WORD_ENDS.sub("_", metric_set).lower().split("_")
    return "_".join(["report", *(word for word in words if word and word != "report")])


def column_names(headers: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """The name of each column; a name that is taken gets a number.

    Args:
        headers: The headers.
        taken: The names of the columns that the tap adds.
    """
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


def unit_of(name: str) -> tuple[str, int] | None:
    """The unit of the durations in a column of this name, and its seconds; `None` for others."""
    if _SECONDS.search(name):
        return "seconds", 1
    return ("minutes", 60) if _MINUTES.search(name) else None


def nothing_in(name: str) -> str | None:
    """What Gladly's word for nothing says in a column: nothing, but in a text, which may be it."""
    schema = column_schema(name, name)
    is_text = schema["type"] == ["string", "null"] and "format" not in schema
    return NOTHING if is_text and not name.endswith("_id") else None


def column_schema(name: str, header: str) -> Schema:
    """The schema of a column.

    Args:
        name: Its name in a table.
        header: Its header in the CSV.
    """
    what = f"Column {header!r} of the report"
    if is_time(name):
        schema: Schema = {"type": ["string", "null"], "format": "date-time"}
        what += ": a time, in UTC"
    elif unit := unit_of(name):
        schema = {"type": ["number", "null"]}
        what += f": a duration in {unit[0]}, also where Gladly writes it as h:mm:ss"
    elif _YES_OR_NO.search(name):
        schema = {"type": ["boolean", "null"]}
        what += ": yes or no"
    elif _COUNT.search(name):
        schema = {"type": ["number", "null"]}
        what += ": a count"
    else:
        schema = {"type": ["string", "null"]}
        what += _SAID.get(name, "")
    return {**schema, "description": f"{what}."}


def typed(name: str, cell: str | None, zone: tzinfo) -> str | None:
    """A cell in the form of its column's type; a cell that does not fit stays as it is.

    Args:
        name: The column's name.
        cell: The cell. A duration (`h:mm:ss`) becomes a number of the column's unit, and what says
            yes or no a boolean.
        zone: The zone of a time that is written without one.
    """
    if not cell:
        return cell
    if is_time(name):
        try:
            return format_time(parse_time(cell, zone))
        except ValueError:
            return cell
    if _YES_OR_NO.search(name):
        return _BOOLEANS.get(cell.lower(), cell)
    if (duration := _DURATION.fullmatch(cell)) and (unit := unit_of(name)):
        hours, minutes, seconds = map(int, duration.groups())
        return str((hours * 3600 + minutes * 60 + seconds) / unit[1])
    return cell
