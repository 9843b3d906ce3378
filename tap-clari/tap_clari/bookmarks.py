"""A bookmark that moves when something is read whole, and not with each record.

The SDK moves a bookmark with the newest record, which is right for a list that comes sorted by
its replication key. What Clari gives comes in windows, unsorted within, or with times that lie
in the future; so a stream here says itself up to where everything is written.
"""

from __future__ import annotations

import logging
import typing as t
from datetime import datetime, timedelta, timezone

from singer_sdk.exceptions import ConfigurationError
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_clari.client import ClariStream
from tap_clari.times import format_time, parse_time

if t.TYPE_CHECKING:
    from singer_sdk import Tap
    from singer_sdk.helpers.types import Context, Record

    from tap_clari.session import ThrottledSession

EARLIEST = datetime(1970, 1, 2, tzinfo=timezone.utc)
"""Before any record, and after the first time that can be expressed."""


class BookmarkedStream(ClariStream):
    """A stream with a window that begins at its bookmark and ends when the run began.

    What changes while the tap runs belongs to the next run.
    """

    is_sorted = True
    # The SDK would write the state with every 10,000th record only.
    STATE_MSG_FREQUENCY = 100

    def __init__(self, tap: Tap, session: ThrottledSession) -> None:
        super().__init__(tap, session)
        self._has_warned = False
        self.run_began = datetime.fromtimestamp(tap.initialized_at / 1000, timezone.utc)

    @property
    def bookmark_field(self) -> str | None:
        """What the bookmark is a time of."""
        return self.replication_key

    @property
    def lookback(self) -> timedelta:
        """How far before its bookmark the stream reads again."""
        return timedelta(days=self.config["lookback_days"])

    def bookmark(self) -> datetime | None:
        """The time up to which earlier runs have read; none where the full table is asked for.

        Raises:
            ConfigurationError: If the state holds something else.
        """
        if self.replication_key and self.replication_method == REPLICATION_FULL_TABLE:
            return None
        value = self.stream_state.get("replication_key_value")
        try:
            return None if value is None else parse_time(value)
        except (TypeError, ValueError) as error:
            message = (
                f"The bookmark of the stream {self.name!r} in the state is no time: correct or "
                "remove its replication_key_value."
            )
            raise ConfigurationError(message) from error

    def window_start(self) -> datetime | None:
        """Where the run's window begins: the look-back goes back from a bookmark only."""
        start_date = self.config.get("start_date")
        earliest = parse_time(start_date) if start_date else None
        bookmark = self.bookmark()
        start = earliest
        if bookmark is not None:
            start = max(bookmark, EARLIEST) - self.lookback
            if start > self.run_began:
                self._warn_of_future(
                    "The bookmark of this stream lies in the future: nothing is read until then. "
                    "Correct or remove its replication_key_value in the state."
                )
            start = max(start, earliest or start)
        if earliest and earliest > self.run_began:
            self._warn_of_future(
                "The setting start_date lies in the future: nothing is read until then."
            )
        return start

    def _warn_of_future(self, message: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            self.log("%s", message, level=logging.WARNING)

    def move_bookmark(self, read_until: datetime) -> None:
        """Keep in the state that everything up to this time is written; never move back."""
        bookmark = self.bookmark()
        if bookmark is None or read_until > bookmark:
            self.stream_state["replication_key"] = self.bookmark_field
            self.stream_state["replication_key_value"] = format_time(read_until)

    def compare_start_date(self, value: str, start_date_value: str) -> str:  # noqa: ARG002
        """Leave it to `window_start` to compare the two, which knows what to say of a bad one."""
        return value

    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark where `move_bookmark` put it."""
