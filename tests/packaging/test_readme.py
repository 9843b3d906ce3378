"""Who copies the commands of a README into an empty folder has the rows in the end.

`make test-install` runs them, with what a stranger has: Python with pip, git, and a PostgreSQL.
Only what is a stranger's own is filled in, and the repository's address leads to this folder.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import typing as t
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psycopg
import pytest
import yaml
from psycopg import sql

from tests.gladly.report_truth import WINDOW
from tests.gladly.truth import FILES
from tests.meltano.comparing import assert_table
from tests.meltano.conftest import ClariPipeline, GladlyPipeline
from tests.meltano.desk_truth import assert_desk
from tests.meltano.gladly_truth import LISTS, assert_exports
from tests.meltano.gladly_truth import truth as gladly_truth
from tests.meltano.truth import KEYS, truth
from tests.pipeline import Meltano
from tests.postgres import PostgresServer
from tests.running import BIN
from tests.sandbox.copilot import CopilotSandbox
from tests.sandbox.gladly import GladlySandbox
from tests.sandbox.revenue import RevenueSandbox
from tools import definitions

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.install

ROOT = Path(__file__).parents[2]
ADDRESS = yaml.safe_load(definitions.TEXTS.read_text(encoding="utf-8"))["repository"]

NOW = datetime.now(timezone.utc)
START = NOW.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=20)
"""Not a year ago: each window of a report takes its turn, of ten a minute."""
BEFORE_ALL = "2020-01-01"
"""Before the first call of the sandbox."""


def commands(page: str, *sections: str) -> list[str]:
    """The shell blocks of some sections of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found: list[str] = []
    for name in sections:
        section = text.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]
        found += re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return found


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with what is a user's own in the place of what stands for it."""
    for placeholder, value in values.items():
        assert placeholder in text, placeholder
        text = text.replace(placeholder, value)
    return text


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository under an address of its own, as an owner would publish it."""
    copy = tmp_path_factory.mktemp("published") / "repository"
    for name in ("kit", "docs", *definitions.TAPS):
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=without)
    for tap in definitions.TAPS:
        plugin = copy / tap / "plugin.yml"
        plugin.write_text(published(plugin.read_text(encoding="utf-8"), copy), encoding="utf-8")
    git = ("git", "-C", str(copy), "-c", "user.name=x", "-c", "user.email=x@example.com")
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message=x"], check=True)
    subprocess.run([*git, "tag", "v1.0.0"], check=True)
    return copy


def published(text: str, repository: Path) -> str:
    """A text with the address of the copy in the place of the repository's."""
    return text.replace(f"{ADDRESS}/raw/main/", f"{repository}/").replace(
        f"git+{ADDRESS}.git", f"git+file://{repository}"
    )


def type_in(folder: Path, blocks: list[str], **environment: str) -> str:
    """Type blocks into one shell that begins in an empty folder, until one fails."""
    folder.mkdir()
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TAP_", "TARGET_", "MELTANO_", "VIRTUAL_ENV", "PYTHON"))
    }
    path = [each for each in mine["PATH"].split(os.pathsep) if Path(each) != BIN]
    mine |= {"PATH": os.pathsep.join(path), "HOME": str(folder)}
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input="\n".join(blocks),
        cwd=folder,
        env={**mine, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL with the database and the user of the README."""
    with PostgresServer() as server:
        with server.connect(autocommit=True) as connection:
            password = sql.Literal(server.password)
            connection.execute(sql.SQL("CREATE USER loader PASSWORD {}").format(password))
            connection.execute("CREATE DATABASE warehouse OWNER loader")
        server.database = "warehouse"
        yield server


def recipes(repository: Path, postgres: PostgresServer) -> list[str]:
    """What else is to be typed into such a project, by the page of the recipes."""
    page = "docs/recipes.md"
    state = "\n".join(commands(page, "State and Meltano's own database in PostgreSQL"))
    server = f"loader:{postgres.password}@{postgres.host}:{postgres.port}/{postgres.database}"
    return [
        *commands(page, "Loading into PostgreSQL with less CPU"),
        *(published(block, repository) for block in commands(page, "Upgrading")),
        "meltano job add clari-nightly --tasks 'tap-clari target-postgres'",
        "export TAP_CLARI_API_KEY=wrong TAP_CLARI_COPILOT_API_KEY=wrong",
        *commands(page, "Alerts"),
        filled(state, {"user:password@host:5432/meltano": server}),
    ]


def test_rows_are_in_ones_own_postgresql(
    repository: Path, postgres: PostgresServer, tmp_path: Path
) -> None:
    with (
        CopilotSandbox(calls=60) as copilot,
        RevenueSandbox() as revenue,
        GladlySandbox(days=3) as gladly,
    ):
        gladly.reports.as_of = NOW
        blocks = commands("README.md", "Install it into your Meltano", "Every day")
        assert len(blocks) == 4
        script = filled(
            published("\n".join(blocks), repository),
            {
                "tap-clari start_date 2026-01-01": f"tap-clari start_date {BEFORE_ALL}",
                "tap-gladly start_date 2026-01-01": f"tap-gladly start_date {START:%Y-%m-%d}",
                "PORT=5432": f"PORT={postgres.port}",
                "PASSWORD=your-password": f"PASSWORD={postgres.password}",
                "CLARI_API_KEY=your-token": f"CLARI_API_KEY={revenue.api_key}",
                "your-copilot-key": copilot.api_key,
                "your-copilot-password": copilot.api_password,
                "integrations@acme.com": gladly.username,
                "GLADLY_API_TOKEN=your-token": f"GLADLY_API_TOKEN={gladly.api_token}",
            },
        )
        assert ADDRESS not in script
        said = type_in(
            tmp_path / "empty",
            [script, "meltano schedule list", *recipes(repository, postgres)],
            TAP_CLARI_API_URL=revenue.url,
            TAP_CLARI_COPILOT_API_URL=copilot.url,
            TAP_GLADLY_API_URL=gladly.url,
        )
        assert "gladly-hourly" in said
        assert "clari-nightly" in said
        [alert] = [line for line in said.splitlines() if "[critical ]" in line]
        assert "does not accept the credentials" in alert

        # Only its tables are looked at: what was run is what was typed.
        none = Meltano(tmp_path / "none", postgres)
        clari = ClariPipeline(postgres, none, copilot, revenue)
        assert clari.tables() == set(KEYS)
        for stream in set(KEYS) - {"ingest_jobs", "limits"}:
            made = {"audit_events": ["eventId"], "opportunities": ["readAt"]}
            records = truth(clari, stream)
            assert_table(clari, stream, KEYS[stream], records, made.get(stream, ()))

        desk = GladlyPipeline(postgres, none, gladly, START)
        for stream in ("organization", *LISTS):
            assert_table(desk, stream, ("id",), gladly_truth(desk, stream))
        assert_exports(desk)
        assert_desk(desk, START)
        reported = ("conversation_id",)
        report = "report_conversation_export"
        assert_table(desk, report, reported, gladly_truth(desk, report), WINDOW)
        with psycopg.connect(postgres.dsn, sslmode="disable") as connection:
            owners = connection.execute(
                "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname LIKE 'tap_%'"
            ).fetchall()
        assert owners == [("loader",)]


def written(folder: Path, stream: str) -> list[dict[str, t.Any]]:
    """The rows of a stream in target-jsonl's files, whose names have the time of each run."""
    paths = sorted(folder.glob(f"{stream}-*.jsonl"))
    assert paths, stream
    return [json.loads(line) for path in paths for line in path.read_text("utf-8").splitlines()]


def test_tap_clari_without_meltano(repository: Path, tmp_path: Path) -> None:
    blocks = commands("tap-clari/README.md", "Install", "Use")
    with CopilotSandbox(calls=60) as copilot, RevenueSandbox() as revenue:
        addresses = {"api_url": revenue.url, "copilot_api_url": copilot.url}
        script = filled(
            published("\n".join(blocks), repository),
            {
                "2026-01-01": BEFORE_ALL,
                "{\n": "{\n" + "".join(f'  "{n}": "{v}",\n' for n, v in addresses.items()),
                "your-token": revenue.api_key,
                "your-copilot-key": copilot.api_key,
                "your-copilot-password": copilot.api_password,
            },
        )
        type_in(tmp_path / "empty", [script])
        calls = {row["id"] for row in written(tmp_path / "empty", "calls")}
        assert calls == set(copilot.account.call_ids(private=False))
        # What rarely changes is read by each of the two runs.
        users = Counter(row["id"] for row in written(tmp_path / "empty", "users"))
        assert users == dict.fromkeys((each["id"] for each in copilot.account.users()), 2)


def test_tap_gladly_without_meltano(repository: Path, tmp_path: Path) -> None:
    blocks = commands("tap-gladly/README.md", "Install", "Use")
    with GladlySandbox(days=3) as gladly:
        script = filled(
            published("\n".join(blocks), repository),
            {
                "2026-01-01": f"{START:%Y-%m-%d}",
                "{\n": f'{{\n  "api_url": "{gladly.url}",\n',
                "integrations@acme.com": gladly.username,
                "your-token": gladly.api_token,
            },
        )
        type_in(tmp_path / "empty", [script])
        agents = {row["id"] for row in written(tmp_path / "empty", "agents")}
        assert agents == {each["id"] for each in gladly.account.agents}
        for stream in FILES:
            assert written(tmp_path / "empty", stream)
