"""A bookmark that moves when something is read whole, and not with each record.

The SDK moves a bookmark with the newest record, which is right for a list that comes sorted by
its replication key. What Gladly gives comes in files and windows; so a stream here says itself up
to where everything is written.
"""

from __future__ import annotations

import logging
import typing as t
from datetime import datetime, timezone

from singer_sdk.exceptions import ConfigurationError, FatalAPIError
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_gladly.client import GladlyStream
from tap_gladly.times import format_time, parse_time

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record

EARLIEST = datetime(1970, 1, 2, tzinfo=timezone.utc)
"""Before any record, and after the first time that can be expressed."""


class BookmarkedStream(GladlyStream):
    """A stream with a window that begins at its bookmark and ends when the run began.

    What changes while the tap runs belongs to the next run.
    """

    is_sorted = True
    # The SDK would write the state with every 10,000th record only.
    STATE_MSG_FREQUENCY = 100
    reads_all = False

    def get_records(self, context: Context | None) -> Iterable[Record]:
        """Read the stream; where that ends early, the next run is to resume there."""
        try:
            yield from super().get_records(context)
        except FatalAPIError:
            self.keep_state()
            raise

    def start_date(self) -> datetime | None:
        """The setting `start_date`."""
        value = self.config.get("start_date")
        start = parse_time(value) if value else None
        if start and start > self.run_began:
            self.warn_once("The setting start_date lies in the future: nothing is read until then.")
        return start

    def bookmark(self) -> datetime | None:
        """The time up to which earlier runs have read; none where the full table is asked for.

        Raises:
            ConfigurationError: If the state holds something else.
        """
        if self.replication_method == REPLICATION_FULL_TABLE:
            return None
        value = self.stream_state.get("replication_key_value")
        try:
            bookmark = None if value is None else max(parse_time(value), EARLIEST)
        except (TypeError, ValueError) as error:
            message = (
                f"The bookmark of the stream {self.name!r} in the state is no time: correct or "
                "remove its replication_key_value."
            )
            raise ConfigurationError(message) from error
        if bookmark and bookmark > self.run_began:
            self.warn_once(
                f"The bookmark of the stream {self.name!r} lies in the future: nothing is read "
                "until then. Correct or remove its replication_key_value in the state."
            )
        return bookmark

    def move_bookmark(self, read_until: datetime) -> None:
        """Keep in the state that everything up to this time is written; never move back."""
        bookmark = self.bookmark()
        if bookmark is None or read_until > bookmark:
            self.stream_state["replication_key"] = self.replication_key
            self.stream_state["replication_key_value"] = format_time(read_until)

    def keep_state(self) -> None:
        """Write the state now: what comes next may be long, or fail.

        Not where records go into batches, of which one may not be written yet.
        """
        if not self.config.get("batch_config"):
            # Also if there was no record since the last time, which is when the SDK does nothing.
            self.state_manager.is_flushed = False
            self._write_state_message()

    def warn_once(self, message: str) -> None:
        """Warn of something that is of the run, and not of one stream of it."""
        if message not in self.run.named:
            self.run.named.add(message)
            self.log("%s", message, level=logging.WARNING)

    def compare_start_date(self, value: str, start_date_value: str) -> str:  # noqa: ARG002
        """Leave it to the stream to compare the two, which knows what to say of a bad one."""
        return value

    def _increment_stream_state(
        self, latest_record: Record, *, context: Context | None = None
    ) -> None:
        """Leave the bookmark where `move_bookmark` put it."""
