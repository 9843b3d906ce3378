"""`meltano run tap-gladly target-postgres`: what stands in PostgreSQL is what Gladly has."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from tests.gladly.truth import FILES
from tests.meltano.gladly_truth import assert_tables, truth
from tests.pipeline import MeltanoError
from tests.sandbox.gladly.timestamps import of, stamp

if t.TYPE_CHECKING:
    from tests.meltano.conftest import GladlyPipeline
    from tests.pipeline import StreamMetrics
    from tests.sandbox.gladly import GladlySandbox

CONVERSATIONS, CONTACTS = "ConversationExportReport", "ContactTimestampsReport"


def test_what_is_loaded_is_what_gladly_has_in_a_first_run_and_in_a_later_one(
    gladly: GladlyPipeline,
) -> None:
    gladly.run()
    assert_tables(gladly)
    first = {stream: truth(gladly, stream) for stream in ("events", "report_contact_timestamps")}

    changed = live_on(gladly.gladly)
    gladly.gladly.traffic.clear()
    metrics = gladly.run()
    assert_tables(gladly)
    assert_incremental(gladly, metrics)
    # What has changed replaced what was there, and what is new came.
    conversations = gladly.rows("report_conversation_export", ("conversation_id",))
    assert {conversations[conversation,]["status"] for conversation in changed} == {"RESTATED"}
    assert len(truth(gladly, "events")) == len(first["events"]) + 3
    assert metrics["events"].records < len(first["events"]) / 3
    contacts = len(first["report_contact_timestamps"])
    assert 1 <= metrics["report_contact_timestamps"].records < contacts / 3


def live_on(gladly: GladlySandbox) -> list[str]:
    """Let happen what happens between two runs; the conversations that were restated."""
    now = datetime.now(timezone.utc)
    gladly.account.agents[0]["name"] = "Somebody \U0001f600 \u2028 Else"
    [*_, last] = gladly.exports.jobs
    gladly.exports.add(
        start=now - timedelta(hours=1),
        end=now - timedelta(minutes=1),
        updated=now,
        files={
            **last.files,
            "conversation_items.jsonl": [
                {"id": "new", "customerId": "c", "timestamp": stamp(of(now), 9), "content": {}},
            ],
        },
    )
    for kind in ("CONVERSATION/CREATED", "CONTACT/STARTED", "CONTACT/ENDED"):
        # What is younger than half a minute is left to the run after.
        gladly.events.add(kind, timestamp=now - timedelta(seconds=45))
    reports = gladly.reports
    assert reports.as_of is not None
    rows = reports.rows(CONVERSATIONS)
    restated = [row["Conversation ID"] for row in rows[-20:-10]]
    for conversation in restated:
        reports.change(CONVERSATIONS, conversation, "Status", "RESTATED")
    young = stamp(of(reports.as_of - timedelta(minutes=61)), 8)
    new = {**rows[-1], "Created At": young, "Conversation ID": "new"}
    reports.set(CONVERSATIONS, [*reports.rows(CONVERSATIONS), new])
    contacts = reports.rows(CONTACTS)
    reports.set(CONTACTS, [*contacts, {**contacts[-1], "Timestamp": young}])
    # A contact ends, and belongs to another window from then on.
    played, reports.as_of = reports.as_of, reports.as_of - timedelta(hours=2)
    [*_, session] = [row for row in reports.work_sessions if not row["contact_session_ended_at"]]
    reports.end_session(session["contact_session_id"])
    reports.as_of = played
    return restated


def assert_incremental(gladly: GladlyPipeline, metrics: dict[str, StreamMetrics]) -> None:
    """Only the files of the new job were asked for, and each report once, but for discovery."""
    sandbox = gladly.gladly
    new = sandbox.exports.jobs[-1]
    files = [each.path for each in sandbox.traffic.exchanges() if "/files/" in each.path]
    assert sorted(files) == sorted(
        f"/api/v1/export/jobs/{new.id}/files/{name}" for name in FILES.values()
    )
    assert metrics["export_jobs"].records <= 2
    reports = [name for name in metrics if name.startswith("report_")]
    assert len(reports) == 4
    assert {metrics[name].requests for name in reports} == {1}


@pytest.mark.slow
def test_a_column_of_the_account_is_one_of_the_table(gladly: GladlyPipeline) -> None:
    gladly.gladly.reports.add_column(CONVERSATIONS, "Loyalty Tier (2)", "Gold")
    gladly.run("report_conversation_export")
    rows = gladly.rows("report_conversation_export", ("conversation_id",))
    assert {row["loyalty_tier_2"] for row in rows.values()} == {"Gold"}
    assert {row["_extra"] for row in rows.values()} == {None}


@pytest.mark.slow
def test_surprises_of_gladly_do_not_stop_a_load(gladly: GladlyPipeline) -> None:
    agents = gladly.gladly.account.agents
    agents[0].update(name="nul \x00 in it", shoeSize={"eu": [42, None]})
    agents[1].update(name=["not", "a", "text"], emailAddress=7)
    gladly.run("agents")
    table = gladly.rows("agents")
    one, two = table[agents[0]["id"],], table[agents[1]["id"],]
    assert one["name"] == "nul \ufffd in it"
    assert one["_extra"] == {"shoeSize": {"eu": [42, None]}}
    assert two["emailAddress"] == "7"
    assert two["name"] is None
    assert two["_extra"] == {"name": ["not", "a", "text"]}


@pytest.mark.parametrize("reports", ["[]", json.dumps([CONVERSATIONS])])
def test_an_error_comes_through_as_one_sentence_and_shows_no_secret(
    gladly: GladlyPipeline, reports: str
) -> None:
    # Without reports the sync asks first, and else it is discovery.
    settings = {"TAP_GLADLY_API_TOKEN": "not-the-secret", "TAP_GLADLY_REPORTS": reports}
    with pytest.raises(MeltanoError) as failure:
        gladly.run(settings=settings)
    said = [str(event.get("event")) for event in failure.value.events]
    assert any("does not accept the credentials (HTTP 401" in line for line in said)
    printed = str(failure.value.events)
    assert "not-the-secret" not in printed
    assert gladly.gladly.api_token not in printed
