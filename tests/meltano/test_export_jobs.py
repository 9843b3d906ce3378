"""Export jobs are paid for once, also where Meltano keeps the state and a target hands it on."""

from __future__ import annotations

import typing as t

import pytest

from tests.meltano.truth import KEYS, truth
from tests.pipeline import MeltanoError

if t.TYPE_CHECKING:
    from tests.meltano.conftest import ClariPipeline

pytestmark = pytest.mark.slow


def test_a_job_that_a_killed_run_has_started_is_read_by_the_next(pipeline: ClariPipeline) -> None:
    exports = pipeline.revenue.exports
    exports.seconds = 600
    killed: list[bool] = []

    def kill_the_tap() -> None:
        # A look at a job comes after all are started, and so after all stand in the state.
        if pipeline.revenue.traffic.count(f"/v4/export/jobs/{first_job(pipeline)}") and not killed:
            killed.append(pipeline.kill_the_tap())

    with pytest.raises(MeltanoError):
        pipeline.run("forecast_entries", "forecast_users", meanwhile=kill_the_tap)
    assert killed == [True]
    assert [job.module for job in exports.started] == ["FORECAST", "FORECAST"]
    assert all(job.running for job in exports.started)

    for job in exports.started:
        job.seconds = 0
    pipeline.run("forecast_entries", "forecast_users")
    assert len(exports.started) == 2, "a job was paid for twice"
    for stream in ("forecast_entries", "forecast_users"):
        key = KEYS[stream]
        wanted = {tuple(row[each] for each in key) for row in truth(pipeline, stream)}
        assert wanted == set(pipeline.rows(stream, key))

    # What is read is not read again.
    exports.seconds = 0
    pipeline.run("forecast_entries", "forecast_users")
    assert len(exports.started) == 4


def first_job(pipeline: ClariPipeline) -> str:
    """The job that is looked at first, once both are started; none before."""
    started = pipeline.revenue.exports.started
    return started[0].id if len(started) == 2 else "none-yet"
