"""The queries of the Gladly API.

What no tap asks for is unknown here: the items of one session.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from tests.sandbox.forms import Form
from tests.sandbox.gladly.timestamps import nanos

Entity = Literal[
    "AGENT_AVAILABILITY",
    "AGENT_STATUS",
    "CONTACT",
    "CONVERSATION",
    "CUSTOMER",
    "CUSTOMER_PROFILE",
    "PAYMENT_REQUEST",
    "TASK",
]
"""What events are asked for by."""
Status = Literal["PENDING", "IN_PROGRESS", "COMPLETED", "FAILED"]
"""The status of an export job."""
Text = Annotated[str, msgspec.Meta(min_length=1)]
E164 = Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{1,14}$")]


class Nanos(int):
    """An ISO 8601 date-time with an offset, as nanoseconds since 1970."""

    __slots__ = ()

    @classmethod
    def read(cls, text: str) -> Nanos:
        """Read the text of a parameter; a ``+`` that was not encoded is a blank here.

        Raises:
            ValueError: It has another form.
        """
        return cls(nanos(text))


class EventsQuery(Form, frozen=True, kw_only=True):
    """Events of a time, of some kinds."""

    start_at: Nanos
    end_at: Nanos | None = None
    entities: list[Entity]


class ExportJobsQuery(Form, frozen=True):
    """Export jobs of a time, in some status."""

    status: Status | None = None
    start_at: Nanos | None = None
    end_at: Nanos | None = None


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
