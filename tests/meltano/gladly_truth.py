"""The records of each stream of Gladly, as the sandbox has them."""

from __future__ import annotations

import re
import typing as t
from collections import Counter
from datetime import timedelta
from decimal import Decimal

from tests.gladly.conftest import Gladly
from tests.gladly.report_truth import WINDOW
from tests.gladly.truth import FILES, exported, moment, readable
from tests.meltano.comparing import as_row, assert_table, schema_of, without_nulls
from tests.meltano.conftest import BY_ID_BY_DEFAULT, REPORTS
from tests.meltano.desk_truth import assert_desk
from tests.running import Tap

if t.TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from tests.meltano.conftest import GladlyPipeline, Record
    from tests.sandbox.gladly import ExportJob

LISTS = ("agents", "teams", "inboxes", "topics", "audiences", "business_hours", "webhooks")
KEYS: dict[str, tuple[str, ...]] = {
    "organization": ("id",),
    **dict.fromkeys(LISTS, ("id",)),
    "export_schedules": ("id",),
    "answers": ("id", "language"),
    "events": ("id",),
    "export_jobs": ("id",),
    **dict.fromkeys(FILES, ("id",)),
    "report_conversation_export": ("conversation_id",),
    "report_work_session_events": ("contact_session_id", "agent_id"),
}
"""What tells the records of a stream apart; where nothing does, the tap makes a hash."""
HASHED = ("report_contact_timestamps", "report_agent_durations_v2")

_ANCHORS = {
    "report_conversation_export": "Created At",
    "report_contact_timestamps": "Timestamp",
    "report_agent_durations_v2": "Start time",
}
_DURATION = re.compile(r"(\d+):(\d\d):(\d\d)")


def assert_exports(pipeline: GladlyPipeline) -> None:
    """What the export jobs hold is in the tables, and nothing else."""
    for stream in ("export_jobs", *FILES):
        assert_table(pipeline, stream, KEYS[stream], truth(pipeline, stream))


def assert_tables(
    pipeline: GladlyPipeline,
    *by_id: str,
    since: datetime | None = None,
    too_old: Collection[str] = (),
) -> None:
    """Every table has Gladly's records, no more and no less, equal column by column.

    Args:
        pipeline: Whose tables.
        by_id: The streams by id that were read; those of the default without any.
        since: From when on the last run was to look at what changed, if not from the start.
        too_old: Ids of events that were not there any more when they were first asked for.
    """
    assert pipeline.tables() == {*KEYS, *HASHED, *(by_id or BY_ID_BY_DEFAULT)}
    for stream, key in KEYS.items():
        # The windows that the work sessions were asked for by are the tap's affair.
        left_out = too_old if stream == "events" else ()
        assert_table(pipeline, stream, key, truth(pipeline, stream), WINDOW, left_out=left_out)
    for stream in HASHED:
        schema = schema_of(pipeline.tap, stream)
        columns = [name for name in schema["properties"] if name not in {"row_hash", *WINDOW}]
        wanted = Counter(_text(as_row(row, schema), columns) for row in truth(pipeline, stream))
        table = pipeline.rows(stream, ("row_hash",)).values()
        assert Counter(_text(row, columns) for row in table) == wanted, stream
    assert_desk(pipeline, since or pipeline.start, *by_id)


def _text(row: Record, columns: list[str]) -> str:
    """What rows that nothing tells apart are counted by; numbers by their value."""
    values = [without_nulls(row[name]) for name in columns]
    return repr([float(each) if isinstance(each, Decimal) else each for each in values])


def truth(pipeline: GladlyPipeline, stream: str) -> list[Record]:
    """The records of a stream as Gladly has them."""
    gladly = pipeline.gladly
    found: list[Record]
    if stream == "organization":
        found = [gladly.account.organization]
    elif stream == "events":
        found = gladly.events.all
    elif stream == "export_jobs":
        found = [job.describe() for job in jobs(pipeline)]
    elif stream in FILES:
        found = _exported(pipeline, stream)
    elif stream.startswith("report_"):
        found = _rows(pipeline, stream)
    else:
        found = getattr(gladly.account, stream.removeprefix("export_"))
    return [readable(record) for record in found]


def jobs(pipeline: GladlyPipeline) -> list[ExportJob]:
    """The jobs that there are by now, also where another time is played."""
    exports = pipeline.gladly.exports
    as_of = exports.as_of
    return [job for job in exports.jobs if as_of is None or moment(job.updated_at) <= as_of]


def _exported(pipeline: GladlyPipeline, stream: str) -> list[Record]:
    """All lines of the jobs' files; of what recurs, the last."""
    gladly = Gladly(pipeline.gladly, Tap(pipeline.tap, {}))
    lines = exported(gladly, stream, *jobs(pipeline))
    return [*{line["id"]: line for line in lines}.values()]


def _rows(pipeline: GladlyPipeline, stream: str) -> list[Record]:
    """The rows from the start on that are old enough to be there."""
    reports = pipeline.gladly.reports
    if stream in REPORTS:
        anchor = _ANCHORS[stream]
        rows = [(row[anchor], row) for row in reports.rows(REPORTS[stream])]
    else:
        rows = [
            (row["contact_session_ended_at"], row)
            for row in reports.work_sessions
            if row["contact_session_ended_at"]
        ]
    assert reports.as_of is not None
    last = reports.as_of - reports.lag
    schema = schema_of(pipeline.tap, stream)
    found = [_typed(row, schema) for at, row in rows if pipeline.start <= moment(at) <= last]
    if "agent_id" in schema["properties"] and stream not in REPORTS:
        found = [{**row, "agent_id": row["agent_id"] or "none"} for row in found]
    return found


def _typed(row: dict[str, str], schema: Record) -> Record:
    """The row by the names of its columns, an empty cell as null."""
    named = {re.sub(r"[^a-z0-9]+", "_", header.lower()).strip("_"): row[header] for header in row}
    return {name: _cell(cell, schema["properties"][name]) for name, cell in named.items()}


def _cell(cell: str, schema: Record) -> t.Any:  # noqa: ANN401
    if not cell:
        return None
    if "number" in schema["type"]:
        if duration := _DURATION.fullmatch(cell):
            hours, minutes, seconds = map(int, duration.groups())
            return timedelta(hours=hours, minutes=minutes, seconds=seconds).total_seconds()
        return float(cell)
    return cell in {"true", "Y"} if "boolean" in schema["type"] else cell
