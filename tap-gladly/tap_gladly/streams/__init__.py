"""The streams, one module an area of the API."""

from __future__ import annotations

from tap_gladly.streams.answers import AnswerContentsStream, AnswersStream
from tap_gladly.streams.conversations import (
    ConversationItemsStream,
    ConversationsStream,
    CustomAttributesStream,
    CustomerConversationsStream,
    VoiceTranscriptsStream,
)
from tap_gladly.streams.customers import CustomerProfilesStream
from tap_gladly.streams.events import EventsStream
from tap_gladly.streams.exports import (
    ExportAgentsStream,
    ExportConversationItemsStream,
    ExportCustomersStream,
    ExportJobsStream,
    ExportTopicsStream,
)
from tap_gladly.streams.reference import (
    AgentsStream,
    AudiencesStream,
    BusinessHoursStream,
    ExportSchedulesStream,
    InboxesStream,
    OrganizationStream,
    TeamsStream,
    TopicsStream,
    WebhooksStream,
)
from tap_gladly.streams.tasks import CustomerTasksStream, TaskCommentsStream, TasksStream
from tap_gladly.streams.work_sessions import WorkSessionEventsStream

STREAMS = (
    EventsStream,
    OrganizationStream,
    AgentsStream,
    TeamsStream,
    InboxesStream,
    TopicsStream,
    AudiencesStream,
    BusinessHoursStream,
    WebhooksStream,
    ExportSchedulesStream,
    ExportJobsStream,
    ExportAgentsStream,
    ExportTopicsStream,
    ExportCustomersStream,
    ExportConversationItemsStream,
    AnswersStream,
    WorkSessionEventsStream,
)
"""The streams that every account has, in the order of a sync; reports come after them.

Events come first, since Gladly deletes them after 24 hours; then what costs one request. Reports
come last, since Gladly makes few of them in a minute.
"""

STREAMS_BY_ID = (
    ConversationsStream,
    ConversationItemsStream,
    CustomerProfilesStream,
    CustomerConversationsStream,
    TasksStream,
    TaskCommentsStream,
    CustomerTasksStream,
    VoiceTranscriptsStream,
    CustomAttributesStream,
    AnswerContentsStream,
)
"""The streams that come after the reports: a request for each record, so that they take longest.

Transcripts come after the items, which say where there is a call, and custom attributes last, since
conversations name them.
"""
