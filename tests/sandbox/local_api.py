"""A vendor's API as a local server: its application, behind faults, limits and a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.sandbox.faults import FaultMiddleware, Faults
from tests.sandbox.serving import Serving
from tests.sandbox.traffic import TrafficLog, TrafficMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from tests.sandbox.traffic import Limits


class LocalApi(Serving):
    """A server of one application; a context manager that serves while it is open.

    Args:
        application: The vendor's application.
        limits: The vendor's limits.
        credential_headers: Names of the headers that carry credentials, in small letters.
        error_body: Makes the vendor's JSON for an error message.
        latency: Seconds that every answer takes at least; requests wait side by side.
        port: TCP port; 0 for any free one.

    Attributes:
        traffic: Every request that came in.
        faults: The faults to play.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing it joins, all by keyword
        self,
        application: ASGIApp,
        *,
        limits: Limits,
        credential_headers: frozenset[bytes],
        error_body: Callable[[str], bytes],
        latency: float = 0.0,
        port: int = 0,
    ) -> None:
        self.traffic = TrafficLog()
        self.faults = Faults()
        watched = TrafficMiddleware(
            FaultMiddleware(application, self.faults, error_body),
            log=self.traffic,
            limits=limits,
            credential_headers=credential_headers,
            error_body=error_body,
            latency=latency,
        )
        super().__init__(watched, port)
