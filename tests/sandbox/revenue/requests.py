"""The queries and bodies of the Revenue API.

What no tap asks for is unknown here: filters of audit events but for the time, schedules, CSV.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tests.sandbox.forms import Form, Instant
from tests.sandbox.instants import micros

FORECAST_TYPES = (
    "forecast",
    "quota",
    "forecast_updated",
    "adjustment",
    "crm_total",
    "crm_closed",
)
ActivityType = Literal[
    "MEETING", "EMAIL_SENT", "EMAIL_RECEIVED", "ATTACHMENT_SENT", "ATTACHMENT_RECEIVED"
]
Text = Annotated[str, msgspec.Meta(min_length=1)]


class ForecastRequest(Form, frozen=True):
    """The body that starts a forecast export."""

    time_period: str | None = None
    types_to_export: list[str] = msgspec.field(
        default_factory=lambda: ["forecast", "forecast_updated"]
    )
    scope_id: str | None = None
    currency: str | None = None
    include_historical: bool = False
    export_format: Literal["JSON"] = "JSON"


class LiveForecastQuery(Form, frozen=True):
    """The latest week of a forecast; in no document of the vendor, but asked for so by clients."""

    time_period: Text | None = None
    scope_id: Text | None = None


class ActivityRequest(Form, frozen=True):
    """The body that starts an activity export."""

    activity_types: list[ActivityType] | None = None
    start_date: str | None = None
    end_date: str | None = None
    export_format: Literal["JSON"] = "JSON"


class AuditQuery(Form, frozen=True):
    """A page of audit events; a cursor stands alone."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    date_from: Instant | None = None
    date_to: Instant | None = None
    cursor: Text | None = None


class OpportunityQuery(Form, frozen=True):
    """Opportunities by their ids."""

    opp_id: Annotated[list[Text], msgspec.Meta(max_length=100)]
    mode: Text = "OPPORTUNITY_MODE_ID"


def day_in_zone(text: str) -> int:
    """Return when the day of a date-time begins in its own zone, in milliseconds since 1970.

    Raises:
        ValueError: The text is no ISO 8601 date-time with an offset.
    """
    micros(text)
    offset = "Z" if text.endswith("Z") else text[max(text.rfind("+"), text.rfind("-")) :]
    return micros(f"{text[:10]}T00:00:00{offset}") // 1000
