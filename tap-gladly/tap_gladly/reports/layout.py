"""The layout of a report: columns, key and replication key, computed before there is a stream."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from tap_gladly.reports.columns import column_names, column_schema, snake_case

if t.TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_gladly.reports.columns import Schema
    from tap_gladly.reports.metric_sets import MetricSet

ADDED_COLUMNS: dict[str, Schema] = {
    "row_hash": {
        "type": ["string", "null"],
        "description": "Stands in for an id, which the report does not have: a hash of what stays "
        "as it is of the row, and of which one it is of rows that are equal in it; added by the "
        "tap.",
    },
    "window_start": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "Start of the window with which the row was last read; added by the tap.",
    },
    "row_number": {
        "type": ["integer", "null"],
        "description": "Place of the row in its window, from 1; added by the tap.",
    },
    "read_at": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "Begin of the run that read the row last. A row that is older than others "
        "of its window_start is left over: the window has become shorter since. Added by the tap.",
    },
    "window_end": {
        "type": ["string", "null"],
        "format": "date-time",
        "description": "End of that window, or the time of asking where it has not ended; added "
        "by the tap.",
    },
}
"""What the tap adds to the rows of a report, by name."""

WINDOW = ("window_start", "window_end")
"""The columns that every row has of these."""

EXTRA: Schema = {
    "type": ["object", "null"],
    "additionalProperties": True,
    "description": "Fields the API sent that this schema does not know, and values whose type did "
    "not fit: by name or path.",
}


@dataclass(frozen=True)
class Layout:
    """How the records of a report look.

    Args:
        schema: The JSON Schema.
        primary_keys: The names of the key's columns.
        replication_key: The column that says to which window a row belongs.
        added: The columns that the tap adds.
        known_names: The columns that the metric set is known to have.
    """

    schema: Schema
    primary_keys: tuple[str, ...]
    replication_key: str
    added: tuple[str, ...]
    known_names: frozenset[str]


def layout_of(metric_set: MetricSet, extra_columns: Mapping[str, Schema]) -> Layout:
    """The layout of a report, from its metric set and the columns that only this account has.

    Args:
        metric_set: What is known of the report.
        extra_columns: Schemas of further columns, by name. A known column keeps its own schema.
    """
    if metric_set.key:
        primary_keys = tuple(map(snake_case, metric_set.key))
    elif metric_set.anchor:
        primary_keys = ("row_hash",)
    else:
        primary_keys = ("window_start", "row_number")
    wanted = {*primary_keys, *WINDOW}
    if "row_number" in wanted:
        wanted.add("read_at")
    added = tuple(each for each in ADDED_COLUMNS if each in wanted)
    names = column_names(metric_set.headers, added)
    properties = {name: ADDED_COLUMNS[name] for name in added}
    properties.update(zip(names, map(column_schema, names, metric_set.headers), strict=True))
    for name in primary_keys:
        [kind] = {*properties[name]["type"]} - {"null"}
        properties[name] = {**properties[name], "type": kind}
    for name, schema in extra_columns.items():
        properties.setdefault(name, schema)
    return Layout(
        schema={"type": "object", "properties": {**properties, "_extra": EXTRA}},
        primary_keys=primary_keys,
        replication_key=snake_case(metric_set.anchor or "window_start"),
        added=added,
        known_names=frozenset(names),
    )
