"""The one error of this package."""

from __future__ import annotations


class PostgresError(Exception):
    """PostgreSQL could not be found, started or stopped; the message says why in words."""
