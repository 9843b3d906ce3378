"""What can go wrong, and the sentence in which a run ends then; what may pass, and is retried."""

from __future__ import annotations

import itertools
import json
import socket
import ssl
import threading
import time
import typing as t
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from tests.clari.truth import detailed
from tests.running import Tap
from tests.sandbox.copilot import FORBIDDEN, SIGNATURE

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clari.conftest import Copilot, Start
    from tests.running import Run

SECRETS = (SIGNATURE, "SECRET-IN-BODY")
KEYS = {"copilot_api_key": "k", "copilot_api_password": "p"}


def assert_told(run: Run, copilot: Copilot, *words: str) -> None:
    """The run ended in one sentence with these words, and gave nothing away."""
    run.assert_told(*words, secrets=(copilot.sandbox.api_password, *SECRETS))


@pytest.mark.parametrize(
    "wrong", [{"copilot_api_key": "nobody"}, {"copilot_api_password": "nothing"}]
)
def test_wrong_credentials(copilot: Copilot, wrong: dict[str, t.Any]) -> None:
    run = copilot.tap.run("users", **wrong)
    assert_told(
        run, copilot, "401", "X-Api-Key", "X-Api-Password", "copilot_api_key", "Integrations"
    )
    assert "nobody" not in run.log
    assert "nothing" not in run.log
    assert copilot.sandbox.traffic.count() == 1


@pytest.mark.parametrize("missing", ["copilot_api_key", "copilot_api_password"])
def test_missing_credentials(copilot: Copilot, missing: str) -> None:
    run = copilot.tap.run("users", **{missing: None})
    assert_told(run, copilot, missing, "Integrations")
    assert copilot.sandbox.traffic.count() == 0


def test_credentials_without_permission(copilot: Copilot) -> None:
    run = copilot.tap.run("users", copilot_api_key=FORBIDDEN, copilot_api_password=FORBIDDEN)
    assert_told(run, copilot, "403", "/users", "administrator")


def test_wrong_address(copilot: Copilot) -> None:
    run = copilot.tap.run("users", copilot_api_url=f"{copilot.sandbox.url}/v9")
    assert_told(run, copilot, "404", "copilot_api_url")


def test_a_request_that_the_api_does_not_accept(copilot: Copilot) -> None:
    copilot.sandbox.faults.add(path="/users", status=400, body="SECRET-IN-BODY")
    assert_told(copilot.tap.run("users"), copilot, "400", "/users")


def test_a_redirect_is_not_followed_and_gets_no_credentials(start: Start) -> None:
    copilot, elsewhere = start(), start()
    copilot.sandbox.faults.add(path="/users", redirect=f"{elsewhere.sandbox.url}/users")
    assert_told(copilot.tap.run("users"), copilot, "redirects", "copilot_api_url")
    assert elsewhere.sandbox.traffic.count() == 0


def test_an_answer_without_what_is_promised(copilot: Copilot) -> None:
    copilot.sandbox.faults.add(
        path="/users", times=None, status=200, body={"people": ["SECRET-IN-BODY"]}
    )
    assert_told(copilot.tap.run("users"), copilot, "/users", "'users'")


@pytest.mark.parametrize("users", [{}, "all", ["a"], [None], [[1]]], ids=str)
def test_an_answer_of_another_shape(copilot: Copilot, users: object) -> None:
    copilot.sandbox.faults.add(path="/users", times=None, status=200, body={"users": users})
    assert_told(copilot.tap.run("users"), copilot, "/users", "without")


@pytest.mark.parametrize("stream", ["accounts", "call_details"])
def test_an_object_of_another_shape(copilot: Copilot, stream: str) -> None:
    path = {"accounts": "/get-account", "call_details": "/call-details"}[stream]
    copilot.sandbox.faults.add(path=path, times=None, status=200, body=b"[1]")
    assert_told(copilot.tap.run(stream), copilot, path, "without")


def test_no_connection() -> None:
    tap = Tap("tap-clari", KEYS)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    # Closed again: nobody listens there.
    run = tap.run("users", copilot_api_url=f"http://127.0.0.1:{port}")
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert "No connection" in run.last_word
    assert "connection refused" in run.last_word


def test_a_server_that_does_not_speak_tls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        tap = Tap("tap-clari", KEYS)
        url = f"https://127.0.0.1:{server.getsockname()[1]}"
        with tap.started(streams=("users",), copilot_api_url=url) as (process, log):
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            process.communicate(timeout=60)
            text = log.read_text()
    assert process.returncode == 1
    assert "Traceback" not in text
    assert "No secure connection" in text.splitlines()[-1]


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """An API with a certificate that no system knows, and the file with its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), OneUser)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    yield f"https://localhost:{server.server_port}", tmp_path / "authority.pem"
    server.shutdown()
    serving.join()
    server.server_close()


class OneUser(BaseHTTPRequestHandler):
    """Answers everything with one user, who is named after the client."""

    def do_GET(self) -> None:
        """Answer."""
        user = {"id": "1", "name": self.headers["User-Agent"]}
        body = json.dumps({"users": [user]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


def test_a_certificate_that_is_not_trusted_until_it_is(
    authority: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, certificate = authority
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    run = Tap("tap-clari", KEYS).run("users", copilot_api_url=url)
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert "No secure connection" in run.last_word
    assert "REQUESTS_CA_BUNDLE" in run.last_word

    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    run = Tap("tap-clari", KEYS).run("users", copilot_api_url=url)
    assert run.returncode == 0, run.log
    assert run.ids("users") == ["1"]
    # The same server shows what the tap calls itself.
    assert run.records["users"][0]["name"].startswith("tap-clari/")
    run = Tap("tap-clari", KEYS).run("users", copilot_api_url=url, user_agent="acme-data/2")
    assert run.records["users"][0]["name"] == "acme-data/2"


def test_the_trust_store_of_the_system_counts_unless_a_bundle_is_set(
    authority: tuple[str, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, certificate = authority
    tap = Tap("tap-clari", {**KEYS, "copilot_api_url": url})
    for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(variable, raising=False)
    # OpenSSL's own variable: where the system's trust store is.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    run = tap.run("users")
    assert run.returncode == 0, run.log
    assert run.ids("users") == ["1"]

    another = tmp_path / "another.pem"
    trustme.CA().cert_pem.write_to_path(str(another))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(another))
    run = tap.run("users")
    assert run.returncode == 1
    assert "trust store" in run.last_word


@pytest.mark.parametrize("value", ["2", "date"])
def test_retry_after_is_obeyed(copilot: Copilot, value: str) -> None:
    if value == "date":
        until = datetime.now(timezone.utc) + timedelta(seconds=8)
        value = format_datetime(until.replace(microsecond=0), usegmt=True)
    copilot.sandbox.faults.add(path="/users", status=429, retry_after=value)
    began = time.time()
    run = copilot.tap.run("users")
    assert run.returncode == 0, run.log
    assert len(run.records["users"]) == len(copilot.sandbox.account.users())
    first, second = copilot.sandbox.traffic.arrivals()
    if value == "2":
        assert 2 <= second - first < 6
    else:
        # The log's clock is monotonic: what it shows now is what the wall shows now.
        arrived = time.time() - (time.monotonic() - second)
        assert arrived >= until.replace(microsecond=0).timestamp() - 0.1
    assert time.time() - began < 60


def test_all_requests_wait_when_one_is_told_to(start: Start) -> None:
    copilot = start(calls=400)
    copilot.sandbox.faults.add(path="/call-details", after=100, status=429, retry_after=3)
    run = copilot.tap.run("call_details", requests_per_second=100)
    assert run.returncode == 0, run.log
    refused = next(e for e in copilot.sandbox.traffic.exchanges() if e.status == 429)
    after = [a - refused.arrived for a in copilot.sandbox.traffic.arrivals() if a > refused.arrived]
    # Those that had left already are few; then nobody asks for three seconds.
    assert len([seconds for seconds in after if seconds < 2.9]) <= 8


def test_a_wait_of_days_is_told_and_not_sat_out(copilot: Copilot) -> None:
    copilot.sandbox.faults.add(path="/users", status=429, retry_after=100_000)
    began = time.time()
    run = copilot.tap.run("users")
    assert_told(
        run, copilot, "429", "10 requests a second", "100,000", "Sunday 00:00 GMT", "resumes"
    )
    assert time.time() - began < 20


def test_a_wait_of_days_for_a_server_that_is_down_is_told_too(copilot: Copilot) -> None:
    copilot.sandbox.faults.add(path="/users", status=503, retry_after=100_000)
    assert_told(copilot.tap.run("users"), copilot, "503", "1 day, 3:46:40", "resumes")


def test_a_429_that_persists(start: Start) -> None:
    copilot = start(weekly_quota=0)
    run = copilot.tap.run("users")
    assert_told(
        run, copilot, "429", "10 requests a second", "100,000", "Sunday 00:00 GMT", "resumes"
    )
    assert copilot.sandbox.traffic.count() == 6


def test_a_quota_that_ends_in_the_middle_keeps_what_was_read(start: Start) -> None:
    copilot = start(calls=1_500, weekly_quota=1_100, retry_after=100_000)
    first = copilot.tap.run("call_details")
    assert_told(first, copilot, "100,000", "resumes")
    assert first.bookmark("call_details")
    copilot.sandbox.limits.renew()
    second = copilot.tap.run("call_details", state=first.state)
    assert second.returncode == 0, second.log
    assert {*first.ids("call_details"), *second.ids("call_details")} == set(detailed(copilot))


def test_errors_of_the_server_that_persist(copilot: Copilot) -> None:
    copilot.sandbox.faults.add(path="/users", times=None, status=503, body="SECRET-IN-BODY")
    assert_told(copilot.tap.run("users"), copilot, "503", "/users", "Clari's side", "resumes")
    waits = copilot.sandbox.traffic.arrivals()
    gaps = [later - earlier for earlier, later in itertools.pairwise(waits)]
    assert len(gaps) == 5
    for gap, least in zip(gaps, (1, 2, 4, 8, 16), strict=True):
        assert least <= gap < least + 2


def test_answers_that_stay_something_else_than_json(copilot: Copilot) -> None:
    copilot.sandbox.faults.add(path="/users", times=None, html=True)
    assert_told(copilot.tap.run("users"), copilot, "not JSON", "copilot_api_url")


def test_a_server_that_does_not_answer_in_time(copilot: Copilot) -> None:
    copilot.sandbox.faults.add(path="/users", times=None, slow=3)
    run = copilot.tap.run("users", request_timeout_seconds=0.5)
    assert_told(run, copilot, "0.5 seconds", "request_timeout_seconds")


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 502, "body": "<html>SECRET-IN-BODY</html>"},
        {"status": 429},
        {"status": 408},
        {"reset": True},
        {"truncate": True},
        {"half_json": True},
        {"html": True},
    ],
    ids=lambda fault: "-".join(f"{name}={value}" for name, value in fault.items())[:12],
)
@pytest.mark.parametrize("path", ["/calls", "/call-details"])
def test_what_passes_is_retried_and_nothing_is_lost(
    start: Start, path: str, fault: dict[str, t.Any]
) -> None:
    copilot = start(calls=40)
    copilot.sandbox.faults.add(path=path, after=1, times=2, **fault)
    run = copilot.tap.run("calls", "call_details")
    assert run.returncode == 0, run.log
    calm = start(calls=40).tap.run("calls", "call_details")
    assert run.records == calm.records
    assert "SECRET-IN-BODY" not in run.log
    assert [
        line for line in run.log.splitlines() if f"GET {path}: " in line and "(try 2 of " in line
    ]


def test_a_target_that_stops_reading(start: Start) -> None:
    copilot = start(calls=2_000)
    with copilot.tap.started(streams=("calls",)) as (process, log):
        assert process.stdout
        process.stdout.readline()
        process.stdout.close()
        process.wait(timeout=120)
        text = log.read_text()
    assert process.returncode == 1
    assert "Traceback" not in text
    assert "target stopped reading" in text.splitlines()[-1]


@pytest.mark.parametrize(
    ("setting", "word"),
    [
        ({"start_date": "yesterday"}, "start_date"),
        ({"copilot_api_url": "http://copilot.example.com"}, "https://"),
        ({"copilot_api_url": "copilot.example.com"}, "copilot_api_url"),
        ({"copilot_api_url": "https://user:pass@example.com"}, "copilot_api_url"),
        ({"copilot_api_url": "https://example.com:abc"}, "copilot_api_url"),
        ({"copilot_api_url": "https://["}, "copilot_api_url"),
        ({"start_date": "0001-01-01"}, "start_date"),
        ({"copilot_api_key": "SECRETKEY\n"}, "copilot_api_key"),
        ({"copilot_api_password": "SECRETKEY\u2026"}, "copilot_api_password"),
        ({"user_agent": "a\nb"}, "user_agent"),
        ({"lookback_days": 1_000_000}, "lookback_days"),
        ({"lookback_days": -1}, "lookback_days"),
        ({"call_detail_statuses": ["DONE"]}, "call_detail_statuses"),
        ({"requests_per_second": 0}, "requests_per_second"),
        ({"api_url": "https://api.clari.com/v4"}, "write it as https://api.clari.com"),
        ({"time_periods": ["2026Q3"]}, "'2026Q3', which is no fiscal quarter"),
        ({"forecast_types": []}, "The setting forecast_types is empty"),
    ],
)
@pytest.mark.parametrize(
    "option", [(), ("--discover",), ("--test",)], ids=["sync", "discover", "test"]
)
def test_a_wrong_setting(
    copilot: Copilot, option: tuple[str, ...], setting: dict[str, t.Any], word: str
) -> None:
    returncode, out, log = copilot.tap.output(*option, **setting)
    assert returncode == 1
    assert not out
    assert "Traceback" not in log
    assert word in log
    assert "SECRETKEY" not in log
    assert copilot.sandbox.traffic.count() == 0


def test_a_setting_that_is_null_is_as_good_as_not_set(copilot: Copilot) -> None:
    nothing = dict.fromkeys(
        ("requests_per_second", "lookback_days", "call_detail_statuses", "request_timeout_seconds")
    )
    assert copilot.tap.run("call_details", **nothing).returncode == 0


def test_an_address_that_is_no_host(copilot: Copilot) -> None:
    run = copilot.tap.run("users", copilot_api_url="https://.example.com")
    assert_told(run, copilot, "copilot_api_url")


@pytest.mark.parametrize(
    "environment", [{"REQUESTS_CA_BUNDLE": "/nowhere"}, {"HTTPS_PROXY": "http://["}], ids=str
)
def test_a_wrong_environment_is_told(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    run = Tap("tap-clari", KEYS).run("users", copilot_api_url="https://127.0.0.1:9")
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert "REQUESTS_CA_BUNDLE" in run.last_word or "proxy" in run.last_word


def test_a_secret_of_the_wrong_type_is_not_shown(copilot: Copilot) -> None:
    returncode, _, log = copilot.tap.output(copilot_api_password=123456789)
    assert returncode == 1
    assert "copilot_api_password" in log
    assert "123456789" not in log


@pytest.mark.parametrize("content", [None, "{"], ids=["missing", "cut off"])
def test_a_configuration_file_that_is_none(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "wrong.json"
    if content is not None:
        file.write_text(content)
    returncode, _, log = Tap("tap-clari", {}).output("--config", str(file))
    assert returncode == 1
    assert "Traceback" not in log
    assert "--config" in log.splitlines()[-1]
