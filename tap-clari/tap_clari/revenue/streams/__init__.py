"""The streams of the Revenue API, one module an area."""

from __future__ import annotations

from tap_clari.revenue.streams.activities import ActivitiesStream
from tap_clari.revenue.streams.audit import AuditEventsStream
from tap_clari.revenue.streams.export_jobs import ExportJobResultsStream, ExportJobsStream
from tap_clari.revenue.streams.forecasts import (
    ForecastEntriesStream,
    ForecastFieldsStream,
    ForecastLiveEntriesStream,
    ForecastsStream,
    ForecastTimeFramesStream,
    ForecastTimePeriodsStream,
    ForecastUsersStream,
)
from tap_clari.revenue.streams.ingest_jobs import IngestJobsStream
from tap_clari.revenue.streams.limits import LimitsStream
from tap_clari.revenue.streams.opportunities import OpportunitiesStream, OpportunityChangesStream

LISTS = (
    LimitsStream,
    ForecastsStream,
    ForecastLiveEntriesStream,
    IngestJobsStream,
    AuditEventsStream,
)
"""Streams that take requests only."""

EXPORTS = (
    ForecastEntriesStream,
    ForecastUsersStream,
    ForecastFieldsStream,
    ForecastTimePeriodsStream,
    ForecastTimeFramesStream,
    ActivitiesStream,
    OpportunitiesStream,
    OpportunityChangesStream,
    ExportJobsStream,
    ExportJobResultsStream,
)
"""Streams that spend export jobs, and those that come after these."""
