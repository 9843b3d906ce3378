"""What the tap says of itself, and the shape of its catalog."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.running import Tap, walk
from tests.sandbox.copilot import SIGNATURE

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot, Revenue

Keys = tuple[tuple[str, ...], str | None]

REVENUE_STREAMS: dict[str, Keys] = {
    # stream: (key, replication key)
    "forecasts": (("forecastId",), None),
    "forecast_entries": (
        ("forecastId", "timePeriodId", "timeFrameId", "userId", "fieldId"),
        None,
    ),
    "forecast_live_entries": (
        ("forecastId", "timePeriodId", "timeFrameId", "userId", "fieldId"),
        None,
    ),
    "forecast_users": (("forecastId", "userId"), None),
    "forecast_fields": (("forecastId", "fieldId"), None),
    "forecast_time_periods": (("forecastId", "timePeriodId"), None),
    "forecast_time_frames": (("forecastId", "timePeriodId", "timeFrameId"), None),
    "activities": (("activityId",), "date"),
    "audit_events": (("eventId",), "eventTimestamp"),
    "export_jobs": (("jobId",), None),
    "export_job_results": (("jobId", "section", "rowNumber"), None),
    "limits": (("fetchedAt",), None),
    "opportunities": (("id",), None),
    "opportunity_changes": (("changeId",), None),
    "ingest_jobs": (("jobId",), None),
}
COPILOT_STREAMS: dict[str, Keys] = {
    "calls": (("id",), "last_modified_time"),
    "call_details": (("id",), "last_modified_time"),
    "call_turns": (("call_id", "turn_index"), "last_modified_time"),
    "users": (("id",), None),
    "topics": (("topic_id",), None),
    "keyword_topics": (("name",), None),
    "scorecards": (("id",), None),
    "scorecard_templates": (("id",), None),
    "accounts": (("id",), None),
    "contacts": (("id",), None),
    "deals": (("id",), None),
}
STREAMS = {**REVENUE_STREAMS, **COPILOT_STREAMS}

NEVER_NULL = {
    "export_job_results": {"rowNumber": "integer"},
    "call_turns": {"turn_index": "integer"},
}
"""Keys that are no text."""

MAY_BE_KEYS = {
    "forecast_entries": {"exportedAt"},
    "forecast_live_entries": {"fetchedAt"},
}
"""What becomes a key by a setting, and so is never null."""


def both(copilot: Copilot, revenue: Revenue) -> dict[str, t.Any]:
    """The settings that open both APIs, with something for every stream to read."""
    return {
        **copilot.tap.config,
        **revenue.tap.config,
        "partner_key": revenue.sandbox.partner_key,
        "ingest_job_ids": list(revenue.sandbox.account.ingest_jobs),
        "forecast_ids": ["net_arr"],
    }


@pytest.fixture(scope="module")
def catalog() -> dict[str, dict[str, t.Any]]:
    """The whole catalog, as it is without any credentials."""
    returncode, out, _ = Tap("tap-clari", {}).output("--discover")
    assert returncode == 0
    return {entry["tap_stream_id"]: entry for entry in json.loads(out)["streams"]}


def test_the_catalog_lists_every_stream_with_its_keys(
    catalog: dict[str, dict[str, t.Any]],
) -> None:
    assert {
        name: ((*entry["key_properties"],), entry.get("replication_key"))
        for name, entry in catalog.items()
    } == STREAMS


def test_only_what_costs_much_is_not_selected_unless_it_is_asked_for(
    catalog: dict[str, dict[str, t.Any]],
) -> None:
    assert [
        name
        for name, entry in catalog.items()
        for metadata in entry["metadata"]
        if not metadata["breadcrumb"] and not metadata["metadata"]["selected-by-default"]
    ] == ["forecast_live_entries", "export_job_results", "call_turns"]


@pytest.mark.parametrize("api", ["copilot", "revenue", "both"])
def test_the_credentials_decide_whose_streams_there_are(
    copilot: Copilot, revenue: Revenue, catalog: dict[str, dict[str, t.Any]], api: str
) -> None:
    config, streams = {
        "copilot": (copilot.tap.config, COPILOT_STREAMS),
        "revenue": (revenue.tap.config, REVENUE_STREAMS),
        "both": (both(copilot, revenue), STREAMS),
    }[api]
    returncode, out, _ = Tap("tap-clari", config).output("--discover")
    assert returncode == 0
    found = {entry["tap_stream_id"]: entry for entry in json.loads(out)["streams"]}
    assert found == {name: catalog[name] for name in streams}
    assert copilot.sandbox.traffic.count() == revenue.sandbox.traffic.count() == 0


@pytest.mark.parametrize("stream", STREAMS)
def test_schemas_have_the_shape_that_every_target_accepts(
    catalog: dict[str, dict[str, t.Any]], stream: str
) -> None:
    schema = catalog[stream]["schema"]
    for path, member in walk(schema):
        types = member["type"]
        if path in {*catalog[stream]["key_properties"], *MAY_BE_KEYS.get(stream, ())}:
            assert types == NEVER_NULL.get(stream, {}).get(path, "string")
        else:
            assert isinstance(types, list)
            assert len(types) == 2
            assert types[1] == "null"
        assert path.endswith("[]") or member["description"].strip()
        assert ("items" in member) == ("array" in types)
        # A free-form object has none: an empty `properties` would make flattening lose it.
        assert member.get("properties", True)
        assert "object" in types or "properties" not in member
        assert not {"anyOf", "oneOf", "allOf", "$ref", "enum"} & set(member)
    assert schema["properties"]["_extra"]["additionalProperties"] is True


def test_details_have_all_that_the_list_has(catalog: dict[str, dict[str, t.Any]]) -> None:
    listed = catalog["calls"]["schema"]["properties"]
    detailed = catalog["call_details"]["schema"]["properties"]
    assert {name: detailed.get(name) for name in listed} == listed
    assert set(detailed) - set(listed) == {
        "deal_stage_live",
        "transcript",
        "summary",
        "competitor_sentiments",
    }


def test_about_names_every_setting_and_marks_the_secrets() -> None:
    returncode, out, _ = Tap("tap-clari", {}).output("--about", "--format=json")
    assert returncode == 0
    about = json.loads(out)
    settings = about["settings"]["properties"]
    assert {name for name, setting in settings.items() if setting.get("secret")} == {
        "api_key",
        "partner_key",
        "copilot_api_key",
        "copilot_api_password",
    }
    assert all(setting.get("description") for setting in settings.values())


def test_about_shows_no_credential(copilot: Copilot, revenue: Revenue) -> None:
    config = both(copilot, revenue)
    for style in ("json", "markdown"):
        _, out, log = Tap("tap-clari", config).output("--about", f"--format={style}")
        for secret in ("api_key", "partner_key", "copilot_api_key", "copilot_api_password"):
            assert config[secret] not in out + log


def test_the_test_option_reads_one_record_of_each_stream(copilot: Copilot) -> None:
    returncode, out, log = copilot.tap.output("--test")
    assert returncode == 0, log
    messages = [json.loads(line) for line in out.split("\n") if line]
    counts = [m["stream"] for m in messages if m["type"] == "RECORD"]
    assert sorted(counts) == sorted(COPILOT_STREAMS)


def test_the_test_option_costs_no_export_job(revenue: Revenue) -> None:
    returncode, out, log = revenue.tap.output("--test")
    assert returncode == 0, log
    assert revenue.sandbox.exports.started == []
    assert revenue.sandbox.traffic.count(method="POST") == 0
    messages = [json.loads(line) for line in out.split("\n") if line]
    streams = {message["stream"] for message in messages if message["type"] == "SCHEMA"}
    assert streams >= {*REVENUE_STREAMS} - {"export_job_results"}
    assert {message["stream"] for message in messages if message["type"] == "RECORD"} == {
        "limits",
        "forecasts",
        "forecast_live_entries",
        "audit_events",
    }


def test_the_test_option_says_what_is_wrong(copilot: Copilot) -> None:
    returncode, _, log = copilot.tap.output("--test", copilot_api_password="wrong")
    assert returncode == 1
    assert "Traceback" not in log
    assert "401" in log.splitlines()[-1]


def test_the_test_option_can_write_the_schemas_alone(copilot: Copilot) -> None:
    returncode, out, _ = copilot.tap.output("--test=schema")
    assert returncode == 0
    kinds = {json.loads(line)["type"] for line in out.split("\n") if line}
    assert kinds == {"SCHEMA"}
    assert copilot.sandbox.traffic.count() == 0


def test_keys_are_unique_and_never_null(copilot: Copilot, revenue: Revenue) -> None:
    revenue.sandbox.account.entries_by_type = True
    run = Tap("tap-clari", both(copilot, revenue)).run(*STREAMS)
    assert run.returncode == 0, run.log
    for stream, (key, _) in STREAMS.items():
        keys = [tuple(record[name] for name in key) for record in run.records[stream]]
        assert keys, stream
        assert not any(None in each for each in keys), stream
        assert len(keys) == len(set(keys)), stream


def test_a_sync_gives_nothing_away(copilot: Copilot) -> None:
    run = copilot.tap.run(include_media_urls=True)
    assert run.returncode == 0
    said = run.log + json.dumps(run.states)
    assert copilot.sandbox.api_key not in said
    assert copilot.sandbox.api_password not in said
    assert SIGNATURE not in said
    turn = next(r["transcript"][0]["text"] for r in run.records["call_details"] if r["transcript"])
    assert turn not in said


def test_a_sync_of_the_revenue_api_gives_nothing_away(copilot: Copilot, revenue: Revenue) -> None:
    config = both(copilot, revenue)
    run = Tap("tap-clari", config).run(*REVENUE_STREAMS)
    assert run.returncode == 0, run.log
    said = run.log + json.dumps(run.states)
    for secret in ("api_key", "partner_key"):
        assert config[secret] not in said
    subjects = {record["subject"] for record in run.records["activities"]}
    assert not any(subject in said for subject in subjects if subject)
