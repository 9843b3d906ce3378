"""Forecasts: the tabs, and what each said in a quarter, value by value."""

from __future__ import annotations

import typing as t

from tests.clari.revenue_truth import SECTIONS, assert_same, forecast_rows, merged_entries
from tests.clari.test_results import spoil_the_result

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue
    from tests.running import Record

LIST = "/v4/export/forecast/list"
ONE: dict[str, t.Any] = {"forecast_ids": ["net_arr"]}


def test_the_forecasts_are_listed(revenue: Revenue) -> None:
    run = revenue.tap.run("forecasts")
    assert_same(run, "forecasts", revenue.sandbox.account.forecasts)
    assert not run.warnings
    assert revenue.sandbox.exports.started == []


def test_a_tenant_without_a_list_is_told_once_which_setting_to_fill(revenue: Revenue) -> None:
    revenue.sandbox.account.forecast_list_exists = False
    run = revenue.tap.run("forecasts", *SECTIONS)
    assert run.returncode == 0, run.log
    assert not run.records
    [warning] = run.warnings
    assert "HTTP 404" in warning
    assert "set forecast_ids" in warning
    assert revenue.sandbox.exports.started == []
    assert revenue.sandbox.traffic.count(LIST) == 1


def test_a_tenant_without_a_list_needs_none_when_the_setting_is_filled(revenue: Revenue) -> None:
    revenue.sandbox.account.forecast_list_exists = False
    run = revenue.tap.run("forecasts", "forecast_entries", **ONE)
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries"))
    assert not run.records["forecasts"]
    [warning] = run.warnings
    assert "the stream forecasts is empty" in warning


def test_five_streams_are_the_lists_of_the_exports(revenue: Revenue) -> None:
    run = revenue.tap.run(*SECTIONS)
    assert [job.request["forecastId"] for job in revenue.sandbox.exports.started] == [
        "net_arr",
        "renewals",
    ]
    for stream in SECTIONS:
        assert_same(run, stream, forecast_rows(revenue, stream))
    assert not run.warnings


def test_quarters_and_forecasts_keep_apart(revenue: Revenue) -> None:
    periods = revenue.sandbox.account.periods[:3]
    run = revenue.tap.run(*SECTIONS, time_periods=periods)
    jobs = revenue.sandbox.exports.started
    assert [(job.request["forecastId"], job.request["timePeriod"]) for job in jobs] == [
        (forecast, period) for forecast in ("net_arr", "renewals") for period in reversed(periods)
    ]
    for stream in ("forecast_entries", "forecast_time_periods", "forecast_time_frames"):
        assert_same(run, stream, forecast_rows(revenue, stream))
    # The weeks are called the same in every quarter.
    weeks = {record["timeFrameId"] for record in run.records["forecast_time_frames"]}
    assert len(run.records["forecast_time_frames"]) == 2 * len(periods) * len(weeks)


def test_users_and_fields_that_come_with_every_quarter_arrive_once(revenue: Revenue) -> None:
    run = revenue.tap.run(
        "forecast_users", "forecast_fields", time_periods=revenue.sandbox.account.periods[:2], **ONE
    )
    for stream in ("forecast_users", "forecast_fields"):
        assert_same(run, stream, forecast_rows(revenue, stream))


def test_settings_that_name_something_twice_cost_no_second_job(revenue: Revenue) -> None:
    period = revenue.sandbox.account.current_period
    run = revenue.tap.run(
        "forecast_entries", forecast_ids=["net_arr", "net_arr"], time_periods=[period, period]
    )
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries"))
    assert len(revenue.sandbox.exports.started) == 1


def test_columns_of_the_tenant_are_kept_and_named_once(revenue: Revenue) -> None:
    columns: dict[str, t.Any] = {
        "region__c": "EMEA \N{PARTY POPPER}",
        "weights": [0.1, 1e22, 12345678901234567, None],
        "nested": {"a": {"b": True}},
        "empty": None,
    }
    revenue.sandbox.account.tenant_columns = columns
    run = revenue.tap.run("forecast_entries", "forecast_users", **ONE)
    for stream in ("forecast_entries", "forecast_users"):
        truth = [
            {**{name: each for name, each in row.items() if name not in columns}, "_extra": columns}
            for row in forecast_rows(revenue, stream)
        ]
        assert_same(run, stream, truth)
    assert len(run.warnings) == 2 * len(columns)
    for name in columns:
        assert "\n".join(run.warnings).count(f"{name!r}") == 2
    assert "EMEA" not in run.log


def test_entries_of_one_key_become_one_record_with_all_values(revenue: Revenue) -> None:
    revenue.sandbox.account.entries_by_type = True
    run = revenue.tap.run("forecast_entries", **ONE)
    truth = merged_entries(revenue)
    assert len(truth) < len(forecast_rows(revenue, "forecast_entries"))
    assert_same(run, "forecast_entries", truth)
    assert not run.warnings


def test_entries_that_contradict_each_other_or_have_no_key_lose_nothing(revenue: Revenue) -> None:
    key = {"timePeriodId": "2026_Q1", "timeFrameId": "W01", "userId": "7", "fieldId": "commit"}
    alone = {"timePeriodId": "2026_Q1", "userId": "7", "forecastValue": 1.5}
    document = {
        "entries": [
            {**key, "forecastValue": 3.5, "isUpdated": None},
            {**key, "forecastValue": 4.5, "isUpdated": True},
            {**key, "forecastValue": 3.5, "quotaValue": None, "stage": {"old": 1}},
            alone,
            {**alone, "forecastValue": 2.5},
        ],
        "users": [],
    }
    revenue.sandbox.exports.seconds = 0
    # The path of the result is not known before there is a job: one answer says that it is done.
    revenue.sandbox.faults.add(
        path="/v4/export/forecast/net_arr",
        method="POST",
        hook=lambda: revenue.sandbox.faults.add(method="GET", after=1, status=200, body=document),
    )
    run = revenue.tap.run("forecast_entries", **ONE)
    assert run.returncode == 0, run.log
    [one] = [each for each in run.records["forecast_entries"] if each["fieldId"] == "commit"]
    others = [each for each in run.records["forecast_entries"] if each is not one]
    assert one.items() >= {**key, "forecastValue": 3.5, "isUpdated": True}.items()
    assert one["_extra"] == {"forecastValue (2)": 4.5, "stage": {"old": 1}}
    assert sorted(record["forecastValue"] for record in others) == [1.5, 2.5]
    assert len({record["fieldId"] for record in others}) == 2
    assert all(record["fieldId"].startswith("sha256:") for record in others)


def test_an_entry_without_a_user_has_the_same_key_in_every_run(revenue: Revenue) -> None:
    entry = {
        "timePeriodId": "2026_Q1",
        "timeFrameId": "W01",
        "userId": None,
        "fieldId": "commit",
        "forecastValue": 1.5,
    }
    first, second = (_entries_of(revenue, [entry])[0] for _ in range(2))
    assert first["userId"].startswith("sha256:")
    assert first["exportedAt"] < second["exportedAt"]
    assert {**first, "exportedAt": None} == {**second, "exportedAt": None}


def test_entries_that_contradict_each_other_give_one_record_in_whatever_order(
    revenue: Revenue,
) -> None:
    key = {"timePeriodId": "2026_Q1", "timeFrameId": "W01", "userId": "7", "fieldId": "commit"}
    entries: list[Record] = [
        {**key, "forecastValue": 3.5, "stage": "a"},
        {**key, "forecastValue": 4.5, "stage": "b"},
        {**key, "forecastValue": 2.5, "stage": None},
        {**key, "forecastValue": None, "isUpdated": True},
    ]
    [one], [same] = (_entries_of(revenue, order) for order in (entries, entries[::-1]))
    assert {**one, "exportedAt": None} == {**same, "exportedAt": None}
    values = {one["forecastValue"], *(one["_extra"][f"forecastValue ({n})"] for n in (2, 3))}
    assert values == {2.5, 3.5, 4.5}
    assert one["isUpdated"] is True


def _entries_of(revenue: Revenue, entries: list[Record]) -> list[Record]:
    """The records that an export with these entries gives."""
    spoil_the_result(revenue, status=200, body={"entries": entries, "users": []})
    run = revenue.tap.run("forecast_entries", **ONE)
    assert run.returncode == 0, run.log
    return run.records["forecast_entries"]


def test_an_export_that_was_cut_is_named(revenue: Revenue) -> None:
    revenue.sandbox.exports.max_rows = 7
    run = revenue.tap.run("forecast_entries", **ONE)
    assert run.returncode == 0, run.log
    assert len(run.records["forecast_entries"]) == 7
    [warning] = run.warnings
    assert "rows" in warning
    assert "the forecast net_arr" in warning


def test_snapshots_keep_what_each_run_was_told(revenue: Revenue) -> None:
    key = ["forecastId", "timePeriodId", "timeFrameId", "userId", "fieldId"]
    # A quarter that is over, since in its first week the current one has nothing to restate.
    settings: dict[str, t.Any] = {
        "keep_forecast_snapshots": True,
        "time_periods": [revenue.sandbox.account.periods[-2]],
        **ONE,
    }
    # Without a catalog: the one that the other tests use was made with other settings.
    first = revenue.tap.run(**settings)
    revenue.sandbox.account.restate()
    second = revenue.tap.run(state=first.state, **settings)
    jobs = [job for job in revenue.sandbox.exports.started if job.module == "FORECAST"]
    for run, job in zip((first, second), jobs, strict=True):
        assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries", job))
        assert run.keys["forecast_entries"] == [*key, "exportedAt"]

    def told(records: list[dict[str, t.Any]]) -> dict[tuple[t.Any, ...], t.Any]:
        return {tuple(each[name] for name in key): each.get("forecastValue") for each in records}

    then, now = told(first.records["forecast_entries"]), told(second.records["forecast_entries"])
    assert then.keys() == now.keys()
    assert then != now
    [exported], [again] = (
        {record["exportedAt"] for record in run.records["forecast_entries"]}
        for run in (first, second)
    )
    assert exported < again


def test_without_snapshots_the_time_of_the_export_is_no_key(revenue: Revenue) -> None:
    run = revenue.tap.run("forecast_entries", **ONE)
    assert "exportedAt" not in run.keys["forecast_entries"]
    assert all(record["exportedAt"] for record in run.records["forecast_entries"])


def test_the_key_of_snapshots_is_that_of_the_setting_whatever_the_catalog_says(
    revenue: Revenue,
) -> None:
    key = ["forecastId", "timePeriodId", "timeFrameId", "userId", "fieldId"]
    # With a stream that is named, the catalog is one that was made without the setting.
    run = revenue.tap.run("forecast_entries", keep_forecast_snapshots=True, **ONE)
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries"))
    assert run.keys["forecast_entries"] == [*key, "exportedAt"]
