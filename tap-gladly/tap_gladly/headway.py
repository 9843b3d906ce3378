"""How far a long reading is: what a user sees of it in the log."""

from __future__ import annotations

import time
import typing as t
from datetime import timedelta

SECONDS = 30.0
"""Between two lines."""


class Headway:
    """Counts what is done, and says it.

    Args:
        log: Where it is said.
        total: How much there is to do.
    """

    def __init__(self, log: t.Callable[..., None], total: int) -> None:
        self._log = log
        self._total = total
        self._done = 0
        self._began = self._said = time.monotonic()

    def count(self) -> None:
        """One more is done."""
        self._done += 1

    def is_due(self) -> bool:
        """Whether it is time to say it."""
        return time.monotonic() - self._said >= SECONDS

    def say(self) -> None:
        """Say what is done, what is left, and how long that takes at the speed until now."""
        self._said = time.monotonic()
        left = max(0, self._total - self._done)
        seconds = left * (self._said - self._began) / max(1, self._done)
        self._log(
            "%s of %s done, %s left, which takes about %s (h:mm:ss)",
            f"{self._done:,}",
            f"{self._total:,}",
            f"{left:,}",
            timedelta(seconds=round(seconds)),
        )
