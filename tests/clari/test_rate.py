"""Requests: several at once, up to the rate and no further."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest

if t.TYPE_CHECKING:
    from tests.clari.conftest import Start


@pytest.mark.slow
@pytest.mark.parametrize("latency", [0.0, 0.3])
def test_the_rate_is_used_and_never_exceeded(start: Start, latency: float) -> None:
    copilot = start(calls=150, requests_per_second=10, latency=latency)
    run = copilot.tap.run("call_details", requests_per_second=10)
    assert run.returncode == 0, run.log
    traffic = copilot.sandbox.traffic
    assert traffic.count() > 100
    assert traffic.count(status=429) == 0
    assert traffic.busiest_second() <= 10
    # The details alone: the list before them is a handful of requests, one after the other.
    asked = [e.arrived for e in traffic.exchanges("/call-details")]
    assert rate(asked) > 9


def rate(arrivals: list[float]) -> float:
    """Requests a second between the first arrival and the last."""
    return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])


@pytest.mark.slow
def test_a_slow_api_is_asked_more_at_once(start: Start) -> None:
    copilot = start(calls=200, requests_per_second=10, latency=2)
    run = copilot.tap.run("call_details", requests_per_second=10)
    assert run.returncode == 0, run.log
    traffic = copilot.sandbox.traffic
    assert traffic.count(status=429) == 0
    # It begins with few, and twenty have to be under way to keep up ten a second.
    asked = [e.arrived for e in traffic.exchanges("/call-details")]
    assert rate(asked[len(asked) // 3 :]) > 9


@pytest.mark.slow
def test_two_taps_of_one_account_share_its_rate(start: Start) -> None:
    copilot = start(calls=220, requests_per_second=10)
    with ThreadPoolExecutor(2) as pool:
        runs = [
            pool.submit(copilot.tap.run, "call_details", requests_per_second=10) for _ in range(2)
        ]
    traffic = copilot.sandbox.traffic
    asked = [e.arrived for e in traffic.exchanges("/call-details")]
    refused = traffic.count(status=429)
    copilot.sandbox.limits.requests_per_second = None
    alone = copilot.tap.run("call_details", requests_per_second=500)
    for each in runs:
        run = each.result()
        assert run.returncode == 0, run.log
        assert run.records["call_details"] == alone.records["call_details"]
        # What an API does now and then is nothing to look at.
        assert len(run.warnings) <= 2, run.log
    assert refused < 0.06 * len(asked)
    assert rate(asked) > 7


@pytest.mark.slow
def test_all_streams_share_one_rate(start: Start) -> None:
    copilot = start(calls=12, requests_per_second=10)
    run = copilot.tap.run(requests_per_second=10)
    assert run.returncode == 0, run.log
    assert len(run.schemas) == 10
    assert copilot.sandbox.traffic.count(status=429) == 0
    assert copilot.sandbox.traffic.busiest_second() <= 10


@pytest.mark.slow
def test_a_slower_rate_is_kept(start: Start) -> None:
    copilot = start(calls=12)
    run = copilot.tap.run("users", "topics", "calls", requests_per_second=2)
    assert run.returncode == 0, run.log
    assert copilot.sandbox.traffic.count() >= 5
    assert copilot.sandbox.traffic.busiest_second() <= 2


def test_not_more_requests_are_under_way_than_allowed(start: Start) -> None:
    copilot = start(calls=120, latency=0.2)
    run = copilot.tap.run("call_details", max_concurrent_requests=3)
    assert run.returncode == 0, run.log
    asked = [e.arrived for e in copilot.sandbox.traffic.exchanges("/call-details")]
    # Each takes 0.2 s: four that begin within that time would be four at once.
    assert all(asked[i + 3] - asked[i] >= 0.19 for i in range(len(asked) - 3))
    assert asked[-1] - asked[0] < len(asked) * 0.2 / 2
