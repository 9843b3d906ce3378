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

    from tap_clari.kit.decoding import Answer


class LimitsStream(RevenueStream):
    """The quotas of export jobs and what is left of them (`/admin/limits`), a record a run."""

    name = "limits"
    path = LIMITS
    primary_keys = ("fetchedAt",)
    tap_added_properties = ("fetchedAt",)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Ask for the limits."""
        limits = self.client.fetch(self.path, self._decode)
        yield self.with_added(limits, fetchedAt=format_time(datetime.now(timezone.utc)))

    def _decode(self, answer: Answer) -> Record:
        """The limits, with what stands beside them."""
        jobs = decode_object(answer, "jobs")
        beside = {name: each for name, each in decode_object(answer).items() if name != "jobs"}
        return self.with_extra(jobs, beside)
