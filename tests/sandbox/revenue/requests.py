"""Reads request bodies and query strings, and refuses whatever the vendor does not document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID  # noqa: TC003 - msgspec reads the types of members

import msgspec

from tests.sandbox.instants import DAY, micros

if TYPE_CHECKING:
    from starlette.requests import Request

    from tests.sandbox.revenue.errors import Refuse

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
SessionType = Literal["WEB", "IOS", "ANDROID"]

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ALSO_REPEATED = frozenset({"oppId"})


class _Form(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """What may stand in a request; a stranger is refused."""


class NoQuery(_Form):
    """A query string that must be empty."""


class ForecastRequest(_Form):
    """The body that starts a forecast export."""

    time_period: str | None = None
    types_to_export: list[str] = msgspec.field(
        default_factory=lambda: ["forecast", "forecast_updated"]
    )
    scope_id: str | None = None
    currency: str | None = None
    schedule: Literal["NONE", "ONCE", "MAX"] = "NONE"
    include_historical: bool = False
    export_format: Literal["JSON", "CSV"] = "JSON"


class ActivityRequest(_Form):
    """The body that starts an activity export."""

    activity_types: list[ActivityType] | None = None
    start_date: str | None = None
    end_date: str | None = None
    export_format: Literal["JSON"] = "JSON"


class AuditRequest(_Form):
    """Which audit events are asked for."""

    actor_id: int | None = None
    impersonating_actor_id: int | None = None
    session_id: UUID | None = None
    session_type: SessionType | None = None
    date_from: str | None = None
    date_to: str | None = None
    event: str | None = None


class AuditQuery(AuditRequest):
    """The query string that asks for audit events."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class OpportunityQuery(_Form):
    """The query string that asks for opportunities."""

    opp_id: Annotated[
        list[Annotated[str, msgspec.Meta(min_length=1)]], msgspec.Meta(max_length=100)
    ]
    mode: str = "OPPORTUNITY_MODE_ID"


class CancelRequest(_Form):
    """The body that changes a job."""

    type: Literal["CANCEL"]


FormT = TypeVar("FormT", bound=_Form)


async def read_body(
    request: Request, form: type[FormT], refuse: Refuse, *, required: bool
) -> tuple[FormT, dict[str, Any]]:
    """Read a JSON body.

    Args:
        request: The request.
        form: What may stand in the body.
        refuse: Makes the refusal.
        required: Whether there must be a body.

    Returns:
        What was read, and the body as it came.

    Raises:
        RefusedError: There is something wrong with it, or with the query string, which must be
            empty.
    """
    read_query(request, NoQuery, refuse)
    body = await request.body()
    if not body and not required:
        return form(), {}
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        message = "The Content-Type must be application/json"
        raise refuse(message)
    try:
        read = msgspec.json.decode(body, type=form)
        return read, msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        message = f"The request body was malformed: {error}"
        raise refuse(message) from error


def read_query(request: Request, form: type[FormT], refuse: Refuse) -> FormT:
    """Read a query string.

    Args:
        request: The request.
        form: What may stand in the query.
        refuse: Makes the refusal.

    Raises:
        RefusedError: There is something wrong with it.
    """
    given: dict[str, Any] = {}
    query = request.scope["query_string"].decode("latin-1")
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in _ALSO_REPEATED:
            given.setdefault(name, []).append(value)
        elif name in given or not value:
            message = f"{name} must be given once, with a value"
            raise refuse(message)
        else:
            given[name] = value
    try:
        return msgspec.convert(given, type=form, strict=False)
    except msgspec.ValidationError as error:
        raise refuse(str(error)) from error


def day_in_zone(text: str) -> int:
    """Return when the day of a date-time begins in its own zone, in milliseconds since 1970.

    Raises:
        ValueError: The text is no ISO 8601 date-time with an offset.
    """
    micros(text)
    offset = "Z" if text.endswith("Z") else text[max(text.rfind("+"), text.rfind("-")) :]
    return micros(f"{text[:10]}T00:00:00{offset}") // 1000


def moment_or_day(text: str) -> tuple[int, int]:
    """Return the first and last millisecond of a date-time (the same) or of a day in UTC.

    Raises:
        ValueError: The text is neither.
    """
    if _DATE.fullmatch(text):
        first = micros(f"{text}T00:00:00Z") // 1000
        return first, first + DAY // 1000 - 1
    moment = micros(text) // 1000
    return moment, moment
