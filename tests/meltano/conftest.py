"""The APIs of a vendor, a PostgreSQL, and Meltano between them; anew for each test."""

from __future__ import annotations

import contextlib
import json
import typing as t
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

import psutil
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests.pipeline import Meltano
from tests.postgres import PostgresServer
from tests.running import discovered
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.pipeline import StreamMetrics

Record = dict[str, t.Any]
Key = tuple[t.Any, ...]

REPORTS = {
    "report_conversation_export": "ConversationExportReport",
    "report_contact_timestamps": "ContactTimestampsReport",
    "report_agent_durations_v2": "AgentDurationsReportV2",
}
"""One of each kind, by stream: rows with a key, rows without, and rows without that change.

Discovery asks for each as well, and Gladly makes ten a minute: with more, a test would wait for it.
"""


@dataclass
class Pipeline:
    """A tap, a PostgreSQL, and Meltano between them.

    Attributes:
        tap: The tap's name.
    """

    tap: t.ClassVar[str]

    postgres: PostgresServer
    meltano: Meltano

    def run(
        self,
        *select: str,
        settings: Mapping[str, str] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> dict[str, StreamMetrics]:
        """Run it: all streams that Meltano selects by default, or those named."""
        if select:
            selected = json.dumps([f"{stream}.*" for stream in select])
            name = f"{self.tap.upper().replace('-', '_')}__SELECT"
            settings = {**(settings or {}), name: selected}
        return self.meltano.run(self.tap, "target-postgres", settings=settings, meanwhile=meanwhile)

    def kill_the_tap(self) -> bool:
        """Kill the tap's process; whether there was one."""
        killed = False
        for process in psutil.Process(self.meltano.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if self.tap in " ".join(process.cmdline()):
                    process.kill()
                    killed = True
        return killed

    def tables(self) -> set[str]:
        """The names of the tables."""
        with self.postgres.connect() as connection:
            found = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s", [self._schema]
            ).fetchall()
        return {name for (name,) in found}

    def rows(self, stream: str, key: tuple[str, ...] = ("id",)) -> dict[Key, Record]:
        """The rows of a stream's table by key."""
        with self.postgres.connect() as connection:
            table = sql.Identifier(self._schema, stream)
            cursor = connection.cursor(row_factory=dict_row)
            found = cursor.execute(sql.SQL("SELECT * FROM {}").format(table)).fetchall()
        by_key = {tuple(row[name] for name in key): row for row in found}
        assert len(by_key) == len(found), f"{stream}: a key comes twice"
        return by_key

    def keys(self, stream: str) -> tuple[str, ...]:
        """The key of a stream, as the tap has it."""
        for entry in discovered(self.tap)["streams"]:
            if entry["tap_stream_id"] == stream:
                return tuple(entry["key_properties"])
        raise KeyError(stream)

    @property
    def _schema(self) -> str:
        return self.tap.replace("-", "_")


@dataclass
class ClariPipeline(Pipeline):
    """Clari's two APIs at its begin.

    Attributes:
        limits: What the limits of export jobs were before each run.
    """

    tap = "tap-clari"

    copilot: CopilotSandbox
    revenue: RevenueSandbox
    limits: list[Record] = field(default_factory=list)

    def run(
        self,
        *select: str,
        settings: Mapping[str, str] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> dict[str, StreamMetrics]:
        """Run it: all streams that Meltano selects by default, or those named."""
        self.limits.append(self.revenue.exports.limits())
        return super().run(*select, settings=settings, meanwhile=meanwhile)


@dataclass
class GladlyPipeline(Pipeline):
    """A Gladly at its begin.

    Attributes:
        start: The first day of the reports.
    """

    tap = "tap-gladly"

    gladly: GladlySandbox
    start: datetime

    def run(
        self,
        *select: str,
        settings: Mapping[str, str] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> dict[str, StreamMetrics]:
        """Run it with the reports of these tests: all streams, or those named."""
        own = {
            "TAP_GLADLY_REPORTS": json.dumps([*REPORTS.values()]),
            "TAP_GLADLY_START_DATE": f"{self.start:%Y-%m-%d}",
            "TAP_GLADLY_ANSWER_LANGUAGES": json.dumps(["en-us", "es-419"]),
        }
        return super().run(*select, settings={**own, **(settings or {})}, meanwhile=meanwhile)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[ClariPipeline]:
    """An empty database, and an account of 60 calls and 60 activities."""
    with contextlib.ExitStack() as running:
        copilot = running.enter_context(CopilotSandbox(calls=60))
        revenue = running.enter_context(RevenueSandbox())
        postgres = running.enter_context(PostgresServer())
        meltano = Meltano(tmp_path / "project", postgres, copilot=copilot, revenue=revenue)
        meltano.install("tap-clari", "target-postgres")
        yield ClariPipeline(postgres, meltano, copilot, revenue)


@pytest.fixture
def gladly(tmp_path: Path) -> Iterator[GladlyPipeline]:
    """An empty database, and a Gladly of 13 export jobs, 200 events, and reports of 20 days."""
    now = datetime.now(timezone.utc)
    with contextlib.ExitStack() as running:
        sandbox = running.enter_context(GladlySandbox())
        # A row that became old enough to be there would come between a run and its comparison.
        sandbox.reports.as_of = now
        postgres = running.enter_context(PostgresServer())
        meltano = Meltano(tmp_path / "project", postgres, gladly=sandbox)
        meltano.install("tap-gladly", "target-postgres")
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        yield GladlyPipeline(postgres, meltano, sandbox, midnight - timedelta(days=20))
