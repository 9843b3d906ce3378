"""Two runs of one account at once: both are complete, and share the rate if each has its part."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clari.conftest import config
from tests.running import Tap
from tests.sandbox.copilot import CopilotSandbox

pytestmark = pytest.mark.recipes

CALLS = 60


@pytest.mark.parametrize(("parts", "refused"), [((6, 4), 0.05), ((10, 10), 0.5)])
def test_two_runs_of_an_account_are_complete(parts: tuple[int, int], refused: float) -> None:
    with CopilotSandbox(calls=CALLS, requests_per_second=10) as sandbox:
        taps = [Tap("tap-clari", config(sandbox, requests_per_second=part)) for part in parts]
        with ThreadPoolExecutor() as pool:
            runs = [*pool.map(lambda tap: tap.run("call_details", call_detail_statuses=[]), taps)]
        wanted = sandbox.account.call_ids(private=False)
        for run in runs:
            assert run.returncode == 0, run.last_word
            assert sorted(run.ids("call_details")) == sorted(wanted)
        assert sandbox.traffic.count(status=429) <= refused * sandbox.traffic.count()
