"""Turns of transcripts: rows of the answers that the details of calls are in."""

from __future__ import annotations

import hashlib
import typing as t

import pytest

from tests.clari.truth import MODIFIED, detailed, listed
from tests.expected import expected
from tests.running import discovered, selected

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.clari.conftest import Copilot
    from tests.running import Record, Run

DETAILS = "/call-details"


def turns(call: Record) -> list[Record]:
    """The turns of a call as they should come."""
    users = {str(each["personId"]): each for each in call["users"]}
    joined = {str(each["personId"]): each for each in call.get("joinedParticipants", ())}
    guests = {str(each["personId"]): each for each in call["externalParticipants"]}
    rows = []
    for index, turn in enumerate(call.get("transcript") or ()):
        person = str(turn["personId"])
        user, guest = users.get(person, {}), guests.get(person, {})
        rows.append(
            {
                "call_id": call["id"],
                "turn_index": index,
                MODIFIED: call.get(MODIFIED),
                "side": "internal" if user else "external",
                "name": (joined.get(person) or guest).get("name"),
                "email": user.get("userEmail") or guest.get("email"),
                "userId": user.get("userId"),
                **turn,
            }
        )
    return rows


def assert_turns(run: Run, calls: dict[str, Record]) -> None:
    """Each turn of these calls is there once, value by value."""
    assert run.returncode == 0, run.log
    found = {(row["call_id"], row["turn_index"]): row for row in run.records["call_turns"]}
    assert len(found) == len(run.records["call_turns"])
    schema = run.schemas["call_turns"]
    truth = [expected(row, schema) for call in calls.values() for row in turns(call)]
    assert truth
    assert found == {(row["call_id"], row["turn_index"]): row for row in truth}
    assert {row["side"] for row in truth} == {"internal", "external"}


def test_every_turn_is_a_row_and_costs_no_request(copilot: Copilot) -> None:
    calls = detailed(copilot)
    details = copilot.tap.run("call_details")
    requests = copilot.sandbox.traffic.count()
    for streams in (("call_details", "call_turns"), ("call_turns",)):
        copilot.sandbox.traffic.clear()
        run = copilot.tap.run(*streams)
        assert_turns(run, calls)
        assert copilot.sandbox.traffic.count() == requests
        assert run.bookmark("call_turns") == details.bookmark("call_details")
        assert len(run.records["call_details"]) == len(calls) * ("call_details" in streams)


@pytest.mark.parametrize("earlier", ["call_details", "call_turns"])
def test_what_is_selected_later_gets_what_was_before(copilot: Copilot, earlier: str) -> None:
    first = copilot.tap.run(earlier)
    both = copilot.tap.run("call_details", "call_turns", state=first.state)
    calls = detailed(copilot)
    assert_turns(both, calls)
    assert set(both.ids("call_details")) == set(calls)
    assert both.bookmark("call_turns") == both.bookmark("call_details")

    copilot.sandbox.traffic.clear()
    third = copilot.tap.run("call_details", "call_turns", state=both.state)
    newest = max(calls.values(), key=lambda call: listed(copilot)[call["id"]][MODIFIED])
    assert set(third.ids("call_turns", "call_id")) <= {newest["id"]}
    assert copilot.sandbox.traffic.count(DETAILS) <= 1


def test_a_killed_run_has_the_turns_of_the_calls_before_its_bookmark(
    start: t.Callable[..., Copilot],
) -> None:
    copilot = start(calls=1300)
    calls = detailed(copilot)
    streams = ("call_details", "call_turns")
    killed = copilot.tap.run_until(
        lambda line: '"type":"STATE"' in line and '"replication_key_value":"2' in line, *streams
    )
    kept = killed.kept("call_turns")
    rest = copilot.tap.run(*streams, state=killed.state)
    found = {(row["call_id"], row["turn_index"]) for row in (*kept, *rest.records["call_turns"])}
    assert found == {
        (row["call_id"], row["turn_index"]) for call in calls.values() for row in turns(call)
    }
    assert len(rest.records["call_details"]) < len(calls)


def test_calls_that_say_less_have_turns_too(copilot: Copilot) -> None:
    account = copilot.sandbox.account
    one, two, three = sorted(detailed(copilot))[:3]
    account.override(one, transcript="all that was said", users=None)
    account.override(two, transcript=["Hello", None, {"text": "you", "mood": "good"}, {}])
    account.override(three, users=[{"userId": "u"}], joinedParticipants="all", transcript=None)
    run = copilot.tap.run("call_turns")
    assert run.returncode == 0, run.log
    rows = [row for row in run.records["call_turns"] if row["call_id"] in {one, two, three}]
    assert {(row["call_id"], row["turn_index"]): row.get("text") for row in rows} == {
        (one, 0): "all that was said",
        (two, 0): "Hello",
        (two, 2): "you",
        (two, 3): None,
    }
    assert all(row["side"] is None for row in rows)
    assert [row["_extra"] for row in rows if "_extra" in row] == [{"mood": "good"}]


def test_a_test_of_the_connection_writes_one_turn(copilot: Copilot) -> None:
    returncode, out, log = copilot.tap.output("--test")
    assert returncode == 0, log
    lines = out.split("\n")
    assert sum('"RECORD","stream":"call_turns"' in line for line in lines) == 1


@pytest.mark.parametrize("in_batches", [False, True])
def test_turns_come_where_their_transcripts_are_left_out_or_mapped(
    copilot: Copilot, tmp_path: Path, *, in_batches: bool
) -> None:
    catalog = selected(discovered("tap-clari"), ["call_details", "call_turns"])
    for entry in catalog["streams"]:
        if entry["tap_stream_id"] == "call_details":
            for metadata in entry["metadata"]:
                if metadata["breadcrumb"] == ["properties", "transcript"]:
                    metadata["metadata"]["selected"] = False
    settings: Record = {"stream_maps": {"call_turns": {"text": "md5(text)"}}}
    if in_batches:
        settings = {
            "batch_config": {
                "encoding": {"format": "jsonl", "compression": "gzip"},
                "storage": {"root": tmp_path.as_uri()},
            }
        }
    run = copilot.tap.run(catalog=catalog, **settings)
    assert run.returncode == 0, run.log
    truth = {
        (row["call_id"], row["turn_index"]): row["text"]
        for call in detailed(copilot).values()
        for row in turns(call)
    }
    found = {(row["call_id"], row["turn_index"]): row for row in run.records["call_turns"]}
    assert found.keys() == truth.keys()
    assert {key: row["text"] for key, row in found.items()} == {
        key: text if in_batches else hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        for key, text in truth.items()
    }
    alone = copilot.tap.run("call_turns", **settings)
    assert alone.bookmark("call_turns") == run.bookmark("call_turns")
    assert not any("transcript" in record for record in run.records["call_details"])
    details = [line for line in run.lines if '"stream":"call_details"' in line]
    assert details
