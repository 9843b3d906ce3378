"""What a run says before it spends anything, and what a run costs in which nothing is new."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime, timedelta, timezone

from tests.gladly.desk_truth import EMPTY, EVENTS, asked, state_of
from tests.gladly.report_truth import days_ago
from tests.gladly.truth import API, ago, moment, written

if t.TYPE_CHECKING:
    from tests.gladly.conftest import Gladly, Start
    from tests.running import Run

REFERENCE = (
    "organization",
    "agents",
    "teams",
    "inboxes",
    "topics",
    "audiences",
    "business_hours",
    "webhooks",
    "export_schedules",
    "answers",
)
OFTEN = ("events", "conversations", "conversation_items", "customer_profiles", "tasks")
"""What a schedule of every few minutes reads."""


def estimate(run: Run) -> dict[str, str]:
    """What the log says of the whole (by an empty name) and of each stream."""
    lines = [line.split("|", 3)[-1].strip() for line in run.log.splitlines()]
    [first] = [number for number, line in enumerate(lines) if line.startswith("This run needs")]
    found = {"": lines[first]}
    for line in lines[first + 1 :]:
        if not (part := re.fullmatch(r"([a-z_0-9]+): (\d.+)", line)):
            break
        found[part[1]] = part[2]
    return found


def test_each_stream_says_what_it_needs_before_it_is_spent(gladly: Gladly) -> None:
    streams = ("organization", "agents", "answers", "export_topics", "report_contact_export_v3")
    run = gladly.tap.run(*streams, start_date=days_ago(300), answer_languages=["en-us", "es-419"])
    assert run.returncode == 0, run.log
    jobs = len([each for each in gladly.sandbox.exports.jobs if each.status == "COMPLETED"])
    first, last = (datetime.now(timezone.utc) - timedelta(days=each) for each in (300, 0))
    requests = 1 + 1 + 3 + jobs
    assert estimate(run) == {
        "": f"This run needs at least {requests} requests, 3 reports, and 0:00:18 (h:mm:ss) at 500 "
        "requests a second",
        "organization": "1 requests",
        "agents": "1 requests",
        "answers": "3 requests (and 1 for each audience in each language)",
        "export_topics": f"{jobs} requests",
        "report_contact_export_v3": f"3 reports ({first:%Y-%m-%d} to {last:%Y-%m-%d})",
    }
    # It is said before anything is asked for but the list of jobs.
    assert run.log.index("This run needs") < run.log.index("Beginning")
    audiences = len(gladly.sandbox.account.audiences)
    sent = gladly.sandbox.traffic.count(path=None) - 2 * audiences
    assert sent >= requests + 3


def test_what_changed_is_counted_where_events_tell_of_all(start: Start) -> None:
    gladly = start(**EMPTY)
    desk = gladly.sandbox.desk
    for number, customer in enumerate(list(desk.customers)[:3]):
        talk = desk.conversation(customer, at=ago(days=3))
        desk.message(talk, at=ago(hours=2, minutes=number))
    run = gladly.tap.run("events", *OFTEN[1:], state=state_of(ago(hours=3)))
    assert run.returncode == 0, run.log
    told = estimate(run)
    assert told["conversations"] == told["conversation_items"] == "3 requests"
    assert told["customer_profiles"] == "3 requests"
    assert "tasks" not in told
    assert told[""].startswith("This run needs at least 10 requests, and 0:00:00 (h:mm:ss)")
    # Events, which all of them share, and each by its id.
    assert gladly.sandbox.traffic.count() == 10


def test_reports_of_what_changed_are_counted_once(start: Start) -> None:
    gladly = start(**EMPTY)
    run = gladly.tap.run("conversations", "tasks", start_date=days_ago(3))
    told = estimate(run)
    assert told == {
        "": "This run needs at least 3 reports, and 0:00:18 (h:mm:ss) at 500 requests a second",
        "conversations": "3 reports (to know what changed; how many requests that takes is logged "
        "then)",
    }
    assert gladly.sandbox.traffic.count(path=f"{API}/reports") >= 3


def test_a_run_with_nothing_new_takes_few_requests(start: Start) -> None:
    gladly = start(**{**EMPTY, "history_days": 3})
    settings: dict[str, t.Any] = {"reports": [], "reference_data_interval_hours": 20}
    streams = (*REFERENCE, *OFTEN, "export_jobs", "export_topics")
    first = gladly.tap.run(*streams, **settings)
    assert first.returncode == 0, first.log
    # The list of audiences is asked for once, and that of jobs.
    audiences = len(gladly.sandbox.account.audiences)
    assert sorted(asked(gladly, "audiences")) == [""]
    assert sorted(asked(gladly, "export/jobs")).count("") == 1
    assert len(asked(gladly, "orgs/")) == 1 + audiences
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(*streams, **settings, state=first.state)
    assert second.returncode == 0, second.log
    # An empty answer of events is believed when it comes twice.
    assert [each.path for each in gladly.sandbox.traffic.exchanges()] == [
        EVENTS,
        EVENTS,
        f"{API}/export/jobs",
    ]
    assert not any(second.records[stream] for stream in REFERENCE)
    gladly.sandbox.traffic.clear()
    often = gladly.tap.run(*OFTEN, **settings, state=second.state)
    assert often.returncode == 0, often.log
    assert {each.path for each in gladly.sandbox.traffic.exchanges()} == {EVENTS}


def test_reference_data_is_read_again_when_its_time_has_come(gladly: Gladly) -> None:
    settings: dict[str, t.Any] = {"reference_data_interval_hours": 2}
    streams = ("agents", "answers", "answer_contents", "teams")
    first = gladly.tap.run(*streams, **settings)
    began = moment(first.state["bookmarks"]["agents"]["read_at"])
    assert ago(minutes=5) < began < ago(seconds=0)
    gladly.sandbox.traffic.clear()
    second = gladly.tap.run(*streams, **settings, state=first.state)
    assert second.returncode == 0, second.log
    assert gladly.sandbox.traffic.count() == 0
    assert not second.records
    assert second.state["bookmarks"] == first.state["bookmarks"]
    state = second.state
    state["bookmarks"]["agents"]["read_at"] = written(ago(hours=2, minutes=1))
    third = gladly.tap.run(*streams, **settings, state=state)
    assert third.records.keys() == {"agents"}
    assert len(third.records["agents"]) == len(gladly.sandbox.account.agents)
    # By default every run reads it, whatever the state says.
    fourth = gladly.tap.run("teams", state=first.state)
    assert len(fourth.records["teams"]) == len(gladly.sandbox.account.teams)


def test_a_list_that_could_not_be_read_is_read_by_the_next_run(gladly: Gladly) -> None:
    gladly.sandbox.faults.add(path=f"{API}/teams", status=403)
    settings: dict[str, t.Any] = {"reference_data_interval_hours": 20}
    first = gladly.tap.run("agents", "teams", **settings)
    assert first.returncode == 1
    assert "API User" in first.last_word
    second = gladly.tap.run("agents", "teams", **settings, state=first.state)
    assert second.returncode == 0, second.log
    assert second.records.keys() == {"teams"}
