"""What can go wrong, and the sentence in which a run ends then; what may pass, and is retried."""

from __future__ import annotations

import itertools
import socket
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest
from tap_gladly.client import error_detail, records
from tap_gladly.kit.decoding import Answer
from tap_gladly.kit.errors import UnexpectedResponseError

from tests.gladly.report_truth import REPORTS, days_ago, first_retry
from tests.gladly.truth import assert_same
from tests.running import Tap

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Run
    from tests.sandbox.faults import FaultOptions
    from tests.sandbox.gladly.errors import ErrorShape

AGENTS = "/api/v1/agents"
LISTS = {
    "organization": "/organization",
    "agents": "/agents",
    "teams": "/teams",
    "inboxes": "/inboxes",
    "topics": "/topics",
    "audiences": "/audiences",
    "business_hours": "/business-hours",
    "webhooks": "/webhooks",
    "export_schedules": "/export/schedules",
    "export_jobs": "/export/jobs",
    "events": "/events",
    "report_agent_timestamps": "/reports",
    "report_work_session_events": "/reports/work-session-events",
}


def assert_told(run: Run, gladly: Gladly, *words: str) -> None:
    """The run ended in one sentence with these words, and gave nothing away."""
    token = gladly.sandbox.headers["Authorization"].split()[1]
    run.assert_told(*words, secrets=(gladly.sandbox.api_token, token, "SECRET-IN-BODY"))


@pytest.mark.parametrize(
    ("stream", "wrong"),
    [
        ("agents", {"username": "nobody@x.example"}),
        ("report_agent_timestamps", {"api_token": "wrong-token"}),
    ],
)
def test_wrong_credentials(gladly: Gladly, stream: str, wrong: dict[str, t.Any]) -> None:
    run = gladly.tap.run(stream, start_date=days_ago(1), **wrong)
    words = ("401", "it says: invalid", "username", "api_token")
    assert_told(run, gladly, *words, "Settings > API tokens")
    for value in wrong.values():
        assert value not in run.log
    assert gladly.sandbox.traffic.count() == 1


@pytest.mark.parametrize(("missing", "value"), [("username", None), ("api_token", "")])
def test_missing_credentials(gladly: Gladly, missing: str, value: str | None) -> None:
    settings: dict[str, t.Any] = {missing: value}
    run = gladly.tap.run("agents", **settings)
    assert_told(run, gladly, missing, "Settings > API")
    assert gladly.sandbox.traffic.count() == 0


def test_missing_organization(gladly: Gladly) -> None:
    run = gladly.tap.run("agents", api_url=None)
    assert_told(run, gladly, "organization", "acme.gladly.com")
    assert gladly.sandbox.traffic.count() == 0


@pytest.mark.parametrize("stream", ["webhooks", "events", "report_work_session_events"])
def test_no_permission(gladly: Gladly, stream: str) -> None:
    gladly.sandbox.forbidden = True
    run = gladly.tap.run(stream, start_date=days_ago(1))
    says = "(HTTP 403, it says: invalid)"
    assert_told(run, gladly, "403", LISTS[stream], says, "Settings > Users")
    assert ("Administrator" in run.last_word) == ("report" in stream)


@pytest.mark.parametrize("stream", [*LISTS][::4])
def test_no_such_organization(gladly: Gladly, stream: str) -> None:
    gladly.sandbox.gone = True
    run = gladly.tap.run(stream, start_date=days_ago(1))
    says = "(HTTP 404, it says: not_exist)"
    assert_told(run, gladly, "404", LISTS[stream], says, "no such organization", "api_url")


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_what_gladly_says_in_words_is_not_shown(gladly: Gladly, status: int) -> None:
    token = gladly.sandbox.api_token
    body = {"errors": [{"code": "invalid", "detail": f"there is no token {token}; {token}?"}]}
    gladly.sandbox.faults.add(path=AGENTS, status=status, body=body)
    run = gladly.tap.run("agents")
    assert_told(run, gladly, f"(HTTP {status}, it says: invalid)")
    assert "there is no token" not in run.log


@pytest.mark.parametrize("shape", ["list", "object", "bare"])
def test_a_bad_request_is_told_with_what_it_is_about(gladly: Gladly, shape: ErrorShape) -> None:
    gladly.sandbox.error_shape = shape
    bad = [{"metric_set": "AgentTimestampsReport", "filters": {"channel": "pigeon"}}]
    run = gladly.tap.run("report_agent_timestamps", reports=bad, start_date=days_ago(1))
    assert_told(run, gladly, "400", "/reports", "filters.channel")
    assert gladly.sandbox.traffic.count() == 1


@pytest.mark.parametrize("body", ["SECRET-IN-BODY", b"[" * 5_000 + b"]" * 5_000])
def test_a_bad_request_without_a_reason_is_told(gladly: Gladly, body: str | bytes) -> None:
    gladly.sandbox.faults.add(path=AGENTS, status=400, body=body)
    assert_told(gladly.tap.run("agents"), gladly, "(HTTP 400)", "/agents", "settings")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"errors":[]}', b'{"errors":[1]}', b"null", b'"x"', b'{"errors":{}}']
)
def test_a_body_may_give_no_reason(body: bytes) -> None:
    assert error_detail(body) is None


@pytest.mark.parametrize(("path", "stream"), [(AGENTS, "agents"), (REPORTS, "report_task_export")])
def test_a_redirect_is_not_followed_and_gets_no_credentials(
    start: Start, path: str, stream: str
) -> None:
    gladly, elsewhere = start(), start()
    gladly.sandbox.faults.add(path=path, redirect=f"{elsewhere.sandbox.url}{path}")
    run = gladly.tap.run(stream, start_date=days_ago(1))
    assert_told(run, gladly, "redirects", "302", "api_url")
    assert elsewhere.sandbox.traffic.count() == 0


@pytest.mark.parametrize("location", ["http://[::1", "https://a:b:c/", "//"])
def test_a_redirect_that_leads_nowhere_is_told(gladly: Gladly, location: str) -> None:
    gladly.sandbox.faults.add(path=AGENTS, redirect=location)
    assert_told(gladly.tap.run("agents"), gladly, "302", "redirects /agents", "api_url")
    assert gladly.sandbox.traffic.count() == 1


@pytest.mark.parametrize("body", [{"agents": []}, b"null"])
def test_an_answer_of_another_shape(
    gladly: Gladly, impatient: str, body: dict[str, t.Any] | bytes
) -> None:
    gladly.sandbox.faults.add(path=AGENTS, times=None, status=200, body=body)
    run = Tap(impatient, gladly.tap.config).run("agents")
    assert_told(run, gladly, "/agents", "without a list of records")
    assert gladly.sandbox.traffic.count() == 3


@pytest.mark.parametrize("body", [b"{}", b"1", b"null", b"[1]", b"[[]]", b'["a"]', b'"x"'])
def test_what_is_no_list_of_records(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        records(Answer("/agents", body, {}))


def test_what_stays_wrong_ends_in_a_sentence_after_six_tries(start: Start) -> None:
    faults: list[tuple[FaultOptions, dict[str, t.Any], tuple[str, ...]]] = [
        ({"status": 503, "body": "SECRET-IN-BODY"}, {}, ("503", "Gladly's side", "resumes")),
        ({"status": 429}, {}, ("429", "requests_per_second", "resumes")),
        ({"html": True}, {}, ("not JSON", "api_url", "proxy")),
        ({"half_json": True}, {}, ("not JSON",)),
        ({"reset": True}, {}, ("No connection", "connection reset", "resumes")),
        (
            {"slow": 2},
            {"request_timeout_seconds": 0.5},
            ("0.5 seconds", "request_timeout_seconds"),
        ),
    ]
    gladlys = [start() for _ in faults]
    for gladly, (options, _, _) in zip(gladlys, faults, strict=True):
        options["path"], options["times"] = AGENTS, None
        gladly.sandbox.faults.add(**options)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    # Closed again: nobody listens there. All wait side by side.
    nowhere = Tap("tap-gladly", {**gladlys[0].tap.config, "api_url": f"http://127.0.0.1:{port}"})
    with ThreadPoolExecutor(len(faults) + 1) as pool:
        lost = pool.submit(nowhere.run, "agents")
        runs = [
            pool.submit(gladly.tap.run, "agents", **settings)
            for gladly, (_, settings, _) in zip(gladlys, faults, strict=True)
        ]
    for run, gladly, (_, _, words) in zip(runs, gladlys, faults, strict=True):
        assert_told(run.result(), gladly, "6 tries", *words)
        arrivals = gladly.sandbox.traffic.arrivals()
        assert len(arrivals) == 6
        gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
        for gap, least in zip(gaps, (1, 2, 4, 8, 16), strict=True):
            assert least <= gap < least + 3
    assert_told(lost.result(), gladlys[0], "No connection", "connection refused", "6 tries")


@pytest.mark.parametrize(
    "faults",
    [
        [
            {"status": 500},
            {"status": 502, "body": "<html>SECRET-IN-BODY</html>"},
            {"status": 429},
            {"status": 408},
            {"reset": True},
        ],
        [
            {"lost": True},
            {"truncate": True},
            {"half_json": True},
            {"unframed": True},
            {"html": True},
        ],
    ],
    ids=["errors", "spoiled"],
)
def test_what_passes_is_retried_and_nothing_is_lost(
    gladly: Gladly, faults: list[FaultOptions]
) -> None:
    streams = ("agents", "teams", "inboxes", "topics", "audiences")
    for stream, fault in zip(streams, faults, strict=True):
        fault["path"] = f"/api/v1/{stream}"
        gladly.sandbox.faults.add(**fault)
    run = gladly.tap.run(*streams)
    # The first answer of too many requests is no warning.
    again = [line for line in run.log.splitlines() if "; trying again in " in line]
    for stream, warning in zip(streams, again, strict=True):
        assert_same(run, stream, getattr(gladly.sandbox.account, stream))
        assert f"GET /{stream}: " in warning
        assert "try 2 of 6" in warning
    assert "SECRET-IN-BODY" not in run.log
    assert gladly.sandbox.traffic.count() == 10


@pytest.mark.parametrize("status", [503, 429])
def test_a_report_is_asked_for_again(gladly: Gladly, status: int) -> None:
    gladly.sandbox.faults.add(path=REPORTS, times=None, status=status)
    log = first_retry(gladly, "report_task_export", start_date=days_ago(1))
    assert f"POST /reports: HTTP {status}" in log


def test_an_answer_that_takes_too_long_is_asked_for_again(gladly: Gladly) -> None:
    gladly.sandbox.faults.add(path=REPORTS, times=None, slow=3)
    log = first_retry(
        gladly, "report_task_export", start_date=days_ago(1), request_timeout_seconds=0.5
    )
    assert "POST /reports: no answer in time" in log


def test_a_target_that_stops_reading(start: Start) -> None:
    gladly = start(days=1)
    gladly.sandbox.reports.body_instead = b"Timestamp,Event Type\n" + b"x,A\n" * 50_000
    gladly.sandbox.reports.content_type_instead = "text/csv"
    with gladly.tap.started(streams=("report_task_timestamps",), start_date=days_ago(1)) as (
        process,
        log,
    ):
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        process.wait(timeout=60)
        text = log.read_text(encoding="utf-8")
    assert process.returncode == 1
    assert "Traceback" not in text
    assert "target stopped reading" in text.splitlines()[-1]


@pytest.mark.parametrize("value", ["yesterday", ""])
def test_a_bookmark_that_is_no_time_is_told(gladly: Gladly, value: str) -> None:
    bookmark = {"replication_key": "timestamp", "replication_key_value": value}
    state = {"bookmarks": {"report_agent_timestamps": bookmark}}
    run = gladly.tap.run("report_agent_timestamps", state=state)
    assert_told(run, gladly, "report_agent_timestamps", "replication_key_value")
    assert gladly.sandbox.traffic.count() == 0


def test_a_bookmark_in_the_future_is_told(gladly: Gladly) -> None:
    bookmark = {"replication_key": "timestamp", "replication_key_value": days_ago(-3)}
    state = {"bookmarks": {"report_agent_timestamps": bookmark}}
    run = gladly.tap.run("report_agent_timestamps", state=state)
    assert run.returncode == 0, run.log
    assert not run.records
    [warning] = run.warnings
    assert "lies in the future" in warning
