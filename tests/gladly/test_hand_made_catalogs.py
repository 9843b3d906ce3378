"""Catalogs and settings that lack something: what then is read, and how rows are told apart."""

from __future__ import annotations

import json
import typing as t

from tests.gladly.report_truth import REPORTS, SESSIONS, WINDOW, days_ago
from tests.running import Run, Tap, discovered

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record

HASHED = ("report_agent_timestamps", "report_agent_durations_v2")
EXPORTS = ("export_topics", "export_conversation_items", "export_jobs")
REPLICATION = (
    "replication-key",
    "replication-method",
    "forced-replication-method",
    "valid-replication-keys",
)


def without_replication() -> Record:
    """The catalog with nothing that says how a stream is read on."""
    catalog = discovered("tap-gladly")
    for entry in catalog["streams"]:
        for name in ("replication_key", "replication_method"):
            entry.pop(name, None)
        for metadata in entry["metadata"]:
            for name in REPLICATION:
                metadata["metadata"].pop(name, None)
    assert "replication" not in json.dumps([each["metadata"] for each in catalog["streams"]])
    return catalog


def without_window(run: Run, stream: str) -> list[dict[str, t.Any]]:
    """A stream's records without the window that they were asked for with, which ends now."""
    return [
        {name: value for name, value in record.items() if name not in WINDOW}
        for record in run.records[stream]
    ]


def test_a_catalog_without_replication_keys_changes_no_row(start: Start) -> None:
    gladly = start(days=6, history_days=3)
    streams = (*HASHED, *EXPORTS, "events")
    first = gladly.tap.run(*streams, start_date=days_ago(8))
    assert first.returncode == 0, first.log
    run = gladly.tap.run(*streams, start_date=days_ago(8), catalog=without_replication())
    assert run.returncode == 0, run.log
    assert not run.warnings
    for stream in HASHED:
        hashes = first.ids(stream, "row_hash")
        assert len(set(hashes)) == len(hashes) > 20
        assert run.ids(stream, "row_hash") == hashes
        assert without_window(run, stream) == without_window(first, stream)
    for stream in EXPORTS:
        assert sorted(run.ids(stream)) == sorted(first.ids(stream)) != []
    assert set(run.ids("events")) == set(first.ids("events"))


def test_a_catalog_without_replication_keys_is_read_on_from_a_state(start: Start) -> None:
    gladly = start(days=6, history_days=3)
    streams = (*HASHED, *EXPORTS)
    first = gladly.tap.run(*streams, start_date=days_ago(8), catalog=without_replication())
    gladly.sandbox.reports.asked.clear()
    options: dict[str, t.Any] = {"start_date": days_ago(8), "state": first.state}
    usual = gladly.tap.run(*streams, **options)
    asked = len(gladly.sandbox.reports.asked)
    run = gladly.tap.run(*streams, **options, catalog=without_replication())
    assert run.returncode == usual.returncode == 0, run.log
    assert gladly.sandbox.reports.asked[asked:] == gladly.sandbox.reports.asked[:asked]
    for stream in streams:
        assert without_window(run, stream) == without_window(usual, stream)
    for stream in ("report_agent_timestamps", "export_topics", "export_conversation_items"):
        assert run.bookmark(stream)
        assert len(run.records[stream]) < len(first.records[stream])


def test_the_test_option_stays_within_the_reports_of_a_minute(start: Start) -> None:
    gladly = start(history_days=1, reports_per_minute=10)
    returncode, out, log = gladly.tap.output("--test")
    assert returncode == 0, log
    traffic = gladly.sandbox.traffic
    assert traffic.count(REPORTS) == 9
    assert traffic.count(SESSIONS) == 1
    assert "trying again" not in log
    streams = {json.loads(line).get("stream") for line in out.split("\n") if line}
    assert {entry["tap_stream_id"] for entry in discovered("tap-gladly")["streams"]} <= streams


def test_discovery_without_an_address_gives_the_columns_that_are_known(gladly: Gladly) -> None:
    credentials = {
        "username": gladly.sandbox.username,
        "api_token": gladly.sandbox.api_token,
    }
    returncode, out, log = Tap("tap-gladly", credentials).output("--discover")
    assert returncode == 0, log
    assert json.loads(out) == discovered("tap-gladly")
    assert "Traceback" not in log
    assert not Run(0, [], log).warnings
