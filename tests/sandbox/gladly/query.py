"""Reads query strings, and refuses whatever the vendor does not document."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from tests.sandbox.gladly.errors import invalid
from tests.sandbox.gladly.timestamps import nanos

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request


def read_query(
    request: Request, *names: str, repeated: frozenset[str] = frozenset()
) -> dict[str, list[str]]:
    """Read a query string.

    Args:
        request: The request.
        *names: The parameters that there are.
        repeated: Those of them that may be given more than once.

    Returns:
        The values of each parameter that was given.

    Raises:
        RefusedError: A parameter is unknown, empty, or given twice.
    """
    found: dict[str, list[str]] = {}
    query = request.scope["query_string"].decode("latin-1")
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in names:
            raise invalid(attr=name, detail=f"{name} is not a parameter of this request")
        if not value:
            raise invalid(attr=name, detail=f"{name} can't be blank", code="blank")
        if name in found and name not in repeated:
            raise invalid(attr=name, detail=f"{name} must be given once")
        found.setdefault(name, []).append(value)
    return found


def instant(given: Mapping[str, list[str]], name: str) -> int | None:
    """Read one ISO 8601 date-time of a query.

    Returns:
        Nanoseconds since 1970; None when the parameter was not given.

    Raises:
        RefusedError: It has another form. A ``+`` that was not encoded is a blank here.
    """
    if name not in given:
        return None
    try:
        return nanos(given[name][0])
    except ValueError as error:
        raise invalid(attr=name, detail=f"{name} must be an ISO 8601 date-time") from error
