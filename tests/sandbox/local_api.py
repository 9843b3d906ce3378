"""A vendor's API as a local server: its application, behind faults, limits and a log."""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.responses import Response

from tests.sandbox.faults import FaultMiddleware, Faults
from tests.sandbox.serving import Serving
from tests.sandbox.traffic import Exchange, TrafficLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
        answers: The body of each answer that is no refusal, if a test has put a list here.
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
        self.answers: list[bytes] | None = None
        self._limited = limits
        self._credential_headers = credential_headers
        self._error_body = error_body
        self._latency = latency
        self._faulty = FaultMiddleware(application, self.faults, error_body)
        super().__init__(self._answer, port)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it: noted, refused or not, with faults."""
        now, query = time.monotonic(), scope["query_string"]
        credentials = any(name in self._credential_headers for name, _ in scope["headers"])
        exchange = Exchange(now, scope["path"], query, credentials, scope["method"])
        self.traffic.add(exchange)
        body = bytearray()
        refusal = self._limited.refuse(now, scope)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                headers = self._limited.headers(refused=refusal is not None)
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in headers.items()),
                ]
            elif self.answers is not None:
                body.extend(message.get("body", b""))
            await send(message)

        try:
            await asyncio.sleep(self._latency)
            if refusal is None:
                await self._faulty(scope, receive, noting)
            else:
                content = self._error_body(refusal)
                await Response(content, 429, media_type="application/json")(scope, receive, noting)
        finally:
            if self.answers is not None and exchange.status == HTTPStatus.OK:
                self.answers.append(bytes(body))
            if refusal is None:
                self._limited.end(scope)
