"""Forecasts: what is asked for, what is refused, and in how many forms an answer comes."""

from __future__ import annotations

import typing as t

import pytest

from tests.clari.revenue_truth import SECTIONS, assert_same, forecast_rows
from tests.clari.test_revenue_errors import assert_told

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue

ONE: dict[str, t.Any] = {"forecast_ids": ["net_arr"]}
ALL_TYPES = ["forecast", "quota", "forecast_updated", "adjustment", "crm_total", "crm_closed"]


def test_the_defaults_ask_for_all_weeks_and_all_values_of_the_current_quarter(
    revenue: Revenue,
) -> None:
    run = revenue.tap.run("forecast_entries", **ONE)
    assert run.returncode == 0, run.log
    [job] = revenue.sandbox.exports.started
    assert job.request == {
        "forecastId": "net_arr",
        "typesToExport": ALL_TYPES,
        "includeHistorical": True,
        "exportFormat": "JSON",
    }
    assert {record["timePeriodId"] for record in run.records["forecast_entries"]} == {
        revenue.sandbox.account.current_period
    }


def test_the_settings_are_asked_for(revenue: Revenue) -> None:
    period = revenue.sandbox.account.periods[1]
    run = revenue.tap.run(
        *SECTIONS,
        time_periods=[period],
        forecast_types=["quota", "forecast"],
        forecast_scope_id="1906::MGR",
        currency="JPY",
        include_historical=False,
        **ONE,
    )
    [job] = revenue.sandbox.exports.started
    assert job.request == {
        "forecastId": "net_arr",
        "timePeriod": period,
        "typesToExport": ["quota", "forecast"],
        "scopeId": "1906::MGR",
        "currency": "JPY",
        "includeHistorical": False,
        "exportFormat": "JSON",
    }
    for stream in SECTIONS:
        assert_same(run, stream, forecast_rows(revenue, stream))
    assert len(run.records["forecast_users"]) == 4
    assert len(run.records["forecast_time_frames"]) == 1


def test_settings_that_are_empty_are_not_asked_for(revenue: Revenue) -> None:
    run = revenue.tap.run("forecast_entries", currency="", forecast_scope_id="", **ONE)
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries"))
    [job] = revenue.sandbox.exports.started
    assert not {"currency", "scopeId"} & {*job.request}


def test_the_current_quarter_comes_where_an_unknown_one_was_asked_for_and_is_not_read(
    revenue: Revenue,
) -> None:
    run = revenue.tap.run(*SECTIONS, time_periods=["1999_Q1"], **ONE)
    current = revenue.sandbox.account.current_period
    assert_told(run, f"for 1999_Q1 with {current}", "does not exist, or has no data", "net_arr")
    assert not run.records


def test_values_of_the_crm_that_are_not_supported_are_left_out_with_a_warning(
    revenue: Revenue,
) -> None:
    revenue.sandbox.account.crm_types_supported = False
    run = revenue.tap.run(*SECTIONS, **ONE)
    for stream in SECTIONS:
        assert_same(run, stream, forecast_rows(revenue, stream))
    [job] = revenue.sandbox.exports.started
    assert job.request["typesToExport"] == ["forecast", "quota", "forecast_updated", "adjustment"]
    [warning] = run.warnings
    assert "type_not_supported" in warning


def test_values_of_the_crm_alone_that_are_not_supported_end_in_a_sentence(
    revenue: Revenue,
) -> None:
    revenue.sandbox.account.crm_types_supported = False
    run = revenue.tap.run("forecast_entries", forecast_types=["crm_total"], **ONE)
    assert_told(run, "forecast_types", "'net_arr'", "leave crm_total and crm_closed out")


def test_a_forecast_without_an_opt_in(revenue: Revenue) -> None:
    revenue.sandbox.account.no_opt_in.add("net_arr")
    run = revenue.tap.run("forecast_entries", **ONE)
    assert_told(run, "may not see the forecast 'net_arr' (no_optin)", "forecast_scope_id")


def test_a_scope_that_is_not_the_users(revenue: Revenue) -> None:
    run = revenue.tap.run("forecast_entries", forecast_scope_id="7::MGR", **ONE)
    assert_told(run, "may not see the forecast 'net_arr' (no_optin)", "forecast_scope_id")


def test_a_forecast_that_is_unknown(revenue: Revenue) -> None:
    run = revenue.tap.run("forecast_entries", forecast_ids=["net arr?x=1"])
    assert_told(run, "Clari has no forecast 'net arr?x=1'", "correct forecast_ids")


def test_a_currency_that_is_unknown(revenue: Revenue) -> None:
    run = revenue.tap.run("forecast_entries", currency="XXX", **ONE)
    assert_told(run, "does not accept the export of the forecast 'net_arr'", "currency")


@pytest.mark.parametrize("shape", ["list", "data", "rows", "records", "results"])
def test_rows_alone_are_the_entries(revenue: Revenue, shape: str) -> None:
    revenue.sandbox.exports.shape = shape
    run = revenue.tap.run(*SECTIONS, **ONE)
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries"))
    others = [stream for stream in SECTIONS if stream != "forecast_entries"]
    assert not any(run.records[stream] for stream in others)
    for stream in others:
        [warning] = [line for line in run.warnings if repr(SECTIONS[stream]) in line]
        assert "the forecast net_arr" in warning


@pytest.mark.parametrize("shape", ["list", "data"])
def test_rows_alone_are_of_the_quarter_that_was_asked_for_or_not_read(
    revenue: Revenue, shape: str
) -> None:
    revenue.sandbox.exports.shape = shape
    run = revenue.tap.run("forecast_entries", time_periods=["1999_Q1"], **ONE)
    assert_told(run, "1999_Q1 does not exist, or has no data")
    assert not run.records


def test_a_shape_that_nobody_has_seen_is_told_by_its_members_and_not_its_content(
    revenue: Revenue,
) -> None:
    revenue.sandbox.exports.shape = "unknown"
    run = revenue.tap.run(*SECTIONS, **ONE)
    assert_told(run, "'summary'", "'payload'")
    assert "columns" not in run.log
    assert not run.records


def test_a_job_can_come_bare(revenue: Revenue) -> None:
    revenue.sandbox.exports.wrapped = False
    run = revenue.tap.run("forecast_entries", **ONE)
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries"))
