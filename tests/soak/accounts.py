"""The accounts that are read: how they change meanwhile, and what the tables should hold."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from tests.clari.conftest import config as copilot_config
from tests.clari.conftest import revenue_config
from tests.gladly.conftest import config as gladly_config
from tests.gladly.truth import ago, moment
from tests.meltano.comparing import assert_table
from tests.meltano.conftest import BY_ID, REPORTS, ClariPipeline, GladlyPipeline
from tests.meltano.gladly_truth import HASHED, KEYS, assert_tables
from tests.meltano.playing import JUST_NOW, before, happens
from tests.meltano.test_end_to_end import (
    MADE_BY_THE_TAP,
    assert_activities_of_the_last_year_are_there,
)
from tests.meltano.truth import KEYS as CLARI_KEYS
from tests.meltano.truth import truth
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.gladly.timestamps import of, stamp
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from random import Random

    from tests.meltano.conftest import Pipeline
    from tests.pipeline import Meltano
    from tests.postgres import PostgresServer
    from tests.sandbox.local_api import LocalApi

    Start = Callable[[ExitStack, PostgresServer, Meltano, Random, int], "Account"]
    """Starts an account's servers; told what ends them, where the tables are, what has the target,
    what says how the account changes, and how many runs there will be."""

REPORTS_END = timedelta(hours=25)
"""How old the newest row of a report is. Of what is younger, events tell."""

ROUNDS_FOR_A_CAST = 10
"""What happens to one cast of the desk is enough for so many rounds."""


@dataclass
class Account:
    """An account that changes.

    Args:
        streams: The streams that are read.
        youngest: How old a change is that a run is sure to read.
        pipeline: The tables.
        apis: The servers.
        config: The tap's settings.
        change: Lets something change.
        compare: Asserts that the tables are as the account: no row more, no row less, equal column
            by column.
    """

    streams: tuple[str, ...]
    youngest: timedelta
    pipeline: Pipeline
    apis: list[LocalApi]
    config: dict[str, t.Any]
    change: Callable[[], None]
    compare: Callable[[], None]


def clari(
    running: ExitStack, postgres: PostgresServer, meltano: Meltano, draw: Random, rounds: int
) -> Account:
    """Calls, activities, audit events and forecasts that change."""
    copilot = running.enter_context(CopilotSandbox(calls=150, requests_per_second=None))
    revenue = running.enter_context(RevenueSandbox(activities=300))
    revenue.exports.monthly_quota = 10 * rounds + 10
    pipeline = ClariPipeline(postgres, meltano, copilot, revenue)
    calls, sales = copilot.account, revenue.account
    # Each row of the limits is of another moment.
    streams = tuple(each for each in CLARI_KEYS if each != "limits")

    def change() -> None:
        now = datetime.now(timezone.utc)
        at = f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03}Z"
        match draw.randrange(6):
            case 0:
                calls.add(2, modified_from=at, modified_to=at)
            case 1:
                sales.add_activity(now - timedelta(days=draw.uniform(0, 6)))
            case 2:
                sales.add_audit_event(now)
            case 3:
                sales.restate()
            case _:
                call = draw.choice(calls.call_ids())
                calls.override(call, title=f"Changed {at}")
                calls.touch(call, modified=at, status="PROCESSED")

    def compare() -> None:
        for stream in streams:
            made = MADE_BY_THE_TAP.get(stream, ())
            assert_table(pipeline, stream, CLARI_KEYS[stream], truth(pipeline, stream), made)
        assert_activities_of_the_last_year_are_there(pipeline)

    config = {
        **copilot_config(copilot),
        **revenue_config(revenue),
        "partner_key": revenue.partner_key,
        "ingest_job_ids": [*sales.ingest_jobs],
        "requests_per_second": 60,
    }
    youngest = timedelta(minutes=5)
    return Account(streams, youngest, pipeline, [copilot, revenue], config, change, compare)


def gladly(
    running: ExitStack, postgres: PostgresServer, meltano: Meltano, draw: Random, rounds: int
) -> Account:
    """A desk where things happen, export jobs that come, and a report whose rows change."""
    began, start = datetime.now(timezone.utc), ago(days=20)
    api = running.enter_context(GladlySandbox(history_days=3))
    api.desk.caps["items"] = 20
    reports, report = api.reports, REPORTS["report_conversation_export"]
    reports.as_of = began - REPORTS_END
    start = start.replace(hour=0, minute=0, second=0, microsecond=0)
    pipeline = GladlyPipeline(postgres, meltano, api, start)
    casts = [
        before(api.desk, reports.as_of - reports.lag) for _ in range(0, rounds, ROUNDS_FOR_A_CAST)
    ]
    plays = [iter(happens(api.desk, cast, many=40)) for cast in casts]

    def change() -> None:
        now = datetime.now(timezone.utc)
        match draw.randrange(6):
            case 0:
                item = {"id": f"at {now}", "customerId": "c", "timestamp": stamp(of(now), 9)}
                files = {**api.exports.jobs[-1].files, "conversation_items.jsonl": [item]}
                since = now - timedelta(hours=1)
                api.exports.add(start=since, end=now, updated=now, files=files)
            case 1:
                row = draw.choice(reports.rows(report)[-60:])
                reports.change(report, row["Conversation ID"], "Status", f"CHANGED {now}")
            case _:
                if act := next(draw.choice(plays), None):
                    act(now)

    def compare() -> None:
        old = {each["id"] for each in api.events.all if moment(each["timestamp"]) < began}
        assert_tables(pipeline, *BY_ID, since=began, too_old=old)

    config = {
        **gladly_config(api),
        "reports": [*REPORTS.values()],
        "start_date": f"{start:%Y-%m-%d}",
        "answer_languages": ["en-us", "es-419"],
        "requests_per_second": 100,
    }
    streams = (*KEYS, *HASHED, *BY_ID)
    return Account(streams, JUST_NOW, pipeline, [api], config, change, compare)


ACCOUNTS: dict[str, Start] = {"tap-clari": clari, "tap-gladly": gladly}
