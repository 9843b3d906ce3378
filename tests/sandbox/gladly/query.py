"""The queries of the Gladly API.

What no tap asks for is unknown here: the items of one session.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from tests.sandbox.forms import Form
from tests.sandbox.gladly.errors import invalid
from tests.sandbox.gladly.timestamps import nanos

if TYPE_CHECKING:
    from collections.abc import Mapping

Text = Annotated[str, msgspec.Meta(min_length=1)]
Once = Annotated[list[Text], msgspec.Meta(max_length=1)]
E164 = Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{1,14}$")]


class Given(Form, frozen=True, omit_defaults=True):
    """A query whose values are checked by what it asks."""

    def values(self) -> dict[str, list[str]]:
        """Return the values of each parameter that was given."""
        given: dict[str, list[str]] = msgspec.to_builtins(self)
        return given


class EventsQuery(Given, frozen=True):
    """Events of a time, of some kinds."""

    start_at: Once = msgspec.field(default_factory=list)
    end_at: Once = msgspec.field(default_factory=list)
    entities: list[Text] = msgspec.field(default_factory=list)


class ExportJobsQuery(Given, frozen=True):
    """Export jobs of a time, in some status."""

    status: Once = msgspec.field(default_factory=list)
    start_at: Once = msgspec.field(default_factory=list)
    end_at: Once = msgspec.field(default_factory=list)


class AnswerQuery(Form, frozen=True):
    """One public answer, in a language."""

    lng: Text = "en-us"


class AnswersQuery(AnswerQuery, frozen=True):
    """Public answers in a language, for all or for an audience."""

    audience_id: Text | None = None


class CustomersQuery(Form, frozen=True):
    """Customers by exactly one identifier."""

    email: Text | None = None
    external_customer_id: Text | None = None
    phone_number: E164 | None = None


class TasksQuery(Form, frozen=True):
    """Tasks of a customer."""

    status: Literal["OPEN", "CLOSED"] | None = None


def instant(given: Mapping[str, list[str]], name: str) -> int | None:
    """Read one ISO 8601 date-time of a query.

    Returns:
        Nanoseconds since 1970; None when the parameter was not given.

    Raises:
        BadRequestError: It has another form. A ``+`` that was not encoded is a blank here.
    """
    if name not in given:
        return None
    try:
        return nanos(given[name][0])
    except ValueError as error:
        raise invalid(attr=name, detail=f"{name} must be an ISO 8601 date-time") from error
