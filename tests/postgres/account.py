"""Whose processes these are: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.postgres.errors import PostgresError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

UNPRIVILEGED = ("postgres", "nobody", "daemon")


@dataclass(frozen=True)
class Account:
    """The user that PostgreSQL runs as; without ids, the user that runs Python.

    It has to be in the user database: `initdb` looks its own name up and gives up without one.
    """

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def current(cls) -> Account:
        """Find the account to use: the current user, or for root one without its powers.

        Raises:
            PostgresError: Python runs as root and there is no user to step down to.
        """
        if os.geteuid() != 0:
            return cls()
        for name in UNPRIVILEGED:
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            return cls(entry.pw_uid, entry.pw_gid)
        names = ", ".join(UNPRIVILEGED)
        message = f"PostgreSQL does not run as root, and none of the users {names} exists here."
        raise PostgresError(message)

    def start(
        self, command: list[str], *, folder: Path, output: IO[bytes] | int
    ) -> subprocess.Popen[bytes]:
        """Start a command as this user.

        Args:
            command: The program and its arguments.
            folder: Where it runs; PostgreSQL complains about a folder that it cannot enter.
            output: Takes both what it prints and its errors.

        Raises:
            PostgresError: The program cannot be started as this user.
        """
        # PGPORT, PGOPTIONS and the like of the surroundings are not meant for this server; its
        # messages are read, so they come in English.
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_"))}
        environment |= {"LC_ALL": "C", "TZ": "UTC"}
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment,
                user=self.uid,
                group=self.gid,
                extra_groups=None if self.gid is None else [],
                # A group of its own: Ctrl-C goes to the caller, who then stops the server in order.
                start_new_session=True,
            )
        except OSError as error:
            whose = "" if self.uid is None else f" as user {self.uid}"
            message = f"{command[0]} cannot be started{whose}: {error}"
            raise PostgresError(message) from error

    def run(self, command: list[str], *, folder: Path) -> str:
        """Run a short command as this user and return what it printed.

        Raises:
            PostgresError: It cannot be started, fails, or takes more than 30 seconds.
        """
        with self.start(command, folder=folder, output=subprocess.PIPE) as process:
            try:
                printed = process.communicate(timeout=30)[0].decode(errors="replace").strip()
            except subprocess.TimeoutExpired as error:
                process.kill()
                message = f"{command[0]} gave no answer within 30 seconds."
                raise PostgresError(message) from error
        if process.returncode:
            message = f"{command[0]} ended with {process.returncode}: {printed}"
            raise PostgresError(message)
        return printed

    def own(self, path: Path) -> None:
        """Hand a file or folder, not what is in it, over to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)
