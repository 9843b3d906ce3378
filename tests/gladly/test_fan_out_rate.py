"""What is read by id, one request each: as fast as Gladly allows, and no faster."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from tests.gladly.truth import API, ago

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Start

CONVERSATIONS = 200
RATE = 10


def test_a_long_fan_out_uses_the_rate_and_never_exceeds_it(start: Start) -> None:
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

    assert traffic.count(status=429) == 0
    assert traffic.busiest_second() <= RATE
    asked = [e.arrived for e in traffic.exchanges() if e.path.startswith(f"{API}/conversations/")]
    assert len(asked) == CONVERSATIONS
    assert (len(asked) - 1) / (asked[-1] - asked[0]) >= 0.95 * RATE
