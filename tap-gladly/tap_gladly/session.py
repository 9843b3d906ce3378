"""The HTTP sessions: their connections, and the paces that they keep to."""

from __future__ import annotations

import math
import threading
import time
import typing as t
from collections import deque

import requests
from pyrate_limiter import InMemoryBucket, Limiter, Rate
from requests.adapters import HTTPAdapter

if t.TYPE_CHECKING:
    from requests import PreparedRequest, Response

HEADROOM = 1.02
"""How much longer than its share of the time a request's slot is. Requests leave evenly, but the
network bunches them: without headroom the server would now and then count one too many."""

REPORTS_PER_MINUTE = 10
"""What Gladly allows to an organization."""

CONCURRENT_REPORTS = 2
"""As above."""

OWN_SHARE = 0.75
"""Of a second's requests. What the tap counts in its second, the server may count in another."""


class Pace:
    """A rate, which sessions and threads can share; it pauses when the API asks for it."""

    def __init__(self, rate: Rate) -> None:
        self._limiter = Limiter(InMemoryBucket([rate]), buffer_ms=0)
        self._turn = threading.Lock()
        self._paused_until = 0.0

    @classmethod
    def per_second(cls, requests_per_second: float) -> Pace:
        """Evenly, never more than so many in any second."""
        # A slot of about a tenth of a second: small enough to spread requests evenly, large
        # enough for the limiter's clock, which counts whole milliseconds.
        per_slot = max(1, int(requests_per_second / 10))
        return cls(Rate(per_slot, math.ceil(1000 * HEADROOM * per_slot / requests_per_second)))

    @classmethod
    def of_reports(cls) -> Pace:
        """The vendor's pace of reports: at once, as long as there are not too many in a minute."""
        return cls(Rate(REPORTS_PER_MINUTE, math.ceil(60_000 * HEADROOM)))

    def wait(self) -> None:
        """Return when it is this request's turn."""
        with self._turn:
            self._limiter.try_acquire()
            # A pause that began meanwhile holds too, and costs the slot: at its end, it is old.
            while (pause := self._paused_until - time.monotonic()) > 0:
                time.sleep(pause)
                self._limiter.try_acquire()

    def pause(self, seconds: float) -> None:
        """Let no further request leave for so many seconds."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)


class ThrottledSession(requests.Session):
    """Sends from any thread, never faster than its paces.

    Args:
        own: The pace of this session; what the API says of a wait is for it.
        common: The pace that it shares with others, if there is one besides.
        connections: The most requests under way at once.
    """

    def __init__(self, own: Pace, common: Pace | None = None, *, connections: int) -> None:
        super().__init__()
        self._own = own
        self._common = common or own
        self._left: deque[float] = deque(maxlen=1000)
        for scheme in ("https://", "http://"):
            adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, pool_block=True)
            self.mount(scheme, adapter)

    def send(self, request: PreparedRequest, **kwargs: t.Any) -> Response:
        """Send when it is this request's turn."""
        self._own.wait()
        if self._common is not self._own:
            self._common.wait()
        self._left.append(time.monotonic())
        # Only `Session.request` looks at REQUESTS_CA_BUNDLE, and the SDK does not come by there.
        environment_settings = self.merge_environment_settings(request.url, {}, None, None, None)
        response = super().send(request, **{**environment_settings, **kwargs})
        self._leave_room(response)
        return response

    def pause(self, seconds: float) -> None:
        """Let no further request of this kind leave for so many seconds."""
        self._own.pause(seconds)

    def _leave_room(self, response: Response) -> None:
        """Wait for the next second where other clients of the organization have used up this one.

        What is used up by the tap alone is a matter of its pace, and no reason to stop.
        """
        try:
            limit, remaining = (
                int(response.headers[f"Ratelimit-{name}-Second"]) for name in ("Limit", "Remaining")
            )
        except (KeyError, ValueError):
            return
        a_second_ago = time.monotonic() - 1
        of_the_tap = sum(left > a_second_ago for left in tuple(self._left))
        if remaining <= 0 and of_the_tap < OWN_SHARE * limit:
            self._common.pause(1.0)
