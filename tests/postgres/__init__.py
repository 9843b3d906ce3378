"""A real PostgreSQL for the demo, the tests and the benchmarks, without any set-up."""

from __future__ import annotations

from tests.postgres.binaries import (
    Binaries,
    find_binaries,
    find_system_binaries,
    find_wheel_binaries,
)
from tests.postgres.errors import PostgresError
from tests.postgres.server import PostgresServer

__all__ = [
    "Binaries",
    "PostgresError",
    "PostgresServer",
    "find_binaries",
    "find_system_binaries",
    "find_wheel_binaries",
]
