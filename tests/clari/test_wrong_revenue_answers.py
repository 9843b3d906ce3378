"""Answers of the Revenue API with an ordinary face that are not what was asked for."""

from __future__ import annotations

import json
import threading
import typing as t
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

import pytest
from tap_clari.kit.decoding import Answer
from tap_clari.revenue.exports.jobs import job_id_in

from tests.clari.revenue_truth import assert_same, forecast_rows
from tests.clari.test_results import spoil_the_result

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.clari.conftest import Revenue
    from tests.running import Record

LIST = "/v4/export/forecast/list"
LIMITS = "/v4/admin/limits"
ACTIVITIES = "/v4/export/activity"
ONE: dict[str, t.Any] = {"forecast_ids": ["net_arr"]}


@pytest.mark.parametrize("status", [400, 403, 404, 405])
def test_a_list_of_forecasts_that_is_not_there_keeps_no_export_away(
    revenue: Revenue, status: int
) -> None:
    revenue.sandbox.faults.add(path=LIST, times=None, status=status)
    run = revenue.tap.run("forecasts", "forecast_entries", **ONE)
    assert run.returncode == 0, run.log
    assert not run.records["forecasts"]
    assert_same(run, "forecast_entries", forecast_rows(revenue, "forecast_entries"))
    [warning] = run.warnings
    assert f"(HTTP {status})" in warning


def test_limits_that_may_not_be_seen_start_one_job_at_a_time(revenue: Revenue) -> None:
    revenue.sandbox.faults.add(path=LIMITS, times=None, status=403)
    run = revenue.tap.run("forecast_entries", "activities")
    assert run.returncode == 0, run.log
    assert len(revenue.sandbox.exports.started) == 3
    [warning] = run.warnings
    assert "may not see the limits of export jobs (HTTP 403)" in warning


def test_a_quota_that_only_a_refusal_tells_of_ends_the_exports(revenue: Revenue) -> None:
    exports = revenue.sandbox.exports
    exports.spend(exports.monthly_quota)
    revenue.sandbox.faults.add(path=LIMITS, times=None, status=403)
    run = revenue.tap.run("forecast_entries", **ONE)
    assert run.returncode == 1
    assert "export_monthly_quota_reached" in run.last_word
    assert exports.started == []


@pytest.mark.parametrize(
    "body", [{"jobId": "j1"}, {"id": "j1"}, {"job": {"id": "j1"}}, {"job": {"jobId": "j1"}}]
)
def test_the_id_of_a_started_job_comes_in_several_forms(body: Record) -> None:
    assert job_id_in(Answer("/x", json.dumps(body).encode(), {})) == "j1"


UNCLEAN = (
    '{"activities": [{"activityId": "a", "date": 1700000000000, "subject": "cut \\ud83d here", '
    '"odd": NaN, "long": ' + "9" * 5000 + ', "far": 1e400, "text": "tab\there"}]}'
)


def test_what_no_reader_takes_is_cleaned_and_the_job_is_paid_once(revenue: Revenue) -> None:
    spoil_the_result(revenue, ACTIVITIES, times=None, status=200, body=UNCLEAN.encode())
    run = revenue.tap.run("activities")
    assert run.returncode == 0, run.log
    [record] = run.records["activities"]
    assert record["activityId"] == "a"
    told = {**record, **record.get("_extra", {})}
    assert told["subject"] == "cut \ufffd here"
    assert told["text"] == "tab\there"
    assert told["long"] == "9" * 5000
    assert told["far"] == "1e400" or float(told["far"]) > 1e300
    assert len(revenue.sandbox.exports.started) == 1


@pytest.mark.parametrize("body", [{"activities": None}, {}])
def test_no_list_of_activities_moves_no_bookmark_and_the_job_is_read_again(
    revenue: Revenue, body: Record
) -> None:
    calm = revenue.tap.run("activities")
    revenue.sandbox.exports.started.clear()
    spoil_the_result(revenue, ACTIVITIES, times=None, status=200, body=body)
    run = revenue.tap.run("activities")
    assert run.returncode == 1
    revenue.sandbox.faults.clear()
    healthy = revenue.tap.run("activities", state=run.state)
    assert healthy.returncode == 0, healthy.log
    assert len(revenue.sandbox.exports.started) == 1
    assert set(healthy.ids("activities", "activityId")) == set(calm.ids("activities", "activityId"))


@contextmanager
def endless(events: list[Record]) -> Iterator[tuple[str, list[str]]]:
    """A server whose pages of audit events have ever another link, and the same events."""
    asked: list[str] = []
    cursors = count()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            link = f"/v4/audit/events?cursor={next(cursors)}"
            body = json.dumps({"items": events, "actors": [], "nextLink": link}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Keep the log of the tests clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("events", [[], [{"eventTimestamp": "2026-01-01T00:00:00Z", "event": "x"}]])
def test_links_without_end_end_in_a_sentence(revenue: Revenue, events: list[Record]) -> None:
    with endless(events) as (url, asked):
        run = revenue.tap.run("audit_events", api_url=url)
    assert run.returncode == 1
    assert "lead in a circle, so that the list has no end" in run.last_word
    assert len(asked) < 10
