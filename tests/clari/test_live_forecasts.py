"""The latest week of a forecast, without an export job."""

from __future__ import annotations

import typing as t

import pytest

from tests.clari.revenue_truth import assert_same, forecast_rows
from tests.running import Tap, discovered

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue
    from tests.running import Record, Run

LIVE = "forecast_live_entries"
ONE: dict[str, t.Any] = {"forecast_ids": ["net_arr"]}
KEY = ["forecastId", "timePeriodId", "timeFrameId", "userId", "fieldId"]


def without_times(records: list[Record]) -> list[Record]:
    """The records without the time at which Clari was asked."""
    told_at = {"fetchedAt", "exportedAt"}
    bare = [
        {name: each for name, each in record.items() if name not in told_at} for record in records
    ]
    return sorted(bare, key=lambda record: [record[name] for name in KEY])


def weeks(run: Run) -> set[str]:
    """The weeks that were read."""
    return {each["timeFrameId"] for each in run.records[LIVE]}


def test_it_is_what_an_export_of_the_latest_week_gives(revenue: Revenue) -> None:
    live = revenue.tap.run(LIVE)
    assert live.returncode == 0, live.log
    assert revenue.sandbox.exports.started == []
    assert all(each["fetchedAt"] for each in live.records[LIVE])
    exported = revenue.tap.run("forecast_entries", include_historical=False)
    found, truth = (
        without_times(run.records[stream])
        for run, stream in ((live, LIVE), (exported, "forecast_entries"))
    )
    assert found == truth
    assert {each["forecastId"] for each in found} == {"net_arr", "renewals"}
    assert len(weeks(live)) == 1
    assert not live.warnings


def test_quarters_and_scope_of_the_settings_are_asked_for(revenue: Revenue) -> None:
    periods = revenue.sandbox.account.periods[:2]
    scope = "1905::MGR"
    run = revenue.tap.run(LIVE, time_periods=periods, forecast_scope_id=scope, **ONE)
    assert run.returncode == 0, run.log
    assert {each["timePeriodId"] for each in run.records[LIVE]} == set(periods)
    params = [
        dict(each.params or [])
        for each in revenue.sandbox.traffic.exchanges("/v4/forecast/net_arr")
    ]
    assert sorted(each["timePeriod"] for each in params) == periods
    assert {each["scopeId"] for each in params} == {scope}


def test_another_quarter_than_the_one_that_was_asked_for_is_an_error(revenue: Revenue) -> None:
    run = revenue.tap.run(LIVE, time_periods=["2019_Q1"], **ONE)
    assert run.returncode == 1
    assert "2019_Q1 does not exist, or has no data. Correct time_periods." in run.last_word
    assert not run.records[LIVE]


@pytest.mark.parametrize("status", [404, 405])
def test_where_clari_does_not_give_it_a_sentence_says_so(revenue: Revenue, status: int) -> None:
    revenue.sandbox.account.live_forecast_refusal = status
    run = revenue.tap.run(LIVE, "forecast_entries", **ONE)
    assert run.returncode == 0, run.log
    assert not run.records[LIVE]
    [warning] = run.warnings
    assert f"net_arr (HTTP {status})" in warning
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries"))


def test_a_forecast_that_the_user_may_not_see_stops_this_stream_alone(revenue: Revenue) -> None:
    revenue.sandbox.account.no_opt_in.add("net_arr")
    run = revenue.tap.run(LIVE, "audit_events", **ONE)
    assert run.returncode == 1
    assert "have this user opted in for it" in run.log
    assert run.records["audit_events"]


def test_snapshots_have_the_time_in_their_key(revenue: Revenue) -> None:
    assert revenue.tap.run(LIVE, **ONE).keys[LIVE] == KEY
    run = revenue.tap.run(LIVE, keep_forecast_snapshots=True, **ONE)
    assert run.keys[LIVE] == [*KEY, "fetchedAt"]


def test_it_is_read_only_where_it_is_selected(revenue: Revenue) -> None:
    [entry] = [each for each in discovered("tap-clari")["streams"] if each["tap_stream_id"] == LIVE]
    [root] = [each for each in entry["metadata"] if not each["breadcrumb"]]
    assert root["metadata"].get("selected-by-default") is False
    assert LIVE not in revenue.tap.run(**ONE).schemas


@pytest.mark.parametrize("stream", [LIVE, "forecast_entries"])
def test_what_public_clients_have_seen_has_columns(revenue: Revenue, stream: str) -> None:
    revenue.sandbox.account.tenant_columns = {
        "quotaValue": 1000.5,
        "adjustmentValue": 12,
        "adjustedBy": "1905",
        "adjustedOn": 1_765_000_000_000,
        "aggregationTotal": 5.25,
    }
    run = revenue.tap.run(stream, **ONE)
    assert run.returncode == 0, run.log
    for record in run.records[stream]:
        assert record["quotaValue"] == 1000.5
        assert record["adjustmentValue"] == 12
        assert record["adjustedBy"] == "1905"
        assert record["adjustedOn"] == "2025-12-06T05:46:40.000000Z"
        assert record["aggregationTotal"] == 5.25
        assert "_extra" not in record or record["_extra"] is None
    assert not run.warnings


@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_forecast_that_cannot_be_read_does_not_keep_the_others_away(
    revenue: Revenue, impatient: str, status: int
) -> None:
    revenue.sandbox.faults.add(path="/v4/forecast/net_arr", times=None, status=status)
    tap = Tap(impatient, revenue.tap.config)
    run = tap.run(LIVE, forecast_ids=["net_arr", "renewals"])
    assert run.returncode == 1
    assert run.records[LIVE]
    assert {each["forecastId"] for each in run.records[LIVE]} == {"renewals"}
    assert f"HTTP {status}" in run.last_word
