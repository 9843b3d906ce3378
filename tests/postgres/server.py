"""The running server as its user sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.postgres.binaries import Binaries, find_binaries
from tests.postgres.errors import PostgresError

if TYPE_CHECKING:
    from types import TracebackType

    from psycopg import Connection
    from typing_extensions import Self

REPOSITORY = Path(__file__).resolve().parents[2]


class PostgresServer:
    """A PostgreSQL server that lives as long as the `with` block.

    It listens on the loopback interface only, on a free port, with a password of its own; data
    are in a temporary folder. Encoding is UTF-8, collation C, time zone UTC.

    The server and its folder belong to a process beside this one, the keeper (`keeper.py`). Its
    standard input ends when the block does, and as well when this process dies of whatever it
    may die of; either way the keeper stops the server and removes the folder.

    Args:
        binaries: PostgreSQL's programs; by default whatever `find_binaries` finds.

    Attributes:
        binaries: The programs that run.
        host: Always 127.0.0.1.
        port: The port.
        user: A superuser.
        password: The user's password, plain in a URL.
        database: An empty database.
    """

    host = "127.0.0.1"
    port: int
    user = "postgres"
    password: str
    database = "postgres"

    _keeper: subprocess.Popen[str]

    def __init__(self, binaries: Binaries | None = None) -> None:
        self.binaries = binaries or find_binaries()

    @property
    def dsn(self) -> str:
        """The address of the database as a URL."""
        return f"postgresql://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}"

    def connect(self, *, autocommit: bool = False) -> Connection:
        """Open a connection."""
        # Imported late: the keeper imports this package too, and should not wait for psycopg.
        import psycopg  # noqa: PLC0415

        # The server has no certificate; PGSSLMODE of the surroundings could ask for one.
        return psycopg.connect(self.dsn, sslmode="disable", autocommit=autocommit)

    def __enter__(self) -> Self:
        """Start the server and wait until it takes connections.

        Raises:
            PostgresError: It did not start; the message holds what it printed last.
        """
        arguments = [str(self.binaries.folder), self.binaries.version]
        if self.binaries.package:
            arguments.append(str(self.binaries.package))
        path = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        self._keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.postgres.keeper", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env=os.environ | {"PYTHONPATH": path},
            # Ctrl-C in a terminal goes to a whole process group; the keeper has to outlive it.
            start_new_session=True,
        )
        try:
            # The keeper always answers or ends: it limits the time of all that it waits for.
            answer = self._hear()
        except BaseException:
            self._release()
            self._close()
            raise
        self.port, self.password = answer["port"], answer["password"]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the server and wait for its end and that of its folder.

        Raises:
            PostgresError: The server had ended before, or its folder cannot be removed.
        """
        # The server's end is the likely reason of the block's error; Ctrl-C needs none.
        try:
            if self._release() and (error is None or isinstance(error, Exception)):
                self._hear()
        finally:
            self._close()

    def _hear(self) -> dict[str, Any]:
        """Read the keeper's next message.

        Raises:
            PostgresError: The message is an error, or there is none.
        """
        line = self._keeper.stdout.readline() if self._keeper.stdout else ""
        if not line:
            ending = self._release()
            message = f"The process that keeps PostgreSQL ended with {ending} and without a word."
            raise PostgresError(message)
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise PostgresError(answer["error"])
        return answer

    def _release(self) -> int:
        """Tell the keeper that the server is needed no more, and return its exit code."""
        if self._keeper.stdin:
            self._keeper.stdin.close()
        return self._keeper.wait()

    def _close(self) -> None:
        """Close the pipe from the keeper, after its last message."""
        if self._keeper.stdout:
            self._keeper.stdout.close()
