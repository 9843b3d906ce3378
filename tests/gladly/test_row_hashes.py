"""What tells rows apart that have no id: only what stays as it is."""

from __future__ import annotations

import typing as t

from tests.gladly.report_truth import days_ago, moment, read

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start

EVENTS = {
    "ConversationTimestampsReport": "report_conversation_timestamps",
    "ContactTimestampsReport": "report_contact_timestamps",
    "AgentTimestampsReport": "report_agent_timestamps",
    "AgentDurationsReportV2": "report_agent_durations_v2",
}
DURATIONS = "AgentDurationsReportV2"


def test_names_that_change_and_columns_that_are_new_change_no_hash(start: Start) -> None:
    gladly = start(days=6)
    reports = gladly.sandbox.reports
    first = gladly.tap.run(*EVENTS.values(), start_date=days_ago(8))
    renamed = 0
    for metric_set in EVENTS:
        rows = reports.rows(metric_set)
        for row in rows:
            for header, cell in row.items():
                if cell and (header.endswith(" Name") or header in {"Agent", "Timezone Filter"}):
                    row[header] = f"Renamed {cell}"
                    renamed += 1
            row["Mood"] = "good"
        reports.set(metric_set, rows)
    assert renamed > 100
    second = gladly.tap.run(*EVENTS.values(), start_date=days_ago(8))
    assert second.returncode == 0, second.log
    for stream in EVENTS.values():
        hashes = first.ids(stream, "row_hash")
        assert len(set(hashes)) == len(hashes) > 20
        assert second.ids(stream, "row_hash") == hashes
        assert second.records[stream] != first.records[stream]
        assert all(each["_extra"] == {"mood": "good"} for each in second.records[stream])


def test_rows_without_the_time_that_was_expected_are_told_apart_by_all_they_hold(
    gladly: Gladly,
) -> None:
    rows = [
        {"Agent ID": "a", "Began": moment(1, hours=hours), "Type": kind, "Shift": shift}
        for hours, kind, shift in ((1, "X", "1"), (2, "X", "1"), (2, "X", "2"), (2, "Y", "2"))
    ]
    rows.append(dict(rows[0]))
    hashes = []
    for order in (rows, rows[::-1]):
        gladly.sandbox.reports.set(DURATIONS, order)
        run = read(gladly, DURATIONS, start_date=days_ago(2))
        records = run.records["report_agent_durations_v2"]
        assert len({each["row_hash"] for each in records}) == len(rows)
        # In whatever order they come, each has the hash of what it holds.
        hashes.append({(each["row_hash"], each["began"], each["shift"]) for each in records})
        [warning] = run.warnings
        assert "no column 'start_time'" in warning
        assert "bug of tap-gladly" in warning
    assert hashes[0] == hashes[1]
