"""Troubles on request: what a server does on a bad day, for chosen requests.

Told from Python, while the server runs::

    sandbox.faults.add(path="/calls", times=2, status=503)
    sandbox.faults.add(path="/calls", after=3, hook=lambda: account.delete(call_id))
    sandbox.faults.add(method="POST", lost=True)
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

import msgspec
from starlette.responses import HTMLResponse, Response

from tests.sandbox.serving import abort_connection, close_connection, write_raw
from tests.sandbox.traffic import query_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from typing_extensions import Unpack

_PAGE = "<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>"


class FaultOptions(TypedDict, total=False):
    """The arguments of a `Fault`, for type checkers."""

    path: str | None
    method: str | None
    params: Mapping[str, str]
    after: int
    times: int | None
    status: int | None
    retry_after: int | str | None
    body: bytes | str | dict[str, Any] | None
    reset: bool
    lost: bool
    truncate: bool
    half_json: bool
    unframed: bool
    html: bool
    redirect: str | None
    slow: float
    drip: float
    hook: Callable[[], object] | None


@dataclass(kw_only=True, eq=False)
class Fault:
    """One rule: which requests are hit, and what happens to them.

    At most one answer (``status``, ``reset``, ``lost``, ``truncate``, ``half_json``,
    ``unframed``, ``html``, ``redirect`` or ``drip``); ``slow`` and ``hook`` go with any answer,
    and with the ordinary one.

    Attributes:
        path: Only requests for this path; None for any.
        method: Only requests with this HTTP method, in capital letters; None for any.
        params: Only requests whose query has these names with these values.
        after: How many matching requests are spared first.
        times: How many are hit then; None for all.
        status: Answer with this HTTP status.
        retry_after: With ``status``: Retry-After as seconds, or the text of an HTTP date.
        body: With ``status``: the body; a dict is sent as JSON, a str as plain text. Without it,
            the vendor's JSON for an error.
        reset: Close the connection with a TCP reset and no answer.
        lost: The application does its work, then the connection is closed with a TCP reset before
            a byte of the answer is sent. An answer in chunks is made up to its first chunk.
        truncate: Promise the whole ordinary answer, send half of it, close the connection. Of an
            answer in chunks, half of the first chunk is sent.
        half_json: A complete answer whose body is the first half of the ordinary one, or of the
            first chunk of it.
        unframed: Half of the ordinary answer, or of the first chunk of it, whose length is told by
            nothing but the end of the connection. The traffic log has status 0 for it.
        html: 200 with an HTML page, as from a proxy that wants a login.
        redirect: 302 to this URL.
        drip: Send the ordinary answer byte by byte, with so many seconds after each.
        slow: Seconds to wait before anything else happens.
        hook: Called in the server's thread just before the answer is made. It may change the data;
            it must not ask the server anything.
        seen: How many requests matched so far.
        hits: How many requests were hit so far.
    """

    path: str | None = None
    method: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    after: int = 0
    times: int | None = 1
    status: int | None = None
    retry_after: int | str | None = None
    body: bytes | str | dict[str, Any] | None = None
    reset: bool = False
    lost: bool = False
    truncate: bool = False
    half_json: bool = False
    unframed: bool = False
    html: bool = False
    redirect: str | None = None
    drip: float = 0.0
    slow: float = 0.0
    hook: Callable[[], object] | None = None
    seen: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.spoils = self.lost or self.truncate or self.half_json or self.unframed
        answers = [
            *(self.reset, self.lost, self.truncate, self.half_json, self.unframed, self.html),
            *(self.status is not None, self.redirect is not None, self.drip > 0),
        ]
        if sum(answers) > 1:
            message = "a fault has one answer at most"
            raise ValueError(message)
        if self.status is None and (self.retry_after is not None or self.body is not None):
            message = "retry_after and body go with status"
            raise ValueError(message)
        self.answers = any(answers)
        if not self.answers and not self.slow and self.hook is None:
            message = "a fault must do something"
            raise ValueError(message)

    def matches(self, path: str, query: bytes, method: str) -> bool:
        """Tell whether a request is one of those the rule is about."""
        if self.path is not None and path != self.path:
            return False
        if self.method is not None and method != self.method:
            return False
        if not self.params:
            return True
        pairs = query_pairs(query)
        return all(pair in pairs for pair in self.params.items())


class Faults:
    """The rules in force, in the order in which they were added.

    A request is hit by every rule that matches it, except that only the first answer counts: a
    rule whose answer came too late has its ``times`` left, but counts the request for ``after``.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []

    def add(self, **options: Unpack[FaultOptions]) -> Fault:
        """Add a rule with the attributes of `Fault`, and return it.

        Raises:
            ValueError: The rule has several answers, or does nothing.
        """
        rule = Fault(**options)
        with self._lock:
            self._rules.append(rule)
        return rule

    def remove(self, rule: Fault) -> None:
        """End a rule; ValueError if it is not in force."""
        with self._lock:
            self._rules.remove(rule)

    def clear(self) -> None:
        """End all rules."""
        with self._lock:
            self._rules.clear()

    def strike(self, path: str, query: bytes, method: str = "GET") -> list[Fault]:
        """Count a request, and return the rules that hit it; at most one of them answers."""
        if not self._rules:
            return []
        hit: list[Fault] = []
        answered = False
        with self._lock:
            for rule in self._rules:
                if not rule.matches(path, query, method):
                    continue
                rule.seen += 1
                spent = rule.times is not None and rule.hits >= rule.times
                if rule.seen <= rule.after or spent or (rule.answers and answered):
                    continue
                rule.hits += 1
                answered = answered or rule.answers
                hit.append(rule)
        return hit


class FaultMiddleware:
    """Plays the faults around an application.

    Args:
        app: The application inside.
        faults: The rules.
        error_body: Makes the vendor's JSON for an error message.
    """

    def __init__(self, app: ASGIApp, faults: Faults, error_body: Callable[[str], bytes]) -> None:
        self._app = app
        self._faults = faults
        self._error_body = error_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        answering: Fault | None = None
        rules = self._faults.strike(scope["path"], scope["query_string"], scope["method"])
        for rule in rules:
            if rule.slow:
                await asyncio.sleep(rule.slow)
            if rule.hook is not None:
                rule.hook()
            if rule.answers:
                answering = rule
        if answering is None:
            await self._app(scope, receive, send)
        elif answering.reset:
            abort_connection(scope)
            await _disconnected(receive)
        elif answering.drip:
            await self._drip(scope, receive, send, answering)
        elif answering.spoils:
            await self._spoil(scope, receive, send, answering)
        else:
            await self._reply(answering)(scope, receive, send)

    def _reply(self, rule: Fault) -> Response:
        if rule.html:
            return HTMLResponse(_PAGE)
        if rule.redirect is not None:
            return Response(status_code=302, headers={"Location": rule.redirect})
        status = rule.status or 500
        headers = {} if rule.retry_after is None else {"Retry-After": str(rule.retry_after)}
        if isinstance(rule.body, str):
            return Response(rule.body, status, headers, media_type="text/plain")
        if rule.body is None:
            body = self._error_body(f"The sandbox was told to answer {status}")
        else:
            body = rule.body if isinstance(rule.body, bytes) else msgspec.json.encode(rule.body)
        return Response(body, status, headers, media_type="application/json")

    async def _drip(self, scope: Scope, receive: Receive, send: Send, rule: Fault) -> None:
        """Send the application's answer, or its first chunk, byte by byte, while anyone listens."""
        beginning = _Beginning(receive)
        await self._app(scope, beginning.receive, beginning.send)
        await send(beginning.start)
        gone = asyncio.ensure_future(_disconnected(receive))
        for place in range(len(beginning.body)):
            byte = beginning.body[place : place + 1]
            await send({"type": "http.response.body", "body": byte, "more_body": True})
            await asyncio.wait({gone}, timeout=rule.drip)
            if gone.done():
                return
        gone.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _spoil(self, scope: Scope, receive: Receive, send: Send, rule: Fault) -> None:
        """Let the application answer, and send half of that or nothing.

        An honest half says how long it is. Of an answer in chunks only the first is ever made.
        """
        beginning = _Beginning(receive)
        await self._app(scope, beginning.receive, beginning.send)
        if rule.lost:
            abort_connection(scope)
            await _disconnected(receive)
            return
        start, body = beginning.start, beginning.body
        half = body[: len(body) // 2]
        if rule.unframed:
            write_raw(scope, _head_without_length(start) + half)
            close_connection(scope)
            await _disconnected(receive)
            return
        if rule.half_json or not beginning.streamed:
            length = len(half) if rule.half_json else len(body)
            start["headers"] = [
                (name, value) for name, value in start["headers"] if name != b"content-length"
            ]
            start["headers"].append((b"content-length", b"%d" % length))
        await send(start)
        await send({"type": "http.response.body", "body": half, "more_body": not rule.half_json})
        if not rule.half_json:
            close_connection(scope)
            await _disconnected(receive)


def _head_without_length(start: Message) -> bytes:
    """Write the head of an answer that ends with its connection."""
    framing = {b"content-length", b"transfer-encoding", b"connection"}
    lines = [b"HTTP/1.1 %d Unframed" % start["status"]]
    lines += [b"%s: %s" % pair for pair in start["headers"] if pair[0].lower() not in framing]
    return b"\r\n".join([*lines, b"Connection: close", b"", b""])


class _Beginning:
    """Takes an answer in up to its first chunk, then tells the application that nobody listens."""

    def __init__(self, receive: Receive) -> None:
        self.start: Message = {}
        self.body = b""
        self.streamed = False
        self._receive = receive
        self._enough = asyncio.Event()

    async def receive(self) -> Message:
        """Return the next message of the client, or that it has gone."""
        message = asyncio.ensure_future(self._receive())
        enough = asyncio.ensure_future(self._enough.wait())
        try:
            await asyncio.wait({message, enough}, return_when=asyncio.FIRST_COMPLETED)
            return message.result() if message.done() else {"type": "http.disconnect"}
        finally:
            message.cancel()
            enough.cancel()

    async def send(self, message: Message) -> None:
        """Take a message of the application."""
        if message["type"] == "http.response.start":
            self.start = message
        elif not self._enough.is_set():
            self.body += message.get("body", b"")
            self.streamed = message.get("more_body", False)
            if self.body or not self.streamed:
                self._enough.set()
        await asyncio.sleep(0)


async def _disconnected(receive: Receive) -> None:
    """Wait until the server has noticed that the connection is gone, lest it answer."""
    while (await receive())["type"] != "http.disconnect":
        continue
