"""Progress lines: how far a long reading is, for the user who looks at the log.

A structured log has the same as fields, in `progress`.
"""

from __future__ import annotations

import time
import typing as t
from datetime import timedelta

INTERVAL = 30.0
"""Seconds between two lines."""


class ProgressLog:
    """Counts what is done, and logs it every 30 seconds.

    Args:
        log: Where the lines go: a stream's `log`.
        name: What is read, such as the stream's name.
        total: How many there are; `None` where that is not known.
    """

    def __init__(self, log: t.Callable[..., None], name: str, total: int | None = None) -> None:
        self._log = log
        self._name = name
        self.total = total
        self._done = 0
        self._began = self._logged = time.monotonic()

    def count(self, done: int = 1) -> bool:
        """Count what is done; returns whether a line was logged."""
        self._done += done
        now = time.monotonic()
        if now - self._logged < INTERVAL:
            return False
        self._logged = now
        fields: dict[str, t.Any] = {"of": self._name, "done": self._done}
        if self.total is None:
            self._log(
                "%s: %s done in %s (h:mm:ss)",
                self._name,
                f"{self._done:,}",
                _since(self._began),
                extra={"progress": fields},
            )
            return True
        left = max(0, self.total - self._done)
        seconds = left * (now - self._began) / max(1, self._done)
        fields |= {"total": self.total, "seconds_left": round(seconds)}
        self._log(
            "%s: %s of %s done, %s left, which takes about %s (h:mm:ss)",
            self._name,
            f"{self._done:,}",
            f"{self.total:,}",
            f"{left:,}",
            timedelta(seconds=round(seconds)),
            extra={"progress": fields},
        )
        return True


def _since(began: float) -> timedelta:
    return timedelta(seconds=round(time.monotonic() - began))
