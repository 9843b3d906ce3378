"""Custom attributes that were met on conversations, until their definitions are read.

They are kept in the state: a run that is killed has moved past the conversations, and the next one
would not meet them there again.
"""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

UNREAD = "unread"
"""In the state: their ids. An account has some dozens, however many conversations it has."""


class AttributesReader(ABC):
    """The stream that reads the definitions."""

    @property
    @abstractmethod
    def stream_state(self) -> dict[str, t.Any]:
        """Its part of the state."""


class PendingAttributes:
    """The ids whose definitions are not read yet.

    Args:
        reader: The stream of the run that reads the definitions, if it is selected.
    """

    def __init__(self, reader: Callable[[], AttributesReader | None]) -> None:
        self._reader = reader

    def add(self, ids: Iterable[str]) -> None:
        """Keep ids that records name."""
        reader = self._reader()
        if reader and (met := {*ids}.difference(known := self.unread())):
            reader.stream_state[UNREAD] = sorted({*known, *met})

    def unread(self) -> list[str]:
        """The ids to read."""
        reader = self._reader()
        return list(reader.stream_state.get(UNREAD) or ()) if reader else []

    def keep(self, left: Iterable[str]) -> None:
        """Keep these ids; all others were read."""
        if reader := self._reader():
            reader.stream_state.pop(UNREAD, None)
            self.add(left)
