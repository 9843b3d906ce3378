"""How far a long reading is: what a user sees of it in the log."""

from __future__ import annotations

import time
import typing as t
from datetime import timedelta

SECONDS = 30.0
"""Between two lines."""


class Headway:
    """Says now and then what is done and what is left.

    Args:
        log: Where it is said.
        total: How much there is to do.
    """

    def __init__(self, log: t.Callable[..., None], total: int) -> None:
        self._log = log
        self._total = total
        self._done = 0
        self._began = time.monotonic()
        self._due = self._began + SECONDS

    def one_more(self) -> bool:
        """One more is done; returns whether that was said."""
        self._done += 1
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + SECONDS
        left = max(0, self._total - self._done)
        self._log(
            "%s of %s done, %s left, which takes about %s (h:mm:ss)",
            f"{self._done:,}",
            f"{self._total:,}",
            f"{left:,}",
            timedelta(seconds=round(left * (now - self._began) / self._done)),
        )
        return True
