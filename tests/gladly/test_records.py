"""Records that are not what the vendor's document says: nothing is lost, nothing stops a load."""

from __future__ import annotations

import json
import typing as t

import pytest

from tests.gladly.truth import API, ago

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Record, Run

ITEMS = "export_conversation_items"


def read(gladly: Gladly, **fields: t.Any) -> tuple[Record, Run]:
    """The first agent as it comes when the API sends these fields in it."""
    agent = gladly.sandbox.account.agents[0]
    agent.update(fields)
    run = gladly.tap.run("agents")
    assert run.returncode == 0, run.log
    return run.by_id("agents")[agent["id"]], run


def item(start: Start, **fields: t.Any) -> tuple[Record, Run]:
    """An item as it comes when the file has these fields in it."""
    line = {"id": "item", "customerId": "customer", "content": {"type": "SMS"}, **fields}
    return items(start, json.dumps(line).encode())


def items(start: Start, *lines: bytes) -> tuple[Record, Run]:
    """The first of a file of these items."""
    gladly = start(history_days=0)
    gladly.sandbox.exports.add(
        start=ago(days=1),
        end=ago(hours=2),
        updated=ago(hours=1),
        files={"conversation_items.jsonl": b"\n".join(lines)},
    )
    run = gladly.tap.run(ITEMS)
    assert run.returncode == 0, run.log
    return run.records[ITEMS][0], run


def test_an_unknown_field_is_kept_and_named_once(gladly: Gladly) -> None:
    for agent in gladly.sandbox.account.agents:
        agent["shoe_size"] = {"eu": "forty-two"}
    run = gladly.tap.run("agents")
    assert len(run.records["agents"]) > 1
    for record in run.records["agents"]:
        assert record["_extra"] == {"shoe_size": {"eu": "forty-two"}}
        assert "shoe_size" not in record
    [warning] = run.warnings
    assert "'shoe_size'" in warning
    assert "forty-two" not in warning


def test_unknown_members_of_nested_objects_stay_where_they_are(start: Start) -> None:
    content = {"type": "CARRIER_PIGEON", "wings": 2, "recordingSummary": {"mood": "good"}}
    initiator = {"type": "BIRD", "id": "1", "colour": "grey"}
    record, run = item(start, content=content, initiator=initiator)
    assert record["content"] == content
    assert record["initiator"] == initiator
    # There too, for flattening makes no column of what the schema does not know.
    beside = {"content.wings": 2, "content.recordingSummary.mood": "good"}
    assert record["_extra"] == {**beside, "initiator.colour": "grey"}
    assert len(run.warnings) == 3
    named = "\n".join(run.warnings)
    for path in record["_extra"]:
        assert named.count(f"'{path}'") == 1
    assert "grey" not in named


def test_a_value_of_another_type_is_mended_where_that_is_certain(start: Start) -> None:
    record, run = item(
        start,
        customerId=7,
        timestamp="2026-03-01T10:00:00.1+02:00",
        content={
            "type": "CUSTOMER_ACTIVITY",
            "recordingDuration": "100",
            "expandByDefault": "True",
            "attachments": [{"id": 12, "fileSize": 3.0}],
            "occurredAt": "",
            "startedAt": "2026-03-01T10:00:00.123456789Z",
            "to": "+14155550101",
        },
    )
    assert record["customerId"] == "7"
    assert record["timestamp"] == "2026-03-01T08:00:00.100000Z"
    assert record["content"] == {
        "type": "CUSTOMER_ACTIVITY",
        "recordingDuration": 100,
        "expandByDefault": True,
        "attachments": [{"id": "12", "fileSize": 3}],
        "occurredAt": None,
        "startedAt": "2026-03-01T10:00:00.123456Z",
        "to": ["+14155550101"],
    }
    assert "_extra" not in record
    assert not run.warnings


def test_a_value_that_cannot_be_mended_is_kept_and_named(start: Start) -> None:
    record, run = item(
        start,
        customerId=["a", "b"],
        responder="everybody",
        timestamp="next week",
        content={
            "type": "SMS",
            "recordingDuration": "long",
            "attachments": [{"fileSize": 1}, {"fileSize": 2**70}, "who"],
        },
    )
    assert record["customerId"] is None
    assert record["responder"] is None
    assert record["timestamp"] is None
    assert record["content"] == {
        "type": "SMS",
        "recordingDuration": None,
        "attachments": [{"fileSize": 1}, {"fileSize": None}, None],
    }
    assert record["_extra"] == {
        "customerId": ["a", "b"],
        "responder": "everybody",
        "timestamp": "next week",
        "content.recordingDuration": "long",
        "content.attachments[1].fileSize": 2**70,
        "content.attachments[2]": "who",
    }
    named = "\n".join(run.warnings)
    for field in ("'customerId'", "'responder'", "'timestamp'", "'content.attachments[]'"):
        assert named.count(field) == 1
    assert "everybody" not in run.log


def test_a_content_that_is_no_object_is_kept(start: Start) -> None:
    contents: list[t.Any] = ["text", ["list"], 7, True, None]
    lines = [json.dumps({"id": str(n), "content": each}) for n, each in enumerate(contents)]
    _, run = items(start, *(line.encode() for line in lines))
    for record, content in zip(run.records[ITEMS], contents, strict=True):
        assert record["content"] is None
        assert record.get("_extra") == (None if content is None else {"content": content})


def test_characters_that_no_target_can_hold_are_replaced(gladly: Gladly) -> None:
    record, _ = read(gladly, name="a\x00b\u2028c\U0001f600", team={"na\x00me": "\x00"})
    assert record["name"] == "a\ufffdb\u2028c\U0001f600"
    assert record["_extra"] == {"team": {"na\ufffdme": "\ufffd"}}


def test_texts_that_are_not_sound_are_replaced_and_not_the_rest(start: Start) -> None:
    lines = [
        b'{"id": "1", "customerId": "half \\ud83d"}',
        b'{"id": "2", "customerId": "whole \\ud83e\\udd8a"}',
        b'{"id": "3", "customerId": "no \xff UTF-8"}',
        b'{"id": "4", "customerId": "tab\tand \x85"}',
        '{"id": "5", "customerId": "line\u2028\u2029\u0085end"}'.encode(),
    ]
    _, run = items(start, *lines)
    assert [each["customerId"] for each in run.records[ITEMS]] == [
        "half \ufffd",
        "whole \U0001f98a",
        "no \ufffd UTF-8",
        "tab\tand \ufffd",
        "line\u2028\u2029\u0085end",
    ]
    assert not run.warnings


def test_numbers_are_not_changed_on_the_way(gladly: Gladly) -> None:
    numbers = [0.1, 1e22, 12345678901234567, 1.7976931348623157e308, -0.0]
    record, _ = read(gladly, numbers=numbers)
    assert record["_extra"]["numbers"] == numbers


def test_a_record_without_its_key_gets_a_stable_one(start: Start) -> None:
    # Without any line that has its key, it would not be the file.
    lines = [
        b'{"id": "", "customerId": "a"}',
        b'{"customerId": "b"}',
        b'{"id": null, "customerId": "c"}',
        b'{"id": "d", "customerId": "d"}',
    ]
    _, first = items(start, *lines)
    _, second = items(start, *lines)
    *keys, own = first.ids(ITEMS)
    assert own == "d"
    assert len(set(keys)) == 3
    assert all(key.startswith("sha256:") for key in keys)
    # Though the job is another: what the tap adds is no part of the key.
    second_keys = second.ids(ITEMS)
    assert second_keys == [*keys, own]
    assert len(first.warnings) == 1


def test_what_the_tap_adds_is_its_own(start: Start) -> None:
    record, run = item(start, exportJobId="not this", exportedAt="then")
    assert record["exportJobId"] not in {"not this", None}
    assert record["exportedAt"] == run.bookmark(ITEMS)
    assert record["_extra"] == {"exportJobId": "not this", "exportedAt": "then"}


@pytest.mark.parametrize(
    ("sent", "kept"), [(None, {}), ("odd", {"_extra": "odd"}), ({"odd": 1}, {"odd": 1})]
)
def test_the_api_may_send_what_the_tap_calls_extra(
    start: Start, sent: object, kept: Record
) -> None:
    record, _ = item(start, exportJobId="not this", _extra=sent)
    assert record["_extra"] == {"exportJobId": "not this", **kept}


def test_an_unknown_field_of_events_and_answers_is_kept_too(gladly: Gladly) -> None:
    gladly.sandbox.account.answers[0]["votes"] = 3
    event = {"id": "1", "type": "NEW/KIND", "source": "x", "content": {"unheard": "of"}}
    gladly.sandbox.faults.add(path=f"{API}/events", status=200, body=event)
    run = gladly.tap.run("answers", "events")
    assert run.returncode == 0, run.log
    [record] = run.records["events"]
    assert record["_extra"] == {"source": "x", "content.unheard": "of"}
    assert record["content"] == {"unheard": "of"}
    kept = [each["_extra"] for each in run.records["answers"] if "_extra" in each]
    assert kept == [{"votes": 3}]
    assert len(run.warnings) == 3
