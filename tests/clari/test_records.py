"""Records that are not what the vendor's document says: nothing is lost, nothing stops a load."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot
    from tests.running import Run


def read(copilot: Copilot, stream: str = "users", **fields: t.Any) -> tuple[dict[str, t.Any], Run]:
    """The first user as it comes when the API sends these fields in it."""
    user = copilot.sandbox.account.users()[0]
    copilot.sandbox.account.override_record("user", user["id"], **fields)
    run = copilot.tap.run(stream)
    assert run.returncode == 0, run.log
    return run.by_id(stream)[user["id"]], run


def call(copilot: Copilot, **fields: t.Any) -> tuple[dict[str, t.Any], Run]:
    """A call's details as they come when the API sends these fields in it."""
    account = copilot.sandbox.account
    call_id = next(
        k for k in account.call_ids(private=False) if account.listed(k)["status"] == "PROCESSED"
    )
    account.override(call_id, **fields)
    run = copilot.tap.run("call_details")
    assert run.returncode == 0, run.log
    return run.by_id("call_details")[call_id], run


def test_an_unknown_field_is_kept_and_named_once(copilot: Copilot) -> None:
    for user in copilot.sandbox.account.users():
        copilot.sandbox.account.override_record("user", user["id"], shoe_size={"eu": "forty-two"})
    run = copilot.tap.run("users")
    assert len(run.records["users"]) > 1
    for record in run.records["users"]:
        assert record["_extra"] == {"shoe_size": {"eu": "forty-two"}}
        assert "shoe_size" not in record
    [warning] = run.warnings
    assert "'shoe_size'" in warning
    assert "forty-two" not in warning


def test_a_record_without_surprises_has_no_extra(copilot: Copilot) -> None:
    run = copilot.tap.run("users")
    assert not any("_extra" in record for record in run.records["users"])
    assert not run.warnings


def test_unknown_members_of_nested_objects_stay_and_are_in_extra_for_flattening(
    copilot: Copilot,
) -> None:
    record, run = call(
        copilot,
        crm_info={"source_crm": "x", "region": "EU"},
        users=[{"userId": "u", "mood": "good"}],
    )
    assert record["crm_info"] == {"source_crm": "x", "region": "EU"}
    assert record["users"] == [{"userId": "u", "mood": "good"}]
    # A list has one column in any case.
    assert record["_extra"] == {"crm_info.region": "EU"}
    [warning] = run.warnings
    assert "'crm_info.region'" in warning


def test_a_value_of_another_type_is_mended_where_that_is_certain(copilot: Copilot) -> None:
    record, run = call(
        copilot,
        deal_value=1200.5,
        account_name=7,
        metrics={
            "num_questions_asked": "12",
            "engaging_questions": 3.0,
            "talk_listen_ratio": "0.25",
            "call_duration": "",
            "categories": [{"name": "n", "occurences": "4", "ai_detected": "true"}],
        },
        users=[{"personId": "1", "isOrganizer": "False"}],
        time="2026-03-01T10:00:00.1+0200",
        deal_close_date="2026-05-31",
        original_start_time="",
    )
    assert record["deal_value"] == "1200.5"
    assert record["account_name"] == "7"
    assert record["metrics"] == {
        "num_questions_asked": 12,
        "engaging_questions": 3,
        "talk_listen_ratio": 0.25,
        "call_duration": None,
        "categories": [{"name": "n", "occurences": 4, "ai_detected": True}],
    }
    assert record["users"] == [{"personId": 1, "isOrganizer": False}]
    assert record["time"] == "2026-03-01T08:00:00.100000Z"
    assert record["deal_close_date"] == "2026-05-31T00:00:00.000000Z"
    assert record["original_start_time"] is None
    assert "_extra" not in record
    assert not run.warnings


def test_a_value_that_cannot_be_mended_is_kept_and_named(copilot: Copilot) -> None:
    record, run = call(
        copilot,
        title=["a", "b"],
        users="everybody",
        metrics={"num_questions_asked": "some", "call_duration": 2**70, "talk_listen_ratio": 0.5},
        joinedParticipants=[{"personId": 1}, {"personId": "x"}, "who"],
        time="next week",
    )
    assert record["title"] is None
    assert record["users"] is None
    assert record["metrics"] == {
        "num_questions_asked": None,
        "call_duration": None,
        "talk_listen_ratio": 0.5,
    }
    assert record["joinedParticipants"] == [{"personId": 1}, {"personId": None}, None]
    assert record["time"] is None
    assert record["_extra"] == {
        "title": ["a", "b"],
        "users": "everybody",
        "metrics.num_questions_asked": "some",
        "metrics.call_duration": 2**70,
        "joinedParticipants[1].personId": "x",
        "joinedParticipants[2]": "who",
        "time": "next week",
    }
    named = "\n".join(run.warnings)
    for field in (
        "'title'",
        "'users'",
        "'metrics.num_questions_asked'",
        "'joinedParticipants[].personId'",
        "'joinedParticipants[]'",
        "'time'",
    ):
        assert named.count(field) == 1
    assert "everybody" not in run.log


def test_characters_that_no_target_can_hold_are_replaced(copilot: Copilot) -> None:
    record, _ = read(copilot, name="a\x00b\u2028c\U0001f600", team={"na\x00me": "\x00"})
    assert record["name"] == "a\ufffdb\u2028c\U0001f600"
    assert record["_extra"] == {"team": {"na\ufffdme": "\ufffd"}}


def test_half_an_emoji_is_replaced(copilot: Copilot) -> None:
    copilot.sandbox.faults.add(
        path="/users", status=200, body=b'{"users": [{"id": "1", "name": "cut \\ud83d"}]}'
    )
    run = copilot.tap.run("users")
    assert run.records["users"] == [{"id": "1", "name": "cut \ufffd"}]


def test_a_record_without_its_key_gets_a_stable_one(copilot: Copilot) -> None:
    def keys() -> list[str]:
        copilot.sandbox.faults.add(
            path="/users",
            status=200,
            body={"users": [{"name": "a"}, {"name": "b"}, {"id": None, "name": "c"}]},
        )
        run = copilot.tap.run("users")
        assert len(run.warnings) == 1
        return run.ids("users")

    first = keys()
    assert len(set(first)) == 3
    assert all(key.startswith("sha256:") for key in first)
    assert keys() == first


def test_numbers_are_not_changed_on_the_way(copilot: Copilot) -> None:
    numbers = [0.1, 1e22, 12345678901234567, 1.7976931348623157e308, -0.0]
    record, _ = read(copilot, numbers=numbers)
    assert record["_extra"]["numbers"] == numbers
