"""The streams, one module an area of the API."""

from __future__ import annotations

from tap_clari.streams.activities import ActivitiesStream
from tap_clari.streams.audit import AuditEventsStream
from tap_clari.streams.calls import CallDetailsStream, CallsStream
from tap_clari.streams.crm import AccountsStream, ContactsStream, DealsStream
from tap_clari.streams.export_jobs import ExportJobResultsStream, ExportJobsStream
from tap_clari.streams.forecasts import (
    ForecastEntriesStream,
    ForecastFieldsStream,
    ForecastsStream,
    ForecastTimeFramesStream,
    ForecastTimePeriodsStream,
    ForecastUsersStream,
)
from tap_clari.streams.ingest_jobs import IngestJobsStream
from tap_clari.streams.limits import LimitsStream
from tap_clari.streams.opportunities import OpportunitiesStream
from tap_clari.streams.scorecards import ScorecardsStream, ScorecardTemplatesStream
from tap_clari.streams.topics import KeywordTopicsStream, TopicsStream
from tap_clari.streams.users import UsersStream

_REVENUE_LISTS = (LimitsStream, ForecastsStream, IngestJobsStream, AuditEventsStream)
_REVENUE_EXPORTS = (
    ForecastEntriesStream,
    ForecastUsersStream,
    ForecastFieldsStream,
    ForecastTimePeriodsStream,
    ForecastTimeFramesStream,
    ActivitiesStream,
    OpportunitiesStream,
    ExportJobsStream,
    ExportJobResultsStream,
)
_COPILOT_LISTS = (
    UsersStream,
    TopicsStream,
    KeywordTopicsStream,
    ScorecardTemplatesStream,
    ScorecardsStream,
    CallsStream,
    AccountsStream,
    DealsStream,
    ContactsStream,
)

REVENUE_STREAMS = (*_REVENUE_LISTS, *_REVENUE_EXPORTS)
"""What `api_key` opens."""

COPILOT_STREAMS = (*_COPILOT_LISTS, CallDetailsStream)
"""What `copilot_api_key` and `copilot_api_password` open."""

SYNC_ORDER = tuple(
    stream.name
    for stream in (*_REVENUE_LISTS, *_COPILOT_LISTS, *_REVENUE_EXPORTS, CallDetailsStream)
)
"""The order of a sync: cheap streams first.

One that runs into a quota ends the run, and leaves nothing to those behind it: so those that spend
export jobs come late, and the details, which can spend the week's requests to Copilot, last.
"""
