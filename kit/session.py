"""The HTTP sessions: their connections, and the paces that they keep."""

from __future__ import annotations

import math
import ssl
import threading
import time
import typing as t
from collections import deque

import backoff
import requests
import truststore
from pyrate_limiter import InMemoryBucket, Limiter, Rate, SingleBucketFactory
from requests.adapters import HTTPAdapter

if t.TYPE_CHECKING:
    from collections.abc import Generator

    from requests import PreparedRequest, Response
    from requests.adapters import _HostParams, _PoolKwargs

HEADROOM = 1.02
"""How much longer than its share of the time a request's slot is. Requests leave evenly, but the
network bunches them: without headroom the server would now and then count one too many."""

DECREASE = 0.08
"""By how much of itself the rate falls with a refusal: 8 % at the full rate, 4 % at half of it, so
that of two clients the one that takes more yields more."""

SAME_BURST = 2.0
"""Seconds. Refusals that come so close together weigh more, since the rate is far too high."""

LARGEST_DECREASE = 0.3

INCREASE = 0.0001
"""How much of the full rate comes back, times the square of the seconds since the last refusal:
1 % in 10 s, a half in 70 s."""

SMALLEST_SHARE = 0.05
"""Of the full rate: what is left of it after any number of refusals."""


class Pace:
    """A rate, which sessions and threads can share; it pauses when the API asks for it."""

    def __init__(self, rate: Rate, first_retry: float = 1.0, longest_retry: float = 60.0) -> None:
        self._first_retry = first_retry
        self._longest_retry = longest_retry
        self._rate = rate
        self._full_interval = rate.interval
        self._per_second = 1000 * rate.limit / rate.interval
        self._bucket = InMemoryBucket([rate])
        # Left to itself, the library empties it in a thread, which now and then fails as it begins.
        buckets = SingleBucketFactory(self._bucket, schedule_leak=False)
        self._limiter = Limiter(buckets, buffer_ms=0)
        self._turn = threading.Lock()
        self._paused_until = 0.0
        self._share = 1.0
        self._refusals: deque[float] = deque([-math.inf])

    @classmethod
    def per_second(cls, requests_per_second: float) -> Pace:
        """Evenly, and never more than so many in any second; at least one a day."""
        requests_per_second = max(requests_per_second, 1 / 86_400)
        # A slot of about a tenth of a second: small enough to spread requests evenly, large
        # enough for the limiter's clock, which counts whole milliseconds.
        per_slot = max(1, int(requests_per_second / 10))
        return cls(Rate(per_slot, math.ceil(1000 * HEADROOM * per_slot / requests_per_second)))

    @classmethod
    def per_minute(cls, requests_per_minute: int) -> Pace:
        """At once, as long as there are not more than so many in any minute.

        Its retries wait 5, 10, 20, 30 and 30 seconds: somebody else may have used up a minute's
        requests, and the fifth try comes after that minute.
        """
        rate = Rate(requests_per_minute, math.ceil(60_000 * HEADROOM))
        return cls(rate, first_retry=5.0, longest_retry=30.0)

    def retry_waits(self) -> Generator[float, t.Any, None]:
        """Seconds before each retry, doubled each time: 1, 2, 4, … unless the pace has others."""
        return backoff.expo(factor=self._first_retry, max_value=self._longest_retry)

    def wait(self) -> None:
        """Return when it is this request's turn."""
        with self._turn:
            self._take_slot()
            # If a pause started while this request waited, wait it out and take a new slot. The
            # old slot has expired.
            while (pause := self._paused_until - time.monotonic()) > 0:
                time.sleep(pause)
                self._take_slot()

    def has_line(self) -> bool:
        """Whether a request waits for its turn."""
        return self._turn.locked()

    def _take_slot(self) -> None:
        self._rate.interval = math.ceil(self._full_interval / self.share())
        self._bucket.leak(self._bucket.now())  # type: ignore[no-untyped-call]
        self._limiter.try_acquire()

    def share(self) -> float:
        """How much of the full rate is used: all of it, unless the API has refused requests."""
        quiet = time.monotonic() - self._refusals[-1]
        return min(1.0, self._share + INCREASE * quiet**2)

    def slow_down(self, requests_per_second: float = math.inf) -> None:
        """Send less after a refusal, and more again bit by bit as long as none follows.

        The API may count otherwise than the tap, on a busy machine above all, or somebody else may
        use the same account. Two taps come to share the rate in this way.

        Args:
            requests_per_second: The most from now on, if the API says what is left.
        """
        share, now = self.share(), time.monotonic()
        self._refusals.append(now)
        while self._refusals[0] < now - SAME_BURST:
            self._refusals.popleft()
        decrease = min(DECREASE * share * len(self._refusals), LARGEST_DECREASE)
        share = min(share * (1 - decrease), requests_per_second / self._per_second)
        self._share = max(SMALLEST_SHARE, share)

    def pause(self, seconds: float) -> None:
        """Let no further request leave for so many seconds."""
        self._paused_until = max(self._paused_until, time.monotonic() + seconds)


class SystemTrustAdapter(HTTPAdapter):
    """Trusts what the system trusts, as a company's own proxy, besides the public authorities.

    REQUESTS_CA_BUNDLE takes the place of both.
    """

    def __init__(self, connections: int) -> None:
        self._system_trust = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        super().__init__(pool_connections=1, pool_maxsize=connections, pool_block=True)

    def build_connection_pool_key_attributes(
        self,
        request: PreparedRequest,
        verify: bool | str,  # noqa: FBT001 - the signature of requests
        cert: str | tuple[str, str] | None = None,
    ) -> tuple[_HostParams, _PoolKwargs]:
        """Use the system's trust store, unless `verify` is the path of a bundle."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if not isinstance(verify, str):
            pool["ssl_context"] = self._system_trust
        return host, pool


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
        for scheme in ("https://", "http://"):
            self.mount(scheme, SystemTrustAdapter(connections))

    def send(self, request: PreparedRequest, **kwargs: t.Any) -> Response:
        """Send when it is this request's turn."""
        self._own.wait()
        if self._common is not self._own:
            self._common.wait()
        # Only `Session.request` looks at REQUESTS_CA_BUNDLE, and the SDK does not come by there.
        environment_settings = self.merge_environment_settings(request.url, {}, None, None, None)
        return super().send(request, **{**environment_settings, **kwargs})

    def pause(self, seconds: float) -> None:
        """Let no further request of this kind leave for so many seconds."""
        self._own.pause(seconds)

    def slow_down(self) -> None:
        """Send less for a while, since the API has refused a request."""
        self._own.slow_down()

    def has_line(self) -> bool:
        """Whether a request waits for its turn: then more of them would not make it faster."""
        return self._own.has_line() or self._common.has_line()

    def retry_waits(self) -> Generator[float, t.Any, None]:
        """Seconds before each retry of a request."""
        return self._own.retry_waits()
