"""The local Copilot API answers as the vendor documents it, over real sockets."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.running import BIN
from tests.sandbox import local_api
from tests.sandbox.copilot import ABSENT, FORBIDDEN, SIGNATURE, CopilotSandbox
from tests.sandbox.instants import micros
from tests.sandbox.traffic import Exchange, TrafficLog
from tests.sandbox_selftest.client import ApiClient, Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.copilot.account import Account
    from tests.sandbox.faults import FaultOptions

    Json = dict[str, Any]

PATHS = [
    "/topics",
    "/v2/topics",
    "/scorecard",
    "/scorecard-template",
    "/calls",
    "/call-details",
    "/users",
    "/get-account",
    "/get-contact",
    "/get-deal",
]
YEAR = {"filterModifiedGt": "2025-10-01T00:00:00Z", "filterModifiedLt": "2026-10-01T00:00:00Z"}


class Client(ApiClient):
    """Asks one sandbox."""

    def __init__(self, sandbox: CopilotSandbox) -> None:
        super().__init__(sandbox, sandbox.headers)
        self.sandbox = sandbox

    def answer(self, path: str, **params: Any) -> requests.Response:
        """Send a request, and follow no redirect."""
        return self.ask(path, params=params, allow_redirects=False)

    def json(self, path: str, **params: Any) -> Json:
        """Return the body of an answer that must be good."""
        answer = self.answer(path, **params)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "application/json"
        body: Json = answer.json()
        return body

    def matched(self, **params: Any) -> int:
        """Return how many calls match."""
        found: int = self.json("/calls", **params)["pagination"]["matched"]
        return found

    def all_calls(self, **params: Any) -> list[Json]:
        """Return the calls of all pages."""
        calls: list[Json] = []
        while True:
            page = self.json("/calls", skip=len(calls), limit=100, **params)
            calls += page["calls"]
            if not page["pagination"]["hasMore"]:
                return calls
            assert page["pagination"]["nextPageSkip"] == len(calls)

    def statuses(self, count: int, path: str = "/users") -> list[int]:
        """Send requests one after the other."""
        return [self.answer(path).status_code for _ in range(count)]


def opened(**options: Any) -> CopilotSandbox:
    return CopilotSandbox(**{"requests_per_second": None, **options})


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    """A client of an account that no test changes."""
    with opened(calls=500, seed=3, undated=4) as sandbox:
        yield Client(sandbox)


@pytest.fixture
def client() -> Iterator[Client]:
    """A client of an account that the test may change."""
    with opened(calls=300, seed=5) as sandbox:
        yield Client(sandbox)


# Authentication and routes


@pytest.mark.parametrize("path", PATHS)
def test_credentials(shared: Client, path: str) -> None:
    for key, password, status in (
        (None, None, 401),
        (shared.sandbox.api_key, None, 401),
        (None, shared.sandbox.api_password, 401),
        ("wrong", shared.sandbox.api_password, 401),
        (shared.sandbox.api_key, "wrong", 401),
        (FORBIDDEN, shared.sandbox.api_password, 401),
        (FORBIDDEN, FORBIDDEN, 403),
    ):
        headers = {"X-Api-Key": key, "X-Api-Password": password}
        answer = shared.session.get(shared.sandbox.url + path, headers=headers, timeout=20)
        assert answer.status_code == status, headers
        assert list(answer.json()) == ["errorMessage"]


@pytest.mark.parametrize("path", ["/", "/call", "/calls/", "/v1/topics", "/create-call"])
def test_unknown_paths(shared: Client, path: str) -> None:
    answer = shared.answer(path)
    assert (answer.status_code, list(answer.json())) == (404, ["errorMessage"])


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
def test_other_methods(shared: Client, path: str, method: str) -> None:
    answer = shared.session.request(method, shared.sandbox.url + path, timeout=20)
    assert answer.status_code == 405


# Parameters

BAD = {
    "/calls": """unknown=1 skip=-1 skip=10001 skip=1.0 skip=1e2 skip= skip=%D9%A3 skip=1&skip=1
        limit=0 limit=101 limit=ten limit limit=1&&skip=1 filterStatus=DONE filterStatus=processed
        filterStatus=PROCESSED,SCHEDULED filterStatus=PROCESSED&filterStatus=NO
        filterStatus[]=PROCESSED filterModifiedGt=2020-01-01 filterModifiedGt=2020-01-01T00:00:00
        filterModifiedGt=2020-01-01T00:00:00+0000 filterModifiedGt=2020-02-30T00:00:00Z
        filterModifiedGt=2020-01-01T24:00:00Z filterModifiedGt=2020-01-01%2000:00:00Z
        filterModifiedGt=yesterday filterModifiedGt= filterTimeGt=1577836800
        filterModifiedLt=2020-01-01T00:00:00Z&filterModifiedLt=2020-01-01T00:00:00Z
        filterTimeLt=2020-01-01T00:00:00%2B99:00 sortTime=ASC sortTime=%FF includePrivate=True
        includePrivate=yes includeAudio=1 includeVideo=True includePagination=0
        filterUser=a filterType=ZOOM filterDurationGt=60 sortProcessed=asc""",
    "/call-details": "id= id=a&id=b id=a&includePrivate=true id=a&includeAudio=True",
    "/get-account": "id=",
    "/get-contact": "crm_id=a",
    "/get-deal": "id=a&limit=1",
    "/users": "limit=1",
    "/topics": "filterModifiedGt=2020-01-01T00:00:00Z",
    "/v2/topics": "filterModifiedGt=2020-01-01T00:00:00Z limit=1",
    "/scorecard": "limit=101 skip=10001 filterTimeGt=now filterRepId=a includePagination=true",
    "/scorecard-template": "limit=1",
}


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/call-details", ""),
        ("/get-account", ""),
        *((path, query) for path, queries in BAD.items() for query in queries.split()),
    ],
)
def test_bad_parameters(shared: Client, path: str, query: str) -> None:
    answer = shared.answer(f"{path}?{query}")
    assert (answer.status_code, list(answer.json())) == (400, ["errorMessage"])


INSTANTS = """2026-01-01T00:00:00.000Z 2026-01-01T00:00:00.123456789Z 2026-01-01T00:00:00+0000
    2026-01-01T00:00:00+00:00 2026-01-01T02:00:00.000+0200 2025-12-31T19:00:00-05:00"""


@pytest.mark.parametrize("instant", INSTANTS.split())
def test_forms_of_instants(shared: Client, instant: str) -> None:
    same = shared.matched(filterModifiedGt="2026-01-01T00:00:00Z")
    assert shared.matched(filterModifiedGt=instant) == same < 476


@pytest.mark.parametrize("word", ["true", "1", "false", "0"])
def test_words_for_private(shared: Client, word: str) -> None:
    wanted = shared.sandbox.account.call_ids(private=word in {"true", "1"})
    assert shared.matched(includePrivate=word) == len(wanted)


# Lists of calls


def test_defaults(shared: Client) -> None:
    page = shared.json("/calls")
    account = shared.sandbox.account
    assert [call["id"] for call in page["calls"]] == account.call_ids(private=False)[:25]
    assert page["pagination"] == {
        "matched": len(account.call_ids(private=False)),
        "hasMore": True,
        "nextPageSkip": 25,
    }
    assert len(shared.json("/scorecard")["scorecards"]) == 50
    assert list(shared.json("/calls", includePagination="false")) == ["calls"]
    assert len(account.call_ids()) - len(account.call_ids(private=False)) == 25


def test_pages_hold_every_call_once(shared: Client) -> None:
    account = shared.sandbox.account
    calls = shared.all_calls(includePrivate="true")
    assert [call["id"] for call in calls] == account.call_ids()
    assert calls == [account.listed(call["id"]) for call in calls]
    assert len({call["id"] for call in calls}) == 504
    past = shared.json("/calls", skip=10_000, limit=100)
    assert past["calls"] == []
    assert past["pagination"]["hasMore"] is False


def test_signed_urls_only_when_asked_for(shared: Client) -> None:
    assert SIGNATURE not in shared.answer("/calls", limit=100).text
    audio = shared.json("/calls", limit=100, includeAudio="true", filterStatus="PROCESSED")
    assert all(SIGNATURE in call["audio_url"] for call in audio["calls"])
    assert all("video_url" not in call for call in audio["calls"])
    one = audio["calls"][0]["id"]
    details = shared.json("/call-details", id=one, includeVideo="true")["call"]
    assert SIGNATURE in details["video_url"]
    assert "audio_url" not in details


def test_order(shared: Client) -> None:
    def times(**params: str) -> list[int]:
        return [
            micros(call["time"]) for call in shared.all_calls(**YEAR, **params) if "time" in call
        ]

    ascending = times(sortTime="asc")
    assert ascending == sorted(ascending)
    assert times() not in (ascending, ascending[::-1])


@pytest.mark.parametrize("bounds", ["strict", "inclusive"])
@pytest.mark.parametrize("field", [("Modified", "last_modified_time"), ("Time", "time")])
def test_bounds(bounds: str, field: tuple[str, str]) -> None:
    name, key = field
    with opened(calls=400, bounds=bounds, undated=5) as sandbox:
        client = Client(sandbox)
        truth = [sandbox.account.listed(i) for i in sandbox.account.call_ids()]
        dated = sorted({micros(call[key]) for call in truth if key in call})
        texts = {micros(call[key]): call[key] for call in truth if key in call}
        low, high = dated[40], dated[-40]
        found = client.all_calls(
            includePrivate="true",
            **{f"filter{name}Gt": texts[low], f"filter{name}Lt": texts[high]},
        )
        strict = bounds == "strict"
        wanted = {
            call["id"]
            for call in truth
            if key in call
            and (low < micros(call[key]) < high if strict else low <= micros(call[key]) <= high)
        }
        assert {call["id"] for call in found} == wanted
        assert client.matched(**{f"filter{name}Gt": "1970-01-01T00:00:00Z"}) < len(truth)


def test_filters_work_together(shared: Client) -> None:
    begin, end = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"
    statuses = ["PROCESSED", "POST_PROCESSING_DONE"]
    found = shared.all_calls(**YEAR, filterTimeGt=begin, filterTimeLt=end, filterStatus=statuses)
    account = shared.sandbox.account
    wanted = [
        call
        for call in map(account.listed, account.call_ids(private=False))
        if call["status"] in statuses
        and "last_modified_time" in call
        and micros(begin) < micros(call.get("time", "1970-01-01T00:00:00Z")) < micros(end)
    ]
    assert found == wanted != []


# Other records


def test_details(shared: Client) -> None:
    account = shared.sandbox.account
    for call_id in account.call_ids()[:60]:
        details = shared.json("/call-details", id=call_id)
        assert list(details) == ["call"]
        assert details["call"] == account.call(call_id)
        assert account.listed(call_id).items() <= details["call"].items()
    assert shared.answer("/call-details", id="0" * 24).status_code == 404


def test_users_and_topics(shared: Client) -> None:
    account = shared.sandbox.account
    assert shared.json("/users") == {"users": account.users()}
    assert shared.json("/topics") == {"topics": account.keyword_topics()}
    assert shared.json("/v2/topics") == {"topics": account.topics()}


def test_scorecards() -> None:
    with opened(calls=100, scorecards=10_200) as sandbox:
        client = Client(sandbox)
        truth = sandbox.account.scorecards()
        last = client.json("/scorecard", skip=10_000, limit=100)
        assert last["scorecards"] == truth[10_000:10_100]
        assert last["pagination"] == {"matched": 10_200, "hasMore": True, "nextPageSkip": 10_100}
        cut = "2026-03-01T00:00:00.0005Z"  # finer than a time of any of them
        parts = [
            client.json("/scorecard", **{name: cut})["pagination"]["matched"]
            for name in ("filterTimeLt", "filterTimeGt")
        ]
        assert sum(parts) == 10_200
        assert all(parts)
        templates = client.json("/scorecard-template")
        assert templates == {"scoreCardTemplates": sandbox.account.scorecard_templates()}
        ids = {template["id"] for template in templates["scoreCardTemplates"]}
        assert {card["template_id"] for card in truth} == ids


def test_crm_objects(shared: Client) -> None:
    account = shared.sandbox.account
    for path, objects in (
        ("/get-account", account.accounts()),
        ("/get-contact", account.contacts()),
        ("/get-deal", account.deals()),
    ):
        assert len(objects) < 80
        for record in objects:
            assert shared.json(path, id=record["crm_id"]) == record
    calls = map(account.listed, account.call_ids())
    infos = [call["crm_info"] for call in calls if "crm_info" in call]
    known = {record["crm_id"] for record in account.accounts()}
    gone = {info["account_id"] for info in infos} - known
    assert gone
    assert known & {info["account_id"] for info in infos}
    assert {shared.answer("/get-account", id=crm_id).status_code for crm_id in gone} == {404}


def test_data_depends_on_the_seed_alone() -> None:
    first, second, other = (CopilotSandbox(calls=40, seed=seed).account for seed in (1, 1, 2))
    ids = first.call_ids()
    assert ids == second.call_ids()
    assert [first.call(i) for i in ids] == [second.call(i) for i in ids]
    assert not set(ids) & set(other.call_ids())


def test_data_is_as_varied_as_life() -> None:
    account = CopilotSandbox(calls=3000).account
    calls = [account.call(call_id) for call_id in account.call_ids()]
    turns = [len(call["transcript"]) for call in calls if call.get("transcript")]
    assert max(turns) == 400
    assert 30 < sum(turns) / len(turns) < 50
    text = "".join(turn["text"] for call in calls for turn in call.get("transcript", []))
    assert all(mark in text for mark in ["\u2028", "\u0085", '"', "\n", "🙂", "本日"])
    times = [call["last_modified_time"] for call in calls]
    assert {time[-5:] == "+0000" for time in times} == {True, False}
    assert {"." in time for time in times} == {True, False}
    assert len({micros(time) for time in times}) < len(times)
    assert len({call["status"] for call in calls}) == 17
    assert {call.get("deal_value", ABSENT) for call in calls} > {None, ABSENT}
    assert {type(user["personId"]) for call in calls for user in call["users"]} == {int, str}
    sentiments = [each for call in calls for each in call.get("competitor_sentiments", [])]
    assert {type(each["personId"]) for each in sentiments} == {str}
    assert {len(call["id"]) for call in calls} == {24}
    assert any("time" not in call for call in calls)


def recorded(account: Account) -> list[Json]:
    """Return the calls that have a transcript, in full."""
    calls = map(account.call, account.call_ids())
    return [call for call in calls if call["status"] in {"PROCESSED", "POST_PROCESSING_DONE"}]


def persons(people: list[Json]) -> dict[int, Json]:
    """Return people of a call by their ids, which are text at times."""
    return {int(each["personId"]): each for each in people}


def test_a_call_is_counted_by_its_turns(shared: Client) -> None:
    for call in recorded(shared.sandbox.account):
        metrics, turns, ours = call["metrics"], call["transcript"], persons(call["users"])
        lengths = [turn["end"] - turn["start"] for turn in turns]
        by_us = [int(turn["personId"]) in ours for turn in turns]
        asked = [turn["text"][-1] in "?\uff1f\u061f" for turn in turns]
        said = sum(lengths)
        assert metrics["total_speak_duration"] == pytest.approx(said, abs=0.01)
        assert metrics["talk_listen_ratio"] == pytest.approx(
            sum(length for length, our in zip(lengths, by_us, strict=True) if our) / said, abs=1e-4
        )
        assert metrics["num_questions_asked"] == sum(asked)
        assert metrics["num_questions_asked_by_reps"] == sum(map(min, asked, by_us))
        answered = sum(map(min, asked, by_us, [not our for our in by_us[1:]]))
        assert metrics.get("engaging_questions") in (answered, None)
        longest = metrics["longest_monologue_duration"]
        assert longest == pytest.approx(max(lengths), abs=0.01)
        at = [turn["start"] for turn in turns].index(metrics["longest_monologue_start_time"])
        assert lengths[at] == pytest.approx(longest, abs=0.01)
        ends = [turn["end"] for turn in turns]
        assert all(end <= turn["start"] for end, turn in zip(ends, turns[1:], strict=False))
        assert ends[-1] <= metrics["call_duration"]


def test_topics_are_found_where_they_are_spoken_of(shared: Client) -> None:
    topics = {topic["topic_name"]: topic for topic in shared.sandbox.account.topics()}
    names = {user["id"]: user["name"] for user in shared.sandbox.account.users()}
    found = 0
    for call in recorded(shared.sandbox.account):
        turns = {turn["start"]: turn for turn in call["transcript"]}
        users, guests = persons(call["users"]), persons(call["externalParticipants"])
        told = [
            annotation.get("category") or annotation["label"]
            for turn in turns.values()
            for annotation in turn.get("annotations", [])
        ]
        categories = call["metrics"]["categories"]
        assert {each["name"] for each in categories} == {*told} & topics.keys()
        for category in categories:
            topic = topics[category["name"]]
            assert category["occurences"] == told.count(category["name"])
            assert category["occurences"] == len(category["phrases_matched"])
            assert category["ai_detected"] == (topic["type"] == "CUSTOM")
            for phrase in category["phrases_matched"]:
                turn = turns[phrase["time"]]
                assert phrase["text"] in turn["text"]
                if topic["type"] == "KEYWORD":
                    assert phrase["text"] in topic["keyword_topic"]["trackers"]
                person = int(turn["personId"])
                user = users.get(person, {}).get("userId")
                assert phrase.get("user_id") == user
                assert phrase["name"] == (names[user] if user else guests[person]["name"])
                found += 1
        discussed = (call.get("summary") or {}).get("topics_discussed", categories)
        assert {each["name"] for each in discussed} == {each["name"] for each in categories}
    assert found > 100


def test_who_speaks_has_joined_and_who_joined_was_invited(shared: Client) -> None:
    absent = tasks = rivals = 0
    for call in recorded(shared.sandbox.account):
        invited = {**persons(call["externalParticipants"]), **persons(call["users"])}
        joined = persons(call["joinedParticipants"])
        turns = {clock(turn["start"]): turn for turn in call["transcript"]}
        assert {int(turn["personId"]) for turn in turns.values()} <= joined.keys() <= {*invited}
        absent += len(invited) - len(joined)
        for person, each in joined.items():
            mail = invited[person].get("userEmail") or invited[person].get("email")
            assert each.get("email") == mail
        for rival in call["competitor_sentiments"]:
            turn = turns[rival["turn_start_time"]]
            assert rival["competitor_name"] in turn["text"]
            assert rival["personId"] == str(turn["personId"])
            rivals += 1
        for task in (call.get("summary") or {}).get("key_action_items", []):
            turn = turns[task["start_timestamp"]]
            assert task["action_item"] == turn["text"]
            assert task["speaker_name"] == joined[int(turn["personId"])]["name"]
            assert task["end_timestamp"] in (clock(turn["end"]), None)
            tasks += 1
    assert min(absent, rivals, tasks) > 20


def clock(seconds: float) -> str:
    """Write a place in a call as Copilot does."""
    return time.strftime("%H:%M:%S", time.gmtime(int(seconds)))


# Mutation


def test_burst_lies_within_one_second() -> None:
    with opened(calls=50, burst=(11_000, "2026-03-01T12:00:00Z")) as sandbox:
        client = Client(sandbox)
        second = {
            "filterModifiedGt": "2026-03-01T11:59:59.999Z",
            "filterModifiedLt": "2026-03-01T12:00:01Z",
            "includePrivate": "true",
        }
        assert client.matched(**second) == 11_000
        page = client.json("/calls", **second, skip=10_000, limit=100, sortTime="asc")
        assert page["pagination"] == {"matched": 11_000, "hasMore": True, "nextPageSkip": 10_100}
        burst = [sandbox.account.listed(i) for i in sandbox.account.call_ids()[50:]]
        starts = [micros(call["time"]) for call in burst]
        assert max(starts) - min(starts) > 300 * 86_400 * 1_000_000
        assert len({call["last_modified_time"][:23] for call in burst}) > 900
    start = "2026-02-01T09:00:00Z"
    with opened(burst=(500, "2026-03-01T12:00:00Z"), burst_call_time=start) as sandbox:
        account = sandbox.account
        starts = [micros(account.listed(i)["time"]) for i in account.call_ids()[12:]]
        assert {*starts} == {micros(start)}


def test_undated_calls(shared: Client) -> None:
    undated = shared.sandbox.account.call_ids()[-4:]
    for call_id in undated:
        call = shared.json("/call-details", id=call_id)["call"]
        assert call["status"] == "SCHEDULED"
        assert "last_modified_time" not in call
    found = shared.all_calls(filterModifiedGt="1970-01-01T00:00:00Z", includePrivate="true")
    assert not {call["id"] for call in found} & set(undated)


def test_touch_moves_a_call(client: Client) -> None:
    account = client.sandbox.account
    call_id = account.call_ids(private=False)[3]
    late = {"filterModifiedGt": "2026-10-01T00:00:00Z"}
    assert client.json("/calls", **late)["calls"] == []
    account.touch(call_id, modified="2026-10-02T00:00:00.250Z", status="ERROR_IN_PROCESSING")
    (call,) = client.json("/calls", **late)["calls"]
    assert call["id"] == call_id
    assert call["status"] == "ERROR_IN_PROCESSING"
    assert micros(call["last_modified_time"]) == micros("2026-10-02T00:00:00.250Z")
    account.touch(call_id, modified="2025-12-01T00:00:00Z", time="2025-11-30T00:00:00Z")
    assert client.json("/calls", **late)["calls"] == []
    found = client.all_calls(**YEAR, includePrivate="true")
    assert len(found) == 300
    with pytest.raises(ValueError, match="millisecond"):
        account.touch(call_id, modified="2026-10-02T00:00:00.2501Z")


def test_deleted_and_vanished_calls(client: Client) -> None:
    account = client.sandbox.account
    deleted, vanished = account.call_ids(private=False)[:2]
    account.delete(deleted)
    account.vanish(vanished)
    listed = {call["id"] for call in client.all_calls()}
    assert deleted not in listed
    assert vanished in listed
    assert client.answer("/call-details", id=deleted).status_code == 404
    assert client.answer("/call-details", id=vanished).status_code == 404
    with pytest.raises(KeyError):
        account.listed(deleted)
    with pytest.raises(KeyError):
        account.call(vanished)


def test_added_calls(client: Client) -> None:
    account = client.sandbox.account
    before = client.matched(includePrivate="true", **YEAR)
    added = account.add(
        30, modified_from="2026-04-01T00:00:00Z", modified_to="2026-04-01T01:00:00Z"
    )
    assert len(set(added)) == 30
    assert client.matched(includePrivate="true", **YEAR) == before + 30
    for call_id in added:
        modified = micros(account.listed(call_id)["last_modified_time"])
        assert 0 <= modified - micros("2026-04-01T00:00:00Z") <= 3600 * 1_000_000


def test_overrides(client: Client) -> None:
    account = client.sandbox.account
    call_id = account.call_ids(private=False)[0]
    fields = {"title": "a\u0000b", "type": ["?"], "new": {"deep": [{"er": 1}]}, "id": 7}
    account.override(call_id, **fields, call_review_page_url=ABSENT)
    listed = client.json("/calls", limit=1)["calls"][0]
    assert fields.items() <= listed.items()
    assert "call_review_page_url" not in listed
    assert fields.items() <= client.json("/call-details", id=call_id)["call"].items()
    user, deal = account.users()[1], account.deals()[0]
    account.override_record("user", user["id"], role=5, extra=None)
    account.override_record("deal", deal["crm_id"], amount=12.5)
    assert client.json("/users")["users"][1] == {**user, "role": 5, "extra": None}
    assert client.json("/get-deal", id=deal["crm_id"]) == {**deal, "amount": 12.5}


def test_truth_is_the_callers_to_change(client: Client) -> None:
    account = client.sandbox.account
    account.users()[0]["email"] = "changed"
    account.accounts()[0]["phones"].append("changed")
    account.listed(account.call_ids()[0])["users"].clear()
    assert "changed" not in str(account.users() + account.accounts())
    assert account.listed(account.call_ids()[0])["users"]


# Limits


def test_rate_limit_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(local_api, "time", clock)
    with opened(requests_per_second=10, retry_after=3) as sandbox:
        client = Client(sandbox)
        assert client.statuses(13) == [200] * 10 + [429] * 3
        assert client.answer("/users").headers["Retry-After"] == "3"
        clock.now += 1.05
        assert client.statuses(11) == [200] * 10 + [429]
        assert sandbox.traffic.count(status=429) == 5
        assert sandbox.traffic.count("/users") == 25
        assert sandbox.traffic.busiest_second() == 14
        sandbox.limits.requests_per_second = None
        assert client.statuses(20) == [200] * 20


def test_quota() -> None:
    with opened(weekly_quota=5) as sandbox:
        client = Client(sandbox)
        assert client.statuses(7) == [200] * 5 + [429] * 2
        assert "Retry-After" not in client.answer("/users").headers
        sandbox.limits.renew()
        assert client.statuses(1) == [200]


def test_latency_overlaps() -> None:
    with opened(latency=0.3) as sandbox, ThreadPoolExecutor(20) as pool:
        begin = time.monotonic()
        statuses = list(pool.map(lambda _: Client(sandbox).answer("/users").status_code, range(20)))
        assert statuses == [200] * 20
        assert 0.3 <= time.monotonic() - begin < 1.5


# Faults


def test_fault_status_spares_hits_and_ends(client: Client) -> None:
    rule = client.sandbox.faults.add(path="/users", after=1, times=2, status=503, retry_after=4)
    assert client.statuses(2, "/topics") == [200, 200]
    assert client.statuses(5) == [200, 503, 503, 200, 200]
    assert (rule.seen, rule.hits) == (5, 2)
    client.sandbox.faults.add(status=429, retry_after="Wed, 21 Oct 2026 07:28:00 GMT", times=None)
    answer = client.answer("/calls")
    assert answer.headers["Retry-After"] == "Wed, 21 Oct 2026 07:28:00 GMT"
    assert list(answer.json()) == ["errorMessage"]
    assert client.statuses(3) == [429] * 3
    client.sandbox.faults.clear()
    assert client.statuses(1) == [200]
    client.sandbox.faults.add(status=500, body="oops")
    assert client.answer("/users").text == "oops"


def test_faults_follow_each_other_and_know_the_query(client: Client) -> None:
    client.sandbox.faults.add(status=500)
    client.sandbox.faults.add(status=502, times=2)
    assert client.statuses(4) == [500, 502, 502, 200]
    first, second = client.sandbox.account.call_ids()[:2]
    client.sandbox.faults.add(path="/call-details", params={"id": second}, status=500)
    assert client.answer("/call-details", id=first).status_code == 200
    assert client.answer("/call-details", id=second).status_code == 500


@pytest.mark.parametrize(("fault", "status"), [({"reset": True}, 0), ({"truncate": True}, 200)])
def test_faults_that_break_the_connection(client: Client, fault: FaultOptions, status: int) -> None:
    client.sandbox.faults.add(**fault)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        client.answer("/calls", limit=100)
    assert client.statuses(1) == [200]
    assert client.sandbox.traffic.count("/calls", status) == 1


def test_fault_half_json(client: Client) -> None:
    client.sandbox.faults.add(half_json=True)
    answer = client.answer("/users")
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()
    assert client.answer("/users").content.startswith(answer.content)


def test_fault_html_and_redirect_and_slow(client: Client) -> None:
    client.sandbox.faults.add(html=True)
    client.sandbox.faults.add(redirect="http://127.0.0.1:9/elsewhere")
    client.sandbox.faults.add(slow=0.4, after=2)
    page = client.answer("/users")
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    redirect = client.answer("/users")
    assert redirect.status_code == 302
    assert redirect.headers["Location"] == "http://127.0.0.1:9/elsewhere"
    begin = time.monotonic()
    assert client.statuses(1) == [200]
    assert time.monotonic() - begin >= 0.4


def test_fault_hook_changes_data_between_pages(client: Client) -> None:
    account = client.sandbox.account
    ids = account.call_ids(private=False)
    client.sandbox.faults.add(path="/calls", after=1, hook=lambda: account.delete(ids[0]))
    first = client.json("/calls", limit=10)["calls"]
    second = client.json("/calls", limit=10, skip=10)["calls"]
    assert [call["id"] for call in first] == ids[:10]
    assert [call["id"] for call in second] == ids[11:21]


@pytest.mark.parametrize(
    "options",
    [{}, {"status": 500, "reset": True}, {"retry_after": 3, "reset": True}, {"body": "x"}],
)
def test_faults_make_sense(client: Client, options: FaultOptions) -> None:
    with pytest.raises(ValueError, match=r"fault|retry_after"):
        client.sandbox.faults.add(**options)


def test_broken_sandbox_is_noticed() -> None:
    def broken() -> None:
        message = "broken hook"
        raise LookupError(message)

    sandbox = opened().__enter__()
    sandbox.faults.add(hook=broken)
    assert Client(sandbox).answer("/users").status_code == 500
    with pytest.raises(RuntimeError, match="sandbox failed") as caught:
        sandbox.__exit__(None, None, None)
    assert isinstance(caught.value.__cause__, LookupError)


# Traffic


def test_traffic_log(client: Client) -> None:
    client.answer("/users")
    client.answer("/calls", limit=1, filterStatus=["PROCESSED", "SCHEDULED"])
    requests.get(client.sandbox.url + "/calls", timeout=20)
    log = client.sandbox.traffic
    assert log.count() == 3
    assert log.count("/calls") == 2
    assert log.count("/calls", 401) == 1
    assert log.count("/nowhere") == 0
    assert log.count_with_credentials() == 2
    assert [(e.path, e.params, e.status, e.credentials) for e in log.exchanges("/calls")] == [
        (
            "/calls",
            [("limit", "1"), ("filterStatus", "PROCESSED"), ("filterStatus", "SCHEDULED")],
            200,
            True,
        ),
        ("/calls", [], 401, False),
    ]
    log.clear()
    assert log.count() == 0
    assert log.requests_per_second() == 0


def test_traffic_rates() -> None:
    log = TrafficLog(newest=3)
    for i in range(21):
        log.add(Exchange(100 + i / 10, "/calls", b"skip=%d" % i, credentials=True, method="GET"))
    assert log.busiest_second() == 10
    assert log.requests_per_second() == pytest.approx(10)
    params = [exchange.params for exchange in log.exchanges()]
    assert params == [None] * 18 + [[("skip", str(i))] for i in (18, 19, 20)]


# Life and size


def test_stops_quickly() -> None:
    with opened() as sandbox:
        clients = [Client(sandbox) for _ in range(5)]
        assert [client.answer("/users").status_code for client in clients] == [200] * 5
        begin = time.monotonic()
    assert time.monotonic() - begin < 1
    with ThreadPoolExecutor(1) as pool:
        with opened(latency=30) as sandbox:
            pending = pool.submit(Client(sandbox).answer, "/users")
            while not sandbox.traffic.count():
                time.sleep(0.01)
            begin = time.monotonic()
        assert time.monotonic() - begin < 1.5
        assert isinstance(pending.exception(5), requests.RequestException) or (
            pending.result().status_code == 500
        )


def test_serves_in_the_foreground() -> None:
    command = [sys.executable, "-m", "tests.sandbox", "--calls", "20"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("# ")
        lines = [process.stdout.readline().removeprefix("export ").strip() for _ in range(10)]
        told = dict(line.split("=", 1) for line in lines)
        account = told["TAP_CLARI_COPILOT_API_KEY"], told["TAP_CLARI_COPILOT_API_PASSWORD"]
        headers = dict(zip(("X-Api-Key", "X-Api-Password"), account, strict=True))
        url = told["TAP_CLARI_COPILOT_API_URL"]
        answer = requests.get(url + "/calls", headers=headers, timeout=20)
        assert answer.json()["pagination"]["matched"] == 19
        agents = requests.get(
            told["TAP_GLADLY_API_URL"] + "/api/v1/agents",
            auth=(told["TAP_GLADLY_USERNAME"], told["TAP_GLADLY_API_TOKEN"]),
            timeout=20,
        )
        assert agents.json()[0]["id"]
        # The lines are all that a tap needs to know.
        run = subprocess.run(
            [BIN / "tap-clari", "--config=ENV", "--test"],
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        process.terminate()
        assert process.wait(5) == 0


def test_a_million_calls() -> None:
    begin = time.monotonic()
    with opened(calls=1_000_000) as sandbox:
        client = Client(sandbox)
        for day, seconds in ((1, 15), (5, 1)):
            bounds = {"Gt": f"2026-03-0{day}T00:00:00Z", "Lt": f"2026-03-0{day + 1}T00:00:00Z"}
            window = {f"filterModified{name}": moment for name, moment in bounds.items()}
            assert len(client.json("/calls", **window, limit=100)["calls"]) == 100
            assert time.monotonic() - begin < seconds
            begin = time.monotonic()
