"""Reference data: lists that come whole with one request."""

from __future__ import annotations

import typing as t

from tap_gladly.run import AUDIENCES, ORGANIZATION, GladlyStream

if t.TYPE_CHECKING:
    from collections.abc import Iterable

    from singer_sdk.helpers.types import Context, Record


class OrganizationStream(GladlyStream):
    """The organization itself (`/organization`)."""

    name = "organization"
    path = ORGANIZATION
    primary_keys = ("id",)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the one record."""
        yield dict(self.run.organization())


class AgentsStream(GladlyStream):
    """Agents (`/agents`)."""

    name = "agents"
    path = "/agents"
    primary_keys = ("id",)


class TeamsStream(GladlyStream):
    """Teams and the agents in them (`/teams`)."""

    name = "teams"
    path = "/teams"
    primary_keys = ("id",)


class InboxesStream(GladlyStream):
    """Inboxes (`/inboxes`)."""

    name = "inboxes"
    path = "/inboxes"
    primary_keys = ("id",)


class TopicsStream(GladlyStream):
    """Topics, those that are disabled too (`/topics`)."""

    name = "topics"
    path = "/topics"
    primary_keys = ("id",)


class AudiencesStream(GladlyStream):
    """Audiences of answers (`/audiences`)."""

    name = "audiences"
    path = AUDIENCES
    primary_keys = ("id",)

    def request_records(self, context: Context | None) -> Iterable[Record]:  # noqa: ARG002
        """Read the one list, which answers need too."""
        return map(dict, self.run.audiences())


class BusinessHoursStream(GladlyStream):
    """Business hours, and the exceptions to them (`/business-hours`)."""

    name = "business_hours"
    path = "/business-hours"
    primary_keys = ("id",)


class WebhooksStream(GladlyStream):
    """Webhooks; Gladly gives neither their credentials nor their headers (`/webhooks`)."""

    name = "webhooks"
    path = "/webhooks"
    primary_keys = ("id",)


class ExportSchedulesStream(GladlyStream):
    """When exports are made (`/export/schedules`)."""

    name = "export_schedules"
    path = "/export/schedules"
    primary_keys = ("id",)
