"""What a sync of the Revenue API should give: the results of its jobs, as each stream has them."""

from __future__ import annotations

import json
import typing as t

from tests.expected import JsonText, expected

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.clari.conftest import Revenue
    from tests.running import Record, Run
    from tests.sandbox.revenue import Job

SECTIONS = {
    "forecast_entries": "entries",
    "forecast_users": "users",
    "forecast_fields": "fields",
    "forecast_time_periods": "timePeriods",
    "forecast_time_frames": "timeFrames",
}
"""The five forecast streams, and the list of an export that each is."""

READ_AT = {"opportunities": ("readAt",)}
"""What the tap adds of its own run."""

ENTRY_KEY = ("timePeriodId", "timeFrameId", "userId", "fieldId")


def assert_same(run: Run, stream: str, truth: list[Record]) -> None:
    """Every record is there once, and is what the API gave, value by value."""
    assert run.returncode == 0, run.log
    schema, key = run.schemas[stream], run.keys[stream]
    wanted = {tuple(record[name] for name in key): record for record in _as_told(truth, schema)}
    found = {
        tuple(record[name] for name in key): {
            name: value for name, value in record.items() if name not in READ_AT.get(stream, ())
        }
        for record in run.records[stream]
    }
    assert len(wanted) == len(truth) > 0
    assert len(found) == len(run.records[stream])
    assert set(found) == set(wanted)
    for each, record in found.items():
        assert record == wanted[each]


def _as_told(truth: list[Record], schema: Record) -> list[Record]:
    return [t.cast("Record", expected(record, schema)) for record in truth]


def forecast_rows(revenue: Revenue, stream: str, *jobs: Job) -> list[Record]:
    """The records of a forecast stream, from these jobs, or from all that were started.

    What several exports repeat, such as the users of a forecast in two quarters, comes once.
    """
    rows: dict[str, Record] = {}
    for job in jobs or revenue.sandbox.exports.started:
        document = job.document()
        added: Record = {"forecastId": job.request["forecastId"]}
        if stream == "forecast_entries":
            added["exportedAt"] = job.ended
        if stream == "forecast_time_frames":
            added["timePeriodId"] = document["timePeriods"][0]["timePeriodId"]
        for row in document[SECTIONS[stream]]:
            record = {**row, **added}
            rows[json.dumps(record, sort_keys=True)] = record
    for record in rows.values():
        if isinstance(record.get("scopeId"), dict):
            record["scopeId"] = JsonText(record["scopeId"])
    return [*rows.values()]


def changes(opportunities: Iterable[Record]) -> list[Record]:
    """The changes of these opportunities, without the tap's key."""
    types: dict[type, str] = {bool: "boolean", int: "number", float: "number", dict: "object"}
    return [
        {
            "opportunityId": opportunity["id"],
            "fieldId": field["id"],
            **change,
            "oldValueType": types.get(type(change["oldValue"])),
            "newValueType": types.get(type(change["newValue"])),
        }
        for opportunity in opportunities
        for field in opportunity["fields"]
        for change in field["trendHistory"]
    ]


def merged_entries(revenue: Revenue) -> list[Record]:
    """One entry for each key, with the values of all that have it."""
    whole: dict[tuple[t.Any, ...], Record] = {}
    for entry in forecast_rows(revenue, "forecast_entries"):
        key = tuple(entry[name] for name in ("forecastId", *ENTRY_KEY))
        whole.setdefault(key, {}).update(entry)
    return [*whole.values()]
