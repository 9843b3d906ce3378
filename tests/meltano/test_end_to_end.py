"""`meltano run tap-clari target-postgres`: what stands in PostgreSQL is what the APIs have."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from tests.meltano.comparing import assert_table, without_nulls
from tests.meltano.truth import KEYS, truth
from tests.pipeline import MeltanoError
from tests.running import discovered

if t.TYPE_CHECKING:
    from tests.meltano.conftest import ClariPipeline, Record

MADE_BY_THE_TAP = {
    "audit_events": ["eventId"],
    "limits": ["fetchedAt"],
    "opportunities": ["readAt"],
}


def assert_tables_hold_the_truth(pipeline: ClariPipeline) -> None:
    """Every table has the API's records, no more and no less, equal column by column."""
    assert pipeline.tables() == set(KEYS)
    streams = {entry["tap_stream_id"] for entry in discovered("tap-clari")["streams"]}
    assert streams - set(KEYS) == {
        "call_turns",
        "export_job_results",
        "forecast_live_entries",
    }
    for stream, key in KEYS.items():
        assert_table(
            pipeline, stream, key, truth(pipeline, stream), MADE_BY_THE_TAP.get(stream, ())
        )


def test_what_is_loaded_is_what_the_api_has_in_a_first_run_and_in_a_later_one(
    pipeline: ClariPipeline,
) -> None:
    account, sales = pipeline.copilot.account, pipeline.revenue.account
    sales.tenant_columns = {"segment": "Enterprise", "weights": [1, None, {"a": 2.5}]}
    settings = {
        "TAP_CLARI_PARTNER_KEY": pipeline.revenue.partner_key,
        "TAP_CLARI_INGEST_JOB_IDS": json.dumps([*sales.ingest_jobs]),
    }
    pipeline.run(settings=settings)
    assert_tables_hold_the_truth(pipeline)
    assert_activities_of_the_last_year_are_there(pipeline)
    first = {stream: pipeline.rows(stream) for stream in ("calls", "call_details")}
    assert len(pipeline.revenue.exports.started) == 3

    old = sorted(first["call_details"])[:4]
    for (call_id,) in old:
        account.touch(call_id, modified="2026-10-20T08:00:00Z", status="PROCESSED")
        account.override(call_id, title="Changed \U0001f600 \u2028 since")
    account.add(3, modified_from="2026-10-20T09:00:00Z", modified_to="2026-10-21T09:00:00Z")
    now = datetime.now(timezone.utc)
    sales.restate()
    for days in (0, 1, 6):
        sales.add_activity(now - timedelta(days=days))
    sales.add_audit_event(now)
    pipeline.copilot.traffic.clear()
    metrics = pipeline.run(settings=settings)
    assert_tables_hold_the_truth(pipeline)
    assert_activities_of_the_last_year_are_there(pipeline)
    assert {pipeline.rows("calls")[call_id]["title"] for call_id in old} == {
        "Changed \U0001f600 \u2028 since"
    }
    # Only the changed ones, the new ones and those of the last moment came again.
    assert metrics["calls"].records < len(first["calls"]) / 3
    assert pipeline.copilot.traffic.count("/call-details") == metrics["call_details"].records
    # The same of activities, but for the look-back; the forecast came whole, and replaced its own.
    started = pipeline.revenue.exports.started
    assert len(started) == 6
    assert started[3].document()["entries"] != started[0].document()["entries"], "not restated"
    assert 3 <= metrics["activities"].records < len(sales.activities) / 3
    assert metrics["audit_events"].records < len(sales.audit_events) / 3


def assert_activities_of_the_last_year_are_there(pipeline: ClariPipeline) -> None:
    """Whatever the jobs were asked for, a year of activities is there."""
    now = datetime.now(timezone.utc)
    year = {
        (activity["activityId"],)
        for activity in pipeline.revenue.account.activities
        if now - timedelta(days=365) <= moment(activity) <= now
    }
    assert year <= set(pipeline.rows("activities", KEYS["activities"]))


def moment(activity: Record) -> datetime:
    """When an activity is."""
    return datetime.fromtimestamp(int(activity["date"]) / 1000, timezone.utc)


@pytest.mark.slow
def test_surprises_of_the_api_do_not_stop_a_load(pipeline: ClariPipeline) -> None:
    account = pipeline.copilot.account
    one, two, three = sorted(record["id"] for record in truth(pipeline, "call_details"))[:3]
    account.override(one, deal_value=12.5, shoe_size={"eu": [42, None]}, title="nul \x00 in it")
    account.override(two, metrics={"call_duration": "long", "num_questions_asked": "3"})
    account.override(three, time="whenever", users="nobody", crm_info={"region": {"id": 1}})
    pipeline.run("calls", "call_details")
    for stream in ("calls", "call_details"):
        table = {key: row for (key,), row in pipeline.rows(stream).items()}
        assert table[one]["deal_value"] == "12.5"
        assert table[one]["title"] == "nul \ufffd in it"
        assert table[one]["_extra"] == {"shoe_size": {"eu": [42, None]}}
        assert without_nulls(table[two]["metrics"]) == {"num_questions_asked": 3}
        assert table[two]["_extra"] == {"metrics.call_duration": "long"}
        assert table[three]["time"] is None
        assert table[three]["users"] is None
        assert table[three]["_extra"] == {
            "time": "whenever",
            "users": "nobody",
            "crm_info.region": {"id": 1},
        }
        assert without_nulls(table[three]["crm_info"]) == {"region": {"id": 1}}


@pytest.mark.parametrize("setting", ["TAP_CLARI_COPILOT_API_PASSWORD", "TAP_CLARI_API_KEY"])
def test_an_error_comes_through_as_one_sentence_and_shows_no_secret(
    pipeline: ClariPipeline, setting: str
) -> None:
    with pytest.raises(MeltanoError) as failure:
        pipeline.run(settings={setting: "not-the-secret"})
    said = [str(event.get("event")) for event in failure.value.events]
    sentences = [line for line in said if "does not accept the credentials (HTTP 401)" in line]
    assert len(sentences) == 1
    printed = str(failure.value.events)
    assert "Traceback" not in printed
    assert "not-the-secret" not in printed
    assert pipeline.copilot.api_key not in printed
    # The other API is read all the same.
    is_of_copilot = "COPILOT" in setting
    assert bool(pipeline.revenue.exports.started) == is_of_copilot
