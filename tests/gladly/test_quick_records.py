"""Items that fit at once take a way of their own: what is written is the same, byte for byte."""

from __future__ import annotations

import json
import typing as t

from tests.gladly.truth import ago
from tests.running import carefully, lines_of
from tests.sandbox.gladly.items import Items

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Start

STREAM = "export_conversation_items"

ITEMS: tuple[dict[str, t.Any], ...] = (
    {"id": "1", "exportedAt": "2026-01-01T00:00:00Z"},
    {"id": "2", "exportJobId": None},
    {"id": "3", "timestamp": "2026-02-30T00:00:00Z", "initiator": None},
    {"id": "4", "timestamp": "2026-12-31T00:00:00.1Z", "initiator": {"id": "i", "kind": 1}},
    {"id": "5", "timestamp": 5, "content": "x"},
    {"id": "6", "content": {"to": "a", "occurredAt": "", "attachments": [{"fileSize": "7"}]}},
    {"id": "7", "content": {"to": ["a", None, 1], "recordingDuration": 7.0, "new": {}}},
    {"id": 8, "content": {"occurredAt": "2026-01-30T23:00:00.000000001+00:00"}},
    {"id": "9", "content": {"messageData": {"options": [None, {"id": "1", "more": True}]}}},
)


def test_items_are_the_same_in_both_ways(start: Start) -> None:
    gladly = start(history_days=0)
    make = Items(1, gladly.sandbox.account, [{"id": "c"}])
    made = [*ITEMS, *(make.make_for_file(1_790_000_000 * 10**9) for _ in range(200))]
    lines = [json.dumps(each).encode() for each in made]
    gladly.sandbox.exports.add(
        start=ago(days=1),
        end=ago(hours=2),
        updated=ago(hours=1),
        files={"conversation_items.jsonl": b"\n".join([*lines, b"[]", b"\xff", b'{"id": 1e400}'])},
    )
    quick = gladly.tap.run(STREAM)
    careful = gladly.tap.run(STREAM, catalog=carefully("tap-gladly", STREAM))
    assert quick.returncode == careful.returncode == 0, quick.log + careful.log
    assert lines_of(quick, STREAM) == lines_of(careful, STREAM) != []
