"""Audit events: complete, with who acted, in windows that can be resumed."""

from __future__ import annotations

import itertools
import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from tests.clari.test_revenue_errors import assert_told
from tests.expected import expected
from tests.running import Tap
from tests.sandbox.revenue import FileHost
from tests.sandbox.revenue.audit import actors_of

if t.TYPE_CHECKING:
    from tests.clari.conftest import Revenue, StartRevenue
    from tests.running import Record, Run

PATH = "/v4/audit/events"


def by_correlation(run: Run) -> dict[str, Record]:
    """The records, by what tells events apart here without the key that is tested."""
    return run.by_id("audit_events", "correlationID")


def assert_all(run: Run, events: list[Record]) -> None:
    """All events are there once, with the one who acted, value by value."""
    assert run.returncode == 0, run.log
    keys = run.ids("audit_events", "eventId")
    assert len(keys) == len(set(keys)) == len(events) > 0
    actors = {actor["actorId"]: actor for actor in actors_of(events)}
    found = by_correlation(run)
    for event in events:
        record = dict(found[event["correlationID"]])
        assert record.pop("eventId")
        acting = {name: actors.get(event[f"{name}Id"]) for name in ("actor", "impersonatingActor")}
        truth = {**event, **{name: each for name, each in acting.items() if each}}
        assert record == expected(truth, run.schemas["audit_events"])


def asked_from(revenue: Revenue) -> list[str]:
    """Where the windows of the requests begin."""
    return [
        value
        for exchange in revenue.sandbox.traffic.exchanges()
        for name, value in exchange.params or []
        if name == "dateFrom"
    ]


def links_followed(revenue: Revenue) -> int:
    """How many requests were for a further page."""
    return sum(
        any(name == "cursor" for name, _ in exchange.params or [])
        for exchange in revenue.sandbox.traffic.exchanges()
    )


@pytest.mark.parametrize(("bounds", "key"), [("inclusive", "items"), ("strict", "activities")])
def test_all_events_arrive_with_the_one_who_acted(
    start_revenue: StartRevenue, bounds: t.Literal["inclusive", "strict"], key: str
) -> None:
    revenue = start_revenue(audit_events=400)
    account = revenue.sandbox.account
    account.audit_bounds, account.audit_key = bounds, key
    run = revenue.tap.run("audit_events")
    assert_all(run, account.audit_events)
    kinds = {(record["actorType"], "actor" not in record) for record in run.records["audit_events"]}
    assert kinds == {("USER", False), ("SYSTEM", True), ("JOB", True)}
    assert not run.warnings


def test_ids_are_the_same_in_every_run(revenue: Revenue) -> None:
    account = revenue.sandbox.account
    named = account.add_audit_event(datetime.now(timezone.utc), eventId="given by the API")
    first, second = (by_correlation(revenue.tap.run("audit_events")) for _ in range(2))
    assert first == second
    assert first[named["correlationID"]]["eventId"] == "given by the API"
    assert all(
        record["eventId"].startswith("sha256:")
        for name, record in first.items()
        if name != named["correlationID"]
    )


def test_more_events_than_a_page_arrive(start_revenue: StartRevenue) -> None:
    revenue = start_revenue(audit_events=2400)
    run = revenue.tap.run("audit_events")
    assert_all(run, revenue.sandbox.account.audit_events)
    assert links_followed(revenue) > 0


def test_start_date_bounds_the_first_run(revenue: Revenue) -> None:
    since = datetime.now(timezone.utc) - timedelta(days=20)
    run = revenue.tap.run("audit_events", start_date=since.isoformat())
    # A second more is asked for, since whether a bound belongs to the window is not said.
    text = f"{since:%Y-%m-%dT%H:%M:%S.000Z}"
    events = revenue.sandbox.account.audit_events
    assert_all(run, [event for event in events if event["eventTimestamp"] >= text])
    assert len(run.records["audit_events"]) < len(events)


def test_a_later_run_reads_on_from_the_bookmark(revenue: Revenue) -> None:
    account = revenue.sandbox.account
    first = revenue.tap.run("audit_events")
    # The newest event is days old, and none of before yesterday is still to be written.
    bookmark = datetime.fromisoformat(first.bookmark("audit_events").replace("Z", "+00:00"))
    a_day_ago = datetime.now(timezone.utc) - timedelta(days=1)
    assert a_day_ago - timedelta(minutes=1) < bookmark <= a_day_ago
    revenue.sandbox.traffic.clear()

    event = account.add_audit_event(datetime.now(timezone.utc))
    second = revenue.tap.run("audit_events", state=first.state)
    earliest = bookmark - timedelta(seconds=3)
    assert min(asked_from(revenue)) >= f"{earliest:%Y-%m-%dT%H:%M:%SZ}"
    found = by_correlation(second)
    assert event["correlationID"] in found
    assert len(found) < len(account.audit_events) / 2
    assert second.bookmark("audit_events") == f"{event['eventTimestamp'][:-1]}000Z"


def test_lookback_finds_what_was_written_late(revenue: Revenue) -> None:
    first = revenue.tap.run("audit_events")
    bookmark = datetime.fromisoformat(first.bookmark("audit_events").replace("Z", "+00:00"))
    late = revenue.sandbox.account.add_audit_event(bookmark - timedelta(days=1))
    without = revenue.tap.run("audit_events", state=first.state)
    assert late["correlationID"] not in by_correlation(without)
    run = revenue.tap.run("audit_events", state=first.state, lookback_days=2)
    assert late["correlationID"] in by_correlation(run)
    assert run.bookmark("audit_events") >= first.bookmark("audit_events")


def test_a_killed_run_resumes_at_its_window_and_loses_nothing(start_revenue: StartRevenue) -> None:
    revenue = start_revenue(audit_events=1500)
    events = revenue.sandbox.account.audit_events
    record = itertools.count()

    def is_in_the_middle(line: str) -> bool:
        return '"type":"RECORD"' in line and next(record) > 900

    killed = revenue.tap.run_until(is_in_the_middle, "audit_events")
    assert killed.returncode < 0
    before = by_correlation(killed)
    assert len(before) < len(events)
    bookmark = killed.bookmark("audit_events")
    revenue.sandbox.traffic.clear()

    run = revenue.tap.run("audit_events", state=killed.state)
    assert run.returncode == 0, run.log
    assert {**before, **by_correlation(run)}.keys() == {each["correlationID"] for each in events}
    assert len(run.records["audit_events"]) < len(events)
    resumed = datetime.fromisoformat(bookmark.replace("Z", "+00:00")) - timedelta(seconds=3)
    assert min(asked_from(revenue)) >= f"{resumed:%Y-%m-%dT%H:%M:%SZ}"


def test_a_link_to_another_host_is_not_followed_and_gets_no_key(
    start_revenue: StartRevenue,
) -> None:
    revenue = start_revenue(audit_events=2400)
    with FileHost(revenue.sandbox) as host:
        revenue.sandbox.account.next_link_base = host.url
        run = revenue.tap.run("audit_events")
        assert_told(run, "The next page of /v4/audit/events", "another address", "api_url")
        assert host.traffic.count() == 0
    assert host.url not in run.log
    assert links_followed(revenue) == 0


def test_links_that_lead_in_a_circle_are_told(revenue: Revenue) -> None:
    link = f"{revenue.sandbox.url}{PATH}?cursor=again"
    revenue.sandbox.faults.add(
        path=PATH, times=None, status=200, body={"items": [], "actors": [], "nextLink": link}
    )
    assert_told(revenue.tap.run("audit_events"), "lead in a circle")


@pytest.mark.parametrize(
    "link",
    [
        "//127.0.0.1:{other}/x",
        "http://127.0.0.1:{other}\\@127.0.0.1:{own}/x",
        "http://127.0.0.1:{own}@127.0.0.1:{other}/x",
        "http://name:word@127.0.0.1:{other}/x",
    ],
)
def test_a_link_that_looks_like_one_to_the_api_is_seen_through(revenue: Revenue, link: str) -> None:
    with FileHost(revenue.sandbox) as host:
        own, other = (url.rsplit(":", 1)[1] for url in (revenue.sandbox.url, host.url))
        body = {"items": [], "nextLink": link.format(own=own, other=other)}
        revenue.sandbox.faults.add(path=PATH, status=200, body=body)
        run = revenue.tap.run("audit_events")
        assert_told(run, "The next page of /v4/audit/events", "another address", "api_url")
        assert host.traffic.count() == 0
    assert revenue.sandbox.traffic.count() == 1


@pytest.mark.parametrize("others", [{"actors": 5}, {"actors": ["x"]}])
def test_actors_that_are_no_list_of_objects_are_none(revenue: Revenue, others: Record) -> None:
    event = an_event(revenue)
    body = {"items": [event], **others}
    assert_one_page(revenue, body, event)


def test_a_list_under_its_other_name_is_read_where_the_first_is_null(revenue: Revenue) -> None:
    event = an_event(revenue)
    assert_one_page(revenue, {"items": None, "activities": [event], "actors": []}, event)


def an_event(revenue: Revenue) -> Record:
    """An event of a moment ago."""
    return revenue.sandbox.account.add_audit_event(datetime.now(timezone.utc))


def assert_one_page(revenue: Revenue, body: Record, event: Record) -> None:
    """A page with one event gives it, without one who acted."""
    revenue.sandbox.faults.add(path=PATH, status=200, body=body)
    since = datetime.now(timezone.utc) - timedelta(hours=1)
    run = revenue.tap.run("audit_events", start_date=since.isoformat())
    assert run.returncode == 0, run.log
    [record] = run.records["audit_events"]
    assert record.pop("eventId")
    assert record == expected(event, run.schemas["audit_events"])


def test_a_start_date_in_the_future_is_told(revenue: Revenue) -> None:
    tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
    run = revenue.tap.run("audit_events", "activities", start_date=tomorrow.isoformat())
    assert run.returncode == 0, run.log
    assert not run.records
    assert len(run.warnings) == 1
    assert all("start_date lies in the future" in line for line in run.warnings)
    assert revenue.sandbox.exports.started == []


def test_a_page_that_fails_is_asked_for_in_smaller_ones(revenue: Revenue, impatient: str) -> None:
    for limit in ("1000", "500", "250"):
        params = {"limit": limit}
        revenue.sandbox.faults.add(path=PATH, params=params, times=None, status=502)
    run = Tap(impatient, revenue.tap.config).run("audit_events")
    assert_all(run, revenue.sandbox.account.audit_events)


def test_pages_that_all_fail_end_the_stream_with_few_requests(
    revenue: Revenue, impatient: str
) -> None:
    revenue.sandbox.faults.add(path=PATH, times=None, status=502)
    assert_told(Tap(impatient, revenue.tap.config).run("audit_events"), "HTTP 502")
    assert revenue.sandbox.traffic.count(PATH) < 30


@pytest.mark.parametrize("link", [5, True, {"href": "x"}], ids=str)
def test_a_link_that_is_no_text_is_told(revenue: Revenue, link: object) -> None:
    body = {"items": [], "actors": [], "nextLink": link}
    revenue.sandbox.faults.add(path=PATH, times=None, status=200, body=body)
    assert_told(revenue.tap.run("audit_events"), "without 'nextLink' as a text")
