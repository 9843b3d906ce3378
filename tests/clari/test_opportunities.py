"""Opportunities: those of the setting, and those that the run's activities are about."""

from __future__ import annotations

import json
import typing as t
from datetime import datetime, timezone

import pytest
from tap_clari.kit.times import parse_time

from tests.clari.revenue_truth import assert_same
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue

PATH = "/v4/opportunity"


def asked(revenue: Revenue) -> list[list[str]]:
    """The ids of each request."""
    return [
        [value for name, value in exchange.params or [] if name == "oppId"]
        for exchange in revenue.sandbox.traffic.exchanges()
        if exchange.path == PATH
    ]


def test_the_opportunities_of_the_setting_arrive(revenue: Revenue) -> None:
    known = revenue.sandbox.account.opportunities
    wanted = list(known)[::7]
    run = revenue.tap.run("opportunities", opportunity_ids=[*wanted, wanted[0]])
    assert_same(run, "opportunities", [known[each] for each in wanted])
    [ids] = asked(revenue)
    assert sorted(ids) == sorted(wanted)
    assert revenue.sandbox.exports.started == []


def test_a_row_says_when_it_was_read(revenue: Revenue) -> None:
    began = datetime.now(timezone.utc)
    run = revenue.tap.run("opportunities", opportunity_ids=[*revenue.sandbox.account.opportunities])
    [read_at] = {parse_time(each) for each in run.ids("opportunities", "readAt")}
    assert began <= read_at <= datetime.now(timezone.utc)


def test_nothing_is_asked_for_where_there_are_no_ids(revenue: Revenue) -> None:
    run = revenue.tap.run("opportunities")
    assert run.returncode == 0, run.log
    assert not run.records
    assert revenue.sandbox.traffic.count() == 0


def test_the_opportunities_of_the_activities_arrive_too(revenue: Revenue) -> None:
    known = revenue.sandbox.account.opportunities
    run = revenue.tap.run("activities", "opportunities", opportunity_ids=[list(known)[-1]])
    about = {
        opportunity["opportunityId"]
        for activity in revenue.sandbox.exports.started[0].document()["activities"]
        for opportunity in activity["opportunities"]
    }
    assert 0 < len(about) < len(known)
    truth = [known[each] for each in sorted({*about, list(known)[-1]})]
    assert_same(run, "opportunities", truth)
    assert sum(map(len, asked(revenue))) == len(truth)


def test_all_that_a_warehouse_knows_are_asked_for_in_hundreds(revenue: Revenue) -> None:
    known = revenue.sandbox.account.opportunities
    ids = sorted([*known, *(f"006000000000{number:05}AAA" for number in range(5_000))])
    run = revenue.tap.run("opportunities", opportunity_ids=ids, opportunity_mode="MODE_7")
    assert_same(run, "opportunities", list(known.values()))
    assert run.ids("opportunities") == sorted(known)
    requests = asked(revenue)
    assert sorted(each for batch in requests for each in batch) == ids
    assert max(map(len, requests)) == 100
    assert len(requests) == -(-len(ids) // 100)
    exchanges = revenue.sandbox.traffic.exchanges(PATH)
    assert {dict(each.params or [])["mode"] for each in exchanges} == {"MODE_7"}


def test_a_hundred_are_asked_for_at_once_and_unknown_ones_left_out(revenue: Revenue) -> None:
    known = revenue.sandbox.account.opportunities
    unknown = [f"006 & gone={number}" for number in range(200)]
    run = revenue.tap.run("opportunities", opportunity_ids=[*known, *unknown])
    assert_same(run, "opportunities", list(known.values()))
    batches = asked(revenue)
    assert sorted(map(len, batches)) == [len(known), 100, 100]
    assert sorted(each for batch in batches for each in batch) == sorted([*known, *unknown])
    assert f"{len(known)} of the {len(known) + 200} opportunities" in run.log


def test_a_value_that_is_no_text_is_json_text_and_its_type_is_named(revenue: Revenue) -> None:
    known = revenue.sandbox.account.opportunities
    kinds: list[t.Any] = [
        "text \N{SPARKLES}",
        "",
        "3",
        3,
        0.1,
        12345678901234567,
        1e22,
        True,
        False,
        [],
        [1, "a", None],
        {},
        {"b": {"c": [0.5]}},
        None,
    ]
    chosen = next(iter(known))
    known[chosen]["fields"] = [
        {"id": str(number), "value": kind, "originalValue": kinds[-number - 1]}
        for number, kind in enumerate(kinds)
    ]
    run = revenue.tap.run("opportunities", opportunity_ids=[*known])
    assert run.returncode == 0, run.log
    fields = run.by_id("opportunities")[chosen]["fields"]
    for name, truth in (("value", kinds), ("originalValue", kinds[::-1])):
        told = [field[name] for field in fields]
        for each, wanted in zip(told, truth, strict=True):
            if wanted is None or isinstance(wanted, str):
                assert each == wanted
            else:
                # By their text, since to Python 1 is True.
                assert repr(json.loads(each)) == repr(wanted)
    types = [field.get("valueType") for field in fields]
    texts = [None, None, None]
    numbers = ["number"] * 4
    assert types == [*texts, *numbers, "boolean", "boolean", *["array"] * 2, *["object"] * 2, None]
    assert not run.warnings


@pytest.mark.parametrize("status", [400, 404, 410, 413, 500, 502])
def test_one_that_clari_fails_on_does_not_keep_the_others_away(
    revenue: Revenue, impatient: str, status: int
) -> None:
    known = revenue.sandbox.account.opportunities
    bad = list(known)[len(known) // 2]
    revenue.sandbox.faults.add(path=PATH, params={"oppId": bad}, times=None, status=status)
    run = Tap(impatient, revenue.tap.config).run("opportunities", opportunity_ids=list(known))
    assert_same(run, "opportunities", [each for key, each in known.items() if key != bad])
    [error] = [line for line in run.warnings if "is left out" in line]
    assert f"opportunities: {bad} cannot be read" in error


def test_fewer_are_asked_for_where_an_answer_would_be_too_large(
    revenue: Revenue, impatient: str
) -> None:
    account = revenue.sandbox.account
    account.most_opportunities = 7
    known = account.opportunities
    run = Tap(impatient, revenue.tap.config).run("opportunities", opportunity_ids=list(known))
    assert_same(run, "opportunities", list(known.values()))
    assert "is left out" not in run.log


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_fault_of_all_of_them_ends_the_stream_with_few_requests(
    revenue: Revenue, impatient: str, status: int
) -> None:
    revenue.sandbox.faults.add(path=PATH, times=None, status=status)
    ids = [f"006{number}" for number in range(100)]
    run = Tap(impatient, revenue.tap.config).run("opportunities", opportunity_ids=ids)
    assert run.returncode == 1
    assert f"HTTP {status}" in run.last_word
    assert not run.records
    assert len(asked(revenue)) < 60
