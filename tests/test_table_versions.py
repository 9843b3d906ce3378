"""ACTIVATE_VERSION has a target drop what a run did not give: it comes after a whole list only."""

from __future__ import annotations

import json
import typing as t

from tests.clari.conftest import config as copilot_config
from tests.gladly.conftest import config as gladly_config
from tests.running import Tap, discovered, selected
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox

if t.TYPE_CHECKING:
    from tests.running import Record, Run

VERSIONS: Record = {"emit_activate_version_messages": True}


def full_tables(name: str, *streams: str) -> Record:
    """The catalog with these streams, each to be read as a full table."""
    catalog = selected(discovered(name), streams)
    for entry in catalog["streams"]:
        entry["replication_method"] = "FULL_TABLE"
        for metadata in entry["metadata"]:
            if not metadata["breadcrumb"]:
                metadata["metadata"]["forced-replication-method"] = "FULL_TABLE"
    return catalog


def activated(run: Run) -> dict[str, int]:
    """The streams whose version is activated, and how many of their records come after that."""
    found: dict[str, int] = {}
    for message in map(json.loads, run.lines):
        if message["type"] == "ACTIVATE_VERSION":
            found[message["stream"]] = 0
            version = message["version"]
        elif message["type"] == "RECORD":
            assert "version" in message or message["stream"] not in found
            found |= {name: found[name] + 1 for name in found if name == message["stream"]}
    assert not found or all(
        message.get("version") == version
        for message in map(json.loads, run.lines)
        if message.get("stream") in found and message["type"] == "RECORD"
    )
    return found


def test_only_a_list_that_was_read_whole_is_activated() -> None:
    with CopilotSandbox(calls=6, requests_per_second=None) as copilot:
        tap = Tap("tap-clari", copilot_config(copilot, **VERSIONS))
        catalog = full_tables("tap-clari", "users", "topics", "calls", "call_details", "scorecards")
        run = tap.run(catalog=catalog)
        assert run.returncode == 0, run.log
        assert all(run.records.values())
        assert activated(run) == {"users": 0, "topics": 0}

        # An empty list empties no table, and one that is refused does not.
        copilot.faults.add(path="/users", times=None, status=200, body={"users": []})
        copilot.faults.add(path="/v2/topics", status=403)
        assert activated(tap.run(catalog=catalog)) == {}


def test_what_changed_is_not_all_that_there_is() -> None:
    with GladlySandbox(history_days=1) as gladly:
        tap = Tap(
            "tap-gladly", gladly_config(gladly, reports=["ContactTimestampsReport"], **VERSIONS)
        )
        streams = (
            "agents",
            "answers",
            "events",
            "export_jobs",
            "export_customers",
            "conversations",
        )
        catalog = full_tables("tap-gladly", *streams, "tasks", "custom_attributes")
        run = tap.run(catalog=catalog)
        assert run.returncode == 0, run.log
        assert all(run.records[stream] for stream in streams)
        assert activated(run) == {"agents": 0}
