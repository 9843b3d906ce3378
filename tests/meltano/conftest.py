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
BY_ID_BY_DEFAULT = (
    "conversations",
    "conversation_items",
    "customer_profiles",
    "tasks",
    "task_comments",
    "custom_attributes",
)
BY_ID = (*BY_ID_BY_DEFAULT, "customer_conversations", "customer_tasks", "voice_transcripts")
"""The streams that are read by id, by which their tables are called too."""

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
            # These tests are about rows, and not about the rate.
            "TAP_GLADLY_REQUESTS_PER_SECOND": "500",
        }
        return super().run(*select, settings={**own, **(settings or {})}, meanwhile=meanwhile)


class WatchedMeltano(Meltano):
    """A project whose log is kept, and whose state can be set back.

    Attributes:
        said: What the last command logged, line by line.
    """

    said: t.ClassVar[list[str]] = []

    def set_back(self, state_id: str, key: str, bookmarks: Mapping[str, datetime]) -> None:
        """Have the state say that streams were read up to some time, and nothing else.

        Args:
            state_id: Which state, as Meltano calls it.
            key: The streams' replication key.
            bookmarks: Up to when, by stream.
        """
        state = {
            stream: {"replication_key": key, "replication_key_value": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"}
            for stream, at in bookmarks.items()
        }
        document = json.dumps({"singer_state": {"bookmarks": state}})
        self._run("state", "set", "--force", state_id, document)

    def _run(
        self,
        *arguments: str,
        settings: Mapping[str, str] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> list[Record]:
        events = super()._run(*arguments, settings=settings, meanwhile=meanwhile)
        self.said[:] = [str(event.get("event")) for event in events]
        return events


@dataclass
class DeskPipeline(GladlyPipeline):
    """A Gladly at its begin where nothing is but what a test lets happen at the desk."""

    meltano: WatchedMeltano

    def run(
        self,
        *select: str,
        settings: Mapping[str, str] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> dict[str, StreamMetrics]:
        """Run it: what is read by id, or the streams named."""
        own = {"TAP_GLADLY_REPORTS": "[]"}
        return super().run(
            *(select or BY_ID), settings={**own, **(settings or {})}, meanwhile=meanwhile
        )

    def set_back(self, at: datetime) -> None:
        """Have Meltano's state say that what is read by id was read up to this time."""
        bookmarks = dict.fromkeys([each for each in BY_ID if each != "custom_attributes"], at)
        self.meltano.set_back("sandbox:tap-gladly-to-target-postgres", "changedAt", bookmarks)


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[ClariPipeline]:
    """An empty database, and an account of 60 calls and 60 further activities."""
    with clari_pipeline(tmp_path) as found:
        yield found


@contextlib.contextmanager
def clari_pipeline(folder: Path) -> Iterator[ClariPipeline]:
    """An empty database, and an account of 60 calls and 60 further activities."""
    with contextlib.ExitStack() as running:
        copilot = running.enter_context(CopilotSandbox(calls=60))
        revenue = running.enter_context(RevenueSandbox(copilot=copilot))
        postgres = running.enter_context(PostgresServer())
        meltano = Meltano(folder / "project", postgres, copilot=copilot, revenue=revenue)
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


@pytest.fixture
def desk_pipeline(tmp_path: Path) -> Iterator[DeskPipeline]:
    """An empty database, and a Gladly where nothing has happened yet."""
    nothing = GladlySandbox(days=0, history_days=0, customers=0)
    with desk_pipeline_of(nothing, tmp_path) as found:
        yield found


@contextlib.contextmanager
def desk_pipeline_of(gladly: GladlySandbox, folder: Path) -> Iterator[DeskPipeline]:
    """An empty database, and a Gladly, whose last 28 days are read."""
    with contextlib.ExitStack() as running:
        sandbox = running.enter_context(gladly)
        postgres = running.enter_context(PostgresServer())
        meltano = WatchedMeltano(folder / "project", postgres, gladly=sandbox)
        meltano.install("tap-gladly", "target-postgres")
        start = datetime.now(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        yield DeskPipeline(postgres, meltano, sandbox, start - timedelta(days=28))
