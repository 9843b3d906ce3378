"""The local Gladly answers as the vendor documents it, over real sockets."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import requests

from tests.sandbox import local_api
from tests.sandbox.gladly import limits as limits_of_gladly
from tests.sandbox.gladly.timestamps import nanos, of
from tests.sandbox_selftest.client import Clock
from tests.sandbox_selftest.gladly_client import BASE, JOBS, Client

if TYPE_CHECKING:
    import pytest


def test_lists(client: Client) -> None:
    account = client.gladly.account
    assert client.get("/organization") == account.organization
    for name in ("agents", "teams", "inboxes", "topics", "audiences", "webhooks"):
        assert client.get(f"/{name}") == getattr(account, name)
    assert client.get("/business-hours") == account.business_hours
    assert client.get("/export/schedules") == account.schedules
    assert client.get("/topics/x", 404)["errors"]["code"] == "not_exist"
    assert "null" not in json.dumps([account.agents, account.topics, account.webhooks])


def test_who_is_let_in(own: Client) -> None:
    gladly = own.gladly
    assert own.get("/agents") == gladly.account.agents
    assert requests.get(
        f"{gladly.url}{BASE}/agents", auth=(gladly.username, gladly.api_token), timeout=9
    ).ok
    org = gladly.account.organization["id"]
    for headers in ({"Authorization": None}, {"Authorization": "Basic eDp5"}):
        answer = own.ask("/agents", headers=headers)
        assert (answer.status_code, [*answer.json()]) == (401, ["errors"])
        assert own.ask(f"/orgs/{org}/answers", headers=headers).ok
    gladly.forbidden = True
    assert own.ask("/agents").status_code == 403
    gladly.gone = True
    assert own.ask("/agents", headers={"Authorization": None}).status_code == 404


def test_paths_methods_and_shapes_of_errors(own: Client) -> None:
    for path, method, status in (
        ("/agents", "POST", 405),
        ("/agents", "HEAD", 405),
        ("/agents/", "GET", 404),
        ("/customers", "GET", 404),
        (JOBS, "POST", 405),
        ("/reports", "GET", 405),
        ("/agents?page=2", "GET", 400),
        ("/topics?a", "GET", 400),
    ):
        assert own.ask(path, method).status_code == status, path
    assert own.get("/agents", 400, limit=1)["errors"][0]["attr"] == "limit"
    own.gladly.error_shape = "object"
    assert own.get("/agents", 400, limit=1)["errors"]["code"] == "invalid"
    own.gladly.error_shape = "bare"
    assert own.get("/agents", 400, limit=1)[0]["code"] == "invalid"
    own.gladly.account.topics_wrapped = True
    assert own.get("/topics")["value"] == own.gladly.account.topics


def test_answers(own: Client) -> None:
    account = own.gladly.account
    path = f"/orgs/{account.organization['id']}/answers"
    spanish = own.get(path, lng="es-419")
    assert [one["language"] for one in spanish] == ["es-419"] * 3
    account.add_answers(1200, "en-us")
    names = [one["name"] for one in own.get(path)]
    assert len(names) == 1000
    assert names == sorted(names)
    for audience in account.audiences:
        wanted = {one["id"] for one in account.answers if audience["id"] in one["audienceIds"]}
        found = own.get(path, audienceId=audience["id"])
        assert {one["id"] for one in found} <= wanted
        assert all(
            one.keys() <= {"id", "name", "bodyHtml", "language", "updatedAt"} for one in found
        )
    assert own.get(path, lng="fr") == []
    own.get("/orgs/other/answers", 404)


def test_managed_answers_and_their_texts(own: Client) -> None:
    account = own.gladly.account
    for each, managed in account.managed_answers.items():
        assert own.get(f"/answers/{each}") == managed
        assert managed.keys() - {"description"} == {
            *("id", "name", "audienceIds", "updatedAt", "createdAt")
        }
    for (each, language, kind), text in account.answer_texts.items():
        assert own.get(f"/answers/{each}/languages/{language}/type/{kind}") == text
    kinds = {(language, kind) for _, language, kind in account.answer_texts}
    assert len(kinds) == 8
    public = account.answers[0]["id"]
    assert (public, "es-419", "public") not in account.answer_texts
    own.get(f"/answers/{public}/languages/es-419/type/public", 404)
    own.get("/answers/nothing", 404)
    own.get("/answers", 404)
    assert own.get(f"/answers/{public}/languages/fr/type/public", 400)["errors"][0]["attr"] == (
        "language"
    )
    own.get(f"/answers/{public}/languages/en-us/type/sms", 400)
    assert own.ask(f"/answers/{public}", headers={"Authorization": None}).status_code == 401


def test_events(client: Client) -> None:
    truth = client.gladly.events.all
    # The first ones may be older than a day by now, if others were tested before.
    start = datetime.now(timezone.utc) - timedelta(hours=23, minutes=59)
    found = client.events(start)
    assert found == [each for each in truth if nanos(each["timestamp"]) >= of(start)]
    assert len({event["type"] for event in found}) > 20
    moments = [nanos(event["timestamp"]) for event in found]
    assert moments == sorted(moments)
    texts = [event["timestamp"] for event in found]
    assert {len(text) - 20 for text in texts} == {0, 3, 4, 9, 10}
    some = client.events(start, "CONVERSATION", "TASK", endAt=texts[60])
    kinds = {event["type"].partition("/")[0] for event in some}
    assert kinds == {"CONVERSATION", "CONVERSATION_ASSIGNEE", "TASK"}
    assert max(moments[60], *(nanos(event["timestamp"]) for event in some)) == moments[60]


def test_bounds_and_lateness_of_events(own: Client) -> None:
    events = own.gladly.events
    events.clear()
    now = datetime.now(timezone.utc).replace(microsecond=0)
    added = [events.add("TASK/CLOSED", timestamp=now - timedelta(seconds=n)) for n in (9, 6, 3)]
    start, end = (now - timedelta(seconds=n) for n in (9, 3))
    assert own.events(start, endAt=end.isoformat()) == added[:2]
    late = events.add("TASK/CREATED", timestamp=now - timedelta(seconds=5), late=3600, id="x")
    odd = events.add("CONTACT/NEW", content={"a": [1]}, timestamp=now - timedelta(seconds=4))
    assert own.events(start) == [*added[:2], odd, added[2]]
    assert events.all == [*added[:2], late, odd, added[2]]
    events.as_of = now - timedelta(hours=30)
    old = events.add("TASK/REOPENED")
    assert own.events(now - timedelta(hours=50)) == [old]
    events.as_of = None
    for attr, params in (
        ("startAt", {"entities": "TASK"}),
        ("entities", {"startAt": start.isoformat()}),
        ("entities", {"startAt": start.isoformat(), "entities": "TASK,CONTACT"}),
        ("startAt", {"startAt": (now - timedelta(days=1)).isoformat(), "entities": "TASK"}),
        ("startAt", {"startAt": (now + timedelta(hours=1)).isoformat(), "entities": "TASK"}),
        ("startAt", {"startAt": end.isoformat(), "endAt": end.isoformat(), "entities": "TASK"}),
    ):
        assert own.get("/events", 400, **params)["errors"][0]["attr"] == attr


def test_requests_a_second(own: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    for module in (local_api, limits_of_gladly):
        monkeypatch.setattr(module, "time", clock)
    assert "Ratelimit-Limit-Second" not in own.ask("/agents").headers
    limits = own.gladly.limits
    limits.requests_per_second = 10
    clock.now += 1.1
    answers = [own.ask("/teams") for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    left = [answer.headers["Ratelimit-Remaining-Second"] for answer in answers]
    assert left == [*map(str, reversed(range(10))), "0", "0"]
    assert answers[-1].headers["Ratelimit-Limit-Second"] == "10"
    assert "Retry-After" not in answers[-1].headers
    own.gladly.others_use(8)
    clock.now += 1.1
    assert [own.ask("/teams").status_code for _ in range(3)] == [200, 200, 429]
