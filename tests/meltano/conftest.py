"""Both APIs of Clari, a PostgreSQL, and Meltano between them; anew for each test."""

from __future__ import annotations

import contextlib
import json
import typing as t
from dataclasses import dataclass, field

import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests.pipeline import Meltano
from tests.postgres import PostgresServer
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.revenue import RevenueSandbox

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.pipeline import StreamMetrics

Record = dict[str, t.Any]
Key = tuple[t.Any, ...]


@dataclass
class Pipeline:
    """Two APIs, a PostgreSQL, and Meltano between them.

    Attributes:
        limits: What the limits of export jobs were before each run.
    """

    copilot: CopilotSandbox
    revenue: RevenueSandbox
    postgres: PostgresServer
    meltano: Meltano
    limits: list[Record] = field(default_factory=list)

    def run(
        self,
        *select: str,
        settings: Mapping[str, str] | None = None,
        meanwhile: Callable[[], None] | None = None,
    ) -> dict[str, StreamMetrics]:
        """Run it: all streams that Meltano selects by default, or those named."""
        self.limits.append(self.revenue.exports.limits())
        if select:
            selected = json.dumps([f"{stream}.*" for stream in select])
            settings = {**(settings or {}), "TAP_CLARI__SELECT": selected}
        return self.meltano.run(
            "tap-clari", "target-postgres", settings=settings, meanwhile=meanwhile
        )

    def tables(self) -> set[str]:
        """The names of the tables."""
        with self.postgres.connect() as connection:
            found = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'tap_clari'"
            ).fetchall()
        return {name for (name,) in found}

    def rows(self, stream: str, key: tuple[str, ...] = ("id",)) -> dict[Key, Record]:
        """The rows of a stream's table by key."""
        with self.postgres.connect() as connection:
            table = sql.Identifier("tap_clari", stream)
            cursor = connection.cursor(row_factory=dict_row)
            found = cursor.execute(sql.SQL("SELECT * FROM {}").format(table)).fetchall()
        by_key = {tuple(row[name] for name in key): row for row in found}
        assert len(by_key) == len(found), f"{stream}: a key comes twice"
        return by_key


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    """An empty database, and an account of 60 calls and 60 activities."""
    with contextlib.ExitStack() as running:
        copilot = running.enter_context(CopilotSandbox(calls=60))
        revenue = running.enter_context(RevenueSandbox())
        postgres = running.enter_context(PostgresServer())
        meltano = Meltano(tmp_path / "project", copilot, revenue, postgres)
        meltano.install("tap-clari", "target-postgres")
        yield Pipeline(copilot, revenue, postgres, meltano)
