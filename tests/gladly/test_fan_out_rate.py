"""What is read by id, one request each: as fast as Gladly allows, and no faster."""

from __future__ import annotations

import typing as t
from datetime import timedelta

import pytest

from tests.gladly.truth import API, ago

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Start

pytestmark = pytest.mark.slow

CONVERSATIONS = 200
RATE = 10

ATTEMPTS = 3
"""On a machine that is busy with other tests, requests may be held up and then arrive together."""

MOST_REFUSED = CONVERSATIONS // 100
"""On such a machine: one percent, each of which costs a few percent of the rate for a while."""


class Measured(t.NamedTuple):
    """How a fan-out went.

    Args:
        rate: Requests a second.
        refused: How many were refused, because they would have been more than `RATE` in a second.
    """

    rate: float
    refused: int


def test_a_long_fan_out_uses_the_rate_and_hardly_exceeds_it(start: Start) -> None:
    seen = []
    for _ in range(ATTEMPTS):
        seen.append(measured := fan_out(start))
        least = 0.9 if measured.refused else 0.95
        if measured.refused <= MOST_REFUSED and measured.rate >= least * RATE:
            return
    raise AssertionError(seen)


def fan_out(start: Start) -> Measured:
    """Read many conversations of a Gladly that takes its time, and has a limit."""
    gladly = start(requests_per_second=RATE, latency=0.3, days=0, customers=0)
    desk, traffic = gladly.sandbox.desk, gladly.sandbox.traffic
    customer = desk.customer(at=ago(hours=20))
    for number in range(CONVERSATIONS):
        desk.conversation(customer, at=ago(hours=19) + timedelta(seconds=number))
    run = gladly.tap.run("conversations", requests_per_second=RATE)
    assert run.returncode == 0, run.log
    assert {*run.ids("conversations")} == {*desk.conversations}
    asked = [e.arrived for e in traffic.exchanges() if e.path.startswith(f"{API}/conversations/")]
    return Measured(
        rate=(CONVERSATIONS - 1) / (asked[-1] - asked[0]),
        refused=traffic.count(status=429),
    )
