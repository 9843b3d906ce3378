"""Which calls that are listed again have changed, told by a digest for each span of time.

They are those of the look-back, and those of exactly the bookmark's time. A digest for each call
would let the state grow with them. Calls whose modified time lies in the same span share one: where
it differs from that of the last run, all of them are read again.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import datetime, timedelta, timezone

import msgspec

from tap_clari.kit.decoding import decode_json

SPANS = 720
"""How many spans the look-back has: for 30 days one is an hour."""

SHORTEST = timedelta(microseconds=1)
"""A span without a look-back: the bookmark's time alone."""

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MODULUS = 1 << 64


class CallDigests:
    """The digests of the state, and those of what is listed now.

    Args:
        known: The digests of the state, by the begin of their span; they are changed in place.
        lookback: How long the spans are together.
    """

    def __init__(self, known: dict[str, str], lookback: timedelta) -> None:
        self._known = known
        self._lookback = lookback
        self._length = max(lookback / SPANS, SHORTEST)
        self._listed: defaultdict[str, int] = defaultdict(int)
        self._recent: set[str] = set()
        self._incomplete: set[str] = set()

    def begin_of(self, moment: datetime) -> datetime:
        """The begin of the span that a time lies in."""
        return EPOCH + (moment - EPOCH) // self._length * self._length

    def span_of(self, moment: datetime) -> str:
        """The name of the span that a time lies in: its begin, so that names sort as times do."""
        return self.begin_of(moment).replace(tzinfo=None).isoformat()

    def add(self, span: str, call: msgspec.Raw) -> None:
        """Take in a call as it is listed. Neither the order of calls nor that of members counts."""
        canonical = msgspec.json.encode(decode_json(call), order="deterministic")
        number = int.from_bytes(hashlib.sha256(canonical).digest()[:8], "big")
        self._listed[span] = (self._listed[span] + number) % MODULUS
        self._recent.add(span)

    def is_changed(self, span: str) -> bool:
        """Whether the calls of a span, which are all listed, differ from those of the last run."""
        return self._known.get(span) != f"{self._listed[span]:016x}"

    def doubt(self) -> None:
        """Have the spans of the newest calls read again by the next run: one could not be read."""
        self._incomplete |= self._recent

    def keep(self, bookmark: datetime, unread: str | None) -> None:
        """Keep in the state what was listed, since all of it is written, but for one span.

        Args:
            bookmark: What lies before its look-back is forgotten.
            unread: The span that is not.
        """
        oldest = self.span_of(bookmark - self._lookback)
        for span in [each for each in self._listed if each != unread]:
            self._known[span] = f"{self._listed[span]:016x}"
        for span in self._incomplete & self._known.keys():
            del self._known[span]
        self._recent &= {unread}
        for digests in (self._known, self._listed):
            for span in [each for each in digests if each < oldest]:
                del digests[span]
