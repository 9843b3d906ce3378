"""Ids that failed. They are asked for again after the next success.

An id that an API refuses, or fails on for ever, must not stop every run at the same place. But a
fault of all of them must end the stream, with the bookmark before the first, so that none is lost.
"""

from __future__ import annotations

import typing as t

from singer_sdk.exceptions import FatalAPIError

T = t.TypeVar("T")

IN_A_ROW = 10
"""Failures in a row that end the stream."""


class DeferredIds(t.Generic[T]):
    """The ids that failed since the last success, each with the sentence that says why."""

    def __init__(self) -> None:
        self.row: list[tuple[T, str]] = []
        self._has_success = False

    def add(self, identifier: T, reason: str) -> None:
        """Keep an id that failed.

        Raises:
            FatalAPIError: If it is one too many in a row.
        """
        self.row.append((identifier, reason))
        if len(self.row) >= IN_A_ROW:
            raise FatalAPIError(reason)

    def after_success(self) -> list[T]:
        """The ids to ask for once more, since another one was answered."""
        self._has_success = True
        row, self.row = self.row, []
        return [identifier for identifier, _ in row]

    def at_the_end(self) -> list[tuple[T, str]]:
        """The ids that failed after the last success.

        Raises:
            FatalAPIError: If there was no success at all.
        """
        if self.row and not self._has_success:
            raise FatalAPIError(self.row[0][1])
        return self.row
