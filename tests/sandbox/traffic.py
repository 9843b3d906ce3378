"""What came in and when, and the limits a vendor sets: requests a second, requests a week."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from starlette.types import Scope

_WINDOW_SECONDS = 1.0


@dataclass
class Exchange:
    """One request and how it was answered.

    Attributes:
        arrived: Seconds of the monotonic clock.
        path: Path of the request, without the query.
        query: The query as it came; None when the log has grown past it.
        credentials: Whether the request carried any credential, right or wrong.
        method: HTTP method.
        status: HTTP status, or 0 when no answer was begun.
    """

    arrived: float
    path: str
    query: bytes | None
    credentials: bool
    method: str
    status: int = 0

    @property
    def params(self) -> list[tuple[str, str]] | None:
        """Names and values of the query in their order; None as for the query."""
        return None if self.query is None else query_pairs(self.query)


class TrafficLog:
    """Every request since the start or the last `clear`.

    Safe to read from any thread while the server writes.

    Args:
        newest: For how many of the newest requests the query is kept.
    """

    def __init__(self, newest: int = 5000) -> None:
        self._newest = newest
        self._exchanges: list[Exchange] = []

    def add(self, exchange: Exchange) -> None:
        """Note a request; its status is set once it is known. To be called in one thread only."""
        exchanges = self._exchanges
        exchanges.append(exchange)
        if len(exchanges) > self._newest:
            exchanges[-1 - self._newest].query = None

    def clear(self) -> None:
        """Forget everything; requests under way are forgotten too."""
        self._exchanges = []

    def count(
        self, path: str | None = None, status: int | None = None, method: str | None = None
    ) -> int:
        """Count requests: all, or those with this path, status (0 for no answer) and method."""
        return sum(
            status in {None, each.status} and method in {None, each.method}
            for each in self.exchanges(path)
        )

    def count_with_credentials(self) -> int:
        """Count the requests that carried any credential, right or wrong."""
        return sum(each.credentials for each in self.exchanges())

    def arrivals(self) -> list[float]:
        """Return the arrival of every request, in seconds of the monotonic clock."""
        return [each.arrived for each in self.exchanges()]

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
        return [each for each in [*self._exchanges] if path in {None, each.path}]


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
        retry_after: The Retry-After of a refusal in seconds; None for no such header.
        spent: Requests counted against the quota so far.
        others: Requests of every second that somebody else makes with the same account.
    """

    requests_per_second: int | None = None
    quota: int | None = None
    retry_after: int | None = None
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
        return {"Retry-After": str(self.retry_after)}
