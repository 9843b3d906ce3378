"""What a target should get of the rows of a report, and how a test asks for them."""

from __future__ import annotations

import csv
import io
import time
import typing as t
from datetime import date, datetime, timedelta, timezone

from tests.expected import expected

if t.TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.gladly.conftest import Gladly
    from tests.running import Record, Run

REPORTS = "/api/v1/reports"
SESSIONS = "/api/v1/reports/work-session-events"

STREAMS = {
    "ConversationExportReport": "report_conversation_export",
    "ConversationTimestampsReport": "report_conversation_timestamps",
    "ContactExportReportV3": "report_contact_export_v3",
    "ContactTimestampsReport": "report_contact_timestamps",
    "AgentTimestampsReport": "report_agent_timestamps",
    "AgentDurationsReportV2": "report_agent_durations_v2",
    "TaskExportReport": "report_task_export",
    "TaskTimestampsReport": "report_task_timestamps",
    "GladlyAISessionsDetailReport": "report_gladly_ai_sessions_detail",
}
"""The streams of the default reports, by metric set."""

WINDOW = ("window_start", "window_end")
ADDED = {"row_hash", *WINDOW, "row_number", "read_at"}
"""What the tap adds to a row."""


def days_ago(days: float) -> str:
    """That many days ago, as a setting has it."""
    return (datetime.now(timezone.utc) - timedelta(days=days)).isoformat()


def day(days: int = 0) -> date:
    """That many days ago, as a day of UTC."""
    return (datetime.now(timezone.utc) - timedelta(days=days)).date()


def moment(days: float = 0, **more: float) -> str:
    """So long ago, as a report has it."""
    ago = datetime.now(timezone.utc) - timedelta(days=days, **more)
    return f"{ago:%Y-%m-%dT%H:%M:%SZ}"


def read(gladly: Gladly, *reports: str | Record, **options: t.Any) -> Run:
    """Read these reports and nothing else; the catalog knows them as the account has them."""
    settings = {name: each for name, each in options.items() if name not in {"state", "catalog"}}
    catalog = options.get("catalog") or gladly.tap.discover(reports=list(reports))
    streams = [
        entry["tap_stream_id"]
        for entry in catalog["streams"]
        if entry["tap_stream_id"].startswith("report_")
        and entry["tap_stream_id"] != "report_work_session_events"
    ]
    gladly.sandbox.traffic.clear()
    gladly.sandbox.reports.asked.clear()
    run = gladly.tap.run(
        *streams,
        reports=list(reports),
        catalog=catalog,
        state=options.get("state"),
        **settings,
    )
    assert run.returncode == 0, run.log
    return run


def named(header: str) -> str:
    """The name of a header's column, said in another way than the tap has it."""
    words = "".join(each if each.isascii() and each.isalnum() else " " for each in header.lower())
    return "_".join(words.split())


def rows_as_records(rows: Iterable[Mapping[str, str]], schema: Record) -> list[Record]:
    """Rows as the schema has them; what it does not know is kept as the text that it is."""
    return [_record(row, schema["properties"]) for row in rows]


def without_added(records: Iterable[Record]) -> list[Record]:
    """Records without what the tap adds."""
    return [
        {name: value for name, value in record.items() if name not in ADDED} for record in records
    ]


def without_window(run: Run) -> dict[str, list[Record]]:
    """What came of each stream, without the window in which it was asked for."""
    return {
        stream: [
            {name: each for name, each in record.items() if name not in WINDOW}
            for record in records
        ]
        for stream, records in run.records.items()
    }


def assert_rows(run: Run, stream: str, rows: Iterable[Mapping[str, str]]) -> None:
    """The stream has these rows in this order, value by value, and keys that are unique."""
    records = run.records[stream]
    assert without_added(records) == rows_as_records(rows, run.schemas[stream])
    assert records
    keys = [tuple(record[name] for name in run.keys[stream]) for record in records]
    assert all(None not in key for key in keys)
    assert len(set(keys)) == len(keys)


def csv_rows(content: bytes) -> list[dict[str, str]]:
    """The rows of a CSV that has nothing wrong with it."""
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def ranges(asked: Iterable[Record]) -> list[tuple[date, date]]:
    """The days that were asked for, first and last ones, in their order."""
    found = [
        (date.fromisoformat(each["startAt"]), date.fromisoformat(each["endAt"])) for each in asked
    ]
    return sorted(found)


def first_retry(gladly: Gladly, *streams: str, **settings: t.Any) -> str:
    """The log up to the first request that is tried again: to wait for it takes too long here."""
    with gladly.tap.started(streams=streams, **settings) as (process, log):
        end = time.monotonic() + 60
        while "try 2 of 6" not in (text := log.read_text(encoding="utf-8")):
            assert process.poll() is None, text
            assert time.monotonic() < end, text
            time.sleep(0.02)
        process.kill()
        process.communicate()
        return text


def _record(row: Mapping[str, str], columns: Mapping[str, t.Any]) -> Record:
    record: Record = {}
    unknown: Record = {}
    for header, text in row.items():
        name = named(header)
        if name in columns:
            record[name] = _cell(text, columns[name])
        else:
            unknown[name] = text or None
    return {**record, "_extra": unknown} if unknown else record


def _cell(text: str, schema: Mapping[str, t.Any]) -> t.Any:  # noqa: ANN401
    if not text:
        return None
    if "number" in schema["type"]:
        seconds = 0.0
        # A duration is written as hours, minutes and seconds.
        for part in text.split(":"):
            seconds = seconds * 60 + float(part)
        return seconds
    if "boolean" in schema["type"]:
        return {"y": True, "true": True, "n": False, "false": False}[text.lower()]
    return expected(text, schema)
