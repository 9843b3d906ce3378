"""One export job: where it stands, what it found."""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any, Literal

from tests.sandbox.instants import now_ms
from tests.sandbox.revenue.results import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sandbox.revenue.exports import Exports
    from tests.sandbox.revenue.results import Result

Module = Literal["FORECAST", "ACTIVITY"]
ENDINGS = frozenset({None, "FAILED", "CANCELLED", "ABORTED", "NEVER"})

MODULES: dict[Module, str] = {
    "FORECAST": "Forecast Export",
    "ACTIVITY": "Activity Export",
}
"""The titles of the jobs."""


class Job:
    """A job, which goes its way by the clock.

    It has no result when it is somebody else's. It ends as one of the `ENDINGS`; None for well.

    Attributes:
        seconds: How long it takes; may be changed until it has ended.
        began: When it was started, in milliseconds since 1970.
        downloads: How often its file was asked for.

    Raises:
        ValueError: It shall end, or look, as no job does.
    """

    def __init__(  # noqa: PLR0913 - all that makes a job
        self,
        exports: Exports,
        module: Module,
        request: dict[str, Any],
        result: Result | None,
        *,
        ending: str | None,
        user_id: int,
    ) -> None:
        if ending not in ENDINGS or exports.shape not in SHAPES:
            message = f"no job ends {ending} or looks like {exports.shape}"
            raise ValueError(message)
        self.id = secrets.token_hex(12)
        self.module = module
        self.request = request
        self.user_id = user_id
        self.seconds = exports.seconds
        self.began = now_ms()
        self.downloads = 0
        self._exports = exports
        self._result = result
        self._ending = ending
        self._shape = exports.shape
        self._max_rows = exports.max_rows
        self._lock = threading.Lock()
        self._outcome: tuple[str | None, int] | None = None

    @property
    def status(self) -> str:
        """Where it stands."""
        outcome = self._settle()
        if outcome is not None:
            return outcome[0] or self._exports.success
        queued, working = self._exports.running_statuses
        return queued if self.queued else working

    @property
    def ended(self) -> int | None:
        """When it ended, in milliseconds since 1970; None while it runs."""
        outcome = self._settle()
        return None if outcome is None else outcome[1]

    @property
    def running(self) -> bool:
        """Whether it is queued or at work."""
        return self._settle() is None

    @property
    def queued(self) -> bool:
        """Whether it waits in the queue."""
        waiting = now_ms() - self.began < self.seconds * 1000 / 3
        return waiting and self.running and self._result is not None

    @property
    def truncated(self) -> bool:
        """Whether its file lacks rows."""
        return (
            self._result is not None
            and self._max_rows is not None
            and self._result.longer_than(self._max_rows)
        )

    def document(self) -> dict[str, Any]:
        """Return the whole result, uncut and in the documented shape."""
        return {} if self._result is None else self._result.document()

    def chunks(self) -> Iterator[bytes]:
        """Write the file."""
        return (
            iter(()) if self._result is None else self._result.chunks(self._shape, self._max_rows)
        )

    def finish(self, status: str) -> None:
        """End it now."""
        with self._lock:
            self._outcome = (None if status == self._exports.success else status, now_ms())

    def _settle(self) -> tuple[str | None, int] | None:
        with self._lock:
            due = self.began + int(self.seconds * 1000)
            if self._outcome is None and self._ending != "NEVER" and now_ms() >= due:
                self._outcome = (self._ending, due)
            return self._outcome
