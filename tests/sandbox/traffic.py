"""What came in and when, and the limits a vendor sets: requests a second, requests a week."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from array import array
from collections import deque
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import parse_qsl

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_WINDOW_SECONDS = 1.0


class Exchange(NamedTuple):
    """One request and how it was answered.

    Attributes:
        arrived: Seconds of the monotonic clock.
        path: Path of the request, without the query.
        params: Names and values of the query in their order; None when the log has grown past it.
        status: HTTP status, or 0 when no answer was begun.
        credentials: Whether the request carried any credential, right or wrong.
        method: HTTP method.
    """

    arrived: float
    path: str
    params: list[tuple[str, str]] | None
    status: int
    credentials: bool
    method: str


class _Entry(NamedTuple):
    table: _Table
    row: int


class _Table:
    """The log's columns; a request under way keeps its own when the log is cleared."""

    def __init__(self, newest: int) -> None:
        self.arrived = array("d")
        self.path = array("I")
        self.status = array("H")
        self.credentials = bytearray()
        self.method = bytearray()
        self.queries: deque[bytes] = deque(maxlen=newest)


class TrafficLog:
    """Every request since the start or the last `clear`, at some 20 bytes each.

    Safe to read from any thread while the server writes.

    Args:
        newest: For how many of the newest requests the query is kept.
    """

    def __init__(self, newest: int = 5000) -> None:
        self._newest = newest
        self._lock = threading.Lock()
        self._table = _Table(newest)
        self._path_numbers: dict[str, int] = {}
        self._paths: list[str] = []
        self._methods: list[str] = []

    def arrive(
        self, now: float, path: str, query: bytes, *, credentials: bool, method: str = "GET"
    ) -> _Entry:
        """Note a request, as `Exchange` describes it; returns what `answer` needs."""
        with self._lock:
            number = self._path_numbers.get(path)
            if number is None:
                number = self._path_numbers[path] = len(self._paths)
                self._paths.append(path)
            if method not in self._methods:
                self._methods.append(method)
            table = self._table
            table.method.append(self._methods.index(method))
            table.arrived.append(now)
            table.path.append(number)
            table.status.append(0)
            table.credentials.append(credentials)
            table.queries.append(query)
            return _Entry(table, len(table.arrived) - 1)

    def answer(self, entry: _Entry, status: int) -> None:
        """Note the HTTP status that a request was answered with."""
        entry.table.status[entry.row] = status

    def clear(self) -> None:
        """Forget everything; requests under way are forgotten too."""
        with self._lock:
            self._table = _Table(self._newest)

    def count(
        self, path: str | None = None, status: int | None = None, method: str | None = None
    ) -> int:
        """Count requests: all, or those with this path, status (0 for no answer) and method."""
        with self._lock:
            table = self._table
            number = 0 if path is None else self._path_numbers.get(path)
            if number is None or method not in {None, *self._methods}:
                return 0
            wanted: list[tuple[array[int] | bytearray, int]] = []
            if path is not None:
                wanted.append((table.path, number))
            if status is not None:
                wanted.append((table.status, status))
            if method is not None:
                wanted.append((table.method, self._methods.index(method)))
            if not wanted:
                return len(table.arrived)
            columns, searched = zip(*wanted, strict=True)
            return sum(row == searched for row in zip(*columns, strict=True))

    def count_with_credentials(self) -> int:
        """Count the requests that carried any credential, right or wrong."""
        with self._lock:
            return self._table.credentials.count(1)

    def arrivals(self) -> list[float]:
        """Return the arrival of every request, in seconds of the monotonic clock."""
        with self._lock:
            return self._table.arrived.tolist()

    def busiest_second(self) -> int:
        """Return the most requests that arrived within any second, whatever their answers."""
        arrivals = self.arrivals()
        busiest = first = 0
        for last, arrival in enumerate(arrivals):
            while arrival - arrivals[first] >= _WINDOW_SECONDS:
                first += 1
            busiest = max(busiest, last - first + 1)
        return busiest

    def requests_per_second(self) -> float:
        """Return the mean rate between the first and the last arrival; 0 for fewer than two."""
        arrivals = self.arrivals()
        if len(arrivals) < 2 or arrivals[-1] == arrivals[0]:
            return 0.0
        return (len(arrivals) - 1) / (arrivals[-1] - arrivals[0])

    def exchanges(self, path: str | None = None) -> list[Exchange]:
        """Return the requests, or those for one path, in the order of their arrival."""
        with self._lock:
            table = self._table
            nameless = len(table.arrived) - len(table.queries)
            return [
                Exchange(
                    arrived,
                    self._paths[number],
                    None if index < nameless else query_pairs(table.queries[index - nameless]),
                    table.status[index],
                    bool(table.credentials[index]),
                    self._methods[table.method[index]],
                )
                for index, (arrived, number) in enumerate(
                    zip(table.arrived, table.path, strict=True)
                )
                if path is None or self._paths[number] == path
            ]


def query_pairs(query: bytes) -> list[tuple[str, str]]:
    """Return names and values of a query as they came, also of one that is refused."""
    return parse_qsl(query.decode("latin-1"), keep_blank_values=True)


@dataclass
class Limits:
    """How many requests a vendor answers; the rest is refused with 429.

    Every attribute may be changed while the server runs.

    Attributes:
        requests_per_second: How many requests may arrive within any second (a sliding window, not
            the seconds of a clock); None for no limit. A refused request does not count.
        quota: How many requests are answered until `renew`; None for no limit.
        retry_after: The Retry-After of a refusal: None for no such header, a number of seconds, or
            ``"date"`` for the HTTP date two seconds from now.
        spent: Requests counted against the quota so far.
        others: Requests of every second that somebody else makes with the same account.
    """

    requests_per_second: int | None = None
    quota: int | None = None
    retry_after: int | Literal["date"] | None = None
    spent: int = 0
    others: int = 0

    def __post_init__(self) -> None:
        self._accepted: deque[float] = deque()

    def refuse(self, now: float, _scope: Scope) -> str | None:
        """Count a request, unless it must be refused.

        Args:
            now: Arrival in seconds of the monotonic clock.
            _scope: The ASGI scope of the request, for vendors that limit some requests only.

        Returns:
            Why the request is refused; None when it is not.
        """
        accepted = self._accepted
        while accepted and now - accepted[0] >= _WINDOW_SECONDS:
            accepted.popleft()
        limit = self.requests_per_second
        if limit is not None and len(accepted) + self.others >= limit:
            return f"Rate limit of {limit} requests a second exceeded"
        if self.quota is not None and self.spent >= self.quota:
            return f"Quota of {self.quota} requests a week is spent"
        accepted.append(now)
        self.spent += 1
        return None

    def end(self, scope: Scope) -> None:
        """Count a request that was not refused as answered; some vendors limit those under way."""

    def renew(self) -> None:
        """Begin a new week: nothing of the quota is spent."""
        self.spent = 0

    def headers(self, *, refused: bool) -> dict[str, str]:
        """Return the headers that an answer has by the limits."""
        if not refused or self.retry_after is None:
            return {}
        if self.retry_after == "date":
            return {"Retry-After": formatdate(math.ceil(time.time()) + 2, usegmt=True)}
        return {"Retry-After": str(self.retry_after)}


class TrafficMiddleware:
    """Logs each request, applies the limits and the latency; any vendor's app can be inside.

    Args:
        app: The application inside.
        log: Where requests are noted.
        limits: The vendor's limits.
        credential_headers: Names of the headers that carry credentials, in small letters.
        error_body: Makes the vendor's JSON for an error message.
        latency: Seconds that every answer takes at least; requests wait side by side.
    """

    def __init__(  # noqa: PLR0913 - one argument for each thing it joins, all by keyword
        self,
        app: ASGIApp,
        *,
        log: TrafficLog,
        limits: Limits,
        credential_headers: frozenset[bytes],
        error_body: Callable[[str], bytes],
        latency: float = 0.0,
    ) -> None:
        self.latency = latency
        self._app = app
        self._log = log
        self._limits = limits
        self._credential_headers = credential_headers
        self._error_body = error_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI has it."""
        now = time.monotonic()
        credentials = any(name in self._credential_headers for name, _ in scope["headers"])
        entry = self._log.arrive(
            now,
            scope["path"],
            scope["query_string"],
            credentials=credentials,
            method=scope["method"],
        )
        refusal = self._limits.refuse(now, scope)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._log.answer(entry, message["status"])
                headers = self._limits.headers(refused=refusal is not None)
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode()) for name, value in headers.items()),
                ]
            await send(message)

        try:
            if self.latency > 0:
                await asyncio.sleep(self.latency)
            if refusal is None:
                await self._app(scope, receive, noting)
            else:
                body = self._error_body(refusal)
                await Response(body, 429, media_type="application/json")(scope, receive, noting)
        finally:
            if refusal is None:
                self._limits.end(scope)
