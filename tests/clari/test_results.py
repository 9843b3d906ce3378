"""What a job leaves: a file of any size, from the API or from elsewhere, whole or not."""

from __future__ import annotations

import gzip
import resource
import typing as t

import pytest
import requests
from tap_clari.revenue.exports.results import ExportResult

from tests.clari.revenue_truth import assert_same
from tests.clari.test_exports import ONE_FORECAST, START, assert_complete
from tests.clari.test_revenue_errors import assert_told
from tests.gladly.scripted import Answer, Scripted
from tests.running import TIME_LIMIT, Run
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


def spoil_the_result(revenue: Revenue, start: str = START, **fault: t.Any) -> None:
    """Let something happen to the answers with the result of the next job that is started there."""
    revenue.sandbox.exports.seconds = 0
    # The path is not known before there is a job: after its start, one answer says that it is
    # done, and the next one has the result.
    revenue.sandbox.faults.add(
        path=start,
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
    assert list(temporary.glob("tap-*")) == []


def test_a_result_that_is_never_whole_ends_in_a_sentence_and_leaves_no_file(
    revenue: Revenue, temporary: Path
) -> None:
    spoil_the_result(revenue, times=None, half_json=True)
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert run.returncode == 1
    assert "with something that is not JSON (6 tries)" in run.last_word
    assert "Traceback" not in run.log
    assert not run.records["forecast_entries"]
    assert list(temporary.glob("tap-*")) == []


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


# A port that nobody listens on costs all the tries of a request; one that is none costs nothing.
@pytest.mark.parametrize("base", ["http://127.0.0.1:9", "https://127.0.0.1:99999"])
def test_a_link_to_a_host_that_is_down_or_none_is_made_up_for_by_the_api_itself(
    revenue: Revenue, base: str
) -> None:
    revenue.sandbox.exports.download_base = base
    run = revenue.tap.run("forecast_entries", **ONE_FORECAST)
    assert_complete(run, revenue)
    assert "The download link of the export job" in run.log
    assert base not in run.log
    assert "X-Signature" not in run.log
    assert len(revenue.sandbox.exports.started) == 1


def test_a_result_that_finds_no_room_is_told_and_read_by_the_next_run(
    revenue: Revenue, temporary: Path
) -> None:
    revenue.sandbox.account.large_activities(3000)
    with revenue.tap.started(streams=["activities"]) as (process, log):
        # As a full disk would: what the process writes into any one file ends at so many bytes.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (50_000, 50_000))
        out, _ = process.communicate(timeout=TIME_LIMIT)
        run = Run(process.returncode, out.split("\n")[:-1], log.read_text(encoding="utf-8"))
    assert_told(run, "cannot be stored in this machine's folder for temporary files", "TMPDIR")
    assert not run.records
    assert list(temporary.glob("tap-*")) == []
    again = revenue.tap.run("activities", state=run.state)
    [job] = revenue.sandbox.exports.started
    assert_same(again, "activities", job.document()["activities"])


RESULT = b'{"entries": [{"fieldId": "f1"}]}'


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/html"}, RESULT),
        ({"Content-Encoding": ""}, RESULT),
        ({"Content-Encoding": "utf-8"}, RESULT),
        ({"Content-Encoding": "aws-chunked"}, RESULT),
        ({"Content-Encoding": "x-gzip"}, gzip.compress(RESULT)),
        ({"Content-Encoding": "gzip"}, gzip.compress(RESULT) + b"\0" * 10),
    ],
    ids=["a page's type", "nothing", "a charset", "chunks", "an old name", "a filled block"],
)
def test_a_sound_result_is_read_whatever_its_headers_call_it(
    headers: dict[str, str], body: bytes
) -> None:
    with Scripted(Answer(body, headers)) as server:
        result = ExportResult.receive(requests.get(server.url, stream=True, timeout=9), ["entries"])
    assert list(result.records("entries")) == [{"fieldId": "f1"}]
