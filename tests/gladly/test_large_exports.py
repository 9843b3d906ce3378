"""An export file of any size is read in the memory of a small one."""

from __future__ import annotations

import json
import typing as t
from datetime import timedelta

import pytest

from tests.bench.measuring import measure
from tests.gladly.truth import ago

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.bench.measuring import Taken
    from tests.gladly.conftest import Start

pytestmark = pytest.mark.slow

SMALL, LARGE = 20_000, 200_000
MORE_MIB = 30


def test_memory_does_not_grow_with_the_size_of_a_file(start: Start) -> None:
    small, _ = read(start, SMALL)
    large, size = read(start, LARGE)
    assert (small.records, large.records) == (SMALL, LARGE)
    assert size > 80_000_000, "a file that memory could hold twice over shows nothing"
    assert large.peak < small.peak + MORE_MIB


def read(start: Start, count: int) -> tuple[Taken, int]:
    """Read a file of so many items; what that took, and the size of the file."""
    gladly = start(history_days=0)

    def made() -> Iterator[bytes]:
        for number in range(count):
            yield json.dumps(item(number)).encode() + b"\n"

    gladly.sandbox.exports.add(
        start=ago(days=1),
        end=ago(hours=1),
        updated=ago(minutes=5),
        files={"conversation_items.jsonl": made},
    )
    return measure(gladly.tap, ["export_conversation_items"]), sum(len(line) for line in made())


def item(number: int) -> dict[str, t.Any]:
    """An e-mail of half a kilobyte, unlike any other."""
    return {
        "id": f"item-{number:017}",
        "customerId": f"customer-{number % 5_000:013}",
        "conversationId": f"conversation-{number // 7:09}",
        "timestamp": f"{ago(hours=12) + timedelta(milliseconds=number):%Y-%m-%dT%H:%M:%S.%fZ}",
        "initiator": {"id": f"customer-{number % 5_000:013}", "type": "CUSTOMER"},
        "content": {
            "type": "EMAIL",
            "from": "jane@acme.example",
            "to": ["help@acme.example"],
            "subject": f"Order {number}",
            "content": f"Where is order {number}? {number * 7919:040x} " * 3,
        },
    }
