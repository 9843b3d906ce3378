"""Reports of the local Gladly, over real sockets."""

from __future__ import annotations

import csv
import io
import threading
import time
from datetime import date, datetime, timedelta, timezone
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import psutil
import pytest
import requests

from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.report_sets import ALLOWED, EVENT_GRAIN, SESSIONS, anchor_of
from tests.sandbox.gladly.timestamps import nanos
from tests.sandbox_selftest.gladly_client import BASE, NOW, Client

if TYPE_CHECKING:
    from collections.abc import Iterator

CONVERSATIONS = "ConversationExportReport"
TALK = "ConversationTimestampsReport"
CONTACTS = "ContactExportReportV3"
SUMMARY = "ContactSummaryReport"
LOGINS = "AgentLoginTimeReport"
V2 = "/reports/work-session-events"


class Reader(Client):
    """Asks for reports."""

    def report(self, metric_set: str, start: date, end: date, **more: Any) -> list[dict[str, str]]:
        """Return the rows of a report."""
        days = {"startAt": f"{start:%Y-%m-%d}", "endAt": f"{end:%Y-%m-%d}"}
        return self.read("/reports", metricSet=metric_set, **days, **more)

    def read(self, path: str, **body: Any) -> list[dict[str, str]]:
        """Return the rows of an answer."""
        answer = self.ask(path, "POST", json=body)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv"), (
            answer.text
        )
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
        return list(csv.DictReader(io.StringIO(answer.content.decode(), newline="")))

    def refused(self, path: str = "/reports", **body: Any) -> tuple[str, str]:
        """Return why a request is bad."""
        answer = self.ask(path, "POST", json=body)
        assert answer.status_code == 400, answer.text
        error = answer.json()["errors"][0]
        return error["attr"], error["code"]


TODAY = NOW.date()
LONG_AGO = TODAY - timedelta(days=60)
SOON = TODAY + timedelta(days=2)
RANGE = {"startAtTime": f"{LONG_AGO}T00:00Z", "endAtTime": f"{SOON}T00:00Z"}
DAYS = {"startAt": str(TODAY), "endAt": str(TODAY)}


@pytest.fixture
def own() -> Iterator[Reader]:
    with GladlySandbox(history_days=1) as gladly:
        yield Reader(gladly)


def test_every_report(own: Reader) -> None:
    own.gladly.reports.lag = timedelta(0)
    assert len(ALLOWED) == 55
    for metric_set, allowed in ALLOWED.items():
        truth = own.gladly.reports.rows(metric_set)
        if metric_set == SESSIONS:
            assert own.read("/reports", metricSet=metric_set, **RANGE) == truth
            continue
        more = {"filters": {"phoneNumber": "+16505551987"}} if "p" in allowed else {}
        assert own.report(metric_set, LONG_AGO, SOON, **more) == truth
        assert len(truth) > 25
        moments = [nanos(row[anchor_of(metric_set)]) for row in truth]
        assert moments == sorted(moments)
        equal = any(one == other for one, other in pairwise(truth))
        assert equal == (metric_set in EVENT_GRAIN)
    assert len(own.gladly.reports.asked) == 55
    assert own.gladly.reports.asked[0]["path"] == f"{BASE}/reports"
    cells = {cell for row in own.gladly.reports.rows(CONVERSATIONS) for cell in row.values()}
    assert "" in cells
    for text in ("\n", "\r\n", ",", '"'):
        assert any(text in cell for cell in cells)


def test_days_of_a_time_zone(own: Reader) -> None:
    reports = own.gladly.reports
    day = TODAY - timedelta(days=10)
    for name in ("America/Los_Angeles", "Asia/Kolkata", "UTC"):
        found = own.report(CONVERSATIONS, day, day, timezone=name)
        begin = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(name)).timestamp()
        wanted = [
            row
            for row in reports.rows(CONVERSATIONS)
            if begin * 10**9 <= nanos(row["Created At"]) < (begin + 86_400) * 10**9
        ]
        assert found == wanted
        assert len(found) in {2, 3, 4, 5, 6}
    assert own.report(CONVERSATIONS, day, day) == own.report(
        CONVERSATIONS, day, day, timezone="America/Los_Angeles"
    )
    reports.naive_times = True
    local = own.report(CONVERSATIONS, day, day)
    assert local[0]["Created At"] == f"{day} 00:00:00"
    reports.en_dash = True
    assert "Inbox ID \u2013 Current" in own.report(CONVERSATIONS, day, day)[0]


def test_lag_and_the_past(own: Reader) -> None:
    reports = own.gladly.reports
    ages = (30, 59, 61, 60 * 24 * 5)
    now = datetime.now(timezone.utc)
    created = [f"{now - timedelta(minutes=age):%Y-%m-%dT%H:%M:%SZ}" for age in ages]
    reports.set(TALK, [{"Timestamp": one, "Event Type": "X"} for one in created])
    found = own.report(TALK, LONG_AGO, SOON)
    assert [row["Timestamp"] for row in found] == [created[3], created[2]]
    reports.as_of = now - timedelta(days=2)
    assert [row["Timestamp"] for row in own.report(TALK, LONG_AGO, SOON)] == [created[3]]
    reports.as_of, reports.lag = None, timedelta(0)
    assert len(own.report(TALK, LONG_AGO, SOON)) == 4


def test_bodies_that_are_no_table(own: Reader) -> None:
    reports = own.gladly.reports
    body = {"metricSet": CONVERSATIONS, "startAt": "2020-01-01", "endAt": "2020-01-02"}
    assert own.ask("/reports", "POST", json=body).content == b""
    reports.body_instead, reports.content_type_instead = b"<html>", "text/html"
    answer = own.ask("/reports", "POST", json=body)
    assert (answer.status_code, answer.text) == (200, "<html>")
    assert answer.headers["Content-Type"] == "text/html"


def test_changes_of_rows(own: Reader) -> None:
    reports = own.gladly.reports
    row = reports.rows(CONVERSATIONS)[7]
    reports.change(CONVERSATIONS, row["Conversation ID"], "Status", "MERGED")
    reports.add_column(CONVERSATIONS, "New, Column", "a\nb")
    expected = {**row, "Status": "MERGED", "New, Column": "a\nb"}
    assert reports.rows(CONVERSATIONS)[7] == expected
    assert expected in own.report(CONVERSATIONS, LONG_AGO, SOON)
    with pytest.raises(KeyError):
        reports.change(CONVERSATIONS, "nobody", "Status", "OPEN")
    with pytest.raises(KeyError):
        reports.change(TALK, "x", "Event Type", "OPEN")


def test_work_sessions(own: Reader) -> None:
    reports = own.gladly.reports
    truth = reports.rows(SESSIONS)
    assert {row["agent_id"] == "" for row in truth} == {True, False}
    keys = [(row["contact_session_id"], row["agent_id"]) for row in truth]
    assert len(set(keys)) == len(keys) > len({key for key, _ in keys})
    for row in truth:
        assert (row["id"] == "") == (row["contact_session_ended_at"] == "")
    reports.lag = timedelta(0)
    assert own.read(V2, **RANGE) == truth
    row = next(row for row in truth if not row["id"])
    minute = f"{row['contact_session_created_at'][:16]}Z"
    before = (datetime.fromisoformat(f"{minute[:-1]}+00:00") - timedelta(minutes=1)).isoformat()
    window = {"startAtTime": f"{before[:16]}-00:00", "endAtTime": minute}
    assert own.read(V2, **window) == [row]
    reports.end_session(row["contact_session_id"])
    assert own.read(V2, **window) == []
    assert own.read(V2, **RANGE)[-1]["contact_session_id"] == row["contact_session_id"]
    assert own.refused(V2, **DAYS)[0] == "startAt"
    assert own.refused(V2, **RANGE, metricSet=SESSIONS) == ("metricSet", "invalid")
    assert own.refused(metricSet=SESSIONS, **DAYS)[0] == "startAtTime"


def test_bad_requests(own: Reader) -> None:
    for attr, code, body in (
        ("metricSet", "blank", DAYS),
        ("metricSet", "invalid", {"metricSet": "conversationExportReport", **DAYS}),
        ("endAt", "blank", {"metricSet": CONVERSATIONS, "startAt": str(TODAY)}),
        ("endAt", "invalid", {"metricSet": TALK, "startAt": str(TODAY), "endAt": "2020-01-01"}),
        ("startAt", "invalid", {"metricSet": TALK, **DAYS, "startAt": "2026-02-30"}),
        ("timezone", "invalid", {"metricSet": TALK, **DAYS, "timezone": "PST"}),
        ("limit", "invalid", {"metricSet": TALK, **DAYS, "limit": 1}),
        ("aggregationLevel", "invalid", {"metricSet": TALK, **DAYS, "aggregationLevel": "daily"}),
        ("aggregationLevel", "invalid", {"metricSet": SUMMARY, **DAYS, "aggregationLevel": "x"}),
        ("filters.teams", "invalid", {"metricSet": SUMMARY, **DAYS, "filters": {"teams": []}}),
        (
            "filters.inboxes",
            "present",
            {"metricSet": SUMMARY, **DAYS, "filters": {"inboxes": ["x"]}},
        ),
        (
            "filters.channel",
            "invalid",
            {"metricSet": SUMMARY, **DAYS, "filters": {"channel": "fax"}},
        ),
        ("filters.phoneNumber", "blank", {"metricSet": "IvrEndStatesReportV2", **DAYS}),
        ("startAtTime", "invalid", {"metricSet": CONVERSATIONS, **RANGE}),
        ("startAt", "present", {"metricSet": CONTACTS, **RANGE, **DAYS}),
        ("endAtTime", "blank", {"metricSet": CONTACTS, "startAtTime": RANGE["startAtTime"]}),
        (
            "endAtTime",
            "invalid",
            {"metricSet": CONTACTS, **RANGE, "endAtTime": f"{TODAY}T00:00:00Z"},
        ),
    ):
        assert own.refused(**body) == (attr, code), body
    assert own.ask("/reports", "POST", data="{}").status_code == 400
    assert own.gladly.reports.asked == []
    assert own.read("/reports", metricSet=CONTACTS, **RANGE)


def test_levels_and_filters(own: Reader) -> None:
    # The rows of today lie at its very begin: they would be missing for an hour after midnight.
    own.gladly.reports.lag = timedelta(0)
    truth = own.gladly.reports.rows(SUMMARY)
    weeks = own.report(SUMMARY, LONG_AGO, SOON, aggregationLevel="weekly")
    assert sum(int(row["Count"]) for row in weeks if row["Count"].isdecimal()) > 0
    inboxes = len(own.gladly.account.inboxes)
    assert 6 <= len(weeks) / inboxes <= 7
    assert len({row["Name"] for row in weeks}) == inboxes
    quarters = own.report(SUMMARY, LONG_AGO, SOON, aggregationLevel="quarterly")
    assert len(quarters) in {inboxes, 2 * inboxes}
    assert len(own.report(SUMMARY, LONG_AGO, SOON, aggregationLevel="halfHourly")) == len(truth)
    found = own.report(CONTACTS, LONG_AGO, SOON, filters={"channel": "voice"})
    assert {row["Channel"] for row in found} == {"PHONE_CALL"}
    inbox = own.gladly.account.inboxes[1]["id"]
    found = own.report(CONVERSATIONS, LONG_AGO, SOON, filters={"inboxes": [inbox]})
    assert {row["Inbox ID - Current"] for row in found} == {inbox}


def test_large_reports(own: Reader) -> None:
    reports, began = own.gladly.reports, time.process_time()
    before = psutil.Process().memory_info().rss
    days = [TODAY - timedelta(days=ago) for ago in range(9, 1, -1)]
    reports.fill(TALK, {**dict.fromkeys(days, 45_000), days[0]: 85_000})
    size = 0
    for day in days:
        body = {"metricSet": TALK, "startAt": str(day), "endAt": str(day), "timezone": "UTC"}
        answer = own.ask("/reports", "POST", json=body, stream=True)
        lines = sum(chunk.count(b"\n") for chunk in answer.iter_content(1 << 20))
        size += lines - 1
        assert lines - 1 == (85_000 if day == days[0] else 45_000)
    assert size == 400_000
    assert time.process_time() - began < 20
    assert psutil.Process().memory_info().rss - before < 60_000_000
    reports.fill(LOGINS, {days[0]: 150})
    assert len(own.report(LOGINS, days[0], days[0], timezone="UTC")) == 150
    reports.fill(CONVERSATIONS, {days[0]: 150, days[1]: 20})
    reports.row_cap = 100
    truth = reports.rows(CONVERSATIONS)
    assert len({row["Conversation ID"] for row in truth}) == 170
    key = truth[3]["Conversation ID"]
    reports.change(CONVERSATIONS, key, "Status", "RESTATED")
    found = own.report(CONVERSATIONS, days[0], days[1], timezone="UTC")
    assert len(found) == 100
    assert [row["Status"] for row in found].index("RESTATED") == 3


def test_reports_at_once_and_a_minute() -> None:
    with GladlySandbox(history_days=1, latency=0.5, reports_per_minute=4) as gladly:
        reader = Reader(gladly)
        statuses: list[int] = []

        def ask() -> None:
            body = {"metricSet": CONVERSATIONS, **DAYS}
            answer = requests.post(
                f"{gladly.url}{BASE}/reports", json=body, headers=gladly.headers, timeout=9
            )
            assert "Retry-After" not in answer.headers
            statuses.append(answer.status_code)

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 200, 429]
        gladly.limits.concurrent_reports = None
        for _ in range(3):
            ask()
        assert statuses[3:] == [200, 200, 429]
        assert reader.get("/agents") == gladly.account.agents
