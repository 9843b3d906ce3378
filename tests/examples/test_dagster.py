"""Two accounts, a year of each by month in Dagster, killed once: the tables are complete.

`make recipes` runs it. It needs the network, for Dagster, and minutes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import time
import typing as t
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.meltano.comparing import assert_table
from tests.meltano.conftest import ClariPipeline
from tests.pipeline import MELTANO, Meltano
from tests.postgres import PostgresServer
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.revenue import RevenueSandbox
from tests.targets.environments import environment

if t.TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.recipes

EXAMPLE = Path(__file__).parents[2] / "examples" / "dagster"
DAGSTER = "dagster==1.13.29"
MONTHS = 12
CALLS_A_MONTH = 3
ACCOUNTS = ("acme", "globex")
READ = {"PROCESSED", "POST_PROCESSING_DONE"}
"""The statuses of calls whose details are read."""

ASK_THE_SCHEDULE = """
from datetime import datetime
import dagster as dg, definitions
[(_, schedule)] = definitions.NIGHTS
context = dg.build_schedule_context(
    scheduled_execution_time=datetime(2026, 3, 1, 3),
    repository_def=definitions.defs.get_repository_def(),
)
ticks = schedule.evaluate_tick(context)
print([request.partition_key for request in ticks.run_requests], schedule.cron_schedule)
dg.Definitions.validate_loadable(definitions.defs)
"""


READ_A_NIGHT = """
import dagster as dg, definitions
[(changes, _)] = definitions.NIGHTS
with dg.DagsterInstance.get() as instance:
    dg.materialize([changes], partition_key="acme", instance=instance)
"""


class Account(ClariPipeline):
    """An account whose tables are in a schema of their own."""

    name: str

    @property
    def _schema(self) -> str:
        return f"tap_clari_{self.name}"


def months() -> list[datetime]:
    """The first days of the last whole months and of this one, oldest first."""
    first = datetime.now(timezone.utc).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found = [first]
    while len(found) <= MONTHS:
        found.insert(0, (found[0] - timedelta(days=1)).replace(day=1))
    return found


class Project:
    """A Meltano project with the accounts of the example, and Dagster beside it."""

    def __init__(self, folder: Path, postgres: PostgresServer, tap: str, begin: datetime) -> None:
        self.meltano = Meltano(folder / "project", postgres)
        self.meltano.install(tap, "target-postgres")
        self._accounts = folder / "project" / "accounts" / tap
        self._accounts.mkdir(parents=True)
        self._begin = begin
        self._project = folder / "project"
        self._home = folder / "home"
        self._home.mkdir()
        self.log = folder / "log"
        shutil.copy(EXAMPLE / "dagster.yaml", self._home)
        self._python = environment(DAGSTER, ()) / "python"

    def add(self, account: str, **settings: object) -> None:
        """Write the settings of an account."""
        lines = [f"# {account}", *(f"{name}={value}" for name, value in settings.items())]
        (self._accounts / f"{account}.env").write_text("\n".join(lines) + "\n", encoding="utf-8")

    @contextlib.contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start Python in the folder of the example, in a process group of its own."""
        surroundings = {**self.meltano.environment, "MELTANO_ENVIRONMENT": "production"}
        with (
            self.log.open("wb") as log,
            subprocess.Popen(
                [self._python, *arguments],
                cwd=EXAMPLE,
                env={
                    **surroundings,
                    "BACKFILL_FROM": f"{self._begin:%Y-%m-%d}",
                    "DAGSTER_HOME": str(self._home),
                    "MELTANO_COMMAND": str(MELTANO),
                    "MELTANO_PROJECT_ROOT": str(self._project),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            ) as process,
        ):
            yield process

    def run(self, *arguments: str) -> str:
        """Run it to its end, and return what it said."""
        with self.start(*arguments) as process:
            process.wait()
        said = self.log.read_text(encoding="utf-8")
        assert process.returncode == 0, said[-6000:]
        return said


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Project, list[Account]]]:
    """Two accounts with some calls in each month."""
    bounds = months()
    with contextlib.ExitStack() as running:
        postgres = running.enter_context(PostgresServer())
        project = Project(tmp_path, postgres, "tap-clari", bounds[0])
        found = []
        for seed, name in enumerate(ACCOUNTS, 1):
            copilot = running.enter_context(
                CopilotSandbox(calls=1, seed=seed, requests_per_second=None)
            )
            revenue = running.enter_context(RevenueSandbox(seed=seed))
            revenue.exports.seconds = 0.1
            for begin, end in itertools.pairwise(bounds):
                # Through its middle, so that none lies on the border.
                copilot.account.add(
                    CALLS_A_MONTH,
                    modified_from=f"{begin + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}",
                    modified_to=f"{end - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}",
                )
            project.add(
                name,
                TAP_CLARI_API_URL=revenue.url,
                TAP_CLARI_API_KEY=revenue.api_key,
                TAP_CLARI_JOB_POLL_INTERVAL_SECONDS=1,
                TAP_CLARI_COPILOT_API_URL=copilot.url,
                TAP_CLARI_COPILOT_API_KEY=copilot.api_key,
                TAP_CLARI_COPILOT_API_PASSWORD=copilot.api_password,
            )
            account = Account(postgres, project.meltano, copilot, revenue)
            account.name = name
            found.append(account)
        yield project, found


def test_a_year_of_two_accounts_is_complete_though_it_was_killed_once(
    project: tuple[Project, list[Account]],
) -> None:
    dagster, accounts = project
    assert "['acme', 'globex'] 0 3 * * *" in dagster.run("-c", ASK_THE_SCHEDULE)

    # Half-way through, everything that runs is gone at once, as when a machine is lost.
    first = accounts[0].copilot
    with dagster.start("backfill.py") as process:
        while first.traffic.count("/call-details") < MONTHS * CALLS_A_MONTH // 2:
            assert process.poll() is None, dagster.log.read_text(encoding="utf-8")[-6000:]
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    before = first.traffic.count("/call-details")
    dagster.run("backfill.py")

    bounds = [f"{each:%Y-%m-%dT%H:%M:%S.%fZ}" for each in months()]
    for account in accounts:
        truth = account.copilot.account
        wanted = [truth.listed(each) for each in truth.call_ids(private=False)]
        wanted = [each for each in wanted if bounds[0] <= each["last_modified_time"] < bounds[-1]]
        assert len(wanted) >= MONTHS
        assert_table(account, "calls", ("id",), wanted)
        details = [truth.call(each["id"]) for each in wanted]
        ended = [
            each for each in details if each["status"] in {"PROCESSED", "POST_PROCESSING_DONE"}
        ]
        assert_table(account, "call_details", ("id",), ended)
    # What had been read before it was killed was not read again, but for the piece that was cut.
    again = first.traffic.count("/call-details") - before
    assert again <= MONTHS * CALLS_A_MONTH // 2 + CALLS_A_MONTH

    # Nothing is missing: another backfill reads nothing.
    first.traffic.clear()
    dagster.run("backfill.py")
    assert not first.traffic.count()


def test_a_month_and_a_night_of_gladly(tmp_path: Path) -> None:
    *_, begin, end = months()
    with PostgresServer() as postgres, GladlySandbox(days=70) as gladly:
        project = Project(tmp_path, postgres, "tap-gladly", begin)
        project.add(
            "acme",
            TAP_GLADLY_API_URL=gladly.url,
            TAP_GLADLY_USERNAME=gladly.username,
            TAP_GLADLY_API_TOKEN=gladly.api_token,
            TAP_GLADLY_START_DATE=f"{end:%Y-%m-%d}",
            TAP_GLADLY_REPORTS='["ConversationExportReport"]',
        )
        project.run("backfill.py")
        with postgres.connect() as connection:
            read = connection.execute(
                "SELECT conversation_id FROM tap_gladly_acme.report_conversation_export"
            ).fetchall()
        rows = gladly.reports.rows("ConversationExportReport")
        first, last = (f"{each:%Y-%m-%dT%H:%M:%S}" for each in (begin, end))
        wanted = [row["Conversation ID"] for row in rows if first <= row["Created At"] < last]
        assert len(wanted) > 28
        assert sorted(each for (each,) in read) == sorted(wanted)

        project.run("-c", READ_A_NIGHT)
        with postgres.connect() as connection:
            agents = connection.execute("SELECT id FROM tap_gladly_acme.agents").fetchall()
        assert {each for (each,) in agents} == {each["id"] for each in gladly.account.agents}
