"""Settings that cannot work: refused in a sentence, before any request, with no secret told."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t

import pytest

from tests.gladly.truth import API, ago, assert_refused, assert_same, written
from tests.running import BIN, select

if t.TYPE_CHECKING:
    from pathlib import Path

    from tests.gladly.conftest import Gladly

WRONG_TYPES: dict[str, t.Any] = {
    "environment": "test",
    "event_entities": ["AGENT"],
    "reports": [{"metric_set": "A", "aggregation_level": "yearly"}],
    "report_lookback_days": -1,
    "requests_per_second": 0,
    "max_concurrent_requests": 0,
    "request_timeout_seconds": 0,
}
WRONG_MEANINGS: dict[str, t.Any] = {
    "start_date": "yesterday",
    "username": "me@acme.com\n",
    "api_token": "SECRETKEY\n",
    "user_agent": "a\nb",
    "event_entities": [],
    "answer_languages": ["en-us", "en us"],
    "reports": [
        "Contact Export",
        "ContactExportReportV3",
        {"metric_set": "ContactExportReportV3"},
        {"metric_set": "A", "name": "work_session_events"},
        {"metric_set": "B", "timezone": "Mars/Olympus"},
        {"metric_set": "C", "timezone": "../etc"},
    ],
}


def test_every_wrong_setting_has_its_sentence(gladly: Gladly) -> None:
    told = gladly.tap.output(**WRONG_MEANINGS)
    for words in (
        ("start_date", "ISO 8601", "'yesterday'"),
        ("username", "line break", "not shown"),
        ("api_token", "line break", "not shown"),
        ("user_agent", "header"),
        ("event_entities is empty",),
        ("answer_languages", "'en us'", "en-us"),
        ("reports", "'Contact Export'", "no metric set"),
        ("report_contact_export_v3", "name of its own"),
        ("report_work_session_events", "name of its own"),
        ("reports", "'Mars/Olympus'", "America/New_York"),
        ("reports", "'../etc'"),
    ):
        assert_refused(told, gladly, *words)
    assert "SECRETKEY" not in told[2]


def test_settings_of_wrong_types_are_refused(gladly: Gladly) -> None:
    told = gladly.tap.output(**WRONG_TYPES)
    for words in (
        ("environment", "'test'", "'production', 'sandbox'"),
        ("event_entities[0]", "'AGENT'", "'CONTACT'"),
        ("reports[0]['aggregation_level']", "'yearly'", "'weekly'"),
        ("report_lookback_days", "-1", "minimum of 0"),
        ("requests_per_second", "0 is less than or equal to"),
        ("max_concurrent_requests", "0 is less than the minimum of 1"),
        ("request_timeout_seconds", "0 is less than or equal to"),
    ):
        assert_refused(told, gladly, f"The setting {words[0]} ", *words)
    assert "Config validation failed" not in told[2]


NUMBERS = {
    "REQUESTS_PER_SECOND": "5",
    "REQUEST_TIMEOUT_SECONDS": "30.5",
    "MAX_CONCURRENT_REQUESTS": "2",
    "REPORT_LOOKBACK_DAYS": "3",
}


@pytest.mark.parametrize("wrong", [{}, {"REQUESTS_PER_SECOND": "five"}])
def test_settings_come_from_the_environment(
    gladly: Gladly, tmp_path: Path, wrong: dict[str, str]
) -> None:
    streams = ("organization", "agents", "teams", "inboxes", "topics", "audiences", "webhooks")
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps(select("tap-gladly", streams)), encoding="utf-8")
    names = ("api_url", "username", "api_token")
    own = {name.upper(): gladly.tap.config[name] for name in names}
    settings = {f"TAP_GLADLY_{name}": each for name, each in {**own, **NUMBERS, **wrong}.items()}
    done = subprocess.run(
        [BIN / "tap-gladly", "--config=ENV", "--catalog", catalog],
        env={**os.environ, **settings},
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    if wrong:
        assert_refused((done.returncode, done.stdout, done.stderr), gladly, "'five'")
        return
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"type":"RECORD"') > len(gladly.sandbox.account.agents)
    assert gladly.sandbox.traffic.count() == len(streams)
    assert gladly.sandbox.traffic.busiest_second() <= 5


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"start_date": "1970-06-01", "user_agent": "ünïcode"}, ("start_date", "before 1971")),
        ({"start_date": "0001-01-01T00:00:00+05:00"}, ("start_date",)),
        (
            {"api_token": "SECRETKEY\u2026", "api_url": "https://acme.gladly.com:abc"},
            ("api_token", "cannot be sent"),
        ),
        ({"api_token": 123456789}, ("api_token", "must be a text", "not shown")),
        (
            {"api_url": "http://acme.gladly.com", "username": "me@acme.com:SECRETKEY"},
            ("api_url", "https://"),
        ),
        ({"api_url": "acme.gladly.com"}, ("api_url", "https://acme.gladly.com")),
        ({"api_url": "https://me:SECRETKEY@acme.gladly.com"}, ("api_url", "no user")),
        ({"api_url": "https://acme.gladly.com/?key=SECRETKEY"}, ("api_url", "query")),
        ({"api_url": "https://[", "username": "me@x.y:SECRETKEY"}, ("username", "colon")),
    ],
    ids=lambda value: None if isinstance(value, tuple) else str(value)[:40],
)
def test_a_wrong_setting_is_refused(
    gladly: Gladly, setting: dict[str, t.Any], words: tuple[str, ...]
) -> None:
    told = gladly.tap.output(**setting)
    assert_refused(told, gladly, *words)
    for name in setting:
        assert_refused(told, gladly, name)
    for secret in ("SECRETKEY", "123456789"):
        assert secret not in told[2]


@pytest.mark.parametrize("option", ["--discover", "--test"])
def test_a_wrong_setting_is_refused_by_every_command(gladly: Gladly, option: str) -> None:
    told = gladly.tap.output(option, start_date="yesterday", api_token="SECRETKEY\n")
    assert_refused(told, gladly, "start_date")
    assert_refused(told, gladly, "api_token")
    assert not told[1]


def test_a_setting_that_is_null_is_as_good_as_not_set(gladly: Gladly) -> None:
    nothing = dict.fromkeys(
        ("start_date", "event_entities", "answer_languages", "requests_per_second", "reports")
    )
    run = gladly.tap.run("answers", "events", "export_jobs", **nothing)
    assert run.returncode == 0, run.log
    assert len(run.records["events"]) == len(gladly.sandbox.events.all)
    [asked] = gladly.sandbox.traffic.exchanges(f"{API}/events")
    assert len([each for name, each in asked.params or () if name == "entities"]) == 8


def test_no_report_at_all_is_a_choice(gladly: Gladly) -> None:
    catalog = gladly.tap.discover(reports=[])
    names = {each["tap_stream_id"] for each in catalog["streams"]}
    assert {name for name in names if "report" in name} == {"report_work_session_events"}
    assert "events" in names


def test_a_start_date_in_the_future_is_named_once(gladly: Gladly) -> None:
    streams = ("events", "export_jobs", "export_topics", "export_customers")
    run = gladly.tap.run(*streams, start_date=written(ago(days=-30)))
    assert run.returncode == 0, run.log
    assert not run.records["events"]
    assert not run.records["export_topics"]
    [warning] = run.warnings
    assert "start_date lies in the future" in warning


@pytest.mark.parametrize(
    ("stream", "content"),
    [("events", "last week"), ("events", 7), ("export_topics", "2026-13-01")],
)
def test_a_bookmark_that_is_no_time_is_told(
    gladly: Gladly, stream: str, content: str | int
) -> None:
    bookmark = {"replication_key": "timestamp", "replication_key_value": content}
    run = gladly.tap.run(stream, state={"bookmarks": {stream: bookmark}})
    assert run.returncode == 1
    assert "Traceback" not in run.log
    assert "replication_key_value" in run.last_word
    assert stream in run.last_word


def test_a_slow_rate_is_kept(gladly: Gladly) -> None:
    streams = ("agents", "teams", "inboxes", "topics", "audiences")
    run = gladly.tap.run(*streams, requests_per_second=2)
    assert_same(run, "agents", gladly.sandbox.account.agents)
    arrivals = gladly.sandbox.traffic.arrivals()
    assert arrivals[-1] - arrivals[0] > 1.9
