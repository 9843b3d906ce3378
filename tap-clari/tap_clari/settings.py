"""The settings of the tap, and what a schema cannot say of them."""

from __future__ import annotations

import re
import typing as t

from singer_sdk import typing as th

from tap_clari.kit.settings import header_errors, start_date_errors, url_errors

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CALL_STATUSES = (
    "SCHEDULED",
    "INITIATED",
    "INPROGRESS",
    "WAITING_IN_QUEUE",
    "PROCESSING",
    "PROCESSED",
    "ERROR_IN_TRANSCRIBE",
    "ERROR_IN_PROCESSING",
    "ERROR_IN_RECORDING",
    "UNABLE_TO_JOIN",
    "CALL_DID_NOT_HAPPEN",
    "IGNORED_BY_USER",
    "BOTJOIN_DISABLED",
    "POST_PROCESSING_DONE",
    "NO_DATA_INCALL",
    "NOBODY_JOINED_CALL",
    "BOTJOIN_DENIED",
)
"""Every status of a call (the vendor's document, `CallStatus`)."""

FORECAST_TYPES = (
    "forecast",
    "quota",
    "forecast_updated",
    "adjustment",
    "crm_total",
    "crm_closed",
)
"""Every kind of value of a forecast (the vendor's document, `typesToExport`)."""

ACTIVITY_TYPES = (
    "MEETING",
    "EMAIL_SENT",
    "EMAIL_RECEIVED",
    "ATTACHMENT_SENT",
    "ATTACHMENT_RECEIVED",
)
"""Every kind of activity (the vendor's document, `activityTypes`)."""

SECRETS = ("api_key", "partner_key", "copilot_api_key", "copilot_api_password")

_VERSION = re.compile(r"/v\d+/?$")
_QUARTER = re.compile(r"\d{4}_Q[1-4]")

REVENUE_URL = "https://api.clari.com"
COPILOT_URL = "https://rest-api.copilot.clari.com"

SETTINGS = th.PropertiesList(
    th.Property(
        "api_key",
        th.StringType,
        secret=True,
        title="API Key",
        description="Token of the Clari Revenue API (sent as apikey). In Clari: Settings > API "
        "Token. It ends when its user is deactivated.",
    ),
    th.Property(
        "partner_key",
        th.StringType,
        secret=True,
        title="Partner Key",
        description="Partner key of the Clari Revenue API (sent as partnerkey), which only "
        "ingest_job_ids need.",
    ),
    th.Property(
        "api_url",
        th.StringType,
        default=REVENUE_URL,
        title="API URL",
        description="Address of the Clari Revenue API, without a version. The credentials are "
        "sent to this origin only.",
    ),
    th.Property(
        "forecast_ids",
        th.ArrayType(th.StringType(min_length=1)),
        default=[],
        title="Forecast IDs",
        description="Forecasts to export, by the id in the address of their Forecast Tab; an "
        "empty list: all that the API lists. Each costs an export job for each period.",
    ),
    th.Property(
        "time_periods",
        th.ArrayType(th.StringType),
        default=[],
        title="Time Periods",
        description="Fiscal quarters to export, such as 2026_Q3; an empty list: the current one.",
    ),
    th.Property(
        "forecast_types",
        th.ArrayType(th.StringType(allowed_values=list(FORECAST_TYPES))),
        default=list(FORECAST_TYPES),
        title="Forecast Types",
        description="Kinds of value to export of a forecast. Where Clari does not export crm_total "
        "and crm_closed, they are left out with a warning.",
    ),
    th.Property(
        "forecast_scope_id",
        th.StringType,
        title="Forecast Scope ID",
        description="The part of the hierarchy to export, such as 1905::MGR. Without it, all "
        "that the token's user sees.",
    ),
    th.Property(
        "currency",
        th.StringType,
        title="Currency",
        description="Currency of the forecast's amounts, such as USD. Without it, Clari's own.",
    ),
    th.Property(
        "include_historical",
        th.BooleanType,
        default=True,
        title="Include Historical",
        description="Export every week of a quarter; otherwise only the current one.",
    ),
    th.Property(
        "keep_forecast_snapshots",
        th.BooleanType,
        default=False,
        title="Keep Forecast Snapshots",
        description="Add exportedAt to the key of forecast_entries, so that each run adds what "
        "the forecast said then. Otherwise a run replaces what the one before it wrote.",
    ),
    th.Property(
        "activity_types",
        th.ArrayType(th.StringType(allowed_values=list(ACTIVITY_TYPES))),
        default=list(ACTIVITY_TYPES),
        title="Activity Types",
        description="Kinds of activity to export.",
    ),
    th.Property(
        "activity_lookback_days",
        th.IntegerType(minimum=0, maximum=10_000),
        default=7,
        title="Activity Look-back Days",
        description="Days before the bookmark from which activities are read again, since mail "
        "is indexed late. Never reaches before start_date.",
    ),
    th.Property(
        "opportunity_ids",
        th.ArrayType(th.StringType(min_length=1)),
        default=[],
        title="Opportunity IDs",
        description="Opportunities to read, by their CRM id, besides those that the activities "
        "of the run belong to.",
    ),
    th.Property(
        "ingest_job_ids",
        th.ArrayType(th.StringType(min_length=1)),
        default=[],
        title="Ingest Job IDs",
        description="Ingest jobs to read the status of. Needs partner_key.",
    ),
    th.Property(
        "job_poll_interval_seconds",
        th.NumberType(exclusive_minimum=0, maximum=600),
        default=5,
        title="Job Poll Interval Seconds",
        description="Seconds between two looks at an export job.",
    ),
    th.Property(
        "job_timeout_seconds",
        th.NumberType(exclusive_minimum=0, maximum=86_400),
        default=1800,
        title="Job Timeout Seconds",
        description="Seconds to wait for an export job to end, or for a free slot.",
    ),
    th.Property(
        "copilot_api_key",
        th.StringType,
        secret=True,
        title="Copilot API Key",
        description="API key of Clari Copilot (sent as X-Api-Key). In Copilot: Workspace "
        "settings > Integrations > Clari Copilot API.",
    ),
    th.Property(
        "copilot_api_password",
        th.StringType,
        secret=True,
        title="Copilot API Password",
        description="API password of Clari Copilot (sent as X-Api-Password). It is shown beside "
        "the key.",
    ),
    th.Property(
        "copilot_api_url",
        th.StringType,
        default=COPILOT_URL,
        title="Copilot API URL",
        description="Address of the Clari Copilot API. The credentials are sent to this origin "
        "only.",
    ),
    th.Property(
        "start_date",
        th.DateTimeType,
        title="Start Date",
        description="Read from this time on (ISO 8601): calls by their modified time, activities "
        "and audit events by their own. Without it, all calls, and 365 days of the others.",
    ),
    th.Property(
        "lookback_days",
        th.IntegerType(minimum=0, maximum=10_000),
        default=0,
        title="Look-back Days",
        description="Days before the bookmark from which calls and audit events are read again, "
        "for edits that do not move a call's modified time. Never reaches before start_date.",
    ),
    th.Property(
        "call_detail_statuses",
        th.ArrayType(th.StringType(allowed_values=list(CALL_STATUSES))),
        default=["PROCESSED", "POST_PROCESSING_DONE"],
        title="Call Detail Statuses",
        description="Statuses of the calls whose details are read, one request a call; an empty "
        "list: every status.",
    ),
    th.Property(
        "include_private_calls",
        th.BooleanType,
        default=False,
        title="Include Private Calls",
        description="Read private calls too.",
    ),
    th.Property(
        "include_media_urls",
        th.BooleanType,
        default=False,
        title="Include Media URLs",
        description="Fill audio_url and video_url with signed URLs. They are secrets, valid for "
        "four hours, that open the recording to anyone.",
    ),
    th.Property(
        "requests_per_second",
        th.NumberType(exclusive_minimum=0),
        default=10,
        title="Requests per Second",
        description="The most requests to each API that leave in any second, over all streams. "
        "Copilot allows 10 to a key.",
    ),
    th.Property(
        "max_concurrent_requests",
        th.IntegerType(minimum=1, maximum=100),
        default=8,
        title="Max Concurrent Requests",
        description="The most requests under way at once.",
    ),
    th.Property(
        "request_timeout_seconds",
        th.NumberType(exclusive_minimum=0, maximum=3600),
        default=60,
        title="Request Timeout Seconds",
        description="Seconds to wait for an answer before the request is tried again.",
    ),
    th.Property(
        "user_agent",
        th.StringType,
        title="User Agent",
        description="The User-Agent header. Default: tap-clari and its version.",
    ),
)


def setting_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    """A sentence for each setting that has the right type and cannot work."""
    yield from start_date_errors(config.get("start_date"), ". Leave it out to read all calls.")
    yield from _revenue_url_errors(config)
    yield from url_errors("copilot_api_url", config["copilot_api_url"], COPILOT_URL)
    yield from header_errors(config, (*SECRETS, "user_agent"))
    for name in ("forecast_ids", "ingest_job_ids"):
        if {".", ".."} & set(config[name]):
            yield f"The setting {name} holds dots where an id belongs: correct or remove them."
    for period in config["time_periods"]:
        if not _QUARTER.fullmatch(period):
            yield (
                f"The setting time_periods holds {period!r}, which is no fiscal quarter: write it "
                "as 2026_Q3."
            )
    for name in ("forecast_types", "activity_types"):
        if not config[name]:
            yield f"The setting {name} is empty: leave it out to read all of them."


def _revenue_url_errors(config: Mapping[str, t.Any]) -> Iterator[str]:
    errors = list(url_errors("api_url", config["api_url"], REVENUE_URL))
    if not errors and _VERSION.search(config["api_url"]):
        yield f"The setting api_url must not end with a version: write it as {REVENUE_URL}."
    yield from errors
