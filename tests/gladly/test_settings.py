"""Settings that cannot work: refused in a sentence, before any request, with no secret told."""

from __future__ import annotations

import typing as t

import pytest

from tests.gladly.truth import API, ago, assert_refused, assert_same, written

if t.TYPE_CHECKING:
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


@pytest.mark.parametrize("name", WRONG_TYPES)
def test_a_setting_of_a_wrong_type_is_refused(gladly: Gladly, name: str) -> None:
    assert_refused(gladly.tap.output(**{name: WRONG_TYPES[name]}), gladly, name)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ({"start_date": "1970-06-01", "user_agent": "ünïcode"}, ("start_date", "before 1971")),
        ({"start_date": "0001-01-01T00:00:00+05:00"}, ("start_date",)),
        ({"username": "me@acme.com:SECRETKEY"}, ("username", "colon")),
        ({"api_token": "SECRETKEY\u2026"}, ("api_token", "cannot be sent")),
        ({"api_token": 123456789}, ("api_token", "must be a text", "not shown")),
        ({"api_url": "http://acme.gladly.com"}, ("api_url", "https://")),
        ({"api_url": "acme.gladly.com"}, ("api_url", "https://acme.gladly.com")),
        ({"api_url": "https://me:SECRETKEY@acme.gladly.com"}, ("api_url", "no user")),
        ({"api_url": "https://acme.gladly.com/?key=SECRETKEY"}, ("api_url", "query")),
        ({"api_url": "https://acme.gladly.com:abc"}, ("api_url",)),
        ({"api_url": "https://["}, ("api_url",)),
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
    "content", ["last week", 7, "2026-13-01"], ids=["words", "number", "no month"]
)
@pytest.mark.parametrize("stream", ["events", "export_topics"])
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
