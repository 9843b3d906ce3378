"""How many export jobs the organization may have."""

from __future__ import annotations

import typing as t
from datetime import datetime, timezone

from tap_clari.kit.decoding import decode_object
from tap_clari.kit.times import format_time
from tap_clari.revenue.exports.jobs import LIMITS
from tap_clari.revenue.run import RevenueStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record


class LimitsStream(RevenueStream):
    """The quotas of export jobs and what is left of them (`/admin/limits`), a record a run."""

    name = "limits"
    path = LIMITS
    primary_keys = ("fetchedAt",)
    tap_added_properties = ("fetchedAt",)
    full_table_is_complete = False

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Ask once."""
        answer = self.client.fetch(self.path, {})
        others = {name: each for name, each in decode_object(answer).items() if name != "jobs"}
        fetched_at = format_time(datetime.now(timezone.utc))
        yield {**others, **decode_object(answer, "jobs"), "fetchedAt": fetched_at}
