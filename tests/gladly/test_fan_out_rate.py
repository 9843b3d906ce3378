"""What is read by id, one request each: as fast as Gladly allows, and no faster."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tests.gladly.truth import API, ago

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Start

CONVERSATIONS = 200
RATE = 10

ATTEMPTS = 3
"""On a machine that is busy with other tests, a request may be held up on its way to the next."""


class Measured(t.NamedTuple):
    """How a fan-out went.

    Args:
        rate: Requests a second.
        busiest: The most in any second.
        refused: How many were refused.
    """

    rate: float
    busiest: int
    refused: int


def test_a_long_fan_out_uses_the_rate_and_never_exceeds_it(start: Start) -> None:
    seen = []
    for _ in range(ATTEMPTS):
        measured = fan_out(start)
        seen.append(measured)
        if measured.refused == 0 and measured.busiest <= RATE and measured.rate >= 0.95 * RATE:
            return
    raise AssertionError(seen)


def fan_out(start: Start) -> Measured:
    """Read many conversations of a Gladly that takes its time, and has a limit."""
    gladly = start(
        requests_per_second=RATE, latency=0.3, events=0, report_rows_per_day=0, customers=0
    )
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
        busiest=traffic.busiest_second(),
        refused=traffic.count(status=429),
    )
