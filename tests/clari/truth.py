"""What a sync should give: the records of the sandbox's account, stream by stream."""

from __future__ import annotations

import typing as t

from tests.expected import expected

if t.TYPE_CHECKING:
    from tests.clari.conftest import Copilot
    from tests.running import Run

MODIFIED = "last_modified_time"
WITH_DETAILS = {"PROCESSED", "POST_PROCESSING_DONE"}


def assert_loaded(run: Run, stream: str, truth: dict[str, dict[str, t.Any]]) -> None:
    """Every record is there once, and is what the API gave, value by value."""
    assert run.returncode == 0, run.log
    ids = run.ids(stream)
    assert len(ids) == len(set(ids))
    assert set(ids) == set(truth)
    for record in run.records[stream]:
        assert record == expected(truth[record["id"]], run.schemas[stream])


def listed(copilot: Copilot, *, private: bool = False) -> dict[str, dict[str, t.Any]]:
    """The calls as the list should give them."""
    account = copilot.sandbox.account
    return {call_id: account.listed(call_id) for call_id in account.call_ids(private=private)}


def detailed(copilot: Copilot, *, private: bool = False) -> dict[str, dict[str, t.Any]]:
    """The calls whose details are worth a request, as the API should give them."""
    account = copilot.sandbox.account
    return {
        call_id: account.call(call_id)
        for call_id, call in listed(copilot, private=private).items()
        if call["status"] in WITH_DETAILS
    }
