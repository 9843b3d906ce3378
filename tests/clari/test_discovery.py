"""What the tap says of itself, and the shape of its catalog."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.running import Tap, walk
from tests.sandbox.copilot import SIGNATURE

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot

STREAMS = {
    # stream: (key, replication key)
    "calls": ("id", "last_modified_time"),
    "call_details": ("id", "last_modified_time"),
    "users": ("id", None),
    "topics": ("topic_id", None),
    "keyword_topics": ("name", None),
    "scorecards": ("id", None),
    "scorecard_templates": ("id", None),
    "accounts": ("id", None),
    "contacts": ("id", None),
    "deals": ("id", None),
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
        name: (*entry["key_properties"], entry.get("replication_key"))
        for name, entry in catalog.items()
    } == STREAMS


def test_the_catalog_is_the_same_with_credentials(
    copilot: Copilot, catalog: dict[str, dict[str, t.Any]]
) -> None:
    returncode, out, _ = copilot.tap.output("--discover")
    assert returncode == 0
    assert {e["tap_stream_id"]: e for e in json.loads(out)["streams"]} == catalog
    assert copilot.sandbox.traffic.count() == 0


@pytest.mark.parametrize("stream", STREAMS)
def test_schemas_have_the_shape_that_every_target_accepts(
    catalog: dict[str, dict[str, t.Any]], stream: str
) -> None:
    schema = catalog[stream]["schema"]
    for path, member in walk(schema):
        types = member["type"]
        if path in catalog[stream]["key_properties"]:
            assert types == "string"
        else:
            assert isinstance(types, list)
            assert len(types) == 2
            assert types[1] == "null"
        assert path.endswith("[]") or member["description"].strip()
        assert ("items" in member) == ("array" in types)
        assert ("properties" in member) == ("object" in types)
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
        "copilot_api_key",
        "copilot_api_password",
    }
    assert all(setting.get("description") for setting in settings.values())


def test_about_shows_no_credential(copilot: Copilot) -> None:
    for style in ("json", "markdown"):
        _, out, log = copilot.tap.output("--about", f"--format={style}")
        assert copilot.sandbox.api_key not in out + log
        assert copilot.sandbox.api_password not in out + log


def test_the_test_option_reads_one_record_of_each_stream(copilot: Copilot) -> None:
    returncode, out, log = copilot.tap.output("--test")
    assert returncode == 0, log
    messages = [json.loads(line) for line in out.split("\n") if line]
    counts = [m["stream"] for m in messages if m["type"] == "RECORD"]
    assert sorted(counts) == sorted(STREAMS)


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


def test_keys_are_unique_and_never_null(copilot: Copilot) -> None:
    run = copilot.tap.run()
    assert run.returncode == 0, run.log
    for stream, (key, _) in STREAMS.items():
        keys = [record[key] for record in run.records[stream]]
        assert keys, stream
        assert None not in keys
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
