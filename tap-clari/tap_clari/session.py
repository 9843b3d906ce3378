"""The one HTTP session of an API: its connections, and the pace that all streams share."""

from __future__ import annotations

import math
import threading
import time
import typing as t

import requests
from pyrate_limiter import InMemoryBucket, Limiter, Rate
from requests.adapters import HTTPAdapter

if t.TYPE_CHECKING:
    from requests import PreparedRequest, Response

HEADROOM = 1.02
"""How much longer than its share of a second a request's slot is. Requests leave evenly, but the
network bunches them: without headroom the server would now and then count one too many."""


class ThrottledSession(requests.Session):
    """Sends from any thread, never faster than the rate, and pauses when the API asks for it.

    Args:
        requests_per_second: The most requests that may leave in any second, retries included.
        connections: Connections to keep open: the most requests under way at once.
    """

    def __init__(self, *, requests_per_second: float, connections: int) -> None:
        super().__init__()
        # A slot of about a tenth of a second: small enough to spread requests evenly, large
        # enough for the limiter's clock, which counts whole milliseconds.
        per_slot = max(1, int(requests_per_second / 10))
        slot = math.ceil(1000 * HEADROOM * per_slot / requests_per_second)
        self._limiter = Limiter(InMemoryBucket([Rate(per_slot, slot)]), buffer_ms=0)
        self._turn = threading.Lock()
        self._paused_until = 0.0
        for scheme in ("https://", "http://"):
            self.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=connections))

    def send(self, request: PreparedRequest, **kwargs: t.Any) -> Response:
        """Send when it is this request's turn."""
        with self._turn:
            self._limiter.try_acquire()
            # A pause that began meanwhile holds too, and costs the slot: at its end, it is old.
            while (pause := self._paused_until - time.monotonic()) > 0:
                time.sleep(pause)
                self._limiter.try_acquire()
        # Only `Session.request` looks at REQUESTS_CA_BUNDLE, and the SDK does not come by there.
        environment_settings = self.merge_environment_settings(request.url, {}, None, None, None)
        return super().send(request, **{**environment_settings, **kwargs})

    def pause(self, seconds: float) -> None:
        """Let no further request leave for so many seconds: the API said `Retry-After`."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)
