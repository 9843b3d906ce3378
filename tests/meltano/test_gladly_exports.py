"""No export row is lost, whatever happens to the runs that Meltano keeps the state of."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta, timezone

import pytest

from tests.gladly.truth import FILES, file_path
from tests.meltano.gladly_truth import assert_exports, jobs
from tests.pipeline import MeltanoError

if t.TYPE_CHECKING:
    from tests.meltano.conftest import GladlyPipeline

pytestmark = pytest.mark.slow

STREAMS = ("export_jobs", *FILES)


def downloads(gladly: GladlyPipeline) -> int:
    """How many files were asked for since it was last asked."""
    traffic = gladly.gladly.traffic
    count = sum("/files/" in each.path for each in traffic.exchanges())
    traffic.clear()
    return count


def test_an_outage_of_three_days_loses_no_row(gladly: GladlyPipeline) -> None:
    exports = gladly.gladly.exports
    exports.as_of = datetime.now(timezone.utc) - timedelta(days=3)
    gladly.run(*STREAMS)
    assert_exports(gladly)
    known = len(jobs(gladly))
    assert known <= len(exports.jobs) - 3
    assert downloads(gladly) == known * len(FILES)

    exports.as_of = None
    gladly.run(*STREAMS)
    assert_exports(gladly)
    assert downloads(gladly) == (len(exports.jobs) - known) * len(FILES)


def test_a_killed_run_goes_on_where_it_was(gladly: GladlyPipeline) -> None:
    sandbox = gladly.gladly
    every = len(sandbox.exports.jobs) * len(FILES)
    # It is stopped in the third stream of four, at a file that does not come.
    waited_for = file_path(sandbox.exports.jobs[7], "customers.jsonl")
    sandbox.faults.add(path=waited_for, slow=20)
    killed: list[bool] = []

    def kill_the_tap() -> None:
        if sandbox.traffic.count(waited_for) and not killed:
            killed.append(gladly.kill_the_tap())

    with pytest.raises(MeltanoError):
        gladly.run(*STREAMS, meanwhile=kill_the_tap)
    assert killed == [True]
    assert every / 2 < downloads(gladly) < every

    gladly.run(*STREAMS)
    assert_exports(gladly)
    # What was read whole is not read again.
    assert downloads(gladly) < every / 2

    gladly.run(*STREAMS)
    assert_exports(gladly)
    assert downloads(gladly) == 0
