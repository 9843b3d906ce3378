"""Messages and a PostgreSQL for the targets, and the table of what they make of them."""

from __future__ import annotations

import typing as t

import pytest

from tests.postgres import PostgresServer
from tests.targets.environments import locked
from tests.targets.messages import MODES, TAPS, Messages, write_messages
from tests.targets.table import OUTCOMES, write_table

if t.TYPE_CHECKING:
    from collections.abc import Iterator

FIRST, *_ = MODES
SLOW = pytest.mark.targets


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL, into which each test loads under another name."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((tap, mode), id=f"{tap} {mode}", marks=() if mode == FIRST else SLOW)
        for tap in TAPS
        for mode in MODES
    ],
)
def messages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Messages:
    """What a tap writes in one of the modes, once for all processes that run tests."""
    tap, mode = request.param
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / f"{tap} {mode}"
    folder.mkdir(exist_ok=True)
    with locked(folder / "lock"):
        if not (folder / "done").exists():
            write_messages(tap, mode, folder)
            (folder / "done").touch()
    return Messages(mode, sorted(folder.glob("*.jsonl")))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Keep what came of each target and mode."""
    told = dict(report.user_properties)
    if "target" in told and (report.when == "call" or report.failed):
        OUTCOMES[told["target"], told["mode"]].append(report.outcome)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the table, but not in each of several processes."""
    if not hasattr(session.config, "workerinput"):
        write_table()
