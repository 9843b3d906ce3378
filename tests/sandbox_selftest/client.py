"""Asks a local API over one connection, for the tests of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psutil
import requests

if TYPE_CHECKING:
    from tests.sandbox.local_api import LocalApi


class Clock:
    """Stands for the module ``time``, so that limits do not depend on how fast requests come."""

    now = 100.0

    def monotonic(self) -> float:
        """Return the time that was set."""
        return self.now


class ApiClient:
    """Asks one sandbox, whose paths begin with a base, with the headers of who is let in."""

    def __init__(self, sandbox: LocalApi, headers: dict[str, str], base: str = "") -> None:
        self.url = sandbox.url + base
        self.session = requests.Session()
        self.session.headers.update(headers)

    def ask(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        """Send a request."""
        return self.session.request(method, self.url + path, timeout=20, **options)

    def get(self, path: str, expected: int = 200, **params: Any) -> Any:  # noqa: ANN401
        """Return the body of an answer with the expected status."""
        answer = self.ask(path, params=params)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def measure(self, path: str) -> tuple[int, int]:
        """Return how large a file is, and by how many bytes memory grew while it was read."""
        memory = psutil.Process().memory_info
        before, most, size = memory().rss, 0, 0
        with self.ask(path, stream=True) as answer:
            for chunk in answer.iter_content(1 << 20):
                size += len(chunk)
                most = max(most, memory().rss)
        return size, most - before
