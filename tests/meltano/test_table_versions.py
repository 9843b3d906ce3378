"""A target that deletes what a run did not give deletes what is gone, and nothing that is there."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from tests.meltano.conftest import GladlyPipeline

STREAMS = ("agents", "topics", "conversations", "export_agents", "report_conversation_export")
SETTINGS = {
    "TAP_GLADLY_EMIT_ACTIVATE_VERSION_MESSAGES": "true",
    "TARGET_POSTGRES_HARD_DELETE": "true",
}


def test_what_is_gone_from_a_whole_list_is_deleted(gladly: GladlyPipeline) -> None:
    gladly.run(*STREAMS, settings=SETTINGS)
    before = {stream: gladly.rows(stream, gladly.keys(stream)).keys() for stream in STREAMS}
    assert all(before.values())
    gone = gladly.gladly.account.agents.pop()
    # A list that comes empty may be faulty, and empties no table.
    gladly.gladly.faults.add(path="/api/v1/topics", times=None, status=200, body="[]")
    gladly.run(*STREAMS, settings=SETTINGS)
    after = {stream: gladly.rows(stream, gladly.keys(stream)).keys() for stream in STREAMS}
    assert before["agents"] - after["agents"] == {(gone["id"],)}
    # What is read by what changed is not all that there is: nothing of it goes.
    assert all(after[stream] >= before[stream] for stream in STREAMS[1:])
