"""Copilot and Revenue show one company: what one API says of a deal, the other says too."""

from __future__ import annotations

import typing as t
from collections import defaultdict

import pytest

from tests.clari.conftest import config, revenue_config
from tests.running import Run, Tap
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.running import Record

STREAMS = (
    *(
        "calls",
        "call_details",
        "call_turns",
        "users",
        "scorecards",
        "accounts",
        "contacts",
        "deals",
    ),
    *("activities", "opportunities", "opportunity_changes", "forecast_entries", "forecast_users"),
    *("forecast_time_periods", "forecast_time_frames"),
)


@pytest.fixture(scope="module", params=[60, 700])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Both APIs of a company, of any size, with all that was ever there."""
    with (
        CopilotSandbox(calls=request.param, requests_per_second=None) as copilot,
        RevenueSandbox(copilot=copilot, activities=200) as revenue,
    ):
        revenue.exports.seconds = 0.1
        settings = {
            **config(copilot, start_date="2025-01-01", include_private_calls=True),
            **revenue_config(revenue),
            "opportunity_ids": [*revenue.account.opportunities],
            "time_periods": revenue.account.periods,
        }
        run = Tap("tap-clari", settings).run(*STREAMS)
        assert run.returncode == 0, run.log
        yield run


def fields(opportunity: Record) -> dict[str, t.Any]:
    """The values of an opportunity by their names."""
    return {
        each["id"].removeprefix("opportunity."): each["value"] for each in opportunity["fields"]
    }


def filed(run: Run, stream: str = "calls") -> Iterator[tuple[Record, Record]]:
    """Calls that are filed under a deal, and where."""
    for call in run.records[stream]:
        info = call.get("crm_info") or {}
        if info.get("deal_id"):
            yield call, info


def test_a_deal_is_an_opportunity(run: Run) -> None:
    opportunities = run.by_id("opportunities")
    histories: defaultdict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for change in run.records["opportunity_changes"]:
        if change["fieldId"] == "opportunity.stage":
            told = change["date"], change["oldValue"], change["newValue"]
            histories[change["opportunityId"]].append(told)
    assert len(run.records["deals"]) >= 5
    for deal in run.records["deals"]:
        shown = fields(opportunities[deal["crm_id"]])
        assert shown["name"] == deal["deal_name"]
        assert float(shown["amount"]) == float(deal["amount"])
        assert shown["stage"] == deal["stage"]
        assert shown["forecastCategory"] == deal["forecast_category"]
        assert shown["closeDate"] == deal["close_date"][:10]
        assert f'"{deal["owner_crm_id"]}"' in shown["owner"]
        assert sorted(histories[deal["crm_id"]]) == [
            (each["date_changed"], each["prev_stage"], each["stage"])
            for each in deal["stage_change_history"]
        ]


def test_a_call_shows_its_deal_and_account(run: Run) -> None:
    deals, accounts = run.by_id("deals", "crm_id"), run.by_id("accounts", "crm_id")
    contacts = run.by_id("contacts", "crm_id")
    there = 0
    for call, info in filed(run, "call_details"):
        for contact_id, guest in zip(
            info["contact_ids"], call["externalParticipants"], strict=True
        ):
            contact = contacts.get(contact_id)
            if contact:
                assert contact["account_crm_id"] == info["account_id"]
                assert contact["emails"] == [*filter(None, [guest.get("email")])]
        if info["account_id"] in accounts:
            assert call.get("account_name") in (accounts[info["account_id"]]["name"], None)
        deal = deals.get(info["deal_id"])
        if not deal:
            continue
        there += 1
        assert deal["account_crm_id"] == info["account_id"]
        for name, of_deal in (
            ("deal_name", "deal_name"),
            ("deal_value", "amount"),
            ("deal_close_date", "close_date"),
            ("deal_stage_live", "stage"),
        ):
            assert call.get(name) in (deal[of_deal], None)
        later = [
            each["prev_stage"]
            for each in deal["stage_change_history"]
            if each["date_changed"] > (call.get("time") or "")
        ]
        assert call.get("deal_stage_before_call") in ([*later, deal["stage"]][0], None)
    assert there > 10


def test_a_deal_knows_its_last_call(run: Run) -> None:
    held: defaultdict[str, list[str]] = defaultdict(list)
    for call, info in filed(run, "call_details"):
        if call.get("time"):
            held[info["deal_id"]].append(call["time"][:19])
    for deal in run.records["deals"]:
        last = (deal.get("last_contacted") or "")[:19]
        assert last == max(held[deal["crm_id"]], default="")


def test_a_call_is_an_activity(run: Run) -> None:
    activities: defaultdict[t.Any, list[Record]] = defaultdict(list)
    for each in run.records["activities"]:
        activities[each["date"]].append(each)
    crm_ids = {user["email"]: user["crmId"] for user in run.records["forecast_users"]}
    calls = [call for call in run.records["calls"] if call.get("time")]
    assert len(calls) > 50
    for call in calls:
        emails = [each["userEmail"] for each in call["users"]]
        emails += [each.get("email") or "" for each in call["externalParticipants"]]
        [activity, *_] = [
            each
            for each in activities[call["time"]]
            if [person["email"] for person in each["participants"]] == emails
        ]
        assert activity["activityType"] == "MEETING"
        assert activity["subject"] == (call.get("title") or "")
        organizer = call["users"][0]["userEmail"]
        assert crm_ids.get(organizer) in (activity["activityOwnerId"], None)
        info = call.get("crm_info") or {}
        for kind, name, in_call in (
            ("account", "accounts", info.get("account_id")),
            ("opportunity", "opportunities", info.get("deal_id")),
        ):
            assert [each[f"{kind}Id"] for each in activity[name]] == [in_call] * bool(in_call)


def test_the_people_of_an_activity_fit_its_account(run: Run) -> None:
    contacts = {email: each for each in run.records["contacts"] for email in each["emails"]}
    opportunities, known = run.by_id("opportunities"), 0
    for activity in run.records["activities"]:
        for account in activity["accounts"]:
            for each in activity["participants"]:
                contact = contacts.get(each["email"])
                if contact:
                    known += 1
                    assert contact["account_crm_id"] == account["accountId"]
        for about in activity["opportunities"]:
            shown = opportunities.get(about["opportunityId"])
            if shown:
                assert fields(shown)["name"] == about["opportunityName"]
                assert f'"{about["opportunityOwnerId"]}"' in fields(shown)["owner"]
    assert known > 50


def test_the_forecast_counts_the_opportunities(run: Run) -> None:
    reps = {
        (user["forecastId"], user["userId"]): user["crmId"]
        for user in run.records["forecast_users"]
        if "Rep" in user["hierarchyName"]
    }
    frames = sorted(run.records["forecast_time_frames"], key=lambda each: each["startDate"])
    newest = {(each["forecastId"], each["timePeriodId"]): each["timeFrameId"] for each in frames}
    told: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for entry in run.records["forecast_entries"]:
        forecast, period = entry["forecastId"], entry["timePeriodId"]
        crm_id = reps.get((forecast, entry["userId"]))
        if crm_id and entry["timeFrameId"] == newest[forecast, period]:
            for name in ("crmTotal", "crmClosed"):
                told[forecast, period, crm_id, entry["fieldId"], name] += entry.get(name) or 0
    counted: defaultdict[tuple[str, ...], float] = defaultdict(float)
    counting = {"Closed": 3, "Commit": 2, "Best Case": 1}
    for shown in map(fields, run.records["opportunities"]):
        crm_id = next(each for each in reps.values() if f'"{each}"' in shown["owner"])
        for period in run.records["forecast_time_periods"]:
            forecast, label = period["forecastId"], period["timePeriodId"]
            is_in_tab = forecast == "net_arr" or shown["type"] == "Renewal"
            if not is_in_tab or not period["startDate"] <= shown["closeDate"] <= period["endDate"]:
                continue
            wanted = ("best_case", "commit", "closed")[: counting.get(shown["forecastCategory"], 0)]
            for field in wanted:
                counted[forecast, label, crm_id, field, "crmTotal"] += float(shown["amount"])
            if "closed" in wanted:
                counted[forecast, label, crm_id, "closed", "crmClosed"] += float(shown["amount"])
    assert {key: each for key, each in told.items() if each} == counted
    assert {name for *_, name in counted} == {"crmTotal", "crmClosed"}


def test_managers_are_the_same(run: Run) -> None:
    users = run.by_id("users")
    people = {
        (each["forecastId"], each["hierarchyId"]): each for each in run.records["forecast_users"]
    }
    emails = {each["email"]: each for each in users.values()}
    for person in people.values():
        above = people.get((person["forecastId"], person.get("parentHierarchyId") or ""))
        manager = users.get(emails[person["email"]].get("manager_id") or "")
        assert (manager or {}).get("email") == (above or {}).get("email")


def test_a_scorecard_is_of_somebody_who_was_in_the_call(run: Run) -> None:
    calls, users = run.by_id("call_details"), run.by_id("users")
    assert run.records["scorecards"]
    for card in run.records["scorecards"]:
        call, rep = calls[card["call_id"]], users[card["rep"]]
        assert rep["id"] in {each["userId"] for each in call["users"]}
        assert card["scorer"] == (rep.get("manager_id") or rep["id"])
        scores = [each["score"] for each in card.get("questions_score") or ()]
        assert not scores or card["total_score"] == pytest.approx(20 * sum(scores) / len(scores))


def test_the_metrics_of_a_call_are_those_of_its_turns(run: Run) -> None:
    said: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for turn in run.records["call_turns"]:
        said[turn["call_id"]][turn["side"]] += turn["end"] - turn["start"]
    assert said
    for call_id, call in run.by_id("call_details").items():
        whole = sum(said[call_id].values())
        ratio = said[call_id]["internal"] / whole
        assert call["metrics"]["talk_listen_ratio"] == pytest.approx(ratio, abs=1e-4)
        assert call["metrics"]["total_speak_duration"] == pytest.approx(whole, abs=0.01)
