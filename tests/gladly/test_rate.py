"""Requests: up to the rate and no further, and room for the organization's other clients."""

from __future__ import annotations

import time
import typing as t

import pytest

from tests.gladly.report_truth import REPORTS, days_ago
from tests.gladly.scripted import Answer, Scripted
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start

AUDIENCES = 60


def busy(start: Start, **options: t.Any) -> Gladly:
    """A Gladly with many audiences, for each of which answers are asked for."""
    gladly = start(**options)
    account = gladly.sandbox.account
    account.audiences += [{"id": account.new_id(), "name": f"A{n}"} for n in range(AUDIENCES)]
    return gladly


@pytest.mark.slow
def test_the_rate_is_used_and_never_exceeded(start: Start) -> None:
    gladly = busy(start, requests_per_second=10, latency=0.3)
    run = gladly.tap.run("answers", requests_per_second=10)
    assert run.returncode == 0, run.log
    traffic = gladly.sandbox.traffic
    assert traffic.count() > AUDIENCES
    assert traffic.count(status=429) == 0
    assert traffic.busiest_second() <= 10
    organization = gladly.sandbox.account.organization["id"]
    asked = [e.arrived for e in traffic.exchanges(f"/api/v1/orgs/{organization}/answers")]
    assert len(asked) > AUDIENCES
    assert (len(asked) - 1) / (asked[-1] - asked[0]) > 9


@pytest.mark.slow
def test_all_streams_share_one_rate(start: Start) -> None:
    gladly = start(requests_per_second=10, days=4, history_days=2)
    run = gladly.tap.run(requests_per_second=10, reports=["AgentTimestampsReport"])
    assert run.returncode == 0, run.log
    traffic = gladly.sandbox.traffic
    assert traffic.count() > 100
    # On a busy machine the network bunches some.
    assert traffic.count(status=429) <= traffic.count() / 100
    arrivals = traffic.arrivals()
    assert len(arrivals) / (arrivals[-1] - arrivals[0]) > 7


@pytest.mark.slow
def test_a_slower_rate_is_kept(start: Start) -> None:
    gladly = start()
    run = gladly.tap.run("answers", "agents", "teams", requests_per_second=2)
    assert run.returncode == 0, run.log
    assert gladly.sandbox.traffic.count() >= 6
    assert gladly.sandbox.traffic.busiest_second() <= 2


def test_not_more_requests_are_under_way_than_allowed(start: Start) -> None:
    gladly = busy(start, latency=0.2)
    run = gladly.tap.run("answers", max_concurrent_requests=3)
    assert run.returncode == 0, run.log
    organization = gladly.sandbox.account.organization["id"]
    asked = [
        e.arrived for e in gladly.sandbox.traffic.exchanges(f"/api/v1/orgs/{organization}/answers")
    ]
    # Each takes 0.2 s: four that begin within that time would be four at once.
    assert all(later - first >= 0.19 for first, later in zip(asked, asked[3:], strict=False))
    assert asked[-1] - asked[0] < len(asked) * 0.2 / 2


def test_others_have_room(start: Start) -> None:
    gladly = busy(start, requests_per_second=10)
    gladly.sandbox.others_use(5)
    del gladly.sandbox.account.audiences[30:]
    run = gladly.tap.run("answers", requests_per_second=10, max_concurrent_requests=2)
    assert run.returncode == 0, run.log
    traffic = gladly.sandbox.traffic
    assert traffic.count(status=200) > 30
    assert traffic.count(status=429) <= 3
    # It does not stand still either.
    arrivals = traffic.arrivals()
    assert len(arrivals) / (arrivals[-1] - arrivals[0]) > 2


def test_what_a_report_finds_used_up_was_used_by_the_run_itself(start: Start) -> None:
    gladly = busy(start, requests_per_second=10, days=4, talks_per_day=10)
    del gladly.sandbox.account.audiences[10:]
    run = gladly.tap.run(
        "answers", "report_agent_timestamps", "conversations", requests_per_second=10
    )
    assert run.returncode == 0, run.log
    exchanges = gladly.sandbox.traffic.exchanges()
    by_id = [e.arrived for e in exchanges if e.path.startswith("/api/v1/conversations/")]
    assert len(by_id) > 30
    # A report is asked for after a busy second. The rate does not fall for that.
    assert (len(by_id) - 1) / (by_id[-1] - by_id[0]) > 5


def test_retry_after_is_obeyed(gladly: Gladly) -> None:
    gladly.sandbox.faults.add(path="/api/v1/agents", status=429, retry_after=3)
    run = gladly.tap.run("agents")
    assert run.returncode == 0, run.log
    assert len(run.records["agents"]) == len(gladly.sandbox.account.agents)
    first, second = gladly.sandbox.traffic.arrivals()
    assert 3 <= second - first < 6


def test_all_requests_wait_when_one_is_told_to(start: Start) -> None:
    gladly = busy(start)
    gladly.sandbox.faults.add(after=30, status=429, retry_after=3)
    run = gladly.tap.run("answers", requests_per_second=50)
    assert run.returncode == 0, run.log
    refused = next(e for e in gladly.sandbox.traffic.exchanges() if e.status == 429)
    after = [a - refused.arrived for a in gladly.sandbox.traffic.arrivals() if a > refused.arrived]
    assert len(after) > 20
    # Those that had left already are few; then nobody asks for three seconds.
    assert len([seconds for seconds in after if seconds < 2.9]) <= 8


def test_an_hour_is_told_and_not_sat_out(gladly: Gladly) -> None:
    for path, stream in (("/api/v1/agents", "agents"), (REPORTS, "report_agent_timestamps")):
        gladly.sandbox.faults.add(path=path, status=429, retry_after=3600)
        began = time.monotonic()
        run = gladly.tap.run(stream, start_date=days_ago(2))
        assert time.monotonic() - began < 20
        assert run.returncode == 1
        assert "Traceback" not in run.log
        for word in ("429", "1:00:00", "requests_per_second", "resumes"):
            assert word in run.last_word


def test_reports_that_others_used_up_are_waited_for(gladly: Gladly) -> None:
    stream = "report_agent_timestamps"
    gladly.sandbox.faults.add(path=REPORTS, status=429)
    run = gladly.tap.run(stream, start_date=days_ago(5))
    assert run.returncode == 0, run.log
    assert len(run.records[stream]) > 20
    # What an API does now and then is nothing to look at.
    assert not run.warnings
    assert "POST /reports: HTTP 429" in run.log
    first, second = gladly.sandbox.traffic.arrivals()
    assert 3 < second - first < 10


@pytest.mark.parametrize("limit", ["9" * 400, "9" * 5_000, "-1", "0", "NaN", "ten", ""])
def test_a_rate_that_is_none_is_passed_over(limit: str) -> None:
    headers = {"Ratelimit-Limit-Second": limit, "Ratelimit-Remaining-Second": "0"}
    with Scripted(Answer(b'[{"id": "t1"}]', headers)) as server:
        settings = {"api_url": server.url, "username": "a@b.c", "api_token": "x"}
        run = Tap("tap-gladly", settings).run("teams")
    assert run.returncode == 0, run.log
    assert run.ids("teams") == ["t1"]
