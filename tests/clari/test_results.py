"""What a job leaves: a file of any size, from the API or from elsewhere, whole or not."""

from __future__ import annotations

import typing as t

import pytest

from tests.clari.test_exports import ONE_FORECAST, START, assert_complete
from tests.sandbox.revenue import FileHost

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clari.conftest import Revenue


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def host(revenue: Revenue) -> Iterator[FileHost]:
    """Another server, which the API says has the results."""
    with FileHost(revenue.sandbox) as host:
        revenue.sandbox.exports.download_base = host.url
        yield host


def spoil_the_result(revenue: Revenue, **fault: t.Any) -> None:
    """Let something happen to the answers with the result of the next job."""
    revenue.sandbox.exports.seconds = 0
    # The path is not known before there is a job: after its start, one answer says that it is
    # done, and the next one has the result.
    revenue.sandbox.faults.add(
        path=START,
        method="POST",
        hook=lambda: revenue.sandbox.faults.add(method="GET", after=1, **fault),
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"truncate": True},
        {"half_json": True},
        {"html": True},
        {"reset": True},
        {"status": 502},
        {"status": 429, "retry_after": 1},
    ],
)
def test_a_result_that_breaks_off_is_fetched_again_and_whole(
    revenue: Revenue, temporary: Path, fault: dict[str, t.Any]
) -> None:
    spoil_the_result(revenue, **fault)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_complete(run, revenue)
    assert "GET /v4/export/jobs/{jobId}/results: " in run.log
    assert "trying again" in run.log
    assert len(revenue.sandbox.exports.started) == 1
    assert list(temporary.glob("tap-clari-*")) == []


def test_a_result_that_is_never_whole_ends_in_a_sentence_and_leaves_no_file(
    revenue: Revenue, temporary: Path
) -> None:
    spoil_the_result(revenue, times=None, half_json=True)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert run.returncode == 1
    assert "with something that is not JSON (6 tries)" in run.last_word
    assert "Traceback" not in run.log
    assert not run.records["forecast_entries"]
    assert list(temporary.glob("tap-clari-*")) == []


def test_a_result_on_another_host_is_fetched_without_credentials(
    revenue: Revenue, host: FileHost
) -> None:
    run = revenue.tap.run("forecast_entries", "export_jobs", "export_job_results", **ONE_FORECAST)
    assert_complete(run, revenue)
    assert host.traffic.count(status=200) == 2
    assert host.traffic.count_with_credentials() == 0
    assert revenue.sandbox.traffic.count(status=200, method="GET") > 0
    said = run.log + "".join(run.lines)
    assert "X-Signature" not in said
    assert host.url not in said
    assert revenue.sandbox.api_key not in said


def test_a_link_that_does_not_work_is_made_up_for_by_the_api_itself(
    revenue: Revenue, host: FileHost
) -> None:
    host.faults.add(times=None, status=403)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_complete(run, revenue)
    assert host.traffic.count_with_credentials() == 0
    assert "The download link of the export job" in run.log


def test_a_link_that_is_open_to_eavesdroppers_is_not_followed(revenue: Revenue) -> None:
    revenue.sandbox.exports.download_base = "http://files.example.com"
    assert_complete(revenue.tap.run("forecast_entries", **ONE_FORECAST), revenue)
