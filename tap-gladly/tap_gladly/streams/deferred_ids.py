"""What could not be read, until it is clear whether that is up to one id or to Gladly as a whole.

An id that Gladly refuses or fails on for ever must not stop every run at the same place. But a
fault of all of them must end the run, with the bookmark before the first, so that none is lost.
"""

from __future__ import annotations

import typing as t

from singer_sdk.exceptions import FatalAPIError

if t.TYPE_CHECKING:
    from tap_gladly.changes.facts import Change

IN_A_ROW = 10
"""How many in a row are no chance any more."""


class DeferredIds:
    """Those in a row that could not be read.

    Attributes:
        row: Since the last one that could, each with the sentence that says why not.
    """

    def __init__(self) -> None:
        self.row: list[tuple[Change, str]] = []
        self._others_are_good = False

    def add(self, change: Change, fault: str) -> None:
        """One more could not be read.

        Raises:
            FatalAPIError: If it is one too many.
        """
        self.row.append((change, fault))
        if len(self.row) >= IN_A_ROW:
            raise FatalAPIError(fault)

    def resolved(self) -> list[Change]:
        """One could be read, so that it is not Gladly as a whole: what to ask for once more."""
        self._others_are_good = True
        row, self.row = self.row, []
        return [change for change, _ in row]

    def at_the_end(self) -> list[tuple[Change, str]]:
        """There is no other to come: what is in doubt still.

        Raises:
            FatalAPIError: If none could be read.
        """
        if self.row and not self._others_are_good:
            raise FatalAPIError(self.row[0][1])
        return self.row
