"""What the tap says of itself, and the shape of its catalog."""

from __future__ import annotations

import json
import typing as t
from collections import Counter

import pytest

from tests.gladly.report_truth import STREAMS as REPORT_STREAMS
from tests.gladly.report_truth import days_ago
from tests.running import Tap, discovered, walk

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record

Keys = tuple[list[str], str | None]

HASHED = (["row_hash"], "timestamp")
BY_ID = (["id"], "changedAt")
STREAMS: dict[str, Keys] = {
    # stream: (key, replication key)
    "organization": (["id"], None),
    "agents": (["id"], None),
    "teams": (["id"], None),
    "inboxes": (["id"], None),
    "topics": (["id"], None),
    "audiences": (["id"], None),
    "business_hours": (["id"], None),
    "webhooks": (["id"], None),
    "export_schedules": (["id"], None),
    "report_work_session_events": (["contact_session_id", "agent_id"], "window_start"),
    "report_conversation_export": (["conversation_id"], "created_at"),
    "report_conversation_timestamps": HASHED,
    "report_contact_export_v3": (["contact_id"], "queued_at"),
    "report_contact_timestamps": HASHED,
    "report_agent_timestamps": HASHED,
    "report_agent_durations_v2": (["row_hash"], "start_time"),
    "report_task_export": (["task_id"], "created_at"),
    "report_task_timestamps": HASHED,
    "report_gladly_ai_sessions_detail": (["session_id"], "created_date"),
    "conversations": BY_ID,
    "conversation_items": BY_ID,
    "customer_profiles": BY_ID,
    "customer_conversations": BY_ID,
    "customer_tasks": BY_ID,
    "tasks": BY_ID,
    "task_comments": BY_ID,
    "voice_transcripts": (["conversationItemId"], "changedAt"),
    "custom_attributes": (["id"], None),
    "answer_contents": (["answerId", "language", "type"], None),
}
"""Those whose keys are plain; the others are looked at where they are tested."""

OTHERS = (
    "events",
    "export_jobs",
    "export_agents",
    "export_topics",
    "export_customers",
    "export_conversation_items",
    "answers",
)

COSTLY = ("answer_contents", "customer_conversations", "customer_tasks", "voice_transcripts")
"""Requests for each answer, each customer, and each call: not selected by default."""


@pytest.fixture(scope="module")
def catalog() -> dict[str, Record]:
    """The catalog, as it is without any settings."""
    entries = discovered("tap-gladly")["streams"]
    return {entry["tap_stream_id"]: entry for entry in entries}


def test_the_catalog_lists_every_stream_with_its_keys(catalog: dict[str, Record]) -> None:
    assert set(catalog) == {*STREAMS, *OTHERS}
    assert {
        name: (catalog[name]["key_properties"], catalog[name].get("replication_key"))
        for name in STREAMS
    } == STREAMS
    assert set(REPORT_STREAMS.values()) < set(STREAMS)


def test_every_stream_is_read_unless_it_is_not_wanted(catalog: dict[str, Record]) -> None:
    for name, entry in catalog.items():
        [metadata] = [each["metadata"] for each in entry["metadata"] if not each["breadcrumb"]]
        assert metadata["selected-by-default"] is (name not in COSTLY)


@pytest.mark.parametrize("stream", [*STREAMS, *OTHERS])
def test_schemas_have_the_shape_that_every_target_accepts(
    catalog: dict[str, Record], stream: str
) -> None:
    schema = catalog[stream]["schema"]
    keys = catalog[stream]["key_properties"]
    assert keys
    assert set(keys) <= set(schema["properties"])
    assert "_extra" in schema["properties"]
    for path, member in walk(schema):
        types = member["type"]
        if path in keys:
            assert types in {"string", "integer"} or types in (["string"], ["integer"])
        else:
            assert len(types) == 2, path
            assert "null" in types, path
        if "properties" not in member and "[]" not in path:
            assert member.get("description"), path
        assert path.replace("_", "").replace(".", "").replace("[]", "").isalnum()


def test_descriptions_say_something_of_every_column(catalog: dict[str, Record]) -> None:
    for name, entry in catalog.items():
        for column, schema in entry["schema"]["properties"].items():
            text = schema.get("description", "")
            assert len(text) > 5, (name, column)
            assert text.endswith((".", ")")), (name, column, text)


def test_the_tap_tells_about_itself() -> None:
    returncode, out, _ = Tap("tap-gladly", {}).output("--about", "--format=json")
    assert returncode == 0
    about = json.loads(out)
    assert about["name"] == "tap-gladly"
    settings = about["settings"]["properties"]
    assert {"username", "api_token", "reports", "report_lookback_days"} <= set(settings)
    assert settings["api_token"]["secret"] is True
    assert all(each.get("description") for each in settings.values())


def test_the_test_option_reads_something_of_every_stream(start: Start) -> None:
    gladly = start(history_days=2)
    # Reports are ten a minute.
    returncode, out, log = gladly.tap.output("--test", start_date=days_ago(10))
    assert returncode == 0, log
    messages = [json.loads(line) for line in out.split("\n") if line]
    schemas = {message["stream"] for message in messages if message["type"] == "SCHEMA"}
    assert schemas >= set(STREAMS).difference(COSTLY)
    counts = Counter(message["stream"] for message in messages if message["type"] == "RECORD")
    assert set(counts) >= set(STREAMS).difference(COSTLY)
    # The texts of an answer are many requests, and several answers are asked for at once.
    asked = [each for each in gladly.sandbox.traffic.exchanges() if "/answers/" not in each.path]
    assert len(asked) < 100


def test_the_test_option_says_what_is_wrong(gladly: Gladly) -> None:
    returncode, _, log = gladly.tap.output("--test", api_token="wrong")
    assert returncode == 1
    assert "Traceback" not in log
    assert "401" in log.splitlines()[-1]


def test_discovery_says_what_is_wrong(gladly: Gladly) -> None:
    returncode, out, log = gladly.tap.output("--discover", api_token="wrong")
    assert returncode == 1
    assert not out
    assert "Traceback" not in log
    assert "401" in log.splitlines()[-1]
    assert gladly.sandbox.traffic.count() == 1


def test_the_test_option_can_write_the_schemas_alone(gladly: Gladly) -> None:
    returncode, out, log = gladly.tap.output("--test=schema")
    assert returncode == 0, log
    assert {json.loads(line)["type"] for line in out.split("\n") if line} == {"SCHEMA"}
    assert gladly.sandbox.traffic.count() == 0


def test_a_sync_gives_nothing_away(gladly: Gladly) -> None:
    run = gladly.tap.run(reports=["ConversationExportReport"], start_date=days_ago(5))
    assert run.returncode == 0, run.log
    said = run.log + json.dumps(run.states)
    assert gladly.sandbox.api_token not in said
    assert gladly.sandbox.username not in said
    assert gladly.sandbox.headers["Authorization"].split()[1] not in said
    record = run.records["report_conversation_export"][0]
    assert record["conversation_id"] not in said
    assert record["customer_id"] not in said
