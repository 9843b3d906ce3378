"""The command `tap-gladly`: its place in the workspace, no streams yet."""

from __future__ import annotations

import typing as t

from singer_sdk import Tap

if t.TYPE_CHECKING:
    from singer_sdk import Stream


class TapGladly(Tap):
    """Singer tap for Gladly. It offers no streams yet."""

    name = "tap-gladly"

    def discover_streams(self) -> list[Stream]:
        """List the streams: none yet."""
        return []
