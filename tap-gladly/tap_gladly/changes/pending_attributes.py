"""Custom attributes that were met on conversations, until their definitions are read.

They are kept in the state: a run that is killed has moved past the conversations, and the next one
would not meet them there again.
"""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from collections.abc import Iterable

UNREAD = "unread"
"""In the state: their ids. An account has some dozens, however many conversations it has."""


class Reader(t.Protocol):
    """The stream that reads the definitions."""

    @property
    def selected(self) -> bool:
        """Whether the run reads them."""

    @property
    def stream_state(self) -> dict[str, t.Any]:
        """Its part of the state."""


class PendingAttributes:
    """The ids that were met and not read yet."""

    def __init__(self) -> None:
        self._reader: Reader | None = None

    def register(self, reader: Reader) -> None:
        """Let it be known who reads them, if it is selected."""
        self._reader = reader

    def add(self, ids: Iterable[str]) -> None:
        """Keep that these were met."""
        if self._reader and self._reader.selected:
            met = {*ids}.difference(known := self.unread())
            if met:
                self._reader.stream_state[UNREAD] = sorted({*known, *met})

    def unread(self) -> list[str]:
        """What is to be read."""
        found = self._reader.stream_state.get(UNREAD) if self._reader else None
        return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []

    def clear(self) -> None:
        """Keep that all were read."""
        if self._reader:
            self._reader.stream_state.pop(UNREAD, None)
