"""Reference data: lists that come whole with one request."""

from __future__ import annotations

import typing as t

from tap_gladly.run import AUDIENCES, ORGANIZATION, GladlyStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record


class ReferenceStream(GladlyStream):
    """A list that rarely changes."""

    primary_keys: tuple[str, ...] = ("id",)
    is_reference_data = True


class OrganizationStream(ReferenceStream):
    """The organization itself (`/organization`)."""

    name = "organization"
    path = ORGANIZATION

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the one record."""
        yield dict(self.run.organization())


class AgentsStream(ReferenceStream):
    """Agents (`/agents`)."""

    name = "agents"
    path = "/agents"


class TeamsStream(ReferenceStream):
    """Teams and the agents in them (`/teams`)."""

    name = "teams"
    path = "/teams"


class InboxesStream(ReferenceStream):
    """Inboxes (`/inboxes`)."""

    name = "inboxes"
    path = "/inboxes"


class TopicsStream(ReferenceStream):
    """Topics, those that are disabled too (`/topics`)."""

    name = "topics"
    path = "/topics"


class AudiencesStream(ReferenceStream):
    """Audiences of answers (`/audiences`)."""

    name = "audiences"
    path = AUDIENCES

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the one list, which answers need too."""
        return map(dict, self.run.audiences())


class BusinessHoursStream(ReferenceStream):
    """Business hours, and the exceptions to them (`/business-hours`)."""

    name = "business_hours"
    path = "/business-hours"


class WebhooksStream(ReferenceStream):
    """Webhooks; Gladly gives neither their credentials nor their headers (`/webhooks`)."""

    name = "webhooks"
    path = "/webhooks"


class ExportSchedulesStream(ReferenceStream):
    """When exports are made (`/export/schedules`)."""

    name = "export_schedules"
    path = "/export/schedules"
